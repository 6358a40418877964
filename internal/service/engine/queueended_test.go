package engine

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// A session that waits for others with its setup waits for nobody any more once its rollout
// was ended: it would stay, and keep those behind it waiting, for as long as the others do.
func TestASessionThatQueuesWaitsForNobodyOnceItsRolloutWasEnded(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	pending := func(name string, started time.Time) bos.SessionRecord {
		return bos.SessionRecord{Revision: 1, Session: bos.Session{Name: name, Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(started)}}}
	}
	first, behind := pending("first", now.Add(-time.Hour)), pending("behind", now)
	first.Created, behind.Created = now.Add(-time.Hour), now
	behind.Asked.Overlap = bos.OverlapQueue
	behind.Rollout = bos.NewRollout(bos.Rollout{Canary: bos.Amount{N: 1}})
	e := New(Settings{NoInventory: true})
	e.Step(now, Inputs{Sessions: []bos.SessionRecord{first, behind}})
	s := e.sessions[behind.Key()]
	delete(e.gathering, behind.Key())
	s.asked, s.nodes = false, []bos.SelectedNode{}
	if e.lookAhead(s); s.queue == nil {
		t.Fatal("it does not wait for the one that was created before it")
	}
	asked := func() bool {
		for _, rec := range e.Step(now, Inputs{Sessions: []bos.SessionRecord{behind}}).Setups {
			if rec.Name == behind.Name {
				return true
			}
		}
		return false
	}
	behind.Revision++
	if asked() {
		t.Fatal("it is to be set up while it waits")
	}
	if err := behind.Fail(nil, "enough", now); err != nil {
		t.Fatal(err)
	}
	behind.Revision++
	if !asked() {
		t.Error("it waits on, although its rollout was ended")
	}
}
