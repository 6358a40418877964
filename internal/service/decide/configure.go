package decide

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// configure is rule 5: the right image runs. It is done once the configuration
// service has the desired configuration, also the empty one, and has applied it. One
// that acknowledged before this boot that nothing is wanted is not asked again.
func configure(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	wanted := r.DesiredState.Configuration
	reading := o.Configuration
	switch {
	case !p.Configures && wanted == "":
		return done(liftConfiguration(r), now)
	case !p.Configures:
		text := fmt.Sprintf("wants configuration %q and this service has no configuration service; configure configuration.cfs, or boot it from a template with enable_cfs false", wanted)
		return fail(r, bos.CauseConfiguration, ReasonConfigFailed, text)
	case r.NothingToConfigure():
		return done(liftConfiguration(r), now)
	case !o.configurationUsable(r, p, now):
		return Decision{Next: r, Probe: pollProbe(p, now), ProbeConfiguration: now, Why: ReasonConfiguring}
	case reading.Missing && wanted == "":
		return done(liftConfiguration(r), now)
	case reading.Missing || reading.Symptom != bos.SymptomNone:
		return holdConfiguration(r, o, p, now)
	}
	r = liftConfiguration(r)
	if reading.Desired != wanted {
		return setConfiguration(setPhase(r, bos.PhaseConfiguring, now), p, now)
	}
	if wanted == "" {
		return done(r, now)
	}
	switch reading.Status {
	case bos.ConfigurationDone:
		return done(r, now)
	case bos.ConfigurationPending:
		r = setPhase(r, bos.PhaseConfiguring, now)
		if reading.Idle && !now.Before(r.Work.Attempt.At.Add(p.MaxBootWait)) {
			// Its own agent would have enabled it by now. It has not where the
			// node had power before: a power-on that came late, after it was
			// prepared for another.
			return setConfiguration(r, p, now)
		}
		return Decision{Next: r, Probe: pollProbe(p, now), ProbeConfiguration: configurationProbe(r, o, p, now), Why: ReasonConfiguring}
	default:
		r = setPhase(r, bos.PhaseConfiguring, now)
		return fail(r, bos.CauseConfiguration, ReasonConfigFailed, "cfs configuration failed")
	}
}

// setConfiguration asks for the desired configuration of a node that runs: CFS
// has another one, or somebody changed it.
func setConfiguration(r bos.Record, p bos.Policy, now time.Time) Decision {
	if limit := retryLimit(r, p); r.Work.Misses.Configuration > 0 && r.Work.Misses.Configuration >= limit {
		text := fmt.Sprintf("the configuration service refused configuration %q %d times: %s", r.DesiredState.Configuration, r.Work.Misses.Configuration, r.Error)
		return fail(r, bos.CauseConfiguration, ReasonConfigFailed, text)
	}
	if now.Before(r.Work.BackOff.Until) {
		return Decision{Next: r, Probe: pollProbe(p, now), Wake: r.Work.BackOff.Until, Why: ReasonRetryWait}
	}
	target := targetOf(r)
	target.Enabled = true
	return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectConfigure, Configuration: target}, Probe: pollProbe(p, now), Why: ReasonConfigure}
}

// prepareConfiguration is the step before power-on: CFS gets the desired
// configuration, disabled and with its state cleared, so that what it says
// later is about this boot. The node's own agent enables it.
func prepareConfiguration(r bos.Record) Decision {
	target := targetOf(r)
	target.Clear = true
	return Decision{Next: r, Effect: bos.Effect{Kind: bos.EffectConfigure, Configuration: target}, Why: ReasonConfigure}
}

func targetOf(r bos.Record) bos.ConfigurationTarget {
	return bos.ConfigurationTarget{Name: r.DesiredState.Configuration, Session: r.Session}
}

// holdConfiguration waits for a configuration service that does not answer, or
// does not know the node: the first stops the clock, the second fails the node
// after max_unreachable_time.
func holdConfiguration(r bos.Record, o Observation, p bos.Policy, now time.Time) Decision {
	r = setPhase(r, bos.PhaseConfiguring, now)
	cause, said := bos.CauseUpstreamOutage, o.Configuration.Detail
	if o.Configuration.Missing {
		cause, said = bos.CauseUnknownToConfiguration, ""
		r.Work.Patience.Missing += o.ConfigurationElapsed
		if r.Work.Patience.Missing >= p.MaxUnreachable {
			r.EndWait()
			return fail(r, cause, ReasonConfigFailed, fmt.Sprintf("gave up after max_unreachable_time (%s): %s", p.MaxUnreachable, cause.Sentence()))
		}
	}
	r.Work.Cause = cause
	r.Status.StatusOverride = bos.StatusOnHold
	r.Wait(bos.Waiting{For: bos.WaitConfiguration, Cause: cause, Detail: said})
	return Decision{Next: r, Probe: pollProbe(p, now), ProbeConfiguration: pollProbe(p, now), Why: ReasonHold}
}

// liftConfiguration ends a wait for the configuration service: it answered.
func liftConfiguration(r bos.Record) bos.Record {
	if r.Status.StatusOverride == bos.StatusOnHold {
		r.Status.StatusOverride = ""
	}
	if r.Work.BackOff.Until.IsZero() {
		r.EndWait()
		r.Work.Cause = bos.CauseNone
	}
	r.Work.Patience.Missing = 0
	return r
}

// SettleConfigure is the record after its configuration was set, or not. Of a
// configuration that is no longer the desired one nothing is taken over but that
// the configuration service has it.
func SettleConfigure(r bos.Record, target bos.ConfigurationTarget, res bos.CallResult, now time.Time) bos.Record {
	if !r.Enabled {
		return r
	}
	if res.Outcome != bos.CallNotAttempted {
		r.Work.Prepared.Configuration, r.Work.Attempt.Prepared.Configuration = "", ""
	}
	// Nothing is wanted of a configuration service that has nothing for the node.
	none := target.Name == "" && (res.Outcome == bos.CallRefused || res.Outcome == bos.CallUnsupported)
	if target.Clear && res.Outcome == bos.CallDone {
		r.Work.Prepared.Configuration = bos.PreparedConfiguration(target.Name)
	} else if target.Clear && none {
		r.Work.Prepared.Configuration = bos.RefusedConfiguration()
	}
	if r.DesiredState.Configuration != target.Name || none {
		return r
	}
	if res.Withheld() {
		return keptBack(r, bos.EffectConfigure, res, now)
	}
	switch res.Outcome {
	case bos.CallDone:
		r.Work.BackOff.Setbacks = 0
		r.Work.BackOff.Until = time.Time{}
		r.EndWait()
		return r
	case bos.CallRefused, bos.CallUnsupported:
		if target.Clear {
			r.EventStats.PowerOnAttempts++
		} else {
			r.Work.Misses.Configuration++
		}
		r = backOff(r, res, bos.CauseConfiguration, now)
		r.SetError(refusedText(r.Work.Cause, res))
		return r
	case bos.CallNotAttempted, bos.CallBusy, bos.CallUnknown:
	}
	r = backOff(r, res, bos.CauseUpstreamOutage, now)
	return waitToRetry(r, res)
}

// configurationUsable reports whether the reading tells of now: asked for after the
// last power action, and not received long ago.
func (o Observation) configurationUsable(r bos.Record, p bos.Policy, now time.Time) bool {
	asked := o.Configuration.Asked
	if asked.IsZero() || asked.Before(r.Work.Attempt.At) {
		return false
	}
	return now.Sub(o.Configuration.Received()) <= maxReadingAge*max(p.Polling, time.Second)
}

// minConfigurationProbe is the shortest time between two questions about a configuration
// whose time is known from other nodes.
const minConfigurationProbe = 250 * time.Millisecond

// configurationProbe is when to ask again about a configuration that is being applied:
// when it was on other nodes, then ever more rarely. Where nothing is known of others it
// is after as long again as it has taken since the node's report, so that a short one
// is not waited for and a long one is not asked about for ever.
func configurationProbe(r bos.Record, o Observation, p bos.Policy, now time.Time) time.Time {
	if due := o.ConfigurationDue; !due.IsZero() {
		return now.Add(min(max(due.Sub(now), now.Sub(due)/2, minConfigurationProbe), max(p.Polling, time.Second)))
	}
	taken := o.Wall.Sub(r.ActualState.LastUpdated.Time)
	return now.Add(min(max(taken, 2*time.Second), max(p.Polling, time.Second)))
}

func pollProbe(p bos.Policy, now time.Time) time.Time { return now.Add(max(p.Polling, time.Second)) }
