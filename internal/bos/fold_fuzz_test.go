package bos_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// FuzzFold folds any names: those without commas and brackets come back from
// Expand, and order does not matter.
func FuzzFold(f *testing.F) {
	for _, names := range []string{"", "x1c0s[1]b0n0", "x1c0s1b0n0 x1c0s2b0n0 x1c0s10b0n1", "a01 a1 a001", "n9 n10 n11 n99999999999", "1 2 3", "a\xff1 a\xff2", "x1x1 x1x2 x2x1 x2x2"} {
		f.Add(names)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names := strings.Split(text, " ")
		folded := bos.Fold(names)
		slices.Reverse(names)
		if again := bos.Fold(names); again != folded {
			t.Errorf("%q folds to %q and in reverse to %q", text, folded, again)
		}
		if strings.ContainsAny(text, "[],") || len(names) > bos.MaxExpand {
			return
		}
		names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
		if len(names) == 0 {
			return
		}
		back, err := bos.Expand(folded, bos.MaxExpand)
		if err != nil {
			t.Fatalf("%q folds to %q, which does not expand: %v", text, folded, err)
		}
		slices.Sort(names)
		slices.Sort(back)
		if want := slices.Compact(names); !slices.Equal(back, want) {
			t.Errorf("%q folds to %q, which expands to %q", text, folded, back)
		}
	})
}
