package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestALineIsPrintedForEachSize(t *testing.T) {
	var out bytes.Buffer
	f := flags{sizes: "20, 40", repeat: 1, clients: 2, seconds: 0.01, dir: t.TempDir()}
	if err := run(t.Context(), &out, f); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.HasPrefix(strings.TrimSpace(lines[2]), "40 ") || strings.Count(lines[2], " ms") != 9 {
		t.Errorf("it printed\n%s", out.String())
	}
}

func TestASizeThatIsNoneIsRefused(t *testing.T) {
	for _, sizes := range []string{"", "x", "0", "10,-1"} {
		if err := run(t.Context(), &bytes.Buffer{}, flags{sizes: sizes, repeat: 1, clients: 1, dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "-sizes") {
			t.Errorf("%q: %v", sizes, err)
		}
	}
}
