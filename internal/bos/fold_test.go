package bos_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestNamesAreFoldedByTheNumberInWhichTheyDiffer(t *testing.T) {
	for _, tc := range []struct {
		name string
		ids  []string
		want string
	}{
		{"nothing", nil, ""},
		{"one stays as it is", []string{"x3000c0s1b0n0"}, "x3000c0s1b0n0"},
		{"two in a row", []string{"x3000c0s2b0n0", "x3000c0s1b0n0"}, "x3000c0s[1-2]b0n0"},
		{
			"gaps, and the rightmost number first",
			[]string{"x3000c0s9b0n1", "x3000c0s9b0n0", "x3000c0s7b0n0", "x3000c0s1b0n0", "x3000c0s2b0n0", "x3000c0s3b0n0", "x3000c0s4b0n0"},
			"x3000c0s[1-4,7]b0n0,x3000c0s9b0n[0-1]",
		},
		{"blocks in several numbers", block("x1000", 2, 4, 2, 2), "x1000c[0-1]s[0-3]b[0-1]n[0-1]"},
		{"duplicates and empty names", []string{"a1", "", "a1", "a2"}, "a[1-2]"},
		{"leading zeros stay", []string{"nid000001", "nid000002"}, "nid000001,nid000002"},
		{"different words", []string{"b1", "a1"}, "a1,b1"},
		{"numbers alone", []string{"10", "8", "9"}, "[8-10]"},
		{"numbers too long for a range", []string{"a1234567890", "a1234567891"}, "a1234567890,a1234567891"},
		{"brackets are left alone", []string{"a[1", "a[2"}, "a[1,a[2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := bos.Fold(tc.ids); got != tc.want {
				t.Errorf("Fold = %q, want %q", got, tc.want)
			}
		})
	}
}

func block(cabinet string, c, s, b, n int) []string {
	var ids []string
	for i := range c * s * b * n {
		ids = append(ids, fmt.Sprintf("%sc%ds%db%dn%d", cabinet, i/(s*b*n), i/(b*n)%s, i/n%b, i%n))
	}
	return ids
}

func TestTenThousandNodesFoldToALine(t *testing.T) {
	var ids []string
	for cabinet := range 20 {
		ids = append(ids, block(fmt.Sprintf("x%d", 1000+cabinet), 8, 8, 2, 4)...)
	}
	if got, want := bos.Fold(ids), "x[1000-1019]c[0-7]s[0-7]b[0-1]n[0-3]"; got != want {
		t.Errorf("Fold of %d nodes = %.200q, want %q", len(ids), got, want)
	}
}

func TestExpandWritesOutBracketsInTheOrderOfTheText(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"x1", []string{"x1"}},
		{"b[2,1],a", []string{"b2", "b1", "a"}},
		{"x[1-2]c[0,8-10]", []string{"x1c0", "x1c8", "x1c9", "x1c10", "x2c0", "x2c8", "x2c9", "x2c10"}},
		{"[1-2]", []string{"1", "2"}},
		{"a[7]", []string{"a7"}},
	} {
		got, err := bos.Expand(tc.text, bos.MaxExpand)
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("Expand(%q) = %q, %v, want %q", tc.text, got, err, tc.want)
		}
	}
}

func TestExpandRefusesWhatItCannotReadAndSaysWhere(t *testing.T) {
	for _, tc := range []struct{ text, says string }{
		{"a,,b", "item 2"},
		{"a,", "item 2"},
		{"a[1", "do not pair up"},
		{"a1]", "do not pair up"},
		{"a[1[2]]", "do not pair up"},
		{"a]1[", "do not pair up"},
		{"a[]", "neither a number nor"},
		{"a[4-1]", `"4-1"`},
		{"a[1-]", `"1-"`},
		{"a[-1]", `"-1"`},
		{"a[1,x]", `"x"`},
		{"a[01-04]", "leading zeros"},
		{"a[1234567890]", "neither a number nor"},
		{"a[1-2-3]", `"1-2-3"`},
		{"a[0-999999999]", "too many names"},
		{"a[0-999][0-999]", "too many names"},
		{strings.Repeat("a", 300) + "[1-2]", "more than 256 characters"},
		{"a" + strings.Repeat("[1]", 400), "more than 256 characters"},
	} {
		names, err := bos.Expand(tc.text, bos.MaxExpand)
		var invalid *bos.Invalid
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("Expand(%.40q) = %d names, error %v, want one that says %q", tc.text, len(names), err, tc.says)
		}
	}
}

func TestExpandKeepsToItsLimitExactly(t *testing.T) {
	for _, text := range []string{"a[1-6]", "a[1-2]b[1-3]", "a,b,c,d,e,f", "a[1-3],b[1-3]"} {
		if _, err := bos.Expand(text, 6); err != nil {
			t.Errorf("Expand(%q, 6): %v", text, err)
		}
		if _, err := bos.Expand(text, 5); err == nil {
			t.Errorf("Expand(%q, 5) allows 6 names", text)
		}
	}
}

// plainNames draws any names that a folded list can hold.
func plainNames() *rapid.Generator[string] {
	anything := rapid.String().Filter(func(s string) bool { return s != "" && !strings.ContainsAny(s, ",[]") })
	return rapid.OneOf(nodeXnames(), anything, rapid.StringMatching(`[a-b0-1-]{1,8}`), rapid.StringMatching(`([ab][0-9]{1,3}){1,12}`))
}

func TestPropertyExpandUndoesFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(plainNames(), 0, 60).Draw(t, "ids")
		folded := bos.Fold(ids)
		got, err := bos.Expand(folded, bos.MaxExpand)
		if err != nil {
			t.Fatalf("Expand(%q): %v", folded, err)
		}
		want := slices.Clone(ids)
		slices.SortFunc(want, bos.CompareXnames)
		want = slices.Compact(want)
		if len(got) != len(want) {
			t.Fatalf("%d names come back from %q for %d", len(got), folded, len(want))
		}
		slices.SortFunc(got, bos.CompareXnames)
		if !slices.Equal(got, want) {
			t.Fatalf("%q comes back from %q for %q", got, folded, want)
		}
	})
}

func TestPropertyFoldingIsTheSameInEveryOrderAndIsALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SliceOfN(nodeXnames(), 1, 60).Draw(t, "ids")
		folded := bos.Fold(ids)
		if other := bos.Fold(rapid.Permutation(ids).Draw(t, "order")); other != folded {
			t.Fatalf("%q in one order, %q in another", folded, other)
		}
		if len(folded) > len(strings.Join(ids, ",")) {
			t.Fatalf("%q is longer than the names", folded)
		}
		limit, err := bos.ParseLimit(folded)
		if err != nil {
			t.Fatalf("ParseLimit(%q): %v", folded, err)
		}
		rest := block("x9998", 1, 2, 2, 1)
		kept := limit.Apply(bos.Inventory{}, append(slices.Clone(ids), rest...))
		want := slices.Clone(ids)
		slices.SortFunc(want, bos.CompareXnames)
		if want = slices.Compact(want); !slices.Equal(kept, want) {
			t.Fatalf("as a limit %q keeps %q, want %q", folded, kept, want)
		}
	})
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{
		"", "x3000c0s[1-4,7]b0n0,x3000c0s9b0n[0-1]", "a,,b", "a[1", "a]", "[[]]", "a[0-99999][0-99999]", "[9-1]", "[01]",
		"a[1,2],b", ",", "[,]", "[-]", "\xff[1]", strings.Repeat("[0-1]", 30),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		const most = 1000
		names, err := bos.Expand(s, most)
		if err != nil {
			var invalid *bos.Invalid
			if !errors.As(err, &invalid) || names != nil {
				t.Errorf("Expand(%q) = %q, %v: an error is an *Invalid and comes alone", s, names, err)
			}
			return
		}
		if len(names) > most {
			t.Errorf("Expand(%q) gives %d names, more than %d", s, len(names), most)
		}
		again, err := bos.Expand(bos.Fold(names), most)
		if err != nil {
			t.Errorf("Fold(Expand(%q)) = %q does not expand: %v", s, bos.Fold(names), err)
		}
		slices.SortFunc(names, bos.CompareXnames)
		slices.SortFunc(again, bos.CompareXnames)
		if !slices.Equal(slices.Compact(names), again) {
			t.Errorf("%q expands to %q, and folded and expanded again to %q", s, names, again)
		}
	})
}

func BenchmarkFoldTenThousandNodes(b *testing.B) {
	var ids []string
	for cabinet := range 20 {
		ids = append(ids, block(fmt.Sprintf("x%d", 1000+cabinet), 8, 8, 2, 4)...)
	}
	b.ReportAllocs()
	for b.Loop() {
		bos.Fold(ids)
	}
}
