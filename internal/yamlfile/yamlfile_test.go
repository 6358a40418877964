package yamlfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

type shape struct {
	Name string           `yaml:"name"`
	List []map[string]int `yaml:"list"`
}

func parse(d yamlfile.Document) (shape, error) {
	var s shape
	return s, d.Decode(&s)
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\nother: b\n":       "f.yaml:2: ",
		"name: a\nname: b\n":        "f.yaml:2: ",
		"\n\nname: [a]\n":           "f.yaml:3: ",
		"name: a\nlist: [\n":        "f.yaml:",
		"name: a\nlist:\n  - b: c":  "f.yaml:3: ",
		"name: a\n---\nNAME: b\n{{": "f.yaml:",
	} {
		if _, err := parse(yamlfile.Text("f.yaml", text)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	// The library panics at this one.
	if _, err := parse(yamlfile.Text("f.yaml", "name: a\nlist: !00\nb: c")); err == nil || !strings.HasPrefix(err.Error(), "f.yaml") {
		t.Errorf("a tag alone: %v", err)
	}
	if s, err := parse(yamlfile.Text("f.yaml", "")); err != nil || s.Name != "" {
		t.Errorf("of nothing: %+v, %v", s, err)
	}
}

func TestAPlaceIsNamedWithItsLineOrThatOfWhatHoldsIt(t *testing.T) {
	d := yamlfile.Text("f.yaml", "name: a\nlist:\n  - b: 1\n  - b: 2\n    c: 3\n")
	for place, want := range map[string]string{
		"$.list[1].c": "f.yaml:5: wrong",
		"$.list[1].d": "f.yaml:4: wrong",
		"$.list[7].d": "f.yaml:3: wrong",
		"$.other":     "f.yaml: wrong",
		"$":           "f.yaml: wrong",
	} {
		if err := d.Errorf(place, "wrong"); err.Error() != want {
			t.Errorf("%s: %q, want %q", place, err, want)
		}
	}
}

func TestAFileIsReadAgainWhenItChanged(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f.yaml")
	write := func(text string, age time.Duration) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if at := time.Now().Add(-age); os.Chtimes(name, at, at) != nil {
			t.Fatal("no time")
		}
	}
	parsed := 0
	f := yamlfile.New(name, func(d yamlfile.Document) (shape, error) {
		parsed++
		return parse(d)
	})
	if _, err := f.Read(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	for i, text := range []string{"name: a", "name: b", "nam: c", "name: dd"} {
		write(text, time.Duration(10-i)*time.Minute)
		for range 3 {
			s, err := f.Read()
			if (err != nil) != (i == 2) || err == nil && "name: "+s.Name != text {
				t.Errorf("%s: %+v, %v", text, s, err)
			}
		}
		if parsed != i+1 {
			t.Errorf("parsed %d times after %d changes", parsed, i+1)
		}
	}
	// Just written, it may change again within the resolution of its time.
	write("name: e", 0)
	_, _ = f.Read()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte("name: f"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if s, err := f.Read(); err != nil || s.Name != "f" {
		t.Errorf("got %+v, %v", s, err)
	}
}
