package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mostDoors is how many files the walk of one booting component may lead through.
const mostDoors = 11

var goFile = regexp.MustCompile("`([a-z0-9_/.]+\\.go)`")

// text reads a file of the repository.
func text(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("../..", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// files are the Go files that a text names, once each.
func files(of string) []string {
	seen := make(map[string]bool)
	var all []string
	for _, m := range goFile.FindAllStringSubmatch(of, -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			all = append(all, m[1])
		}
	}
	return all
}

// section is a part of a page of Markdown.
func section(t *testing.T, page, title string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "\n## "+title+"\n")
	if !ok {
		t.Fatalf("there is no section %q", title)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

func TestTheFilesThatTheArchitectureNamesExist(t *testing.T) {
	page := text(t, "ARCHITECTURE.md")
	named := files(page)
	if len(named) < 80 {
		t.Errorf("found %d files, the page is read wrongly", len(named))
	}
	// The page calls files as one reads them, without what all have in common; One pass is about the shell.
	for _, name := range named {
		found := false
		for _, at := range []string{"", "internal", "internal/service", "internal/hw", "internal/service/shell", "internal/service/store/sqlite"} {
			_, err := os.Stat(filepath.Join("../..", at, name))
			found = found || err == nil
		}
		if !found {
			t.Errorf("ARCHITECTURE.md names %s, which is not there", name)
		}
	}
}

func TestTheWalkOfABootingComponentIsFifteenStepsThroughElevenFiles(t *testing.T) {
	walk := section(t, text(t, "ARCHITECTURE.md"), "A component boots")
	if doors := files(walk); len(doors) != mostDoors {
		t.Errorf("it leads through %d files, want %d: %v", len(doors), mostDoors, doors)
	}
	if steps := regexp.MustCompile(`(?m)^\d+\. `).FindAllString(walk, -1); len(steps) != 15 {
		t.Errorf("it has %d steps, want 15", len(steps))
	}
}

// Who reads the package from its beginning comes upon every file, in an order in which
// each can be understood.
func TestTheDocumentOfDecideNamesEachOfItsFiles(t *testing.T) {
	doc := text(t, "internal/service/decide/doc.go")
	entries, err := os.ReadDir("../service/decide")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && name != "doc.go" && !strings.Contains(doc, name) {
			t.Errorf("doc.go does not say what %s is for", name)
		}
	}
	for _, m := range regexp.MustCompile(`[a-z_]+\.go`).FindAllString(doc, -1) {
		if _, err := os.Stat(filepath.Join("../service/decide", m)); err != nil {
			t.Errorf("doc.go names %s: %v", m, err)
		}
	}
}
