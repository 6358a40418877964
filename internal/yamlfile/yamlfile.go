// Package yamlfile reads files that an administrator writes: strictly, with the
// line in every error, and again when they changed. What is in them is the
// business of the packages that read them.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile bounds a file: 10,000 nodes of one line each are about 2 MiB.
const maxFile = 32 << 20

// settled is how old a change must be before the file counts as read whole:
// two writes within the resolution of its time look like one.
const settled = 2 * time.Second

// File is a file that is read as a T. It is safe for concurrent use.
type File[T any] struct {
	path  string
	parse func(Document) (T, error)

	mu    sync.Mutex
	have  bool
	is    version
	value T
	err   error
}

type version struct {
	changed time.Time
	size    int64
}

// New reads path with parse; nothing is read before Read.
func New[T any](path string, parse func(Document) (T, error)) *File[T] {
	return &File[T]{path: path, parse: parse}
}

// Read is the file as it is now. It is parsed again only if it changed. What it
// returns is shared, and nobody may change it.
func (f *File[T]) Read() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	info, err := os.Stat(f.path)
	if err != nil {
		f.have = false
		var none T
		return none, err
	}
	is := version{info.ModTime(), info.Size()}
	if f.have && is == f.is {
		return f.value, f.err
	}
	f.value, f.err = f.load()
	f.have, f.is = now.Sub(is.changed) > settled, is
	return f.value, f.err
}

func (f *File[T]) load() (value T, err error) {
	file, err := os.Open(f.path)
	if err != nil {
		return value, err
	}
	defer file.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return value, err
	}
	if len(body) > maxFile {
		return value, fmt.Errorf("%s is larger than %d bytes; it should be a YAML file of at most that", f.path, maxFile)
	}
	return f.parse(Document{f.path, body})
}

// Document is what a file holds.
type Document struct {
	path string
	body []byte
}

// Text is a document that is no file; path is its name in errors.
func Text(path, text string) Document { return Document{path, []byte(text)} }

// Decode reads the document into v. Fields that v does not have, and keys that
// come twice, are errors.
func (d Document) Decode(v any) (err error) {
	// The library panics at documents that fuzzing found, such as a tag with
	// nothing behind it where a list is wanted.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s is no YAML that can be read: %v; look for a tag (!...) or an alias (*...) and take it out", d.path, p)
		}
	}()
	err = yaml.UnmarshalWithOptions(d.body, v, yaml.Strict())
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	var wrong *yaml.TypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s:%d: here is %s; it should be %s", d.path, wrong.Token.Position.Line, word(wrong.SrcType), word(wrong.DstType))
	}
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		return fmt.Errorf("%s:%d: %s%s", d.path, at.GetToken().Position.Line, unshown(at.GetMessage()), d.quoted(at.GetToken().Position.Line))
	}
	// It has no place: that of the value which it repeats is the next best.
	if value := repeated.FindStringSubmatch(err.Error()); value != nil {
		if i := bytes.Index(d.body, []byte(value[1])); value[1] != "" && i >= 0 {
			return fmt.Errorf("%s:%d: %s", d.path, 1+bytes.Count(d.body[:i], []byte("\n")), unshown(err.Error()))
		}
	}
	return fmt.Errorf("%s: %s", d.path, unshown(err.Error()))
}

// repeated is what a message of the library repeats of a document.
var repeated = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// unshown is a message of the library without the values that it repeats, as one may be a
// password: written where another setting belongs, or not quoted and taken for an alias.
// The names of fields are no values.
func unshown(message string) string {
	if strings.HasPrefix(message, "unknown field ") || strings.HasPrefix(message, "mapping key ") {
		return message
	}
	bare := repeated.ReplaceAllString(message, "(not shown)")
	if strings.Contains(bare, "alias") || strings.Contains(bare, "anchor") {
		bare += "; quote a value that begins with * or &"
	}
	return bare
}

// quoted is a hint where a line has braces within braces, which YAML takes for
// mappings.
func (d Document) quoted(line int) string {
	lines := strings.Split(string(d.body), "\n")
	if line < 1 || line > len(lines) || !placeholderInBraces.MatchString(lines[line-1]) {
		return ""
	}
	return `; quote a value that holds braces, such as "/redfish/v1/Systems/Node{node}"`
}

var placeholderInBraces = regexp.MustCompile(`\{[^}"']*\{`)

// word is what a type is called by who writes YAML.
func word(t reflect.Type) string {
	if t == nil {
		return "nothing"
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a mapping"
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Pointer:
		return word(t.Elem())
	default:
		if t == reflect.TypeFor[time.Duration]() {
			return "a duration such as 10s"
		}
		return "a number"
	}
}

// Errorf is an error about what is at a place such as $.nodes[2].bmc, or the
// nearest above it that there is.
func (d Document) Errorf(place, format string, args ...any) error {
	return fmt.Errorf("%s%s: %w", d.path, d.line(place), fmt.Errorf(format, args...))
}

func (d Document) line(place string) string {
	file, err := parser.ParseBytes(d.body, 0)
	if err != nil {
		return ""
	}
	for ; place != "$" && place != ""; place = above(place) {
		if n := find(file, place); n != nil && n.GetToken() != nil {
			return fmt.Sprintf(":%d", n.GetToken().Position.Line)
		}
	}
	return ""
}

func find(file *ast.File, place string) ast.Node {
	path, err := yaml.PathString(place)
	if err != nil {
		return nil
	}
	n, err := path.FilterFile(file)
	if err != nil {
		return nil
	}
	return n
}

// above is the place that holds a place.
func above(place string) string {
	for i := len(place) - 1; i > 0; i-- {
		if place[i] == '.' || place[i] == '[' {
			return place[:i]
		}
	}
	return ""
}
