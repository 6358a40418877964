package bos_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// site is a small inventory in which a role, a partition and a group share the
// name "red", each with a node of its own.
func site() bos.Inventory {
	return bos.Inventory{
		Nodes: []bos.Node{
			{ID: "x1c0s0b0n0", Role: "Compute"},
			{ID: "x1c0s1b0n0", Role: "Compute", SubRole: "GPU"},
			{ID: "x1c0s2b0n0", Role: "Application", SubRole: "UAN"},
			{ID: "x1c0s3b0n0", Role: "red"},
			{ID: "x1c0s10b0n0"},
		},
		Partitions: map[string][]string{"red": {"x1c0s0b0n0"}, "p1": {"x1c0s0b0n0", "x1c0s1b0n0"}, "blue": {"x1c0s1b0n0"}},
		Groups:     map[string][]string{"red": {"x1c0s1b0n0"}, "blue": {"x1c0s2b0n0"}, "g": {"x1c0s2b0n0", "x1c0s10b0n0"}, "none": {}},
	}
}

func TestALimitIsReadFromLeftToRightOnAGrowingSet(t *testing.T) {
	const n0, n1, n2, n3, n10 = "x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0", "x1c0s10b0n0"
	nodes := []string{n10, n0, n1, n2, n3, n0, "x9c0s0b0n0"}
	all := []string{n0, n1, n2, n3, n10, "x9c0s0b0n0"}
	for _, tc := range []struct {
		limit string
		want  []string
	}{
		{"", all},
		{"all", all},
		{"*", all},
		{n1, []string{n1}},
		{"Compute", []string{n0, n1}},
		{"compute", nil},
		{"Compute_GPU", []string{n1}},
		{"Application_UAN,Compute_GPU", []string{n1, n2}},
		{"p1", []string{n0, n1}},
		{"g", []string{n2, n10}},
		{"none", nil},
		{"red", []string{n3}},
		{"blue", []string{n1}},
		{"Compute,&p1", []string{n0, n1}},
		{"Compute,!" + n0, []string{n1}},
		{"all,!Compute", []string{n2, n3, n10, "x9c0s0b0n0"}},
		{"all,!Compute," + n0, []string{n0, n2, n3, n10, "x9c0s0b0n0"}},
		{"!Compute,all", all},
		{"!" + n0, nil},
		{"&all", nil},
		{"g,&all", []string{n2, n10}},
		{"all,!all", nil},
		{"all,!*," + n2, []string{n2}},
		{n0 + ",&g," + n2, []string{n2}},
		{"x1c0s[0-2,10]b0n0", []string{n0, n1, n2, n10}},
		{"all,!x1c0s[0-2]b0n0", []string{n3, n10, "x9c0s0b0n0"}},
		{" Compute , ! " + n0 + " ", []string{n1}},
		{"X1c0s0b0n0", []string{n0}},
		{"x01C00s[0-1]b0n00", []string{n0, n1}},
		{"all,!X1C0s00b0n0", []string{n1, n2, n3, n10, "x9c0s0b0n0"}},
		{"all,!X01c0s[0-2]b00n0", []string{n3, n10, "x9c0s0b0n0"}},
		{"all,&X1c0s0010b0n0", []string{n10}},
		{"x2c0s0b0n0", nil},
	} {
		limit, err := bos.ParseLimit(tc.limit)
		if err != nil {
			t.Errorf("ParseLimit(%q): %v", tc.limit, err)
			continue
		}
		if got := limit.Apply(site(), nodes); !slices.Equal(got, tc.want) {
			t.Errorf("%q keeps %q, want %q", tc.limit, got, tc.want)
		}
	}
}

func TestALimitThatCannotBeReadIsRefusedWithTheTerm(t *testing.T) {
	for _, tc := range []struct{ limit, says string }{
		{"a,,b", "limit: term 2: it is empty"},
		{",", "limit: term 1: it is empty"},
		{"a,", "limit: term 2"},
		{" ", "limit: term 1"},
		{"a,&", `term 2: nothing follows "&"`},
		{"a,! ,b", `term 2: nothing follows "!"`},
		{"all,!!b", "more than one operator"},
		{"all,& !b", "more than one operator"},
		{"a,x1c0s[4-1]b0n0", `limit: term 2: "x1c0s[4-1]b0n0" has "4-1"`},
		{"x1c0s[1", "do not pair up"},
		{"a[0-99999],b[0-99999]", "term 2: \"b[0-99999]\" stands for too many names"},
		{strings.Repeat("a", bos.MaxLimit+1), "524289 characters"},
	} {
		_, err := bos.ParseLimit(tc.limit)
		var invalid *bos.Invalid
		if !errors.As(err, &invalid) || invalid.Field != "limit" || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("ParseLimit(%.40q): %v, want an *Invalid that says %q", tc.limit, err, tc.says)
		}
	}
}

func TestALimitTellsWhichOfItsWordsNameNothing(t *testing.T) {
	for _, tc := range []struct {
		limit string
		want  []string
	}{
		{"", nil},
		{"all,!Compute,&p1,g,none,x1c0s0b0n0", nil},
		{"all,!computes", []string{"computes"}},
		{"x1c0s[0-1,4-5]b0n0", []string{"x1c0s4b0n0", "x1c0s5b0n0"}},
	} {
		limit, err := bos.ParseLimit(tc.limit)
		if err != nil {
			t.Fatalf("ParseLimit(%q): %v", tc.limit, err)
		}
		if got := limit.Unknown(site()); !slices.Equal(got, tc.want) {
			t.Errorf("%q: unknown %q, want %q", tc.limit, got, tc.want)
		}
	}
}

func TestANameThatLeavesOutOrKeepsNodesMustBeKnown(t *testing.T) {
	ofBOS := func(id string) bool { return id == "x9c0s0b0n0" }
	for _, tc := range []struct{ limit, names string }{
		{"", ""},
		{"all,!Compute,&p1,!g,&none,!x1c0s0b0n0,!X1c0s01b0n0", ""},
		{"x8c0s0b0n0,computes", ""},
		{"all,!x9c0s0b0n0,&X9C0s0b00n0", ""},
		{"all,!computes", "computes"},
		{"all,&computes", "computes"},
		{"all,!Managemant", "Managemant"},
		{"all,!x1c0s0b0n1", "x1c0s0b0n1"},
		{"all,!x1c0s[0-1,44]b0n0", "x1c0s44b0n0"},
		{"all,!all,!*", ""},
	} {
		limit, err := bos.ParseLimit(tc.limit)
		if err != nil {
			t.Fatalf("ParseLimit(%q): %v", tc.limit, err)
		}
		err = limit.Needs(site(), ofBOS)
		if tc.names == "" {
			if err != nil {
				t.Errorf("%q: %v", tc.limit, err)
			}
			continue
		}
		var invalid *bos.Invalid
		if !errors.As(err, &invalid) || invalid.Field != "limit" || !strings.Contains(err.Error(), `"`+tc.names+`"`) {
			t.Errorf("%q: %v, want an *Invalid that names %s", tc.limit, err, tc.names)
		}
	}
}

func TestATermWithAnotherSignThanBOSHasIsNoAddition(t *testing.T) {
	inv := site()
	inv.Groups["-odd group"] = []string{"x1c0s0b0n0"}
	for limit, names := range map[string]string{
		"all,^x1c0s0b0n0":      "^x1c0s0b0n0",
		"all,-x1c0s0b0n0":      "-x1c0s0b0n0",
		"all,~Compute":         "~Compute",
		"all,not x1c0s0b0n0":   "not x1c0s0b0n0",
		"all,\uff01x1c0s0b0n0": "\uff01x1c0s0b0n0", // a full-width !
		"all,-x1c0s[0-1]b0n0":  "-x1c0s0b0n0",
		"all !x1c0s0b0n0":      "all !x1c0s0b0n0",
		"all;!x1c0s0b0n0":      "all;!x1c0s0b0n0",
		"x1c0s*":               "x1c0s*",
		"all,-odd group":       "", // the inventory has it
		"x9999c9s9b9n9,none-1": "",
		"computes,p.1:a_b":     "",
	} {
		l, err := bos.ParseLimit(limit)
		if err != nil {
			t.Fatalf("ParseLimit(%q): %v", limit, err)
		}
		err = l.Needs(inv, nil)
		var invalid *bos.Invalid
		switch {
		case names == "" && err != nil:
			t.Errorf("%q: %v", limit, err)
		case names != "" && (!errors.As(err, &invalid) || invalid.Field != "limit" || !strings.Contains(err.Error(), strconv.Quote(names))):
			t.Errorf("%q: %v, want an *Invalid that names %q", limit, err, names)
		}
	}
}

func TestALimitThatBeginsByTakingAwayIsNoticed(t *testing.T) {
	for limit, want := range map[string]bool{"": false, "a,!b": false, "!b": true, "&b,a": true} {
		l, err := bos.ParseLimit(limit)
		if err != nil || l.StartsEmpty() != want {
			t.Errorf("%q: StartsEmpty = %t, %v, want %t", limit, l.StartsEmpty(), err, want)
		}
	}
}

// forward reads a limit as the contract words it.
func forward(terms []string, inv bos.Inventory, nodes []string) map[string]bool {
	set := make(map[string]bool)
	for _, term := range terms {
		op := byte(0)
		if term[0] == '&' || term[0] == '!' {
			op, term = term[0], term[1:]
		}
		members := []string{term}
		if role, ok := inv.Roles()[term]; ok {
			members = role
		} else if part, ok := inv.Partitions[term]; ok {
			members = part
		} else if group, ok := inv.Groups[term]; ok {
			members = group
		} else if term == "all" || term == "*" {
			members = nodes
		}
		next := make(map[string]bool)
		for id := range set {
			in := slices.Contains(members, id)
			if op == 0 || op == '&' && in || op == '!' && !in {
				next[id] = true
			}
		}
		if op == 0 {
			for _, id := range members {
				next[id] = true
			}
		}
		set = next
	}
	return set
}

func TestPropertyReadingALimitFromTheRightIsReadingItFromTheLeft(t *testing.T) {
	inv := site()
	words := []string{"all", "*", "Compute", "Compute_GPU", "Application", "p1", "red", "blue", "g", "none", "unknown"}
	for _, n := range inv.Nodes {
		words = append(words, n.ID)
	}
	rapid.Check(t, func(t *rapid.T) {
		term := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom([]string{"", "", "&", "!"}).Draw(t, "op") + rapid.SampledFrom(words).Draw(t, "word")
		})
		terms := rapid.SliceOfN(term, 1, 12).Draw(t, "terms")
		nodes := rapid.SliceOfDistinct(rapid.SampledFrom(append(words[11:], "x7c0s0b0n0")), rapid.ID).Draw(t, "nodes")
		limit, err := bos.ParseLimit(strings.Join(terms, ","))
		if err != nil {
			t.Fatal(err)
		}
		kept := limit.Apply(inv, nodes)
		want := forward(terms, inv, nodes)
		for _, id := range nodes {
			if slices.Contains(kept, id) != want[id] {
				t.Fatalf("%q on %q keeps %q, want exactly %v", terms, nodes, kept, want)
			}
		}
		if len(kept) > len(nodes) || !slices.IsSortedFunc(kept, bos.CompareXnames) {
			t.Fatalf("%q kept of %q", kept, nodes)
		}
	})
}

func TestRolesAreKnownWithAndWithoutTheirSubRole(t *testing.T) {
	roles := site().Roles()
	if got := roles["Compute"]; !slices.Equal(got, []string{"x1c0s0b0n0", "x1c0s1b0n0"}) {
		t.Errorf("Compute is %q", got)
	}
	if got := roles["Compute_GPU"]; !slices.Equal(got, []string{"x1c0s1b0n0"}) {
		t.Errorf("Compute_GPU is %q", got)
	}
	for _, word := range []string{"", "_", "Compute_", "GPU"} {
		if got, ok := roles[word]; ok {
			t.Errorf("%q is a role with %q", word, got)
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	for _, s := range []string{
		"", "all", "*,!x1c0s0b0n0", "a,,b", "&", "!!a", "Compute,&g,!x1c0s[1-4,7]b0n0", "a[1,b", "],[", " , ", "a[0-999999999]",
		"all,\xff", "x[1-2]c[1-2]s[1-2]", strings.Repeat("&all,", 50) + "all",
	} {
		f.Add(s)
	}
	nodes := []string{"x1c0s1b0n0", "x1c0s0b0n0", "x1c0s10b0n0"}
	f.Fuzz(func(t *testing.T, s string) {
		limit, err := bos.ParseLimit(s)
		if err != nil {
			var invalid *bos.Invalid
			if !errors.As(err, &invalid) || invalid.Field != "limit" {
				t.Errorf("ParseLimit(%q): %v is no *Invalid of the limit", s, err)
			}
			return
		}
		if limit.Everything() != (s == "") {
			t.Errorf("%q limits nothing", s)
		}
		kept := limit.Apply(site(), nodes)
		for _, id := range kept {
			if !slices.Contains(nodes, id) {
				t.Errorf("%q keeps %q, which was not asked about", s, id)
			}
		}
	})
}

// BenchmarkTheWorstLimit is as long a limit as may be sent, of terms that each
// concern the whole system.
func BenchmarkTheWorstLimit(b *testing.B) {
	inv := bos.Inventory{Groups: make(map[string][]string)}
	ids := block("x1000", 20, 64, 2, 4)
	for _, id := range ids {
		inv.Nodes = append(inv.Nodes, bos.Node{ID: id, Role: "Compute"})
	}
	var terms []string
	for i := range 100 {
		name := fmt.Sprintf("g%d", i)
		inv.Groups[name] = ids
		terms = append(terms, "&"+name, "&Compute", "!none")
	}
	long := strings.Repeat(strings.Join(terms, ",")+",", bos.MaxLimit/(len(strings.Join(terms, ","))+1))
	limit, err := bos.ParseLimit("all," + strings.TrimSuffix(long, ",")[5:])
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		limit.Apply(inv, ids)
	}
}

func TestALimitThatIsWrittenInAnotherWayIsTheSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"x1000c0s0b0n0,x1000c0s1b0n0", "x1000c0s1b0n0, X1000c0s00b0n0", true},
		{"x1000c0s[0-1]b0n0", "x1000c0s1b0n0,x1000c0s0b0n0,x1000c0s1b0n0", true},
		{"Compute,!x1000c0s0b0n0,!x1000c0s1b0n0", "Compute,!x1000c0s[0-1]b0n0", true},
		{"all,&x1000c0s[0-1]b0n0", "all,&x1000c0s[0-1]b0n0", true},
		{"all,&x1000c0s[0-1]b0n0", "all,&x1000c0s0b0n0,&x1000c0s1b0n0", false},
		{"Compute,!x1000c0s0b0n0,x1000c0s1b0n0", "Compute,x1000c0s1b0n0,!x1000c0s0b0n0", false},
		{"Compute,!x1000c0s0b0n0", "Compute,&x1000c0s0b0n0", false},
		{"Compute", "compute", false},
		{"x1000c0s0b0n0", "x1000c0s1b0n0", false},
		{"x1000c0s0b0n0", "", false},
	} {
		a, errA := bos.ParseLimit(c.a)
		b, errB := bos.ParseLimit(c.b)
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if a.Same(b) != c.same || b.Same(a) != c.same {
			t.Errorf("%q and %q: the same is %t, want %t", c.a, c.b, a.Same(b), c.same)
		}
	}
}
