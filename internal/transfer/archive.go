package transfer

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// isArchive tells by its name whether a file is a compressed archive, as the
// export scripts of CSM make.
func isArchive(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar.gz")
}

// archive reads the .json files of an archive, wherever they are in it, but for
// those of BOS v1: v2 lists the same templates.
func (r *reader) archive(name string) error {
	f, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return fmt.Errorf("cannot import: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s is no archive: %w", name, err)
	}
	limited := &io.LimitedReader{R: unpacked, N: maxArchive}
	members := tar.NewReader(limited)
	var wrong []error
	for count := 0; ; {
		header, err := members.Next()
		switch {
		case errors.Is(err, io.EOF):
			return errors.Join(wrong...)
		case err != nil && limited.N <= 0:
			return fmt.Errorf("%s holds more than %d MiB; unpack it and import what is needed", name, maxArchive>>20)
		case err != nil:
			return fmt.Errorf("%s cannot be unpacked: %w", name, err)
		}
		if header.Typeflag != tar.TypeReg || !strings.EqualFold(path.Ext(header.Name), ".json") || slices.Contains(strings.Split(header.Name, "/"), "v1") {
			continue
		}
		if count++; count > maxFiles {
			return fmt.Errorf("%s has more than %d files; unpack it and import what is needed", name, maxFiles)
		}
		wrong = append(wrong, r.document(name+": "+path.Clean(header.Name), path.Base(header.Name), members))
	}
}

// bystanders are what the export scripts of CSM write beside templates and
// options, by members that only they have.
var bystanders = []struct {
	members []string
	word    string
}{
	{[]string{"id", "desired_state"}, "components"},
	{[]string{"operation", "template_name"}, "sessions"},
	{[]string{"major", "minor"}, "the version of a BOS"},
}

// bystander says what a document is that is read and not imported, empty for
// all that must make sense.
func bystander(value any) string {
	if list, ok := value.([]any); ok {
		if len(list) == 0 {
			return ""
		}
		value = list[0]
	}
	object, _ := value.(map[string]any)
	for _, b := range bystanders {
		if !slices.ContainsFunc(b.members, func(name string) bool { _, has := object[name]; return !has }) {
			return b.word
		}
	}
	return ""
}
