package bos

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestKernelParametersThatComeLaterHaveTheirWay(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing":                          {nil, ""},
		"one line":                         {[]string{"console=ttyS0 quiet"}, "console=ttyS0 quiet"},
		"an empty line after it":           {[]string{"a=1 b", ""}, "a=1 b"},
		"a new word":                       {[]string{"a=1", "b=2"}, "a=1 b=2"},
		"another value, in its place":      {[]string{"a=1 b=2 c", "b=3"}, "a=1 b=3 c"},
		"all of a name":                    {[]string{"console=tty0 quiet console=ttyS0", "console=ttyS1"}, "console=ttyS1 quiet"},
		"a name several times":             {[]string{"console=tty0 quiet", "console=ttyS0 console=ttyS1,115200"}, "console=ttyS0 console=ttyS1,115200 quiet"},
		"a switch that gets a value":       {[]string{"nosmt quiet", "nosmt=force"}, "nosmt=force quiet"},
		"dashes and underscores":           {[]string{"bos-update_frequency=4h x", "bos_update_frequency=1h"}, "bos_update_frequency=1h x"},
		"names that only begin alike":      {[]string{"a=1 ab=2", "a=3"}, "a=3 ab=2"},
		"three lines":                      {[]string{"a=1", "a=2 b=1", "b=2"}, "a=2 b=2"},
		"a heredoc with line breaks":       {[]string{"a=1\n  b=2\n", "\tc\r\n"}, "a=1 b=2 c"},
		"spaces between quotes":            {[]string{`dyndbg="file a.c +p" quiet`, `dyndbg="file b.c +p; file c.c +p"`}, `dyndbg="file b.c +p; file c.c +p" quiet`},
		"a whole word between quotes":      {[]string{`"a=1 2" b`, "a=3"}, "a=3 b"},
		"what is for init stays at an end": {[]string{"a=1 -- single", "b=2 -- x"}, "a=1 b=2 -- single x"},
		"the same again":                   {[]string{"a=1 a=1", "a=1"}, "a=1"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := MergeKernelParameters(c.lines...); err != nil || got != c.want {
				t.Errorf("got %q, want %q (%v)", got, c.want, err)
			}
		})
	}
}

func TestKernelParametersThatNoNodeCouldBootWithAreNotMerged(t *testing.T) {
	for name, lines := range map[string][]string{
		"too long":                {strings.Repeat("a", MaxCommandLine)},
		"too long together":       {strings.Repeat("a", 1200), strings.Repeat("b", 1200)},
		"an open quote":           {`a="b c`},
		"a line break in quotes":  {"a=\"b\nc\""},
		"a control character":     {"a=\x01"},
		"a word of iPXE":          {"a || b"},
		"what is not UTF-8":       {"a=\xff"},
		"a comment as iPXE reads": {"a #b"},
	} {
		_, err := MergeKernelParameters(lines...)
		var invalid *Invalid
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMergingKernelParametersAgainChangesNothingAndTheLastLineIsWhole(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		line := rapid.StringMatching(`([a-c][-_]?[a-c]?(=[0-9]{0,2})? {1,2}){0,5}`)
		first, second := line.Draw(rt, "first"), line.Draw(rt, "second")
		merged, err := MergeKernelParameters(first, second)
		if err != nil {
			rt.Fatal(err)
		}
		if again, err := MergeKernelParameters(merged, second); err != nil || again != merged {
			rt.Fatalf("%q and %q are %q, and with the second again %q (%v)", first, second, merged, again, err)
		}
		if alone, err := MergeKernelParameters("", merged); err != nil || alone != "" && len(alone) > len(merged) {
			rt.Fatalf("%q became %q (%v)", merged, alone, err)
		}
		have := strings.Fields(merged)
		for _, word := range strings.Fields(second) {
			i := 0
			for i < len(have) && have[i] != word {
				i++
			}
			if i == len(have) {
				rt.Fatalf("%q is not in %q", word, merged)
			}
		}
	})
}
