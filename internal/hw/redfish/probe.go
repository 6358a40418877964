package redfish

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const cancelledText = "the question was cancelled before the BMC answered"

// Probe asks each node's BMC for its PowerState. A BMC without an answer is
// silent, one with any other answer than a state is refusing; a node without
// endpoint, or of which no system of the BMC is surely it, is unknown without a
// symptom. If the context ends, the nodes that
// are left are silent.
func (c *Client) Probe(ctx context.Context, ids []string, each func(bos.PowerReading)) {
	caller, err := c.caller()
	if err != nil {
		for _, id := range bos.Distinct(ids) {
			each(bos.PowerReading{ID: id, Symptom: bos.SymptomRefusing, Cause: bos.CauseBMCAuth, Detail: err.Error()})
		}
		return
	}
	run(ctx, c, ids, job[bos.PowerReading]{
		ask: caller.probe,
		skipped: func(t target) bos.PowerReading {
			return bos.PowerReading{ID: t.id, Symptom: bos.SymptomSilent, Detail: silentText(t)}
		},
		lost: func(id string, err error) bos.PowerReading {
			if err != nil {
				return bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
			}
			return bos.PowerReading{ID: id, Cause: bos.CauseUnknownToPower, Detail: bos.CauseUnknownToPower.Sentence()}
		},
		cancelled: func(id string) bos.PowerReading {
			return bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Detail: cancelledText}
		},
	}, each)
}

func silentText(t target) string {
	return fmt.Sprintf("the BMC %s did not answer for another of its nodes a moment ago; check the BMC's power and network", t.Address)
}

func (c caller) probe(ctx context.Context, t target) (bos.PowerReading, bool) {
	r := bos.PowerReading{ID: t.id, Asked: time.Now()}
	if t.Disabled {
		r.Cause, r.Detail = bos.CauseBMCDisabled, bos.CauseBMCDisabled.Sentence()
		return r, false
	}
	if t.Fault != "" {
		// That nobody knows where its BMC is says nothing of that BMC.
		if r.Cause, r.Detail = t.FaultCause, t.Fault; r.Cause != bos.CauseUnknownToPower {
			r.Symptom = bos.SymptomRefusing
		}
		return r, false
	}
	listed := t.Endpoint
	if err := c.find(ctx, &t); err != nil {
		failed := failure(err)
		if failed == nil {
			r.Cause, r.Detail = bos.CauseUnknownToPower, err.Error()
			return r, false
		}
		return unread(r, failed)
	}
	res, failed := c.ask(ctx, http.MethodGet, t.Endpoint, t.System, nil)
	if failed != nil {
		switch {
		case !lacks(failed.Status) || ctx.Err() != nil:
		case t.found:
			c.forget(t.Endpoint)
		default:
			if c.mislead(listed); c.find(ctx, &t) == nil && t.found {
				return c.probe(ctx, t)
			}
		}
		return unread(r, failed)
	}
	if text, is := c.stranger(t, res.Body); is {
		c.doubt(ctx, t.Endpoint)
		return estranged(r, text), false
	}
	c.recognize(t.Endpoint)
	word, err := powerWord(res.Body)
	r.State = powerState(word)
	if r.State == bos.PowerStateUnknown {
		r.Symptom, r.Cause, r.Detail = bos.SymptomRefusing, bos.CauseBMCError, oddState(t, word, err)
	}
	return r, false
}

// unread is the reading of a node whose BMC did not say what it was asked.
func unread(r bos.PowerReading, failed *transport.Error) (read bos.PowerReading, silent bool) {
	r.Detail = failed.Error()
	switch failed.Kind {
	case transport.NotSent, transport.Unanswered:
		r.Symptom = bos.SymptomSilent
		if failed.Cancelled {
			r.Detail = cancelledText
		}
		return r, !failed.Cancelled
	case transport.Withheld:
		r.Symptom, r.Cause = bos.SymptomRefusing, bos.CauseCredentialsHeld
		return r, false
	case transport.Refused, transport.Broken:
	}
	r.Symptom, r.Cause = bos.SymptomRefusing, bos.CauseBMCError
	if transport.Unauthorized(failed.Status) {
		r.Cause = unauthorizedCause(failed.Status)
	}
	return r, false
}

func oddState(t target, word string, err error) string {
	what := fmt.Sprintf("the PowerState %.40q, which is no power state", word)
	switch {
	case err != nil:
		what = fmt.Sprintf("no ComputerSystem (%v)", err)
	case word == "":
		what = "no PowerState"
	}
	return fmt.Sprintf("the BMC answered GET %s with %s; reset the BMC or read its log", t.url(t.System), what)
}
