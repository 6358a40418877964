// Package transfer carries session templates and options from one BOS to
// another, through files: its own exports, and those that the export scripts of
// CSM make. It reads, checks and plans before it writes; where to and how is
// in package client.
package transfer

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	// maxFile bounds one file, maxFiles the files of one import, maxArchive
	// what is in one archive.
	maxFile    = 64 << 20
	maxFiles   = 10_000
	maxArchive = 512 << 20
)

// Data is what an export holds.
type Data struct {
	Templates []bos.SessionTemplate `json:"session_templates"`
	Options   *bos.Options          `json:"options,omitempty"`
}

// Input is what the files of an import say.
type Input struct {
	Templates []Template
	// Options is nil if no file has any.
	Options *bos.OptionsPatch
	// Dropped says what was read and is not imported, a sentence each.
	Dropped []string
}

// Template is a template with where it came from.
type Template struct {
	bos.SessionTemplate
	Source string
}

// Read reads files, and the .json files of directories and archives: exports of
// this program, lists of templates, single templates (named by their file where
// they have no name), and objects of options. A directory v2 in a directory is
// read as well. Templates without a tenant go to
// the given one. The error names everything that is wrong.
func Read(paths []string, tenant string) (Input, error) {
	r := reader{tenant: tenant, from: make(map[bos.SessionKey]string)}
	files, err := expand(paths)
	if err != nil {
		return Input{}, err
	}
	for _, file := range files {
		if err := r.file(file); err != nil {
			r.wrong = append(r.wrong, err)
		}
	}
	if len(r.wrong) == 0 && len(r.in.Templates) == 0 && r.in.Options == nil {
		r.wrong = append(r.wrong, fmt.Errorf("%s: no template and no options are in there", strings.Join(paths, ", ")))
	}
	return r.in, errors.Join(r.wrong...)
}

// expand lists the files to read.
func expand(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("cannot import: %w", err)
		case !info.IsDir():
			files = append(files, path)
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("cannot import: %w", err)
		}
		for _, e := range entries {
			name := filepath.Join(path, e.Name())
			switch {
			case e.IsDir() && e.Name() == "v2":
				more, err := expand([]string{name})
				if err != nil {
					return nil, err
				}
				files = append(files, more...)
			case !e.IsDir() && strings.EqualFold(filepath.Ext(e.Name()), ".json"):
				files = append(files, name)
			}
		}
	}
	if len(files) > maxFiles {
		return nil, fmt.Errorf("%d files are too many for one import, at most %d are taken; put the templates into one list", len(files), maxFiles)
	}
	return files, nil
}

type reader struct {
	tenant string
	in     Input
	from   map[bos.SessionKey]string
	wrong  []error
}

func (r *reader) file(path string) error {
	if isArchive(path) {
		return r.archive(path)
	}
	f, err := os.Open(path) //nolint:gosec // the user names the file
	if err != nil {
		return fmt.Errorf("cannot import: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return r.document(path, filepath.Base(path), f)
}

// document reads one document; base is the name of its file, without folders.
func (r *reader) document(source, base string, from io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", source, err)
	}
	if len(text) > maxFile {
		return fmt.Errorf("%s is larger than %d MiB; split it", source, maxFile>>20)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return fmt.Errorf("%s is no JSON document: %w", source, err)
	}
	if word := bystander(value); word != "" {
		r.drop(source, "holds %s; templates and options alone are imported", word)
		return nil
	}
	return r.value(source, strings.TrimSuffix(base, filepath.Ext(base)), value)
}

// value takes one document: a list of templates, or one of the objects.
func (r *reader) value(source, name string, value any) error {
	switch v := value.(type) {
	case []any:
		return r.list(source, v)
	case map[string]any:
		return r.object(source, name, v)
	default:
		return fmt.Errorf("%s is neither a list of session templates, nor a session template, nor options", source)
	}
}

func (r *reader) list(source string, list []any) error {
	var wrong []error
	for i, entry := range list {
		at := fmt.Sprintf("%s[%d]", source, i)
		object, ok := entry.(map[string]any)
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s is no session template", at))
			continue
		}
		wrong = append(wrong, r.template(at, "", object))
	}
	return errors.Join(wrong...)
}

func (r *reader) object(source, name string, object map[string]any) error {
	_, isTemplate := object["boot_sets"]
	templates, isExport := object["session_templates"]
	options, hasOptions := object["options"]
	switch {
	case isTemplate:
		return r.template(source, name, object)
	case isExport || hasOptions:
		return r.export(source, templates, options, object)
	case slices.ContainsFunc(slices.Collect(maps.Keys(object)), isOption):
		return r.options(source, object)
	default:
		return fmt.Errorf("%s is neither a list of session templates, nor a session template (it has no boot_sets), nor options", source)
	}
}

func (r *reader) export(source string, templates, options any, object map[string]any) error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name != "session_templates" && name != "options" {
			wrong = append(wrong, fmt.Errorf("%s: %q is no member of an export", source, name))
		}
	}
	if list, ok := templates.([]any); ok {
		wrong = append(wrong, r.list(source, list))
	} else if templates != nil {
		wrong = append(wrong, fmt.Errorf("%s: session_templates is no list", source))
	}
	if set, ok := options.(map[string]any); ok {
		wrong = append(wrong, r.options(source+": options", set))
	} else if options != nil {
		wrong = append(wrong, fmt.Errorf("%s: options is no object", source))
	}
	return errors.Join(wrong...)
}

func (r *reader) drop(source, format string, args ...any) {
	r.in.Dropped = append(r.in.Dropped, source+": "+fmt.Sprintf(format, args...))
}
