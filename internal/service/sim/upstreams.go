package sim

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

var errOut = errors.New("no answer in time")

// Inventory is the room's, as HSM would say it.
func (w *World) Inventory(context.Context) (bos.Inventory, error) {
	if w.out[HSM] {
		return bos.Inventory{}, errOut
	}
	return w.room.Inventory(), nil
}

// Image is one image for every path.
func (w *World) Image(_ context.Context, path string) (bos.Image, error) {
	return bos.Image{
		Path: path, ETag: "e", Kernel: bos.Artifact{Path: path + "/kernel"}, Initrd: bos.Artifact{Path: path + "/initrd"}, Rootfs: bos.Artifact{Path: path + "/rootfs"},
	}, nil
}

func (w *World) startEffect(life int, b decide.Batch) {
	for _, id := range b.IDs {
		w.calls[id] = &call{kind: b.Effect.Kind}
		w.check.started(life, b.Effect, id)
		if w.config.Bug == BugTwoAtOnce {
			w.check.started(life, b.Effect, id)
		}
	}
	switch b.Effect.Kind {
	case bos.EffectWriteBoot:
		w.after(w.delay(), func() { w.writeBoot(life, b) })
		return
	case bos.EffectConfigure:
		w.after(w.delay(), func() { w.configure(life, b) })
		return
	default:
	}
	ids := b.IDs
	if w.config.Bug == BugStranger {
		ids = append(ids[:len(ids):len(ids)], w.stranger())
	}
	for _, id := range ids {
		started := w.Now
		w.after(w.delay(), func() { w.power(life, b.Effect, id, started) })
	}
}

// stranger is a node that no session touches: the last of the room.
func (w *World) stranger() string {
	nodes := w.room.Inventory().Nodes
	return nodes[len(nodes)-1].ID
}

// results answers an effect for every node of a batch.
func (w *World) results(life int, b decide.Batch, token string, res bos.CallResult) {
	w.check.answered(life, b.IDs)
	for _, id := range b.IDs {
		res.ID = id
		w.land(life, engine.Result{Effect: b.Effect, Token: token, CallResult: res})
	}
}

// halted answers a batch for the process that was told to make no more of its
// calls, as an adapter does right before it sends.
func (w *World) halted(life int, b decide.Batch) bool {
	for _, id := range b.IDs {
		if c := w.calls[id]; life == w.life && c != nil && c.halted {
			w.results(life, b, "", bos.CallResult{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted})
			return true
		}
	}
	return false
}

func (w *World) writeBoot(life int, b decide.Batch) {
	if w.halted(life, b) {
		return
	}
	if w.out[BSS] {
		w.after(dialTimeout, func() {
			w.results(life, b, "", bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: "BSS: " + errOut.Error()})
		})
		return
	}
	w.tokens++
	token := fmt.Sprintf("token-%d", w.tokens)
	if w.config.Bug != BugNoBootParameters {
		w.room.SetBootParameters(b.IDs, b.Effect.Artifacts, token)
	}
	w.results(life, b, token, bos.CallResult{})
}

func (w *World) configure(life int, b decide.Batch) {
	if w.halted(life, b) {
		return
	}
	if w.out[CFS] {
		w.after(dialTimeout, func() {
			w.results(life, b, "", bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: "CFS: " + errOut.Error()})
		})
		return
	}
	t := b.Effect.Configuration
	patch := emulator.CFSPatch{Desired: &t.Name, Enabled: &t.Enabled}
	if t.Clear {
		patch.State = &[]emulator.CFSLayer{}
	}
	w.room.PatchCFS(emulator.CFSFilter{IDs: b.IDs}, patch, w.Now)
	w.expectReports()
	w.results(life, b, "", bos.CallResult{})
}

func (w *World) lookConfiguration(epoch int, ids []string, asked time.Time) {
	w.after(w.delay(), func() {
		if w.out[CFS] {
			w.after(dialTimeout, func() {
				w.answer(epoch, func(in *engine.Inputs) {
					for _, id := range ids {
						in.Configurations = append(in.Configurations, bos.ConfigurationReading{ID: id, Symptom: bos.SymptomSilent, Detail: errOut.Error(), Asked: asked, Answered: w.answeredAt()})
					}
				})
			})
			return
		}
		told, _ := w.room.CFSComponents(emulator.CFSFilter{IDs: ids}, len(ids), "", false, w.Now)
		w.answer(epoch, func(in *engine.Inputs) {
			for _, c := range told {
				if w.config.Bug == BugUnconfigured {
					c.Status = string(bos.ConfigurationDone)
				}
				in.Configurations = append(in.Configurations, bos.ConfigurationReading{ID: c.ID, Desired: c.Desired, Status: bos.ConfigurationStatus(c.Status), Idle: !c.Enabled, Asked: asked, Answered: w.answeredAt()})
			}
		})
	})
}

// look reads a node's power, as far as its BMC answers.
func (w *World) look(epoch int, id string, asked time.Time) {
	w.check.asked(id)
	w.after(w.delay(), func() {
		r := bos.PowerReading{ID: id, Asked: asked}
		wait := time.Duration(0)
		switch {
		case w.out[Endpoints]:
			r.Cause, r.Detail = bos.CauseUnknownToPower, "no endpoint"
		case w.out[Power]:
			r.Symptom, r.Cause, r.Detail, wait = bos.SymptomSilent, bos.CauseUpstreamOutage, "PCS: "+errOut.Error(), dialTimeout
		case w.room.Silent(bos.BMCOf(id)):
			r.Symptom, r.Detail, wait = bos.SymptomSilent, errOut.Error(), dialTimeout
		case w.hangs(id) || w.chance(w.config.Faults.Hang):
			r.Symptom, r.Detail, wait = bos.SymptomSilent, errOut.Error(), hangTimeout
		case w.chance(w.config.Faults.Refuse):
			r.Symptom, r.Detail = bos.SymptomRefusing, "503"
		default:
			r.State, _ = w.room.Power(id, w.Now)
		}
		if w.faulty {
			wait = max(wait, w.config.Slow)
		}
		w.after(wait, func() {
			r.Answered = w.answeredAt()
			w.check.read(epoch, r)
			told := r
			if w.config.Bug == BugGuess && told.State == bos.PowerStateUnknown {
				told.State, told.Symptom = bos.PowerStateOff, bos.SymptomNone
			}
			w.answer(epoch, func(in *engine.Inputs) { in.Readings = append(in.Readings, told) })
		})
	})
}

// answeredAt is the time of an answer that comes now.
func (w *World) answeredAt() time.Time {
	if w.config.Bug == BugAgeOfQuestion {
		return time.Time{}
	}
	now, _ := w.clockNow()
	return now
}

// hangs reports whether a node's BMC takes connections and answers nothing.
func (w *World) hangs(id string) bool {
	return w.room.BMCTrouble(bos.BMCOf(id), w.Now).Fault == emulator.FaultHang
}

// resetTypes are the invented BMCs' names for the effects.
var resetTypes = map[bos.EffectKind]string{
	bos.EffectPowerOn: "On", bos.EffectPowerOffGraceful: "GracefulShutdown", bos.EffectPowerOffForceful: "ForceOff",
}

// power asks a BMC for a reset that was started a moment ago.
func (w *World) power(life int, e bos.Effect, id string, started time.Time) {
	if w.halted(life, decide.Batch{Effect: e, IDs: []string{id}}) {
		return
	}
	res := bos.CallResult{ID: id}
	wait := time.Duration(0)
	switch {
	case w.out[Endpoints]:
		res.Outcome, res.Cause, res.Detail = bos.CallNotAttempted, bos.CauseUnknownToPower, "no endpoint"
	case w.out[Power]:
		res.Outcome, res.Cause, wait = bos.CallNotAttempted, bos.CauseUpstreamOutage, dialTimeout
	case w.room.Silent(bos.BMCOf(id)):
		res.Outcome, res.Cause, wait = bos.CallNotAttempted, bos.CauseBMCUnreachable, dialTimeout
	case w.hangs(id):
		res.Outcome, res.Cause, wait = bos.CallUnknown, bos.CauseResetUnconfirmed, hangTimeout
	case w.chance(w.config.Faults.Refuse):
		res.Outcome, res.Cause, res.Detail = bos.CallBusy, bos.CauseBMCError, "503"
		wait = time.Duration(w.rng.Int64N(int64(dialTimeout))) // long enough for a client to change its mind
	case w.chance(w.config.Faults.Hang):
		res.Outcome, res.Cause, wait = bos.CallUnknown, bos.CauseResetUnconfirmed, hangTimeout
		w.check.reset(e, id, started)
		if w.rng.IntN(2) == 0 {
			w.room.Reset(id, resetTypes[e.Kind], w.Now)
		}
	case w.chance(w.config.Faults.Drop):
		w.check.reset(e, id, started)
	default:
		res.Outcome, res.Cause, res.Detail = w.reset(e, id, started)
	}
	if w.config.Bug == BugTwice {
		w.after(2*time.Second, func() { w.room.Reset(id, "ForceOff", w.Now); w.room.Reset(id, "On", w.Now.Add(2*time.Second)) })
	}
	w.expectReports()
	if w.config.Bug == BugNoAnswer {
		return
	}
	w.after(wait, func() {
		w.check.answered(life, []string{id})
		w.land(life, engine.Result{Effect: e, CallResult: res})
	})
}

// reset is how a BMC that is to be reached answers.
func (w *World) reset(e bos.Effect, id string, started time.Time) (bos.CallOutcome, bos.Cause, string) {
	status := w.room.Reset(id, resetTypes[e.Kind], w.Now)
	if status == emulator.AnswerBusy || status == emulator.AnswerChanging { // which costs no attempt
		return bos.CallBusy, bos.CauseBMCError, strconv.Itoa(int(status))
	}
	if status == emulator.AnswerNotReady {
		return bos.CallBusy, bos.CauseNotReady, "not ready"
	}
	w.check.reset(e, id, started)
	switch status {
	case emulator.AnswerAccepted:
		return bos.CallDone, bos.CauseNone, ""
	case emulator.AnswerBroken, emulator.AnswerCut:
		return bos.CallUnknown, bos.CauseResetUnconfirmed, status.String()
	default:
		return bos.CallRefused, bos.CauseResetRefused, "refused"
	}
}

// report applies what booted nodes tell, as the API does.
func (w *World) report(rep emulator.Report) {
	if !w.room.Reporting(rep) {
		delete(w.check.unheard, rep.Node)
		return
	}
	if w.away {
		w.check.unheard[rep.Node] = true
		w.after(awayRetry, func() { w.report(rep) })
		return
	}
	delete(w.check.unheard, rep.Node)
	patch := bos.ComponentPatch{ActualState: &bos.ActualPatch{BSSToken: &rep.Token}}
	booted, known, err := w.store.Token(w.ctx, rep.Token)
	if err != nil || !known {
		// The commit that follows the write may have been lost with a crash: the
		// node was not powered on for it.
		if !w.check.crashed || err != nil {
			w.violated("node %s reports a token that is not stored (%v): power came before the token", rep.Node, err)
		}
		return
	}
	_, err = w.store.MutateComponents(w.ctx, []string{rep.Node}, func(r *bos.Record, _ bool) error {
		if err := patch.CheckReport(r.Component); err != nil {
			return err
		}
		patch.Apply(r, &booted, w.wall())
		return nil
	})
	if errors.Is(err, bos.ErrReportRefused) {
		w.after(reportRetry, func() { w.report(rep) })
		return
	}
	if err != nil {
		w.violated("report of %s: %s", rep.Node, err)
	}
	w.wake(w.Now)
}

// expectReports makes the room's next report an event.
func (w *World) expectReports() {
	at, ok := w.room.Next()
	if !ok || !w.reportsAt.IsZero() && !at.Before(w.reportsAt) {
		return
	}
	at = later(at, w.Now)
	w.reportsAt = at
	w.at(at, func() {
		if w.reportsAt.Equal(at) {
			w.reportsAt = time.Time{}
		}
		for _, rep := range w.room.Advance(w.Now) {
			w.report(rep)
		}
		w.expectReports()
	})
}
