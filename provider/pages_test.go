package provider_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pages are the files of a folder of the registry's documentation, by path.
func pages(t *testing.T, folder string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../docs/" + folder + "/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("docs/%s has %d pages, %v", folder, len(paths), err)
	}
	found := make(map[string]string)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimPrefix(path, "../docs/")] = string(text)
	}
	return found
}

func TestEveryPageHasAnExampleAndEveryResourceSaysHowItIsImported(t *testing.T) {
	t.Parallel()
	for folder, parts := range map[string][]string{
		"resources":      {"## Example Usage\n\n```terraform", "## Import\n"},
		"data-sources":   {"## Example Usage\n\n```terraform"},
		"actions":        {"## Example Usage\n\n```terraform"},
		"list-resources": {"## Example Usage\n\n```"},
		"functions":      {"## Example Usage\n\n```terraform"},
	} {
		for path, text := range pages(t, folder) {
			for _, part := range parts {
				if !strings.Contains(text, part) {
					t.Errorf("%s has no %q", path, part)
				}
			}
		}
	}
}

func TestEveryGuideHasATitleAndIsNamedByTheIndex(t *testing.T) {
	t.Parallel()
	index, err := os.ReadFile("../docs/index.md")
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range pages(t, "guides") {
		if !strings.HasPrefix(text, "---\n") || !strings.Contains(text, "\npage_title: \"") {
			t.Errorf("%s has no front matter with a title", path)
		}
		if !strings.Contains(string(index), "("+strings.TrimSuffix(path, ".md")+")") {
			t.Errorf("the index does not name %s", path)
		}
	}
}
