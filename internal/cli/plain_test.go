package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatComesFromFilesMovesNoCursorOfATerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\n\ttext, ä, 節点": "plain\n\ttext, ä, 節点", "a\x1b[2Jb": `a\x1b[2Jb`, "a\rb": `a\rb`, "a\u202eb": `a\u202eb`, "a\u009bb": `a\u009bb`, "a\x00b": `a\x00b`, "a\xffb": "a\ufffdb",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	url := start(t)
	list := filepath.Join(t.TempDir(), "templates\x1b[2J\ncreated 1.json")
	if err := os.WriteFile(list, []byte(oneTemplate), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := command(t, "import", "--dry-run", list, "--endpoint", url)
	if err != nil || strings.Contains(out, "\x1b") || strings.Contains(out, "\ncreated 1") || !strings.Contains(out, "links is written by the service") {
		t.Errorf("%q, %v", out, err)
	}
}
