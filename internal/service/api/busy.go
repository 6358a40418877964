package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// maxPending bounds the sessions that are looked into because they have not set
// their nodes up yet.
const maxPending = 50

// busy says which of the selected nodes other sessions are at work on, or are about
// to be.
func (s *server) busy(ctx context.Context, asked bos.SessionRecord, sel decide.Selection, inventory bos.Inventory, records map[string]bos.Record) ([]bos.PreviewBusy, error) {
	nodes := sel.Nodes()
	work := decide.Work{Asked: asked, Nodes: nodes, Records: records}
	names := make(map[string]bool)
	for _, r := range records {
		if r.Enabled && r.Session != "" {
			names[r.Session] = true
		}
	}
	for name := range names {
		found, err := s.Store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants(), Name: name, Readable: true}, s.Now())
		if err != nil {
			return nil, err
		}
		work.Sessions = append(work.Sessions, found...)
	}
	pending, err := s.Store.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants(), Status: bos.SessionPending, Readable: true}, s.Now())
	if err != nil {
		return nil, err
	}
	if len(pending) > maxPending {
		pending = pending[len(pending)-maxPending:]
	}
	for _, rec := range pending {
		ids, err := s.pendingNodes(ctx, rec, inventory)
		if err != nil {
			return nil, err
		}
		work.Pending = append(work.Pending, decide.PendingWork{Session: rec, Nodes: ids})
	}
	return decide.Busy(work), nil
}

// ran is the last session of the same configuration with the same pin, of those that
// are over; nil if there is none.
func (s *server) ran(ctx context.Context, asked bos.SessionRecord) (*bos.PreviewRan, error) {
	last, err := s.Store.LastRun(ctx, asked)
	switch {
	case errors.Is(err, bos.ErrNotFound):
		return nil, nil //nolint:nilnil // that there is none is an answer
	case err != nil:
		return nil, err
	}
	return &bos.PreviewRan{Session: last.Name, Accepted: last.Status.StartTime, By: last.Asked.By}, nil
}

// foretold is the session that the preview which is carried out said it goes on
// with, also once that one is over; nil if it said none, or whoever asks has let go
// of that one.
func (s *server) foretold(ctx context.Context, tenant string, asked bos.Asked) (*bos.Repeated, error) {
	if asked.Receipt == "" || asked.RunKey == "" {
		return nil, nil //nolint:nilnil // as above
	}
	receipt, err := s.Store.ReceiptByNumber(ctx, tenant, asked.Receipt, s.Now())
	if errors.Is(err, bos.ErrNotFound) {
		return nil, nil //nolint:nilnil // as above
	}
	name := receipt.Preview.GoesOnWith()
	if err != nil || name == "" {
		return nil, err
	}
	record, err := s.Store.Session(ctx, bos.SessionKey{Tenant: tenant, Name: name})
	if errors.Is(err, bos.ErrNotFound) {
		return &bos.Repeated{Name: name}, nil
	}
	return &bos.Repeated{Name: name, Record: &record}, err
}

// pendingNodes is what a session that is not set up yet is going to select; none
// where its setup would refuse it.
func (s *server) pendingNodes(ctx context.Context, rec bos.SessionRecord, inventory bos.Inventory) ([]string, error) {
	req, err := s.request(ctx, question{
		tenant: bos.TenantOf(rec.Tenant), template: rec.Template, operation: rec.Operation, limit: rec.Limit,
		stage: rec.Stage, includeDisabled: rec.IncludeDisabled,
	})
	if err != nil {
		return nil, err
	}
	if names := decide.LimitNames(req.Limit, inventory); len(names) > 0 {
		if req.Components, err = s.Store.ComponentIDs(ctx, bos.ComponentFilter{IDs: names}); err != nil {
			return nil, err
		}
	}
	sel, err := decide.Select(req, inventory)
	var invalid *bos.Invalid
	if errors.As(err, &invalid) {
		return nil, nil
	}
	return slices.Clone(sel.Nodes()), err
}

// checkOverlap refuses a session that would take nodes which another is at work on, if
// it shall not. Its setup looks again, in the transaction that arms them.
func (s *server) checkOverlap(ctx context.Context, q question, key bos.SessionKey, asked bos.Asked, sel decide.Selection) error {
	if asked.Overlap != bos.OverlapReject || q.stage {
		return nil
	}
	records, err := s.recordsOf(ctx, sel)
	if err != nil {
		return err
	}
	session := bos.Session{Name: key.Name, Tenant: bos.TenantRef(key.Tenant)}
	list := slices.SortedFunc(maps.Values(records), func(a, b bos.Record) int { return bos.CompareXnames(a.ID, b.ID) })
	ids, other := asked.Spared(session, list)
	if len(ids) == 0 {
		return nil
	}
	return problemf(http.StatusConflict, titleBusy,
		"%s is being worked on, by %s at least, and overlap is reject; nothing was started: wait for that session, cancel it, or leave these nodes out with the limit",
		clip(bos.Fold(ids)), other.SaidTo(key.Tenant, "session '"+clip(other.Name)+"'"))
}

// checkRule refuses what is no rule, and what cannot name a session.
func checkRule(overlap bos.Overlap, replaces []string) error {
	if overlap != "" && !slices.Contains(bos.Overlaps(), overlap) {
		return bos.Invalidf("overlap", "%q is no rule for nodes that another session is at work on; use one of %q", clip(string(overlap)), bos.Overlaps())
	}
	if len(replaces) > bos.MaxReplaces {
		return bos.Invalidf("replaces", "names %d sessions, at most %d are allowed", len(replaces), bos.MaxReplaces)
	}
	for _, name := range replaces {
		if !bos.ValidName(name) {
			return bos.Invalidf("replaces", "%q cannot name a session; use %s", clip(name), bos.NameRule)
		}
	}
	return nil
}

// replaced are the sessions that one stands in for: those that it names, and those that
// the preview named which it carries out, by its number or by pin and run key. Who
// applies what was planned may not know any more what it replaces.
func (s *server) replaced(ctx context.Context, tenant, pin string, asked bos.Asked) ([]string, error) {
	names := slices.Clone(asked.Replaces)
	if asked.Receipt != "" {
		receipt, err := s.Store.ReceiptByNumber(ctx, tenant, asked.Receipt, s.Now())
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			return nil, err
		}
		names = append(names, receipt.Preview.Replaces...)
	}
	planned, err := s.Store.Replaced(ctx, tenant, pin, asked.RunKey, s.Now())
	if err != nil {
		return nil, err
	}
	names = append(names, planned...)
	slices.Sort(names)
	return slices.Compact(names), nil
}

// overlapping says for which sessions at work a session would be refused that shall not
// take nodes from others.
func overlapping(overlap bos.Overlap, stage bool, p bos.Preview) (refused []string) {
	if overlap != bos.OverlapReject || stage {
		return nil
	}
	for _, b := range p.Busy {
		if !b.Same && !b.Replaced {
			refused = append(refused, fmt.Sprintf("%s is at work on %s, and overlap is reject", clip(b.SessionText()), clip(b.Nodes)))
		}
	}
	return refused
}

// maxQueued bounds the sessions of a tenant, or of none, that wait for others with their
// setup.
const maxQueued = 100

// checkQueue refuses a session that would queue behind too many of its tenant.
func (s *server) checkQueue(ctx context.Context, tenant string, overlap bos.Overlap) error {
	if overlap != bos.OverlapQueue {
		return nil
	}
	pending, err := s.Store.Sessions(ctx, bos.SessionFilter{Of: bos.OneTenant(tenant), Status: bos.SessionPending, Readable: true}, s.Now())
	if err != nil {
		return err
	}
	queued := slices.DeleteFunc(pending, func(rec bos.SessionRecord) bool { return rec.Asked.Overlap != bos.OverlapQueue })
	if len(queued) >= maxQueued {
		return problemf(http.StatusConflict, titleConflict, "%d sessions with overlap queue wait already, and no more may; nothing was started: cancel those that are not wanted any more, or wait until some are set up", len(queued))
	}
	return nil
}

// waitsFor says for which sessions one would wait with its setup that queues.
func waitsFor(overlap bos.Overlap, stage bool, p bos.Preview) (sessions []string) {
	if overlap != bos.OverlapQueue || stage {
		return nil
	}
	for _, b := range p.Busy {
		if !b.Same && !b.Replaced {
			sessions = append(sessions, fmt.Sprintf("%s has %s, so one with overlap queue waits until it is done with them", clip(b.SessionText()), clip(b.Nodes)))
		}
	}
	return sessions
}
