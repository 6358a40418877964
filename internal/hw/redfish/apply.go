package redfish

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const cancelledAction = "the power action was cancelled before it was sent"

// Apply asks each node's BMC for a reset, by the first advertised type that
// means the operation; one that the BMC then refuses is followed by the next of
// the same meaning, and never by a restart. Before a refusal counts, the BMC is
// asked itself what it offers. SoftOff is sent only where a graceful
// shutdown is advertised or nothing is known of what is: Cray's node
// controllers know On, ForceOff and Off, and their Off is it. If the context
// ends, nothing is sent for the nodes that are left.
func (c *Client) Apply(ctx context.Context, op bos.PowerOp, ids []string, each func(bos.CallResult)) {
	caller, err := c.caller()
	kind := resetType(op)
	if err != nil || kind == "" {
		for _, id := range bos.Distinct(ids) {
			if kind == "" {
				each(bos.CallResult{ID: id, Outcome: bos.CallUnsupported, Cause: bos.CauseResetRefused, Detail: fmt.Sprintf("Redfish has no power operation %q", op)})
				continue
			}
			each(bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCAuth, Detail: err.Error()})
		}
		return
	}
	locks := c.holdsOf(ctx, bos.Distinct(ids))
	defer locks.release()
	run(ctx, c, ids, job[bos.CallResult]{
		ask: func(ctx context.Context, t target) (bos.CallResult, bool) {
			if r, kept := locks.keeps(ctx, t.id); kept {
				return r, false
			}
			r, silent := caller.apply(ctx, t, kind)
			r.ID = t.id
			return r, silent
		},
		skipped: func(t target) bos.CallResult {
			return bos.CallResult{ID: t.id, Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCUnreachable, Detail: silentText(t)}
		},
		lost: func(id string, err error) bos.CallResult {
			if err != nil {
				return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
			}
			return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseUnknownToPower, Detail: bos.CauseUnknownToPower.Sentence()}
		},
		cancelled: func(id string) bos.CallResult {
			return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: cancelledAction}
		},
	}, each)
}

func resetType(op bos.PowerOp) string {
	switch op {
	case bos.PowerOn:
		return resetOn
	case bos.PowerSoftOff:
		return resetGraceful
	case bos.PowerForceOff:
		return resetForceOff
	default:
		return ""
	}
}

func (c caller) apply(ctx context.Context, t target, kind string) (result bos.CallResult, silent bool) {
	if t.Disabled {
		return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCDisabled, Detail: bos.CauseBMCDisabled.Sentence()}, false
	}
	if t.Fault != "" {
		return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: t.FaultCause, Detail: t.Fault}, false
	}
	if err := c.find(ctx, &t); err != nil {
		if failed := failure(err); failed != nil {
			return unlearned(failed)
		}
		return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseUnknownToPower, Detail: err.Error()}, false
	}
	known, doubtful := reset{t.Target, t.ResetTypes}, len(t.ResetTypes) == 0
	if known.target == "" || kind == resetGraceful && len(known.types) == 0 {
		found, failed := c.learn(ctx, t.Endpoint)
		if failed != nil {
			return unlearned(failed)
		}
		known, doubtful = known.or(found), false
	}
	if unoffered(kind, known.types) {
		return unsupported(t, kind, known.types), false
	}
	if known.target == "" {
		known.target = strings.TrimRight(t.System, "/") + "/Actions/ComputerSystem.Reset"
	}
	o := order{caller: c, target: t, kind: kind, known: known, doubtful: doubtful}
	if o.send(ctx) || !o.doubtful && !o.lost {
		return o.result, o.silent
	}
	// If the BMC does not say better, the refusal stands.
	if found, failed := c.learn(ctx, t.Endpoint); failed == nil {
		o.correct(found)
		if unoffered(kind, o.known.types) {
			return unsupported(t, kind, o.known.types), false
		}
		o.send(ctx)
	}
	return o.result, o.silent
}

// unoffered reports whether a BMC has types of resets and none that shuts down
// gracefully. Others are tried all the same: what BMCs advertise is not all they do.
func unoffered(kind string, types []string) bool {
	return kind == resetGraceful && len(types) > 0 && !advertises(types, kind) && !offIsGraceful(types)
}

func unsupported(t target, kind string, types []string) bos.CallResult {
	return bos.CallResult{
		Outcome: bos.CallUnsupported, Cause: bos.CauseResetRefused,
		Detail: transport.Excerpt(fmt.Sprintf("the BMC %s offers no %s, only %s", t.Address, kind, strings.Join(types, ", "))),
	}
}

// order is a reset of one node on its way.
type order struct {
	caller
	target
	kind  string
	known reset
	// doubtful says that the BMC may know better, as the inventory had no
	// types; lost that it has no such target.
	doubtful, lost bool
	// refused are the types that the BMC refused at the known target.
	refused []string
	// result and silent are what came of the type that was sent last.
	result bos.CallResult
	silent bool
}

// correct takes in what the BMC says of the reset action itself.
func (o *order) correct(found reset) {
	corrected := found.or(o.known)
	if corrected.target != o.known.target {
		o.refused, o.lost = nil, false
	}
	o.known = corrected
}

// send sends the types that mean the kind, those aside that were refused, until
// one is not; ended says that one was not, or that no more may be sent.
func (o *order) send(ctx context.Context) (ended bool) {
	for _, resetType := range candidates(o.kind, o.known.types) {
		if slices.Contains(o.refused, resetType) {
			continue
		}
		sent := o.result.Detail != ""
		if sent && (ctx.Err() != nil || !bos.MayAct(ctx, o.id)) {
			return true // the refusal stands
		}
		var next bool
		o.result, o.silent, next = o.post(ctx, resetType)
		if len(o.refused) > 0 && o.result.Detail != "" {
			o.result.Detail = fmt.Sprintf("after the BMC refused %s, with %s: %s", strings.Join(o.refused, ", "), resetType, o.result.Detail)
		}
		if !next {
			return true
		}
		o.refused = append(o.refused, resetType)
		if o.lost {
			break
		}
	}
	return false
}

// post sends one reset; next says that the BMC refused this type or does not know
// this target, and that others may still work.
func (o *order) post(ctx context.Context, resetType string) (result bos.CallResult, silent, next bool) {
	body := struct{ ResetType string }{resetType}
	res, failed := o.ask(ctx, http.MethodPost, o.Endpoint, o.known.target, body)
	switch {
	case failed == nil || res != nil && transport.Accepted(res.Status):
		// Whatever became of the body: the status says accepted.
		return bos.CallResult{Outcome: bos.CallDone}, false, false
	case failed.Kind == transport.NotSent && failed.Cancelled:
		return bos.CallResult{Outcome: bos.CallNotAttempted, Detail: failed.Error()}, false, false
	case failed.Kind == transport.NotSent:
		return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCUnreachable, Detail: failed.Error()}, true, false
	case failed.Kind == transport.Withheld:
		return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseCredentialsHeld, Detail: failed.Error()}, false, false
	case failed.Kind == transport.Unanswered:
		return bos.CallResult{Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: failed.Error()}, !failed.Cancelled, false
	}
	result = o.judge(ctx, o.target, o.kind, failed, meaning(res))
	switch status := failed.Status; {
	case lacks(status):
		o.forget(o.Endpoint)
		o.lost, next = true, true
	case mayTakeAnotherType(status):
		next = result.Outcome == bos.CallRefused
	}
	return result, false, next
}

// judge reads the answer to a reset that is none of success. Before a "not
// possible now" counts, the power state is read again: already there is
// success.
func (c caller) judge(ctx context.Context, t target, kind string, failed *transport.Error, means refusal) bos.CallResult {
	r := bos.CallResult{Detail: failed.Error(), RetryAfter: failed.RetryAfter}
	switch status := failed.Status; {
	case transport.Unauthorized(status):
		r.Outcome, r.Cause = bos.CallNotAttempted, unauthorizedCause(status)
		return r
	case putsOff(status):
		r.Outcome, r.Cause = bos.CallBusy, bos.CauseBMCError
		return r
	case callsBad(status), conflicts(status):
		if now, _ := c.probe(ctx, t); leadsTo(kind, now.State) {
			return bos.CallResult{Outcome: bos.CallDone}
		}
	case transport.Troubled(status):
		// A BMC that broke over the request may have begun to carry it out.
		r.Outcome, r.Cause = bos.CallUnknown, bos.CauseResetUnconfirmed
		return r
	}
	r.Outcome, r.Cause = bos.CallRefused, bos.CauseResetRefused
	switch {
	case means == refusedForNow, conflicts(failed.Status):
		r.Outcome, r.Cause = bos.CallBusy, bos.CauseNotReady
	case kind == resetGraceful && (means == refusedAsUnknown || hasNoAction(failed.Status)):
		r.Outcome = bos.CallUnsupported
	}
	return r
}

// leadsTo reports whether a node in this state is where a reset leads, or on
// its way there. One that shuts down gracefully is not where force leads: the
// shutdown may hang.
func leadsTo(kind string, state bos.PowerState) bool {
	switch kind {
	case resetOn:
		return state == bos.PowerStateOn || state == bos.PowerStatePoweringOn
	case resetGraceful:
		return state == bos.PowerStateOff || state == bos.PowerStatePoweringOff
	default:
		return state == bos.PowerStateOff
	}
}

// learn asks a BMC what the inventory does not know of the reset action, and
// remembers it. A BMC that answers something else than expected leaves it
// unknown; the error is a failure that ends the call.
func (c caller) learn(ctx context.Context, e Endpoint) (reset, *transport.Error) {
	key := e.url(e.System)
	c.mu.Lock()
	found, ok := c.learned[key]
	c.mu.Unlock()
	if ok {
		return found, nil
	}
	res, failed := c.ask(ctx, http.MethodGet, e, e.System, nil)
	if failed != nil {
		return reset{}, ending(failed)
	}
	found, info, err := parseActions(res.Body)
	if err != nil {
		return reset{}, nil
	}
	found.target, _ = e.local(found.target)
	if info, ok := e.local(info); ok && len(found.types) == 0 {
		res, failed = c.ask(ctx, http.MethodGet, e, info, nil)
		if failed != nil {
			return found, ending(failed)
		}
		if found.types, err = parseActionInfo(res.Body); err != nil {
			return found, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.learned) >= maxLearned {
		clear(c.learned)
	}
	c.learned[key] = found
	return found, nil
}

// ending is the failure if it ends the call: after another one the reset may
// still work.
func ending(failed *transport.Error) *transport.Error {
	if failed.Kind == transport.NotSent || failed.Kind == transport.Unanswered || failed.Kind == transport.Withheld || transport.Unauthorized(failed.Status) || transport.Troubled(failed.Status) {
		return failed
	}
	return nil
}

// unlearned is the result where learn failed: nothing was sent that changes
// anything.
func unlearned(failed *transport.Error) (result bos.CallResult, silent bool) {
	r := bos.CallResult{Outcome: bos.CallNotAttempted, Detail: failed.Error(), RetryAfter: failed.RetryAfter}
	switch {
	case failed.Cancelled:
	case failed.Kind == transport.NotSent, failed.Kind == transport.Unanswered:
		r.Cause = bos.CauseBMCUnreachable
		return r, true
	case failed.Kind == transport.Withheld:
		r.Cause = bos.CauseCredentialsHeld
	case transport.Unauthorized(failed.Status):
		r.Cause = unauthorizedCause(failed.Status)
	default:
		r.Outcome, r.Cause = bos.CallBusy, bos.CauseBMCError
	}
	return r, false
}
