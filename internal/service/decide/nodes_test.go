package decide_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

func inventoryToList() bos.Inventory {
	return bos.Inventory{
		Nodes: []bos.Node{
			{ID: "x1c0s10b0n0", Role: "Compute", Arch: "ARM", Enabled: true, Seen: bos.PowerStateOn},
			{ID: "x1c0s2b0n0", Role: "Compute", SubRole: "Gpu", Enabled: true, Locked: true},
			{ID: "x1c0s3b0n0", Role: "Compute", Enabled: false, Seen: bos.PowerStateOff},
			{ID: "x1c0s4b0n0", Role: "Application", SubRole: "UAN", Enabled: true},
			{ID: "x1c0s5b0n0", Enabled: true, Empty: true},
			{ID: "x1c0s6b0n0", Role: "Compute", Arch: "UNKNOWN", Enabled: true, BMCHeld: true},
			{ID: "x1c0s7b0n0", Role: "Compute", Arch: "Other", Enabled: true},
		},
		Groups:     map[string][]string{"red": {"x1c0s2b0n0", "x1c0s10b0n0"}, "blue": {"x1c0s10b0n0", "x9c0s0b0n0"}},
		Partitions: map[string][]string{"p1": {"x1c0s3b0n0"}},
	}
}

func idsOf(nodes []bos.InventoryNode) string {
	var ids []string
	for _, n := range nodes {
		ids = append(ids, n.ID)
	}
	return bos.Fold(ids)
}

func TestNodesAreListedWithAllThatTheInventorySaysOfThem(t *testing.T) {
	nodes, warnings, err := decide.Nodes(decide.NodeQuery{Reach: bos.WholeSite(), Held: map[string]string{"x1c0s4b0n0": "board is out"}}, inventoryToList())
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%q, %v", warnings, err)
	}
	want := []bos.InventoryNode{
		{ID: "x1c0s2b0n0", Role: "Compute", SubRole: "Gpu", Groups: []string{"red"}, Enabled: true, Locked: true, SkipReason: decide.SkipLocked},
		{ID: "x1c0s3b0n0", Role: "Compute", Partitions: []string{"p1"}, Power: bos.PowerStateOff, SkipReason: decide.SkipDisabled},
		{ID: "x1c0s4b0n0", Role: "Application", SubRole: "UAN", Enabled: true, Held: true, SkipReason: "held: board is out"},
		{ID: "x1c0s5b0n0", Enabled: true, SkipReason: decide.SkipEmpty},
		{ID: "x1c0s6b0n0", Role: "Compute", Arch: "UNKNOWN", Enabled: true, SkipReason: decide.SkipBMCHeld},
		{ID: "x1c0s7b0n0", Role: "Compute", Arch: "Other", Enabled: true},
		{ID: "x1c0s10b0n0", Role: "Compute", Arch: "ARM", Groups: []string{"blue", "red"}, Enabled: true, Power: bos.PowerStateOn},
	}
	if diff := cmp.Diff(want, nodes); diff != "" {
		t.Error(diff)
	}
}

func TestNodesAreFilteredByWhatALimitMeansInASession(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		query decide.NodeQuery
		want  string
		warns string
	}{
		"a limit":                     {query: decide.NodeQuery{Reach: bos.WholeSite(), Limit: "Compute,!red"}, want: "x1c0s[3,6-7]b0n0"},
		"a folded limit":              {query: decide.NodeQuery{Reach: bos.WholeSite(), Limit: "x1c0s[2-3]b0n0"}, want: "x1c0s[2-3]b0n0"},
		"a limit with a typo":         {query: decide.NodeQuery{Reach: bos.WholeSite(), Limit: "x1c0s2b0n0,computer"}, want: "x1c0s2b0n0", warns: "the limit names computer"},
		"a role":                      {query: decide.NodeQuery{Reach: bos.WholeSite(), Role: "Application"}, want: "x1c0s4b0n0"},
		"a sub-role":                  {query: decide.NodeQuery{Reach: bos.WholeSite(), Role: "Compute_Gpu"}, want: "x1c0s2b0n0"},
		"a role that nobody has":      {query: decide.NodeQuery{Reach: bos.WholeSite(), Role: "compute"}, warns: `no node of role "compute"`},
		"a group":                     {query: decide.NodeQuery{Reach: bos.WholeSite(), Group: "blue"}, want: "x1c0s10b0n0"},
		"a group that is none":        {query: decide.NodeQuery{Reach: bos.WholeSite(), Group: "Blue"}, warns: `no group "Blue"`},
		"a partition":                 {query: decide.NodeQuery{Reach: bos.WholeSite(), Partition: "p1"}, want: "x1c0s3b0n0"},
		"a partition that is none":    {query: decide.NodeQuery{Reach: bos.WholeSite(), Partition: "p2"}, warns: `no partition "p2"`},
		"all of it together":          {query: decide.NodeQuery{Reach: bos.WholeSite(), Limit: "all,!x1c0s7b0n0", Role: "Compute", Enabled: &yes}, want: "x1c0s[2,6,10]b0n0"},
		"disabled":                    {query: decide.NodeQuery{Reach: bos.WholeSite(), Enabled: &no}, want: "x1c0s3b0n0"},
		"a tenant":                    {query: decide.NodeQuery{Reach: bos.TenantReach("red", []string{"x1c0s2b0n0", "x8c0s0b0n0"})}, want: "x1c0s2b0n0"},
		"a tenant without nodes":      {query: decide.NodeQuery{Reach: bos.TenantReach("red", nil)}},
		"what BOS knows and HSM not":  {query: decide.NodeQuery{Reach: bos.WholeSite(), Limit: "all,!x9c0s9b0n0", Role: "Application", Components: []string{"x9c0s9b0n0"}}, want: "x1c0s4b0n0", warns: "x9c0s9b0n0"},
		"a limit that starts with no": {query: decide.NodeQuery{Reach: bos.WholeSite(), Limit: "!red"}, warns: "takes away from nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes, warnings, err := decide.Nodes(c.query, inventoryToList())
			if err != nil || idsOf(nodes) != c.want {
				t.Errorf("found %s, want %s (%v)", idsOf(nodes), c.want, err)
			}
			if said := strings.Join(warnings, "; "); !strings.Contains(said, c.warns) || (c.warns == "") != (said == "") {
				t.Errorf("warned %q, want %q", said, c.warns)
			}
		})
	}
}

func TestALimitThatWouldLeaveOutNobodyIsRefusedForNodesAsForSessions(t *testing.T) {
	for _, limit := range []string{"all,!typo", "all,", "all,&&x"} {
		_, _, err := decide.Nodes(decide.NodeQuery{Reach: bos.WholeSite(), Limit: limit}, inventoryToList())
		var invalid *bos.Invalid
		if !errors.As(err, &invalid) {
			t.Errorf("%q: %v", limit, err)
		}
	}
}
