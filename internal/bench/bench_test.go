package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestEachFigureIsPrintedForEachSize(t *testing.T) {
	var out bytes.Buffer
	f := flags{sizes: "20, 40", repeat: 1, clients: 2, seconds: 0.01, dir: t.TempDir()}
	if err := run(t.Context(), &out, f); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if want := 1 + 2*(len(calls)+9); len(lines) != want {
		t.Errorf("%d lines, want %d:\n%s", len(lines), want, out.String())
	}
	for _, call := range calls {
		if strings.Count(out.String(), call.what+" ") != 2 {
			t.Errorf("not twice %q:\n%s", call.what, out.String())
		}
	}
}

func TestASizeThatIsNoneIsRefused(t *testing.T) {
	for _, sizes := range []string{"", "x", "0", "10,-1"} {
		if err := run(t.Context(), &bytes.Buffer{}, flags{sizes: sizes, repeat: 1, clients: 1, dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "-sizes") {
			t.Errorf("%q: %v", sizes, err)
		}
	}
}
