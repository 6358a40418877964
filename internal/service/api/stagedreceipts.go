package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// stagedReceiptBody is bos.StagedReceiptRequest as it arrives.
type stagedReceiptBody struct {
	RunKey  string `json:"run_key"`
	Walk    string `json:"walk"`
	Reuse   bool   `json:"reuse"`
	Receipt string `json:"receipt"`
	// Guards are those that it is going to be applied within.
	Guards *guardsBody `json:"guards"`
}

func (b stagedReceiptBody) check() error {
	if b.RunKey == "" {
		return bos.Invalidf("run_key", "is missing; give what stands for the configuration that asks, such as a hash of its nodes")
	}
	if len(b.Walk) > bos.MaxRunKey {
		return bos.Invalidf("walk", "has %d characters, at most %d are allowed", len(b.Walk), bos.MaxRunKey)
	}
	return checkAsked(b.Receipt, b.RunKey, b.Guards)
}

// postStagedReceipt gives a number under which staged state can be applied once: POST
// /x/v1/applystaged/receipts. It says what the same configuration has applied before.
func (s *server) postStagedReceipt(w http.ResponseWriter, r *http.Request) error {
	var body stagedReceiptBody
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	if err := s.refuseMisnamed(r.Context(), body.Guards.guards()); err != nil {
		return err
	}
	run, err := s.stagedReceipt(r.Context(), tenant, body)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, run.StagedReceipt)
}

func (s *server) stagedReceipt(ctx context.Context, tenant string, body stagedReceiptBody) (bos.StagedRun, error) {
	now := s.Now()
	if body.Receipt != "" {
		run, err := s.Store.StagedReceipt(ctx, tenant, body.Receipt, now)
		if err == nil && run.RunKey == body.RunKey {
			return run, nil
		}
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			return run, err
		}
	}
	newest, err := s.newestStaged(ctx, tenant, body.RunKey, false)
	if err != nil {
		return bos.StagedRun{}, err
	}
	ran, err := s.stagedRan(ctx, tenant, body.RunKey)
	if err != nil {
		return bos.StagedRun{}, err
	}
	if newest != nil {
		// One that is not used yet stays good as long as what it says of earlier
		// applications does, and for the apply of what was reviewed in any case: that
		// may have staged something itself.
		open := newest.AppliedAt.IsZero() && (body.Reuse || sameRan(newest.Ran, ran))
		used := body.Reuse && ran != nil && !ran.Anew && newest.Receipt == ran.Receipt
		if open || used {
			return *newest, nil
		}
	}
	run := bos.StagedRun{
		StagedReceipt: bos.StagedReceipt{Receipt: uuid.NewString(), Walk: body.Walk, Created: now.UTC(), Expires: now.Add(receiptTTL).UTC(), Ran: ran},
		Tenant:        tenant, RunKey: body.RunKey,
	}
	return run, s.Store.PutStagedReceipt(ctx, run)
}

// sameRan reports whether two receipts were given after the same application.
func sameRan(a, b *bos.StagedRan) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Receipt == b.Receipt && a.Anew == b.Anew
}

// newestStaged is the newest receipt of a configuration, or the one by which it applied
// something last; nil if there is none. One from the future is of a wall clock that was
// set back since.
func (s *server) newestStaged(ctx context.Context, tenant, runKey string, applied bool) (*bos.StagedRun, error) {
	run, err := s.Store.NewestStagedReceipt(ctx, tenant, runKey, applied, s.Now())
	switch {
	case errors.Is(err, bos.ErrNotFound), err == nil && run.Created.After(s.Now()):
		return nil, nil //nolint:nilnil // that there is none is an answer
	case err != nil:
		return nil, err
	}
	return &run, nil
}

// stagedRan is the last application of a configuration.
func (s *server) stagedRan(ctx context.Context, tenant, runKey string) (*bos.StagedRan, error) {
	last, err := s.newestStaged(ctx, tenant, runKey, true)
	if last == nil || err != nil {
		return nil, err
	}
	ran := &bos.StagedRan{Receipt: last.Receipt, AppliedAt: last.AppliedAt}
	var ids []string
	for id, node := range last.Nodes {
		if node.Outcome != bos.StagedIgnored {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // nothing was applied
	}
	records, err := s.Store.Components(ctx, bos.ComponentFilter{IDs: ids})
	if err != nil {
		return nil, err
	}
	waiting := 0
	for i := range records {
		rec := &records[i]
		if rec.Waits() {
			waiting++
		}
		if rec.Enabled && rec.Session == last.Nodes[rec.ID].Session {
			ran.InFlight = true
		}
	}
	if waiting > 0 && waiting == len(records) {
		ran.Anew, ran.InFlight = true, false
	}
	return ran, nil
}

// What a request with a receipt did with a node.
type stagedDeed int

const (
	deedApplied stagedDeed = iota
	deedRepeated
	deedUnderWay
)

// applied reports whether a node had its turn by a receipt: it took what was staged, or
// was refused that. Whatever somebody has staged for it since is not what the plan of
// the receipt was about. A node for which nothing was staged had no turn yet, nor had
// one that was refused, as for a hold, what is still staged for it.
func applied(nodes bos.StagedNodes, rec *bos.Record) bool {
	node, done := nodes[rec.ID]
	switch {
	case !done:
		return false
	case node.Outcome == bos.StagedIgnored, node.Outcome == bos.StagedFailed && rec.StagedState.Session == node.Session:
		return !rec.Waits()
	default:
		return true
	}
}

// applyOnce applies what is staged by a receipt: a node that had its turn by it before
// is answered for and not touched, also if something else was staged for it since. A node
// that BOS is bringing to what is staged counts as applied.
func (s *server) applyOnce(w http.ResponseWriter, r *http.Request, reach bos.Reach, bound boundStagedBody, ids []string, staged map[string]stagedBy, why map[string]bos.StagedReason, options bos.Options) error {
	ctx, now := r.Context(), s.Now()
	before, err := s.Store.StagedReceipt(ctx, reach.Tenant(), bound.Receipt, now)
	if err != nil {
		return orReceipt(err, bound.Receipt)
	}
	touched := maps.Clone(staged)
	maps.DeleteFunc(touched, func(id string, from stagedBy) bool {
		return applied(before.Nodes, &from.record) || from.record.UnderWay()
	})
	if err := s.guardStaged(ctx, bound.Guards.guards(), touched); err != nil {
		return err
	}
	deeds := make(map[string]stagedDeed, len(ids))
	run, written, err := s.Store.MutateStaged(ctx, reach.Tenant(), bound.Receipt, now, ids, func(nodes bos.StagedNodes, rec *bos.Record, exists bool) error {
		if applied(nodes, rec) {
			deeds[rec.ID] = deedRepeated
			return bos.ErrSkip
		}
		deeds[rec.ID] = deedApplied
		from, has := staged[rec.ID]
		if has {
			delete(why, rec.ID)
		}
		switch {
		case !exists, !has, rec.StagedState.Session != from.name:
			if has {
				why[rec.ID] = bos.StagedAnew
			}
			nodes[rec.ID] = bos.StagedNode{Outcome: bos.StagedIgnored}
			return bos.ErrSkip
		case rec.Held.On():
			why[rec.ID] = bos.StagedHeld
			nodes[rec.ID] = bos.StagedNode{Outcome: bos.StagedFailed, Session: from.name} // it stays staged
			return bos.ErrSkip
		case rec.UnderWay():
			deeds[rec.ID] = deedUnderWay
			nodes[rec.ID] = bos.StagedNode{Outcome: bos.StagedSucceeded, Session: from.name}
			return bos.ErrSkip
		}
		outcome := bos.StagedFailed
		if bos.ApplyStaged(rec, from.session, options.ClearStage, now) {
			outcome = bos.StagedSucceeded
		} else {
			why[rec.ID] = bos.StagedMisfit
		}
		nodes[rec.ID] = bos.StagedNode{Outcome: outcome, Session: from.name}
		return nil
	}, s.note(r, eventStageApplied, ""))
	if err != nil {
		return orReceipt(err, bound.Receipt)
	}
	if len(written) > 0 {
		var changed []string
		for i := range written {
			changed = append(changed, written[i].ID)
		}
		if err := s.settle(r, Change{Components: changed}); err != nil {
			return err
		}
	}
	answer := stagedAnswer(ids, run, deeds)
	maps.DeleteFunc(why, func(id string, _ bos.StagedReason) bool { return deeds[id] != deedApplied })
	answer.Unapplied = bos.Unapplied(why)
	s.tellUnapplied(w, false, answer.Unapplied)
	return s.answer(w, http.StatusOK, answer)
}

func stagedAnswer(ids []string, run bos.StagedRun, deeds map[string]stagedDeed) bos.StagedAnswer {
	all := run.Nodes
	answer := bos.StagedAnswer{AppliedAt: run.AppliedAt, StagedOutcome: bos.StagedOutcome{Succeeded: []string{}, Failed: []string{}, Ignored: []string{}}}
	named := make(bos.StagedNodes, len(ids))
	for _, id := range ids {
		named[id] = all[id]
		switch all[id].Outcome {
		case bos.StagedSucceeded:
			answer.Succeeded = append(answer.Succeeded, id)
		case bos.StagedFailed:
			answer.Failed = append(answer.Failed, id)
		default:
			answer.Ignored = append(answer.Ignored, id)
		}
		switch deeds[id] {
		case deedApplied:
		case deedRepeated:
			answer.Repeated = append(answer.Repeated, id)
		case deedUnderWay:
			answer.UnderWay = append(answer.UnderWay, id)
		}
	}
	answer.Sessions = named.Sessions()
	slices.Sort(answer.Repeated)
	return answer
}

func orReceipt(err error, number string) error {
	if !errors.Is(err, bos.ErrNotFound) {
		return err
	}
	return problemf(http.StatusConflict, titlePlanOutdated,
		"there is no receipt %q for staged state here any more; nothing was touched, plan again", clip(number))
}
