package sim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

func (w *World) startEffect(epoch int, b decide.Batch) {
	if b.Effect.Kind == bos.EffectWriteBoot {
		w.after(w.delay(), func() { w.writeBoot(epoch, b) })
		return
	}
	ids := b.IDs
	if w.config.Bug == BugStranger {
		ids = append(ids[:len(ids):len(ids)], w.stranger())
	}
	for _, id := range ids {
		w.after(w.delay(), func() { w.power(epoch, b.Effect, id) })
	}
}

// stranger is a node that no session touches: the last of the room.
func (w *World) stranger() string {
	nodes := w.room.Inventory().Nodes
	return nodes[len(nodes)-1].ID
}

func (w *World) writeBoot(epoch int, b decide.Batch) {
	w.tokens++
	token := fmt.Sprintf("token-%d", w.tokens)
	if w.config.Bug != BugNoBootParameters {
		w.room.SetBootParameters(b.IDs, b.Effect.Artifacts, token)
	}
	w.answer(epoch, func(in *engine.Inputs) {
		for _, id := range b.IDs {
			in.Results = append(in.Results, engine.Result{Effect: b.Effect, Token: token, CallResult: bos.CallResult{ID: id}})
		}
	})
}

// resetTypes are the invented BMCs' names for the effects.
var resetTypes = map[bos.EffectKind]string{
	bos.EffectPowerOn: "On", bos.EffectPowerOffGraceful: "GracefulShutdown", bos.EffectPowerOffForceful: "ForceOff",
}

func (w *World) power(epoch int, e bos.Effect, id string) {
	res := bos.CallResult{ID: id}
	put := func() {
		w.answer(epoch, func(in *engine.Inputs) {
			in.Results = append(in.Results, engine.Result{Effect: e, CallResult: res})
		})
	}
	if w.room.Silent(bos.BMCOf(id)) {
		res.Outcome, res.Cause = bos.CallNotAttempted, bos.CauseBMCUnreachable
		w.after(dialTimeout, put)
		return
	}
	w.checkReset(e, id)
	switch status := w.room.Reset(id, resetTypes[e.Kind], w.Now); status {
	case http.StatusOK:
	case http.StatusConflict:
		res.Outcome, res.Cause = bos.CallBusy, bos.CauseBMCError
	default:
		res.Outcome, res.Cause, res.Detail = bos.CallRefused, bos.CauseResetRefused, "refused"
	}
	if w.config.Bug == BugTwice {
		w.after(2*time.Second, func() { w.room.Reset(id, "ForceOff", w.Now); w.room.Reset(id, "On", w.Now.Add(2*time.Second)) })
	}
	w.expectReports()
	put()
}

// checkReset holds each reset against what must be true when it is sent.
func (w *World) checkReset(e bos.Effect, id string) {
	records, err := w.store.Components(w.ctx, bos.ComponentFilter{IDs: []string{id}})
	if err != nil || len(records) != 1 {
		w.violated("%s of %s, which has no record (%v)", e.Kind, id, err)
		return
	}
	r := records[0]
	if r.Session == "" {
		w.violated("%s of %s, which no session touches", e.Kind, id)
	}
	if r.EventStats.PowerOnAttempts > bos.DefaultOptions().DefaultRetryPolicy {
		w.violated("%s: %d power-on attempts", id, r.EventStats.PowerOnAttempts)
	}
	if e.Kind != bos.EffectPowerOn {
		return
	}
	stored, _, ok := w.room.BootParameters(id)
	if !ok || r.Enabled && stored != r.DesiredState.BootArtifacts {
		w.violated("power-on of %s without the boot parameters it shall run", id)
	}
}

// checkEnd holds the room against what a complete session claims.
func (w *World) checkEnd(limit string) {
	all := w.room.Inventory()
	parsed, err := bos.ParseLimit(limit)
	if err != nil {
		w.violated("limit: %s", err)
		return
	}
	ids := make([]string, len(all.Nodes))
	for i, n := range all.Nodes {
		ids[i] = n.ID
	}
	chosen := make(map[string]bool)
	for _, id := range parsed.Apply(all, ids) {
		chosen[id] = true
	}
	records, err := w.store.Components(w.ctx, bos.ComponentFilter{IDs: ids})
	if err != nil {
		w.violated("load: %s", err)
	}
	for _, r := range records {
		resets := w.room.Resets(r.ID)
		if !chosen[r.ID] && len(resets) > 0 {
			w.violated("%s was reset although no session touches it", r.ID)
		}
		if !chosen[r.ID] {
			continue
		}
		state, _ := w.room.Power(r.ID, w.Now)
		failed := r.DeriveStatus() == bos.StatusFailed
		if failed && (r.Work.Cause == bos.CauseNone || r.Error == "") {
			w.violated("%s failed without a cause", r.ID)
		}
		if !failed && !r.DesiredState.BootArtifacts.Empty() && (state != bos.PowerStateOn || !decide.Matches(r.ActualState.BootArtifacts, r.DesiredState.BootArtifacts)) {
			w.violated("%s counts as booted and is %s", r.ID, state)
		}
		if w.config.OutageFor == 0 && len(resets) > 1 {
			w.violated("%s was reset %d times, once was needed", r.ID, len(resets))
		}
	}
}
