package decide

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestASetupGoesBeyondNoGuard(t *testing.T) {
	three := 1
	s := bos.SessionRecord{Session: bos.Session{Name: "s", Operation: bos.OperationShutdown}, Asked: bos.Asked{Guards: bos.Guards{MaxNodes: &three}}}
	sel := Selection{BootSets: []SelectedSet{{Name: "c", Nodes: []string{"x1c0s1b0n0", "x1c0s2b0n0"}}}}
	if _, err := PlanSetup(s, sel, nil, bos.Options{}); err == nil {
		t.Error("two nodes are set up, and one is allowed")
	}
	sel.BootSets[0].Nodes = sel.BootSets[0].Nodes[:1]
	sel.Roles = []SelectedRole{{Role: "Management", Nodes: sel.BootSets[0].Nodes}}
	if _, err := PlanSetup(s, sel, nil, bos.Options{}); err != nil {
		t.Error(err)
	}
	s.Asked.Guards.ProtectedRoles = []string{"management"}
	if _, err := PlanSetup(s, sel, nil, bos.Options{}); err == nil {
		t.Error("a node whose role became a protected one is set up")
	}
}

func TestANodeIsBusyOnlyWithTheSessionThatWorksOnIt(t *testing.T) {
	session := func(name string, status bos.SessionPhase) bos.SessionRecord {
		return bos.SessionRecord{Session: bos.Session{Name: name, Status: bos.SessionStatus{Status: status}}}
	}
	record := func(id, session string, enabled bool) bos.Record {
		r := bos.Record{}
		r.ID, r.Session, r.Enabled = id, session, enabled
		return r
	}
	red := session("s1", bos.SessionRunning)
	red.Tenant = bos.TenantRef("red")
	staging := session("staging", bos.SessionPending)
	staging.Stage = true
	w := Work{
		Nodes: []string{"x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0", "x1c0s4b0n0"},
		Records: map[string]bos.Record{
			"x1c0s1b0n0": record("x1c0s1b0n0", "s1", true), "x1c0s2b0n0": record("x1c0s2b0n0", "s1", false),
			"x1c0s3b0n0": record("x1c0s3b0n0", "s1", true), "x1c0s4b0n0": record("x1c0s4b0n0", "old", true),
		},
		Sessions: []bos.SessionRecord{session("s1", bos.SessionRunning), red, session("old", bos.SessionComplete)},
		Pending:  []PendingWork{{Session: staging, Nodes: []string{"x1c0s1b0n0"}}, {Session: session("p", bos.SessionPending), Nodes: []string{"x1c0s4b0n0", "x9c0s1b0n0"}}},
	}
	ofRed := w.Records["x1c0s3b0n0"]
	ofRed.Tenant = "red"
	w.Records["x1c0s3b0n0"] = ofRed
	got := make(map[string]string)
	for _, b := range Busy(w) {
		got[b.Session+"/"+bos.TenantOf(b.Tenant)] = b.Nodes
	}
	if len(got) != 3 || got["s1/"] != "x1c0s1b0n0" || got["s1/red"] != "x1c0s3b0n0" || got["p/"] != "x1c0s4b0n0" {
		t.Errorf("%v", got)
	}
}
