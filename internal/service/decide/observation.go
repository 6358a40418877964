package decide

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Observation is what is known of a component besides its record.
type Observation struct {
	// Power is the last reading; a zero Asked means there is none.
	Power bos.PowerReading
	// Verdict says how to read the reading's silence, if it is unknown.
	Verdict Verdict
	// Elapsed is the time that this reading adds to an unbroken stretch of
	// unknown readings; 0 when the reading was seen before.
	Elapsed time.Duration
	// Unknown is for how long all readings have been unknown, 0 if this one
	// is not or is the first. It says how often to probe, no more.
	Unknown time.Duration
	// Expect is by when the power action under way had shown at most other
	// nodes lately; 0 is unknown. It says when to probe, no more.
	Expect time.Duration
	// Scouted says that others, on which the same action is under way, are
	// probed often to find that out. It says when to probe, no more.
	Scouted bool
	// ManyUnanswered says that so many power actions went unanswered at once that
	// it is an outage.
	ManyUnanswered bool
	// Gate says what may be done to the node now.
	Gate Gate
	// Configuration is what the configuration service said last; a zero
	// Asked means that it was not asked. ConfigurationElapsed is Elapsed for it.
	Configuration        bos.ConfigurationReading
	ConfigurationElapsed time.Duration
	// ConfigurationDue is when the configuration under way is expected to be applied,
	// by what it took on other nodes; zero is unknown. It says when to probe, no more.
	ConfigurationDue time.Time
	// SeenOn is when the last reading was asked for by which the node is on; zero is
	// never, or that it is not known.
	SeenOn time.Time
	// Trail is what the node has fetched of its boot script. Scripted says that it
	// would be known if it had fetched it.
	Trail    bos.Trail
	Scripted bool
	// OffSince is when the first of the last readings was asked for by all of which the node
	// is off; zero if the last one does not say so.
	OffSince time.Time
	// FirstOff is when the first one was asked for by which the node is off since the last by
	// which it was not; a BMC that does not answer now and then says neither.
	FirstOff time.Time
	// Proof is what was seen last of the proof of the boot; a zero Asked means that it
	// was not asked for. ProofAsked is since when a question for it is out; zero is none.
	Proof      bos.ProofReading
	ProofAsked time.Time
	// Workload is what the workload manager said last, Health the health check; a zero
	// Asked means that it was not asked.
	Workload bos.WorkloadReading
	Health   bos.HealthReading
	// Hearing is since when reports are taken without a break; zero is always.
	Hearing time.Time
	// Wall is the time that reports are dated by.
	Wall time.Time
}

// maxReadingAge is for how many polling intervals after it came a reading stays
// good for acting on.
const maxReadingAge = 2

// usable reports whether the reading tells the power of now: asked for after the
// last action, and not received long ago. An upstream that takes long to answer
// is as right as one that does not.
func (o Observation) usable(r bos.Record, p bos.Policy, now time.Time) bool {
	asked := o.Power.Asked
	if asked.IsZero() || asked.Before(r.Work.Attempt.At) || r.Work.Flight.Kind != bos.EffectNone && asked.Before(flightAt(r)) {
		return false
	}
	return now.Sub(o.Power.Received()) <= maxReadingAge*max(p.Polling, time.Second)
}

// known reports whether the reading is a power state rather than the lack of one.
func (o Observation) known() bool {
	return o.Power.State != bos.PowerStateUnknown && o.Power.Symptom == bos.SymptomNone
}
