package decide

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// drawSite is a random inventory of up to 40 nodes. Draws lean towards the ends of
// a range and the first of a list, so what is rare stands elsewhere.
func drawSite(t *rapid.T) bos.Inventory {
	inv := bos.Inventory{Groups: map[string][]string{}, Partitions: map[string][]string{}}
	for i := range rapid.SampledFrom([]int{40, 32, 24, 16, 8, 1, 0}).Draw(t, "nodes") {
		n := bos.Node{
			ID:      fmt.Sprintf("x1000c%ds%db0n%d", i/16, i/2%8, i%2),
			Role:    rapid.SampledFrom([]string{"Compute", "Application", "Management"}).Draw(t, "role"),
			SubRole: rapid.SampledFrom([]string{"", "UAN", "Worker"}).Draw(t, "subrole"),
			Arch:    rapid.SampledFrom([]string{"", "X86", "ARM", "UNKNOWN"}).Draw(t, "arch"),
			Enabled: rapid.IntRange(0, 7).Draw(t, "enabled") != 6,
			Locked:  rapid.IntRange(0, 7).Draw(t, "locked") == 6,
			Empty:   rapid.IntRange(0, 7).Draw(t, "empty") == 6,
			Odd:     rapid.IntRange(0, 7).Draw(t, "odd") == 6,
		}
		inv.Nodes = append(inv.Nodes, n)
		for _, name := range []string{"blue", "green"} {
			if rapid.Bool().Draw(t, name) {
				inv.Groups[name] = append(inv.Groups[name], n.ID)
			}
		}
		for _, name := range []string{"p1", "p2"} {
			if rapid.Bool().Draw(t, name) {
				inv.Partitions[name] = append(inv.Partitions[name], n.ID)
			}
		}
		// Names that a role, or a partition, has already.
		for _, name := range []string{"Compute", "p1", "Management_UAN"} {
			if rapid.IntRange(0, 9).Draw(t, "group "+name) == 0 {
				inv.Groups[name] = append(inv.Groups[name], n.ID)
			}
		}
	}
	return inv
}

// drawRequest is a template of up to three boot sets with a limit.
func drawRequest(t *rapid.T, inv bos.Inventory) Request {
	words := []string{"Compute", "Application_UAN", "Management", "NoSuchRole"}
	names := []string{"blue", "green", "nosuchgroup"}
	sets := make(map[string]bos.BootSet)
	for i := range rapid.IntRange(1, 3).Draw(t, "boot sets") {
		set := bos.BootSet{
			Path: fmt.Sprintf("s3://b/%d/manifest.json", i), Type: "s3",
			Arch:             rapid.SampledFrom([]bos.Arch{"", "X86", "ARM", "Unknown"}).Draw(t, "arch"),
			KernelParameters: rapid.SampledFrom([]string{"", "quiet"}).Draw(t, "parameters"),
			NodeRolesGroups:  rapid.SliceOfN(rapid.SampledFrom(words), 1, 3).Draw(t, "roles"),
			NodeGroups:       rapid.SliceOfN(rapid.SampledFrom(names), 0, 2).Draw(t, "groups"),
		}
		for range rapid.IntRange(0, 4).Draw(t, "listed") {
			set.NodeList = append(set.NodeList, fmt.Sprintf("X1000c0s%db0n%d", rapid.IntRange(0, 9).Draw(t, "slot"), rapid.IntRange(0, 1).Draw(t, "node")))
		}
		sets[fmt.Sprintf("set%d", i)] = set
	}
	term := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "&", "!", " & ", "! "}).Draw(t, "sign") + rapid.SampledFrom(slices.Sorted(maps.Keys(limitWords))).Draw(t, "word")
	})
	req := Request{
		Reach:           bos.WholeSite(),
		Template:        bos.SessionTemplate{Name: "t", BootSets: sets},
		Operation:       rapid.SampledFrom(bos.Operations()).Draw(t, "operation"),
		Limit:           strings.Join(rapid.SliceOfN(term, 0, 5).Draw(t, "limit"), ","),
		Stage:           rapid.Bool().Draw(t, "stage"),
		IncludeDisabled: rapid.Bool().Draw(t, "include disabled"),
	}
	if rapid.IntRange(0, 3).Draw(t, "tenant") == 0 {
		var own []string
		for _, n := range inv.Nodes {
			if rapid.Bool().Draw(t, "of the tenant") {
				own = append(own, n.ID)
			}
		}
		req.Reach = bos.TenantReach("red", own)
	}
	for _, n := range inv.Nodes {
		if rapid.IntRange(0, 9).Draw(t, "held") == 0 {
			if req.Held == nil {
				req.Held = make(map[string]string)
			}
			req.Held[n.ID] = rapid.SampledFrom([]string{"board out", "mine"}).Draw(t, "reason")
		}
	}
	return req
}

func imagesOf(req Request) map[string]bos.Image {
	images := make(map[string]bos.Image)
	for _, set := range req.Template.BootSets {
		images[set.Path] = bos.Image{Path: set.Path, ETag: "e", Kernel: bos.Artifact{Path: set.Path + "/k"}, Initrd: bos.Artifact{Path: set.Path + "/i"}}
	}
	return images
}

func TestWhatIsPlannedIsWhatIsDoneAtAThousandRandomSites(t *testing.T) {
	aThousandTimes(t, plannedIsDone)
}

// aThousandTimes draws for a check until it was drawn for so often: rapid draws a
// hundred in a row, and fewer with -short.
func aThousandTimes(t *testing.T, check func(*rapid.T)) {
	t.Helper()
	for drawn := 0; drawn < 1000; {
		rapid.Check(t, func(t *rapid.T) {
			drawn++
			check(t)
		})
	}
}

func plannedIsDone(t *rapid.T) {
	inv := drawSite(t)
	req := drawRequest(t, inv)
	images := imagesOf(req)
	sel, err := Select(req, inv)
	if err != nil {
		var invalid *bos.Invalid
		if !errors.As(err, &invalid) {
			t.Fatalf("the error %v is no refusal", err)
		}
		return
	}
	planned := MakePreview(req, sel, images, bos.DefaultOptions(), noon, 0)
	records := make(map[string]bos.Record)
	for _, n := range inv.Nodes {
		records[n.ID] = bos.Record{Component: bos.Component{ID: n.ID}, Revision: 1}
	}
	session := bos.SessionRecord{Template: req.Template, Session: bos.Session{
		Name: "s", Operation: req.Operation, Stage: req.Stage, Limit: req.Limit, IncludeDisabled: req.IncludeDisabled,
	}}
	done, err := setup(session, sel, images, records, bos.DefaultOptions(), noon)
	if planned.Count == 0 {
		if err == nil || err.Error() != NoNodes {
			t.Fatalf("a session for nobody ended with %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var acted []string
	for _, r := range done.Writes {
		staged := bos.Record{Component: bos.Component{ID: r.ID, StagedState: r.StagedState}, Revision: 1}
		if req.Stage && (*r != staged || r.StagedState.Session != "s") || !req.Stage && (!r.Enabled || r.Session != "s") {
			t.Fatalf("a session (staged: %t) wrote %+v", req.Stage, r)
		}
		acted = append(acted, r.ID)
	}
	if bos.Fold(acted) != planned.Nodes || len(acted) != planned.Count {
		t.Fatalf("planned %s, acted on %s", planned.Nodes, bos.Fold(acted))
	}
}

// TestAGroupWithNamesThatNobodyHasSelectsTheOthers: groups are kept by hand, and nodes
// leave the site.
func TestAGroupWithNamesThatNobodyHasSelectsTheOthers(t *testing.T) {
	inv := bos.Inventory{
		Nodes:  []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}, {ID: "x1c0s0b0n1", Role: "Compute", Enabled: true}},
		Groups: map[string][]string{"old": {"x1c0s0b0n0", "x9999c0s0b0n0", "x1c0s0b0", "nonsense"}},
	}
	sel, err := Select(Request{Reach: bos.WholeSite(), Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"all": {NodeGroups: []string{"old"}}}}}, inv)
	if err != nil || !slices.Equal(sel.Nodes(), []string{"x1c0s0b0n0"}) {
		t.Errorf("selected %v, %v", sel.Nodes(), err)
	}
}

func TestAnEmptySlotIsSkippedWithItsReason(t *testing.T) {
	inv := bos.Inventory{Nodes: []bos.Node{
		{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}, {ID: "x1c0s1b0n0", Role: "Compute", Enabled: true, Empty: true},
	}}
	sel, err := Select(Request{Reach: bos.WholeSite(), Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"all": {NodeRolesGroups: []string{"Compute"}}}}}, inv)
	if err != nil || !slices.Equal(sel.Nodes(), []string{"x1c0s0b0n0"}) ||
		len(sel.Skipped) != 1 || sel.Skipped[0].Reason != SkipEmpty || !slices.Equal(sel.Skipped[0].Nodes, []string{"x1c0s1b0n0"}) {
		t.Errorf("selected %v, skipped %+v, %v", sel.Nodes(), sel.Skipped, err)
	}
}

func TestANodeThatTheInventoryContradictsItselfAboutIsSkippedWithItsReason(t *testing.T) {
	inv := bos.Inventory{Nodes: []bos.Node{
		{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}, {ID: "x1c0s1b0n0", Role: "Compute", Enabled: true, Odd: true},
	}}
	for _, disabledToo := range []bool{false, true} {
		sel, err := Select(Request{Reach: bos.WholeSite(), IncludeDisabled: disabledToo, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"all": {NodeList: []string{"x1c0s0b0n0", "x1c0s1b0n0"}}}}}, inv)
		if err != nil || !slices.Equal(sel.Nodes(), []string{"x1c0s0b0n0"}) ||
			len(sel.Skipped) != 1 || sel.Skipped[0].Reason != SkipOdd || !slices.Equal(sel.Skipped[0].Nodes, []string{"x1c0s1b0n0"}) {
			t.Errorf("selected %v, skipped %+v, %v", sel.Nodes(), sel.Skipped, err)
		}
	}
}

func TestNobodyIsSelectedWhomARuleLeavesOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := drawSite(t)
		req := drawRequest(t, inv)
		sel, err := Select(req, inv)
		if err != nil {
			return
		}
		nodes := make(map[string]bos.Node)
		for _, n := range inv.Nodes {
			nodes[n.ID] = n
		}
		skipped := make(map[string]string)
		for _, skip := range sel.Skipped {
			for _, id := range skip.Nodes {
				if skipped[id] != "" {
					t.Fatalf("%s is skipped for %q and %q", id, skipped[id], skip.Reason)
				}
				skipped[id] = skip.Reason
			}
		}
		seen := make(map[string]bool)
		for _, set := range sel.BootSets {
			for _, id := range set.Nodes {
				n, known := nodes[id]
				wrong := map[string]bool{
					"unknown": !known, "empty": n.Empty, "odd": n.Odd, "locked": n.Locked, "disabled": !n.Enabled && !req.IncludeDisabled,
					"foreign": !req.Reach.Has(id),
					"skipped": skipped[id] != "", "selected twice": seen[id],
					"of another architecture": !sameArch(n.Arch, req.Template.BootSets[set.Name].Arch),
				}
				for what, is := range wrong {
					if is {
						t.Fatalf("%s was selected although it is %s", id, what)
					}
				}
				seen[id] = true
			}
		}
	})
}

func TestEachSelectedNodeIsListedUnderItsRole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := drawSite(t)
		sel, err := Select(drawRequest(t, inv), inv)
		if err != nil {
			return
		}
		roles := make(map[string]string)
		for _, n := range inv.Nodes {
			roles[n.ID] = n.Role
		}
		var listed []string
		for _, role := range sel.Roles {
			for _, id := range role.Nodes {
				if roles[id] != role.Role {
					t.Fatalf("%s has role %s and is listed under %s", id, roles[id], role.Role)
				}
			}
			listed = append(listed, role.Nodes...)
		}
		slices.SortFunc(listed, bos.CompareXnames)
		if !slices.Equal(listed, sel.Nodes()) {
			t.Fatalf("selected %s, by role %s", bos.Fold(sel.Nodes()), bos.Fold(listed))
		}
	})
}

func TestTheOrderOfTheInventoryChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inv := drawSite(t)
		req := drawRequest(t, inv)
		turned := bos.Inventory{Nodes: slices.Clone(inv.Nodes), Groups: maps.Clone(inv.Groups), Partitions: inv.Partitions}
		slices.Reverse(turned.Nodes)
		a, errA := Select(req, inv)
		b, errB := Select(req, turned)
		if (errA == nil) != (errB == nil) {
			t.Fatalf("%v in one order, %v in the other", errA, errB)
		}
		if errA != nil {
			return
		}
		planA, planB := MakePreview(req, a, imagesOf(req), bos.DefaultOptions(), noon, 0), MakePreview(req, b, imagesOf(req), bos.DefaultOptions(), noon, 0)
		if planA.Pin != planB.Pin || PreviewDiff(planA, planB) != "" {
			t.Fatalf("two pins for one plan: %s", PreviewDiff(planA, planB))
		}
	})
}

func TestARefusedSelectionNamesNodesAndBootSets(t *testing.T) {
	site := bos.Inventory{
		Nodes:  []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}, {ID: "x1c0s1b0n0", Role: "Compute", Enabled: true}},
		Groups: map[string][]string{"blue": {"x1c0s1b0n0"}},
	}
	compute := bos.BootSet{NodeRolesGroups: []string{"Compute"}}
	for name, c := range map[string]struct {
		req  Request
		says []string
	}{
		"a node in two boot sets": {
			Request{Reach: bos.WholeSite(), Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": compute, "b": {NodeGroups: []string{"blue"}}}}},
			[]string{"x1c0s1b0n0", `"a"`, `"b"`},
		},
		"a node of another tenant": {
			Request{Reach: bos.TenantReach("red", []string{"x1c0s0b0n0"}), Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {NodeList: []string{"x1c0s1b0n0"}}}}},
			[]string{"x1c0s1b0n0", "tenant"},
		},
		"an empty term": {Request{Reach: bos.WholeSite(), Limit: "Compute,,x", Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": compute}}}, []string{"limit"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Select(c.req, site)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, text := range c.says {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q does not name %s", err, text)
				}
			}
		})
	}
}

func TestAPinCoversWhatAReviewerAgreedTo(t *testing.T) {
	site := bos.Inventory{Nodes: []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}}}
	base := func() (Request, map[string]bos.Image) {
		req := Request{Reach: bos.WholeSite(), Operation: bos.OperationReboot, Template: bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{
			"a": {Path: "p", Type: "s3", KernelParameters: "quiet", NodeRolesGroups: []string{"Compute"}},
		}}}
		return req, imagesOf(req)
	}
	options := bos.DefaultOptions()
	plan := func(req Request, images map[string]bos.Image, inv bos.Inventory) bos.Preview {
		sel, err := Select(req, inv)
		if err != nil {
			t.Fatal(err)
		}
		return MakePreview(req, sel, images, options, noon, 0)
	}
	reviewed := plan(func() (Request, map[string]bos.Image, bos.Inventory) { r, i := base(); return r, i, site }())
	for name, c := range map[string]struct {
		change func(*Request, map[string]bos.Image, *bos.Inventory)
		says   string
	}{
		"a node more": {func(_ *Request, _ map[string]bos.Image, inv *bos.Inventory) {
			inv.Nodes = append(slices.Clone(inv.Nodes), bos.Node{ID: "x1c0s1b0n0", Role: "Compute", Enabled: true})
		}, "added: x1c0s1b0n0"},
		"another image": {func(_ *Request, images map[string]bos.Image, _ *bos.Inventory) {
			image := images["p"]
			image.ETag = "other"
			images["p"] = image
		}, "etag other"},
		"another kernel": {func(_ *Request, images map[string]bos.Image, _ *bos.Inventory) {
			image := images["p"]
			image.Kernel.ETag = "other"
			images["p"] = image
		}, "file of the image"},
		"other kernel parameters": {func(r *Request, _ map[string]bos.Image, _ *bos.Inventory) {
			set := r.Template.BootSets["a"]
			set.KernelParameters = "debug"
			r.Template.BootSets["a"] = set
		}, `boot set "a": the kernel parameters have debug instead of quiet`},
		"other parameters of the image": {func(_ *Request, images map[string]bos.Image, _ *bos.Inventory) {
			image := images["p"]
			image.Parameters = "crashkernel=512M"
			images["p"] = image
		}, "crashkernel=512M instead of none"},
		"an option that nodes boot with": {func(*Request, map[string]bos.Image, *bos.Inventory) {
			options.ComponentActualStateTTL = "8h"
		}, "bos_update_frequency=8h instead of bos_update_frequency=4h"},
		"another root file system": {func(r *Request, _ map[string]bos.Image, _ *bos.Inventory) {
			set := r.Template.BootSets["a"]
			set.RootfsProviderPassthrough = "live"
			r.Template.BootSets["a"] = set
		}, "root=::live instead of none"},
		"another order of kernel parameters": {func(r *Request, _ map[string]bos.Image, _ *bos.Inventory) {
			set := r.Template.BootSets["a"]
			set.KernelParameters = " quiet"
			r.Template.BootSets["a"] = set
		}, "another order or spacing"},
		"another configuration": {func(r *Request, _ map[string]bos.Image, _ *bos.Inventory) {
			r.Template.CFS = &bos.CFS{Configuration: "c2"}
		}, "the configuration is c2 instead of none"},
		"a boot set that boots no longer": {func(_ *Request, images map[string]bos.Image, _ *bos.Inventory) {
			image := images["p"]
			image.Initrd.Path = ""
			images["p"] = image
		}, "has no initrd"},
		"another role of a node": {func(r *Request, _ map[string]bos.Image, inv *bos.Inventory) {
			set := r.Template.BootSets["a"]
			set.NodeList = []string{"x1c0s0b0n0"}
			r.Template.BootSets["a"] = set
			inv.Nodes = []bos.Node{{ID: "x1c0s0b0n0", Role: "Management", Enabled: true}}
		}, "of role Management instead of Compute: x1c0s0b0n0"},
		"another operation": {func(r *Request, _ map[string]bos.Image, _ *bos.Inventory) { r.Operation = bos.OperationBoot }, "boot instead of reboot"},
	} {
		t.Run(name, func(t *testing.T) {
			req, images := base()
			inv := site
			defer func() { options = bos.DefaultOptions() }()
			c.change(&req, images, &inv)
			now := plan(req, images, inv)
			if diff := PreviewDiff(reviewed, now); !strings.Contains(diff, c.says) {
				t.Errorf("the difference is %q, want %q in it", diff, c.says)
			}
		})
	}
	same, images := base()
	same.Template.Description = "only words"
	if diff := PreviewDiff(reviewed, plan(same, images, site)); diff != "" {
		t.Errorf("words changed the pin: %s", diff)
	}
}

func TestASelectionWithoutAReachHasNoNode(t *testing.T) {
	inv := bos.Inventory{Nodes: []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true}}}
	req := Request{Operation: bos.OperationBoot, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {NodeRolesGroups: []string{"Compute"}}}}}
	sel, err := Select(req, inv)
	if err != nil || len(sel.Nodes()) != 0 || len(sel.SeenBy(req.Reach).Skipped) != 0 {
		t.Errorf("%v is selected and %v shown, %v", sel.Nodes(), sel.SeenBy(req.Reach).Skipped, err)
	}
	nodes, _, err := Nodes(NodeQuery{}, inv)
	if err != nil || len(nodes) != 0 {
		t.Errorf("%v is listed, %v", nodes, err)
	}
	req.Reach = bos.WholeSite()
	if sel, err = Select(req, inv); err != nil || len(sel.Nodes()) != 1 {
		t.Errorf("%v is selected in the whole site, %v", sel.Nodes(), err)
	}
}

func TestABootSetOfAnotherArchitectureThanAllItsNodesSaysSo(t *testing.T) {
	inv := bos.Inventory{Nodes: []bos.Node{
		{ID: "x1c0s0b0n0", Role: "Compute", Arch: "X86", Enabled: true}, {ID: "x1c0s1b0n0", Role: "Compute", Arch: "ARM", Enabled: true},
	}}
	both := map[string]bos.BootSet{
		"arm": {Arch: bos.ArchARM, NodeRolesGroups: []string{"Compute"}}, "x86": {Arch: bos.ArchX86, NodeRolesGroups: []string{"Compute"}},
	}
	for name, c := range map[string]struct {
		sets map[string]bos.BootSet
		inv  bos.Inventory
		says string
	}{
		"one for each architecture": {both, inv, ""},
		"one of a wrong one": {
			map[string]bos.BootSet{"arm": both["arm"]},
			bos.Inventory{Nodes: inv.Nodes[:1]},
			`boot set "arm" is for nodes of architecture ARM, and its nodes are X86: x1c0s0b0n0`,
		},
		"the default": {
			map[string]bos.BootSet{"any": {NodeRolesGroups: []string{"Compute"}}},
			bos.Inventory{Nodes: inv.Nodes[1:]},
			`boot set "any" is for nodes of architecture X86, and its nodes are ARM: x1c0s1b0n0`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			sel, err := Select(Request{Reach: bos.WholeSite(), Template: bos.SessionTemplate{BootSets: c.sets}, Operation: bos.OperationBoot}, c.inv)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(sel.Warnings, "\n"); (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
				t.Errorf("it warns %q", got)
			}
		})
	}
}
