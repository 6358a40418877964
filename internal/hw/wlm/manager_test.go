package wlm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// room is a manager in memory, which can refuse and lose answers.
type room struct {
	nodes    map[string]Node
	commands []string
	silent   bool
	// lost answers what it has done with an error, refuses does nothing.
	lost, refuses bool
}

var errRoom = errors.New("exit status 1: no route to the controller")

func (r *room) Nodes(_ context.Context, names []string) (map[string]Node, error) {
	r.commands = append(r.commands, "show "+Hostlist(names))
	if r.silent {
		return nil, errRoom
	}
	some := make(map[string]Node)
	for _, name := range names {
		if n, ok := r.nodes[name]; ok {
			some[name] = n
		}
	}
	return some, nil
}

func (r *room) change(what string, names []string, do func(*Node)) error {
	r.commands = append(r.commands, what+" "+Hostlist(names))
	if r.refuses {
		return errRoom
	}
	for _, name := range names {
		n := r.nodes[name]
		do(&n)
		r.nodes[name] = n
	}
	if r.lost {
		return errRoom
	}
	return nil
}

func (r *room) Drain(_ context.Context, names []string, reason string) error {
	return r.change("drain", names, func(n *Node) { n.Drained, n.Reason = true, reason })
}

func (r *room) Resume(_ context.Context, names []string) error {
	return r.change("resume", names, func(n *Node) { n.Drained, n.Reason = false, "" })
}

func newRoom() *room {
	return &room{nodes: map[string]Node{
		"n1": {Heard: true}, "n2": {Heard: true, Jobs: true}, "n3": {Drained: true, Reason: "bad DIMM"},
		"n4": {Drained: true, Reason: "bos:s waits"}, "n5": {Drained: true, Reason: "bos:other failed"}, "n6": {Unsure: true},
	}}
}

var all = []string{"n1", "n2", "n3", "n4", "n5", "n6", "n7"}

func outcomes(do func(each func(bos.CallResult))) map[string]bos.CallOutcome {
	got := make(map[string]bos.CallOutcome)
	do(func(r bos.CallResult) { got[r.ID] = r.Outcome })
	return got
}

func TestANodeIsReadAsItsManagerTells(t *testing.T) {
	got := make(map[string]bos.WorkloadState)
	New(newRoom(), ByXname{}).Probe(t.Context(), all, func(r bos.WorkloadReading) {
		if got[r.ID] = r.State; r.State == bos.WorkloadDrained && r.Mark == "" {
			t.Errorf("%s has no mark", r.ID)
		}
	})
	want := map[string]bos.WorkloadState{
		"n1": bos.WorkloadInService, "n2": bos.WorkloadInService, "n3": bos.WorkloadForeign, "n4": bos.WorkloadDrained,
		"n5": bos.WorkloadDrained, "n6": bos.WorkloadUnknown, "n7": bos.WorkloadAbsent,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestADrainOfSomebodyElseIsNeitherRewordedNorEnded(t *testing.T) {
	for name, do := range map[string]func(*Manager, func(bos.CallResult)){
		"drain":            func(m *Manager, each func(bos.CallResult)) { m.Drain(t.Context(), "bos:s again", all, each) },
		"reword":           func(m *Manager, each func(bos.CallResult)) { m.Reword(t.Context(), "bos:s failed", all, each) },
		"return":           func(m *Manager, each func(bos.CallResult)) { m.Return(t.Context(), "bos:s", all, each) },
		"return of nobody": func(m *Manager, each func(bos.CallResult)) { m.Return(t.Context(), "", all, each) },
	} {
		r := newRoom()
		got := outcomes(func(each func(bos.CallResult)) { do(New(r, ByXname{}), each) })
		if n := r.nodes["n3"]; n.Reason != "bad DIMM" || !n.Drained || len(got) != len(all) {
			t.Errorf("%s: %+v, answers %v", name, n, got)
		}
		if name == "return" && (r.nodes["n4"].Drained || !r.nodes["n5"].Drained) {
			t.Errorf("%s: %+v", name, r.nodes)
		}
		if name == "reword" && (r.nodes["n1"].Drained || r.nodes["n4"].Reason != "bos:s failed") {
			t.Errorf("%s: %+v", name, r.nodes)
		}
	}
}

func TestManyNodesAreOneCommand(t *testing.T) {
	r := newRoom()
	New(r, ByXname{}).Drain(t.Context(), "bos:s x", all, func(bos.CallResult) {})
	if want := []string{"show n[1-7]", "drain n[1-2,4-6]"}; !slices.Equal(r.commands, want) {
		t.Errorf("the commands are %q, want %q", r.commands, want)
	}
}

func TestWhatACommandHasDoneIsToldByReadingAgain(t *testing.T) {
	for name, c := range map[string]struct {
		room room
		want bos.CallOutcome
	}{
		"lost": {room{lost: true}, bos.CallDone}, "refused": {room{refuses: true}, bos.CallRefused}, "no answer": {room{silent: true}, bos.CallNotAttempted},
	} {
		r := c.room
		r.nodes = newRoom().nodes
		got := outcomes(func(each func(bos.CallResult)) {
			New(&r, ByXname{}).Return(t.Context(), "bos:s", []string{"n4"}, each)
		})
		if got["n4"] != c.want {
			t.Errorf("%s: %v, want %v", name, got["n4"], c.want)
		}
	}
}

func TestNothingIsSentForANodeThatIsNoLongerToBeActedOn(t *testing.T) {
	r := newRoom()
	ctx := bos.WithPermission(t.Context(), func(id string) bool { return id != "n4" })
	got := outcomes(func(each func(bos.CallResult)) { New(r, ByXname{}).Return(ctx, "bos:s", all, each) })
	if !r.nodes["n4"].Drained || got["n4"] != bos.CallNotAttempted {
		t.Errorf("%+v, %v", r.nodes["n4"], got)
	}
}

type nids []bos.NodeName

func (n nids) NodeNames(context.Context) ([]bos.NodeName, error) { return n, nil }

func TestNodesAreCalledByTheirNIDsOrByAList(t *testing.T) {
	got, err := ByNID{"nid%06d", nids{{ID: "x1c0s0b0n0", NID: 7}, {ID: "x1c0s1b0n0"}}}.Of(t.Context(), []string{"x1c0s0b0n0", "x1c0s1b0n0"})
	if err != nil || !maps.Equal(got, map[string]string{"x1c0s0b0n0": "nid000007"}) {
		t.Errorf("%v, %v", got, err)
	}
	list, err := ParseListed("# ours\nx1c0s0b0n0 alice\n\nx1c0s1b0n0\tbob # the other\n")
	if err != nil || !maps.Equal(list, Listed{"x1c0s0b0n0": "alice", "x1c0s1b0n0": "bob"}) {
		t.Errorf("%v, %v", list, err)
	}
	for _, bad := range []string{"x1c0s0b0n0", "a b c", "a b\na c", "a b\nc b"} {
		if _, err := ParseListed(bad); err == nil {
			t.Errorf("%q is read as names", bad)
		}
	}
}

func TestAHostlistIsExpandedAsItIsWritten(t *testing.T) {
	names := []string{"nid000009", "nid000010", "nid000011", "nid7", "login", "x1c0s0b0n0"}
	list := Hostlist(names)
	if list != "login,nid[000009-000011],nid7,x1c0s0b0n0" {
		t.Errorf("written as %s", list)
	}
	got, err := ExpandHostlist(list)
	slices.Sort(names)
	if slices.Sort(got); err != nil || !slices.Equal(got, names) {
		t.Errorf("read as %v, %v", got, err)
	}
	if got, err = ExpandHostlist("r[1-2]n[08-10],a"); err != nil || strings.Join(got, " ") != "r1n08 r1n09 r1n10 r2n08 r2n09 r2n10 a" {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"n[1-2", "n1]", "n[2-1]", "n[a]", "n[1-99999999]", "n[[1]]", "n[1-1000]m[1-1000]"} {
		if got, err := ExpandHostlist(bad); err == nil {
			t.Errorf("%q is read as %d names", bad, len(got))
		}
	}
}

// TestEachCommandFollowsFromAReadingOfItsOwn: while many nodes are returned, somebody
// drains one whose turn is still to come.
func TestEachCommandFollowsFromAReadingOfItsOwn(t *testing.T) {
	r := &room{nodes: make(map[string]Node)}
	var ids []string
	for i := range 2 * mostNodes {
		id := fmt.Sprintf("n%04d", i)
		ids, r.nodes[id] = append(ids, id), Node{Drained: true, Reason: "bos:s x", Heard: true}
	}
	last := ids[len(ids)-1]
	New(r, ByXname{}).Return(t.Context(), "bos:s", ids, func(res bos.CallResult) {
		if res.ID == ids[0] {
			r.nodes[last] = Node{Drained: true, Reason: "bad DIMM", Heard: true}
		}
	})
	if n := r.nodes[last]; n.Reason != "bad DIMM" || r.nodes[ids[0]].Drained {
		t.Errorf("%+v, after what somebody else wanted meanwhile", n)
	}
}
