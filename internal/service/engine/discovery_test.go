package engine_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

func foundNodes(ids ...string) bos.Inventory {
	var inv bos.Inventory
	for _, id := range ids {
		inv.Nodes = append(inv.Nodes, bos.Node{ID: id, Role: "Compute", Enabled: true})
	}
	return inv
}

func committedIDs(out engine.Outputs) []string {
	var ids []string
	for _, r := range out.Commit.Components {
		ids = append(ids, r.ID)
	}
	return ids
}

func TestALargeRoomIsDiscoveredInPortionsEachNodeOnce(t *testing.T) {
	e := engine.New(engine.Settings{Portion: 2})
	if !e.Step(start, engine.Inputs{}).Discover {
		t.Fatal("no discovery at the beginning")
	}
	in := engine.Inputs{Discovery: &engine.DiscoveryFacts{Inventory: foundNodes("a", "b", "c", "d", "e", "f"), Known: []string{"b"}}}
	for _, want := range [][]string{{"a", "c"}, {"d", "e"}, {"f"}, nil} {
		out := e.Step(start, in)
		if got := committedIDs(out); !slices.Equal(got, want) || out.More != (len(want) == 2) {
			t.Errorf("records for %q, more %t, want them for %q", got, out.More, want)
		}
		in = engine.Inputs{}
	}
	// A discovery that overtakes one takes its place: who is in neither is no node any more.
	e.Step(start, engine.Inputs{Discovery: &engine.DiscoveryFacts{Inventory: foundNodes("a", "g", "h", "i"), Known: []string{"a"}}})
	out := e.Step(start, engine.Inputs{Discovery: &engine.DiscoveryFacts{Inventory: foundNodes("a", "g", "h", "j"), Known: []string{"a", "g", "h"}}})
	if got := committedIDs(out); !slices.Equal(got, []string{"j"}) || out.More {
		t.Errorf("records for %q, more %t, want one for the last", got, out.More)
	}
}

// asksForSetup is an engine that has a session and asks what there is to set it up, and what
// it is answered.
func asksForSetup(t *testing.T) (*engine.Engine, bos.Inventory, engine.SetupFacts) {
	t.Helper()
	e := engine.New(engine.Settings{Portion: 1})
	s := bos.SessionRecord{
		Revision: 1, Session: bos.Session{Name: "s", Operation: bos.OperationShutdown, Status: bos.SessionStatus{Status: bos.SessionPending}},
		Template: bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{"all": {NodeRolesGroups: []string{"Compute"}}}},
	}
	if out := e.Step(start, engine.Inputs{Sessions: []bos.SessionRecord{s}}); len(out.Setups) != 1 || !out.Discover {
		t.Fatalf("asks for %d setups, and for the inventory %t", len(out.Setups), out.Discover)
	}
	inventory := foundNodes("x1000c0s0b0n0", "x1000c0s0b0n1", "x1000c0s1b0n0")
	return e, inventory, engine.SetupFacts{Key: s.Key(), Revision: 1, Inventory: inventory, Reach: bos.WholeSite()}
}

func TestASessionIsSetUpOnceAllNodesOfADiscoveryHaveARecord(t *testing.T) {
	e, inventory, facts := asksForSetup(t)
	in := engine.Inputs{Discovery: &engine.DiscoveryFacts{Inventory: inventory}, Setups: []engine.SetupFacts{facts}}
	for left := 2; left > 0; left-- {
		if out := e.Step(start, in); len(out.SetUps)+len(out.Setups) != 0 || !out.More {
			t.Fatalf("with %d nodes without a record: %d setups, and asks for %d", left, len(out.SetUps), len(out.Setups))
		}
		in = engine.Inputs{}
	}
	out := e.Step(start, in)
	if got := committedIDs(out); len(got) != 1 || len(out.Setups) != 1 {
		t.Fatalf("records for %q, and asks for %d setups, want what the session depends on to be gathered once the last has one", got, len(out.Setups))
	}
	if out := e.Step(start, engine.Inputs{Setups: []engine.SetupFacts{facts}}); len(out.SetUps) != 1 || len(out.SetUps[0].Nodes) != 3 {
		t.Errorf("setups %+v, want one of three nodes", out.SetUps)
	}
}

// TestASessionIsNotSetUpInTheMiddleOfADiscoveryThatAnotherEngineBegan, which has ended and
// left a part of the nodes without a record: they would be left out.
func TestASessionIsNotSetUpInTheMiddleOfADiscoveryThatAnotherEngineBegan(t *testing.T) {
	e, inventory, facts := asksForSetup(t)
	setup := engine.Inputs{Setups: []engine.SetupFacts{facts}}
	steps := []struct {
		name         string
		in           engine.Inputs
		asked, setUp int
	}{
		{"its facts come before the discovery is answered", setup, 0, 0},
		{"nothing is asked again meanwhile", engine.Inputs{}, 0, 0},
		{"the discovery fails, and all is asked again", engine.Inputs{Discovery: &engine.DiscoveryFacts{Err: errors.New("away")}}, 1, 0},
		{"its facts come first again", setup, 0, 0},
		{"the discovery is answered, and two nodes have no record", engine.Inputs{Discovery: &engine.DiscoveryFacts{Inventory: inventory, Known: []string{"x1000c0s0b0n0"}}}, 0, 0},
		{"all have one", engine.Inputs{}, 1, 0},
		{"its facts come", setup, 0, 1},
	}
	for _, step := range steps {
		if out := e.Step(start, step.in); len(out.Setups) != step.asked || len(out.SetUps) != step.setUp {
			t.Errorf("%s: asks for %d setups and sets %d up, want %d and %d", step.name, len(out.Setups), len(out.SetUps), step.asked, step.setUp)
		}
	}
}
