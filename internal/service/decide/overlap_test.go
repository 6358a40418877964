package decide

import (
	"errors"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestASetupThatRejectsOverlapTakesNoNodeFromAnotherSession(t *testing.T) {
	rec := bos.SessionRecord{Session: bos.Session{Name: "tuesday", Operation: bos.OperationShutdown}, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"compute": {}}}}
	sel := Selection{BootSets: []SelectedSet{{Name: "compute", Nodes: []string{"x1", "x2"}}}}
	for overlap, refused := range map[bos.Overlap]bool{bos.OverlapReject: true, bos.OverlapTakeOver: false, "": false} {
		rec.Asked.Overlap = overlap
		plan, err := PlanSetup(rec, sel, nil, bos.DefaultOptions())
		if err != nil {
			t.Fatal(err)
		}
		nodes := []bos.Record{{Component: bos.Component{ID: "x1"}}, {Component: bos.Component{ID: "x2", Session: "monday", Enabled: true}}}
		result, err := plan.Arm(nodes, noon)
		if (err != nil) != refused || refused && (!strings.Contains(err.Error(), "monday") || nodes[0].Enabled || nodes[1].Session != "monday") || !refused && len(result.Nodes) != 2 {
			t.Errorf("%q: %+v, %v", overlap, result, err)
		}
		// One that is done with its node is in nobody's way.
		nodes[0], nodes[1] = bos.Record{Component: bos.Component{ID: "x1"}}, bos.Record{Component: bos.Component{ID: "x2", Session: "monday"}}
		if _, err := plan.Arm(nodes, noon); err != nil {
			t.Errorf("%q: %v", overlap, err)
		}
	}
}

func TestASetupThatQueuesIsPutOffWhereAnotherSessionHasComeToBeAtWork(t *testing.T) {
	rec := bos.SessionRecord{Session: bos.Session{Name: "tuesday", Operation: bos.OperationShutdown}, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"compute": {}}}}
	rec.Asked.Overlap = bos.OverlapQueue
	plan, err := PlanSetup(rec, Selection{BootSets: []SelectedSet{{Name: "compute", Nodes: []string{"x1", "x2"}}}}, nil, bos.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	nodes := []bos.Record{{Component: bos.Component{ID: "x1"}}, {Component: bos.Component{ID: "x2", Session: "monday", Enabled: true}}}
	if _, err := plan.Arm(nodes, noon); !errors.Is(err, ErrQueued) || nodes[0].Enabled {
		t.Errorf("%v, and its first node is %+v", err, nodes[0])
	}
	nodes[1].Enabled = false
	if result, err := plan.Arm(nodes, noon); err != nil || len(result.Nodes) != 2 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestASetupTakesNodesFromTheSessionsThatItStandsInForAndFromNoOthers(t *testing.T) {
	red := "red"
	for name, c := range map[string]struct {
		tenant   *string
		replaces []string
		owner    string
		of       string
		refused  bool
	}{
		"the one it names":             {nil, []string{"sunday", "monday"}, "monday", "", false},
		"another one":                  {nil, []string{"sunday"}, "monday", "", true},
		"nobody named":                 {nil, nil, "monday", "", true},
		"that name of its own tenant":  {&red, []string{"monday"}, "monday", "red", false},
		"that name of another tenant":  {&red, []string{"monday"}, "monday", "blue", true},
		"that name of no tenant":       {&red, []string{"monday"}, "monday", "", true},
		"that name, which has nothing": {nil, []string{"monday"}, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := bos.SessionRecord{
				Session:  bos.Session{Name: "tuesday", Tenant: c.tenant, Operation: bos.OperationShutdown},
				Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"compute": {}}},
				Asked:    bos.Asked{Overlap: bos.OverlapReject, Replaces: c.replaces},
			}
			plan, err := PlanSetup(rec, Selection{BootSets: []SelectedSet{{Name: "compute", Nodes: []string{"x1"}}}}, nil, bos.DefaultOptions())
			if err != nil {
				t.Fatal(err)
			}
			nodes := []bos.Record{{Component: bos.Component{ID: "x1", Session: c.owner, Enabled: true}, Tenant: c.of}}
			if _, err := plan.Arm(nodes, noon); (err != nil) != c.refused || c.refused != (nodes[0].Session == c.owner) {
				t.Errorf("%v, and the node is of session %q", err, nodes[0].Session)
			}
		})
	}
}
