package bos_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// nodeXnames draws canonical node xnames close enough to each other to fold.
func nodeXnames() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		cabinet := rapid.SampledFrom([]int{0, 9, 1000, 1001, 3000, 9999}).Draw(t, "cabinet")
		n := func(most int) int { return rapid.IntRange(0, most).Draw(t, "number") }
		return fmt.Sprintf("x%dc%ds%db%dn%d", cabinet, n(8), n(12), n(1), n(1))
	})
}

func TestTheCanonicalFormIsLowerCaseWithoutLeadingZeros(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"x3000c0s19b1n0", "x3000c0s19b1n0"},
		{"X3000C0S19B1N0", "x3000c0s19b1n0"},
		{"x3000c00s09b000n01", "x3000c0s9b0n1"},
		{"x0000", "x0"},
		{"x0", "x0"},
		{"x3000c0r07b0", "x3000c0r7b0"},
		{"Weird-Name", "Weird-Name"},
		{"nid000012", "nid000012"},
		{"x3000c0s", "x3000c0s"},
		{"x", "x"},
		{"", ""},
	} {
		if got := bos.CanonicalXname(tc.in); got != tc.want {
			t.Errorf("CanonicalXname(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestANodesBMCAndChassisAreReadFromItsXname(t *testing.T) {
	for _, tc := range []struct {
		id, bmc, chassis string
		node             bool
	}{
		{"x3000c0s19b1n0", "x3000c0s19b1", "x3000c0", true},
		{"x1c10s0b0n15", "x1c10s0b0", "x1c10", true},
		{"x3000c0s19b1", "x3000c0s19b1", "x3000c0", false},
		{"x3000c0r7b0", "x3000c0r7b0", "x3000c0", false},
		{"x3000c0", "x3000c0", "x3000c0", false},
		{"x3000m1", "x3000m1", "", false},
		{"x3000", "x3000", "", false},
		{"X3000c0s19b1n0", "X3000c0s19b1n0", "", false},
		{"x3000c0s19b01n0", "x3000c0s19b01", "x3000c0", false},
		{"rack1-slot2", "rack1-slot2", "", false},
		{"x3000c0s19b1n0extra", "x3000c0s19b1n0extra", "", false},
		{"", "", "", false},
	} {
		if got := bos.BMCOf(tc.id); got != tc.bmc {
			t.Errorf("BMCOf(%q) = %q, want %q", tc.id, got, tc.bmc)
		}
		if got := bos.ChassisOf(tc.id); got != tc.chassis {
			t.Errorf("ChassisOf(%q) = %q, want %q", tc.id, got, tc.chassis)
		}
		if got := bos.IsNodeXname(tc.id); got != tc.node {
			t.Errorf("IsNodeXname(%q) = %t, want %t", tc.id, got, tc.node)
		}
	}
}

func TestXnamesAreOrderedByTheirNumbers(t *testing.T) {
	want := []string{"", "x9c0s0b0n0", "x1000c0s2b0n0", "x1000c0s2b0n1", "x1000c0s10b0n0", "x1000c1", "x1000c1s0b0", "y", "z1a", "z1b", "z01", "z2"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, bos.CompareXnames)
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
}

func TestPropertyTheOrderOfXnamesIsATotalOrder(t *testing.T) {
	names := rapid.OneOf(nodeXnames(), rapid.StringMatching(`[a01-]{0,6}`), rapid.String())
	sign := func(n int) int { return min(max(n, -1), 1) }
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := names.Draw(t, "a"), names.Draw(t, "b"), names.Draw(t, "c")
		ab, ba := sign(bos.CompareXnames(a, b)), sign(bos.CompareXnames(b, a))
		if ab != -ba || (ab == 0) != (a == b) {
			t.Fatalf("compare(%q, %q) = %d and the other way round %d", a, b, ab, ba)
		}
		if ab <= 0 && bos.CompareXnames(b, c) <= 0 && bos.CompareXnames(a, c) > 0 {
			t.Fatalf("%q <= %q <= %q, but the first comes after the last", a, b, c)
		}
	})
}

func TestPropertyTheBMCOfANodeIsItsXnameUpToTheLastPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := nodeXnames().Draw(t, "id")
		bmc := bos.BMCOf(id)
		if !bos.IsNodeXname(id) || !strings.HasPrefix(id, bmc+"n") || bos.BMCOf(bmc) != bmc || bos.ChassisOf(id) != bos.ChassisOf(bmc) {
			t.Fatalf("BMC of %s is %s, of chassis %s", id, bmc, bos.ChassisOf(bmc))
		}
	})
}

func FuzzCanonicalXname(f *testing.F) {
	for _, s := range []string{"x3000c0s19b1n0", "X3000C00S019B1N0", "x0", "x", "X0000000000000000000000c1", "Weird-Name", "nid000001", "İx1", "x1c\xff", "\u212A1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := bos.CanonicalXname(s)
		if again := bos.CanonicalXname(once); again != once {
			t.Errorf("%q becomes %q and then %q", s, once, again)
		}
		if bos.IsNodeXname(s) && once != s {
			t.Errorf("%q is a node xname and yet becomes %q", s, once)
		}
		if bmc := bos.BMCOf(s); bos.BMCOf(bmc) != bmc {
			t.Errorf("the BMC of %q, %q, has the BMC %q", s, bmc, bos.BMCOf(bmc))
		}
	})
}

func TestTheSlotOfAnXname(t *testing.T) {
	for id, want := range map[string]string{"x3000c0s19b1n0": "x3000c0s19", "x3000c0s19b1": "x3000c0s19", "x3000c0s19": "x3000c0s19", "x3000c0": "", "x3000c0r1b0": "", "nid1": "", "": ""} {
		if got := bos.SlotOf(id); got != want {
			t.Errorf("%s is in slot %q, want %q", id, got, want)
		}
	}
}
