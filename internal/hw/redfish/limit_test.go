package redfish

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
)

func TestTooFewFilesForAllBMCsAreToldWithTheWayOut(t *testing.T) {
	for name, test := range map[string]struct {
		bmcs, kept, most int
		warns            bool
	}{
		"enough":                           {bmcs: 100, kept: 100},
		"too few":                          {bmcs: 101, kept: 100, warns: true},
		"more than are ever kept":          {bmcs: 20_000, kept: 10_000},
		"as many as the administrator set": {bmcs: 101, kept: 100, most: 50},
	} {
		var said bytes.Buffer
		Config{MaxIdle: test.most, Log: slog.New(slog.NewTextHandler(&said, nil))}.warnOfLimit(test.bmcs, test.kept)
		if got := said.Len() > 0; got != test.warns {
			t.Errorf("%s: it said %q", name, said.String())
		}
		if test.warns && !strings.Contains(said.String(), "ulimit -n 202") {
			t.Errorf("%s: no way out in %q", name, said.String())
		}
	}
}

func TestHowManyBMCsThereAreIsToldOnce(t *testing.T) {
	l := newLocator(func(context.Context) (map[string]Endpoint, error) {
		return map[string]Endpoint{"x1c0s0b0n0": {Address: "a"}, "x1c0s0b0n1": {Address: "a"}, "x1c0s1b0n0": {Address: "b"}}, nil
	}, 1)
	var told []int
	l.found = func(bmcs int) { told = append(told, bmcs) }
	for range 3 {
		if _, err := l.renewed(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(told) != 1 || told[0] != 2 {
		t.Errorf("told %v", told)
	}
}
