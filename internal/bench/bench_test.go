package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

func TestMain(m *testing.M) {
	if slices.Contains(os.Args, "-room") {
		main() // a side of the measurement, which run has started
		return
	}
	os.Exit(m.Run())
}

func TestEachFigureIsPrintedForEachSizeAndDatabase(t *testing.T) {
	databases, settings := "both", 2
	if !postgrestest.Installed() {
		databases, settings = "sqlite", 0
	}
	var out bytes.Buffer
	f := flags{sizes: "20, 40", repeat: 1, rounds: 2, clients: 2, seconds: 0.01, dir: t.TempDir(), database: databases}
	if err := run(t.Context(), &out, f); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	perSize := len(calls) + len(reads) + 10
	if settings > 0 {
		perSize++ // the memory of the PostgreSQL
	}
	if want := settings + 1 + 2*perSize; len(lines) != want {
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
		if err := run(t.Context(), &bytes.Buffer{}, flags{sizes: sizes, repeat: 1, clients: 1, dir: t.TempDir(), database: "sqlite"}); err == nil || !strings.Contains(err.Error(), "-sizes") {
			t.Errorf("%q: %v", sizes, err)
		}
	}
}
