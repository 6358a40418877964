package decide

import (
	"cmp"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Work is what is known of the work under way on the nodes that a session would
// act on.
type Work struct {
	// Asked is the session that would be created: its tenant, pin and who asks.
	Asked bos.SessionRecord
	Nodes []string
	// Records are the components of the nodes.
	Records map[string]bos.Record
	// Sessions are those that the components name, whatever their tenant.
	Sessions []bos.SessionRecord
	// Pending are those that have not set their nodes up yet.
	Pending []PendingWork
}

// PendingWork is a session that has not set its nodes up yet, with those that it
// is going to.
type PendingWork struct {
	Session bos.SessionRecord
	Nodes   []string
}

// Busy says which of the nodes other sessions are at work on, or are about to be,
// the session with most of them first. A staged state is no work.
func Busy(w Work) []bos.PreviewBusy {
	list := []bos.PreviewBusy{}
	add := func(s bos.SessionRecord, ids []string) {
		if len(ids) > 0 {
			list = append(list, (bos.PreviewBusy{
				Session: s.Name, Tenant: s.Tenant, Operation: s.Operation, Accepted: s.Status.StartTime, By: s.Asked.By, Reason: s.Asked.Reason,
				Count: len(ids), Nodes: bos.Fold(ids), Same: same(w.Asked, s), Replaced: w.Asked.Asked.MayTakeFrom(w.Asked.Session, s.Key()),
			}).SaidTo(bos.TenantOf(w.Asked.Tenant)))
		}
	}
	for _, s := range w.Sessions {
		if s.Status.Status != bos.SessionRunning {
			continue
		}
		add(s, slices.DeleteFunc(slices.Clone(w.Nodes), func(id string) bool {
			r, known := w.Records[id]
			return !known || !r.Enabled || !s.Owns(&r)
		}))
	}
	selected := toSet(w.Nodes)
	for _, p := range w.Pending {
		if !p.Session.Stage {
			add(p.Session, slices.DeleteFunc(slices.Clone(p.Nodes), func(id string) bool { return !selected[id] }))
		}
	}
	slices.SortFunc(list, func(a, b bos.PreviewBusy) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Session, b.Session))
	})
	return list
}

// same reports whether a session in flight is what the one that is asked for would
// be answered with. One that is to be replaced is not.
func same(asked, found bos.SessionRecord) bool {
	return !asked.Asked.MayTakeFrom(asked.Session, found.Key()) && asked.Pin != "" && asked.Asked.RunKey != "" && asked.Pin == found.Pin && asked.Asked.RunKey == found.Asked.RunKey &&
		bos.TenantOf(asked.Tenant) == bos.TenantOf(found.Tenant)
}
