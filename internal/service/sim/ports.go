package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

var errOut = errors.New("no answer in time")

// The upstreams as a process has them: each call waits for its turn, is sent if it may
// be, and is answered.
type (
	inventory     struct{ p *process }
	power         struct{ p *process }
	boot          struct{ p *process }
	configuration struct{ p *process }
)

// Inventory is the room's, as HSM would say it.
func (i inventory) Inventory(context.Context) (bos.Inventory, error) {
	w := i.p.w
	i.p.sleep(w.delay())
	if w.out[HSM] {
		i.p.sleep(dialTimeout)
		return bos.Inventory{}, errOut
	}
	all := w.room.Inventory()
	switch {
	case w.out[HalfInventory]:
		w.happened(HalfTheInventory)
		all.Nodes = all.Nodes[:len(all.Nodes)/2]
	case w.out[NoInventory]:
		w.happened(EmptyInventory)
		all.Nodes = nil
	default:
	}
	if w.config.Bug == BugKnowsEveryName {
		all.Nodes = append(all.Nodes[:len(all.Nodes):len(all.Nodes)], bos.Node{ID: nobody})
	}
	if w.config.Bug == BugTrustsInventory {
		w.forgetMissing(all)
	}
	return all, nil
}

// Image is one image for every path.
func (w *World) Image(_ context.Context, path string) (bos.Image, error) {
	return bos.Image{
		Path: path, ETag: "e", Kernel: bos.Artifact{Path: path + "/kernel"}, Initrd: bos.Artifact{Path: path + "/initrd"}, Rootfs: bos.Artifact{Path: path + "/rootfs"},
	}, nil
}

// stranger is a node that no session touches: the last of the room.
func (w *World) stranger() string {
	nodes := w.room.Inventory().Nodes
	return nodes[len(nodes)-1].ID
}

// may is what an adapter asks right before it sends.
func (p *process) may(ctx context.Context, ids ...string) bool {
	switch p.w.config.Bug {
	case BugSendsRegardless, BugForgetsCalls, BugStranger:
		return true
	default:
		return bos.MayAct(ctx, ids...)
	}
}

// refusal is an error of an upstream that was not asked.
func refusal() error {
	return &bos.CallError{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}
}

func silence(of string) error {
	return &bos.CallError{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: of + ": " + errOut.Error()}
}

// Write stores boot parameters.
func (b boot) Write(ctx context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	p, w := b.p, b.p.w
	w.check.begins(p, bos.EffectWriteBoot, ids...)
	w.meddle(ids[0])
	box := &mailbox[written]{of: p}
	answer := func(after time.Duration, is written) {
		p.post(after, func() {
			w.check.answered(p, ids...)
			box.put(is)
		})
	}
	if w.config.Bug == BugForgetsCalls {
		p.underWay = append(p.underWay, func() { box.put(written{err: refusal()}) })
	}
	p.post(w.delay(), func() {
		switch {
		case !p.may(ctx, ids...):
			answer(0, written{err: refusal()})
		case w.out[BSS]:
			answer(dialTimeout, written{err: silence("BSS")})
		default:
			w.check.unbraked(p, "boot parameters", ids...)
			w.tokens++
			token := fmt.Sprintf("token-%d", w.tokens)
			wire := w.delay()
			p.send(wire, func() {
				if w.config.Bug != BugNoBootParameters {
					w.room.SetBootParameters(ids, a, token)
				}
			})
			answer(wire, written{token: token})
		}
	})
	is := box.take()
	return is.token, is.err
}

// written is the answer to a write of boot parameters.
type written struct {
	token string
	err   error
}

// Set gives nodes a configuration.
func (c configuration) Set(ctx context.Context, t bos.ConfigurationTarget, ids []string, each func(bos.CallResult)) {
	p, w := c.p, c.p.w
	w.check.begins(p, bos.EffectConfigure, ids...)
	defer w.check.answered(p, ids...)
	p.sleep(w.delay())
	res := bos.CallResult{}
	switch {
	case !p.may(ctx, ids...):
		res = bos.CallResult{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted}
	case w.out[CFS]:
		p.sleep(dialTimeout)
		res = bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: "CFS: " + errOut.Error()}
	default:
		patch := machineroom.CFSPatch{Desired: &t.Name, Enabled: &t.Enabled}
		if t.Clear {
			patch.State = &[]machineroom.CFSLayer{}
		}
		w.check.unbraked(p, "a configuration", ids...)
		wire := w.delay()
		p.send(wire, func() {
			w.room.PatchCFS(machineroom.CFSFilter{IDs: ids}, patch, w.Now)
			w.expectReports()
		})
		p.sleep(wire)
	}
	for _, id := range ids {
		res.ID = id
		each(res)
	}
}

// Probe asks for the configuration of nodes.
func (c configuration) Probe(_ context.Context, ids []string, each func(bos.ConfigurationReading)) {
	p, w := c.p, c.p.w
	p.sleep(w.delay())
	sent := w.Now
	if w.out[CFS] {
		p.sleep(dialTimeout)
		for _, id := range ids {
			each(bos.ConfigurationReading{ID: id, Symptom: bos.SymptomSilent, Detail: errOut.Error(), Asked: sent})
		}
		return
	}
	told, _ := w.room.CFSComponents(machineroom.CFSFilter{IDs: ids}, len(ids), "", false, w.Now)
	p.sleep(w.delay())
	for _, c := range told {
		if w.config.Bug == BugUnconfigured {
			c.Status = string(bos.ConfigurationDone)
		}
		each(bos.ConfigurationReading{ID: c.ID, Desired: c.Desired, Status: bos.ConfigurationStatus(c.Status), Idle: !c.Enabled, Asked: sent})
	}
}

// Probe reads the power of nodes, as far as their BMCs answer.
func (o power) Probe(_ context.Context, ids []string, each func(bos.PowerReading)) {
	p, w := o.p, o.p.w
	generation, box := p.engines, &mailbox[bos.PowerReading]{of: p}
	w.probes()
	for _, id := range ids {
		w.check.asked(p, id)
		if w.config.Bug == BugAsksTwice {
			w.check.asked(p, id)
		}
		p.post(w.delay(), func() {
			r, wait := w.reading(id)
			p.post(wait, func() { box.put(r) })
		})
	}
	for range ids {
		r := box.take()
		w.check.read(p, generation, r)
		if w.config.Bug == BugGuess && r.State == bos.PowerStateUnknown {
			r.State, r.Symptom = bos.PowerStateOff, bos.SymptomNone
		}
		each(r)
	}
}

// reading is what is found out about the power of a node, and how long that takes.
func (w *World) reading(id string) (r bos.PowerReading, wait time.Duration) {
	r = bos.PowerReading{ID: id, Asked: w.Now}
	switch {
	case w.out[Endpoints]:
		r.Cause, r.Detail = bos.CauseUnknownToPower, "no endpoint"
	case w.out[Power]:
		r.Symptom, r.Cause, r.Detail, wait = bos.SymptomSilent, bos.CauseUpstreamOutage, "PCS: "+errOut.Error(), dialTimeout
	case w.room.Silent(bos.BMCOf(id)):
		if 2*len(w.config.Dead)*5 >= w.config.Nodes && len(w.config.Dead) > 2 { // two nodes to a BMC
			w.happened(DeadFifth)
		}
		r.Symptom, r.Detail, wait = bos.SymptomSilent, errOut.Error(), dialTimeout
	case w.hangs(id) || w.chance(w.config.Faults.Hang):
		r.Symptom, r.Detail, wait = bos.SymptomSilent, errOut.Error(), hangTimeout
	case w.chance(w.config.Faults.Refuse):
		r.Symptom, r.Detail = bos.SymptomRefusing, "503"
	default:
		r.State, _ = w.room.Power(id, w.Now)
	}
	if w.faulty && w.config.Slow > wait {
		w.happened(SlowAnswers)
		wait = w.config.Slow
	}
	return r, wait
}

// hangs reports whether a node's BMC takes connections and answers nothing.
func (w *World) hangs(id string) bool {
	return w.room.BMCTrouble(bos.BMCOf(id), w.Now).Fault == fault.Hang
}

// deaf reports whether a node's BMC answers no reset now.
func (w *World) deaf(id string) bool {
	h := fnv.New64a()
	fmt.Fprint(h, w.config.Seed, bos.BMCOf(id)) //nolint:errcheck // a hash takes everything
	return w.faulty && float64(h.Sum64()%1000) < w.config.Faults.Deaf*1000
}

// The invented BMCs' names for power operations, and what the shell calls them.
var (
	resetTypes = map[bos.PowerOp]string{bos.PowerOn: "On", bos.PowerSoftOff: "GracefulShutdown", bos.PowerForceOff: "ForceOff"}
	effects    = map[bos.PowerOp]bos.EffectKind{
		bos.PowerOn: bos.EffectPowerOn, bos.PowerSoftOff: bos.EffectPowerOffGraceful, bos.PowerForceOff: bos.EffectPowerOffForceful,
	}
)

// Apply changes the power of nodes.
func (o power) Apply(ctx context.Context, op bos.PowerOp, ids []string, each func(bos.CallResult)) {
	p, w := o.p, o.p.w
	if w.config.Bug == BugStranger {
		ids = append(ids[:len(ids):len(ids)], w.stranger())
	}
	box := &mailbox[bos.CallResult]{of: p}
	for _, id := range ids {
		w.check.started(p, effects[op], id)
		w.meddle(id)
		if w.config.Bug == BugTwoAtOnce {
			w.check.started(p, effects[op], id)
		}
		answered, started := false, w.Now
		answer := func(res bos.CallResult) {
			w.check.answered(p, id)
			if !answered {
				answered, res.ID = true, id
				box.put(res)
			}
		}
		if w.config.Bug == BugForgetsCalls {
			p.underWay = append(p.underWay, func() {
				if !answered {
					answered = true
					box.put(bos.CallResult{ID: id, Outcome: bos.CallNotAttempted})
				}
			})
		}
		p.post(w.turn(), func() { p.power(ctx, op, id, started, answer) })
	}
	for range ids {
		each(box.take())
	}
}

// forget has the calls under way answered as if they were never made.
func (p *process) forget() {
	for _, forget := range p.underWay {
		forget()
	}
	p.underWay = nil
}

// power asks a BMC for a reset, if it may: its turn has come.
func (p *process) power(ctx context.Context, op bos.PowerOp, id string, started time.Time, answer func(bos.CallResult)) {
	w := p.w
	if !p.may(ctx, id) {
		w.check.withheld(p, op, id)
		answer(bos.CallResult{Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted})
		return
	}
	w.check.sends(p, op, id)
	w.drains.acts(op, id)
	wire := w.delay()
	p.send(wire, func() {
		res, wait := w.power(op, id, started)
		w.expectReports()
		if w.config.Bug != BugNoAnswer {
			p.post(wait, func() { answer(res) })
		}
	})
}

// power is what a BMC does and answers that is asked for a reset.
func (w *World) power(op bos.PowerOp, id string, started time.Time) (res bos.CallResult, wait time.Duration) {
	w.check.rollout.wasReset(id)
	switch {
	case w.out[Endpoints]:
		w.happened(UnknownToPower)
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
		w.check.reset(op, id, started)
		if w.rng.IntN(2) == 0 {
			w.room.Reset(id, resetTypes[op], w.Now)
		}
	case w.deaf(id):
		w.happened(Unanswered)
		res.Outcome, res.Cause, wait = bos.CallUnknown, bos.CauseResetUnconfirmed, hangTimeout
		if w.config.Bug == BugTimeoutIsNothing {
			res.Outcome = bos.CallNotAttempted
		}
		w.check.reset(op, id, started)
		if w.rng.IntN(2) == 0 {
			w.room.Reset(id, resetTypes[op], w.Now)
		}
	case w.chance(w.config.Faults.Drop):
		w.check.reset(op, id, started)
	default:
		res.Outcome, res.Cause, res.Detail = w.reset(op, id, started)
	}
	if w.config.Bug == BugTwice {
		w.after(2*time.Second, func() { w.room.Reset(id, "ForceOff", w.Now); w.room.Reset(id, "On", w.Now.Add(2*time.Second)) })
	}
	return res, wait
}

// reset is how a BMC that is to be reached answers.
func (w *World) reset(op bos.PowerOp, id string, started time.Time) (bos.CallOutcome, bos.Cause, string) {
	status := w.room.Reset(id, resetTypes[op], w.Now)
	if status == machineroom.AnswerBusy || status == machineroom.AnswerChanging { // which costs no attempt
		return bos.CallBusy, bos.CauseBMCError, strconv.Itoa(int(status))
	}
	if status == machineroom.AnswerNotReady {
		return bos.CallBusy, bos.CauseNotReady, "not ready"
	}
	w.check.reset(op, id, started)
	switch status {
	case machineroom.AnswerAccepted:
		w.leaveAtPowerOn(op)
		w.takeOver(op, id)
		return bos.CallDone, bos.CauseNone, ""
	case machineroom.AnswerBroken, machineroom.AnswerCut:
		return bos.CallUnknown, bos.CauseResetUnconfirmed, status.String()
	default:
		return bos.CallRefused, bos.CauseResetRefused, "refused"
	}
}
