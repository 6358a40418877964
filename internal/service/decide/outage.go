package decide

import (
	"math"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Extent is how much of an upstream behaves badly together.
type Extent int

// The extents, from the smallest. ExtentNone is that of a target that answers.
const (
	ExtentNone Extent = iota
	ExtentBMC
	ExtentChassis
	ExtentUpstream
)

// String is the extent's name in logs and metrics.
func (e Extent) String() string {
	switch e {
	case ExtentBMC:
		return "bmc"
	case ExtentChassis:
		return "chassis"
	case ExtentUpstream:
		return "upstream"
	case ExtentNone:
		return "none"
	default:
		return "unknown"
	}
}

// Verdict says how a bad answer is to be read. With ClockRuns the trouble is
// the target's own and its nodes fail after max_unreachable_time; without, the
// clock stops and everything holds.
type Verdict struct {
	Extent    Extent
	ClockRuns bool
	Cause     bos.Cause
}

// verdicts is the table of lone failure against outage. What hits one BMC or
// one chassis while the rest of the room answers does not heal by waiting; what
// hits the room is the network's or the power control's trouble, and no node
// may fail for it.
var verdicts = map[Extent]map[bos.Symptom]Verdict{
	ExtentBMC: {
		bos.SymptomSilent:   {ExtentBMC, true, bos.CauseBMCUnreachable},
		bos.SymptomRefusing: {ExtentBMC, true, bos.CauseBMCError},
		bos.SymptomStale:    {ExtentBMC, true, bos.CausePowerStale},
		bos.SymptomUnknown:  {ExtentBMC, true, bos.CauseUnknownToPower},
	},
	ExtentChassis: {
		bos.SymptomSilent:   {ExtentChassis, true, bos.CauseChassisUnreachable},
		bos.SymptomRefusing: {ExtentChassis, true, bos.CauseBMCError},
		bos.SymptomStale:    {ExtentChassis, true, bos.CausePowerStale},
		bos.SymptomUnknown:  {ExtentChassis, true, bos.CauseUnknownToPower},
	},
	ExtentUpstream: {
		bos.SymptomSilent:   {ExtentUpstream, false, bos.CauseUpstreamOutage},
		bos.SymptomRefusing: {ExtentUpstream, false, bos.CauseUpstreamOutage},
		bos.SymptomStale:    {ExtentUpstream, false, bos.CauseUpstreamOutage},
		bos.SymptomUnknown:  {ExtentUpstream, false, bos.CauseUpstreamOutage},
	},
}

// Sighting is what was last seen of one target of an upstream.
type Sighting struct {
	Target  string
	Chassis string
	Symptom bos.Symptom
	// Cause narrows the symptom down where the adapter could.
	Cause bos.Cause
	// Asked is when it was last asked and the answer, or the lack of one, taken in;
	// zero if never.
	Asked time.Time
	// BadSince is when its answers turned bad; zero while they are good.
	BadSince time.Time
	// GoodSince is when its answers turned good after bad ones; zero if
	// there never were any, or while they are bad. Without it an outage is
	// noticed as soon, but its end late.
	GoodSince time.Time
	// Background says that it has been bad for so long, while others answered,
	// that it is no evidence of an outage any more: an outage is a change.
	Background bool
	// Aside says that nobody is to use its nodes now: who works on them may have
	// it out. That it answers shows that the way is open, that it does not says
	// nothing.
	Aside bool
}

func (s Sighting) bad() bool { return s.Symptom != bos.SymptomNone }

// An upstream is out when a fifth of its targets, and at least three, behave
// badly: fewer can be chance in a small room.
const (
	outageShare = 0.2
	outageMin   = 3
)

// Assessment is the state of a whole upstream at one moment.
type Assessment struct {
	dead map[string]bool // chassis of which all targets, at least two, are bad
	// out says that nobody answers or that many behave badly, many the latter.
	out, many bool
}

// Assess judges an upstream by the last sighting of each of its targets, in any
// order. A sighting is good evidence for fresh; fresh must be longer than a
// target may take to answer.
//
// A target's trouble is its own only while others prove that the way to them is
// open: at least one has answered within fresh, and less than a fifth of all
// behave badly. Of most targets nothing fresh is known once their nodes are
// done, so that share is estimated (see tally.share). With a single target
// nobody can tell, and it holds.
func Assess(sightings []Sighting, now time.Time, fresh time.Duration) *Assessment {
	t := tally{}
	for i := range sightings {
		t.add(&sightings[i], now, fresh)
	}
	a := &Assessment{many: t.many()}
	a.out = a.many || t.answering == 0
	if !a.out { // in an outage nobody asks for the chassis
		a.dead = deadChassis(sightings)
	}
	return a
}

// deadChassis are the chassis all of whose targets, at least two, are bad.
func deadChassis(sightings []Sighting) map[string]bool {
	bad := make(map[string]int)
	for i := range sightings {
		if s := &sightings[i]; s.bad() && s.Chassis != "" {
			bad[s.Chassis]++
		}
	}
	dead := make(map[string]bool, len(bad))
	for chassis, n := range bad {
		dead[chassis] = n >= 2
	}
	if len(bad) > 0 {
		for i := range sightings {
			if s := &sightings[i]; !s.bad() {
				delete(dead, s.Chassis)
			}
		}
	}
	return dead
}

// Out reports whether nobody answers, or so many behave badly that it is no chance.
func (a *Assessment) Out() bool { return a.out }

// Verdict judges one target by its last sighting; a zero Verdict means that it
// answers, or was never seen.
func (a *Assessment) Verdict(s Sighting) Verdict {
	if !s.bad() {
		return Verdict{}
	}
	bySymptom := verdicts[a.extent(s)]
	v, known := bySymptom[s.Symptom]
	if !known {
		v = bySymptom[bos.SymptomSilent]
	}
	// One that answers says more about itself than the table can, such as
	// that it rejects the credentials; silence is told apart by extent only.
	if s.Symptom != bos.SymptomSilent && s.Cause != bos.CauseNone {
		v.Cause = s.Cause
	}
	return v
}

func (a *Assessment) extent(s Sighting) Extent {
	switch {
	// Who does not know a target answers: that is an outage only of many.
	case a.many || a.out && s.Symptom != bos.SymptomUnknown || s.Cause == bos.CauseUpstreamOutage:
		return ExtentUpstream
	case a.dead[s.Chassis]:
		return ExtentChassis
	default:
		return ExtentBMC
	}
}

// tally sorts the targets by what they were before the last change and by what
// is known of them now. Those that were good before and those that were bad are
// kept apart because they are probed for different reasons: the bad ones
// mostly because a node in work needs them, the good ones as a sample.
type tally struct {
	all int
	// answering is how many answered within fresh; aside are those of them that
	// count for nothing else than that.
	answering, aside int
	// Of those that were good, or never asked: turned have turned bad a
	// moment ago, stayed have answered again within fresh.
	turned, stayed int
	// Of those that were bad: still are, confirmed by a fresh probe;
	// recovered have turned good a moment ago; unconfirmed were bad when
	// last asked, long ago.
	still, recovered, unconfirmed int
}

func (t *tally) add(s *Sighting, now time.Time, fresh time.Duration) {
	// A bad answer comes later than a good one, often only after a
	// time-out, and an outage that is overlooked costs more than one that
	// is seen too long: hence twice the time for changes.
	recent := func(at time.Time) bool { return !at.IsZero() && now.Sub(at) <= 2*fresh }
	answered := !s.bad() && !s.Asked.IsZero() && now.Sub(s.Asked) <= fresh
	if answered {
		t.answering++
	}
	if s.Aside && answered {
		t.aside++
	}
	if s.Background || s.Aside {
		return
	}
	t.all++
	switch {
	case s.bad() && recent(s.BadSince):
		t.turned++
	case s.bad() && recent(s.Asked):
		t.still++
	case s.bad():
		t.unconfirmed++
	case recent(s.GoodSince):
		t.recovered++
	case answered:
		t.stayed++
	}
}

// many reports whether so many behave badly that it cannot be chance.
func (t *tally) many() bool {
	return t.turned+t.still+t.unconfirmed >= outageMin && t.share() >= outageShare
}

// turning is which part of the targets that nobody has probed turned bad, by
// those that were probed: one more than was seen, and a standard error on
// top. Where a sample, or the lack of one, leaves open whether this is an outage, it
// counts as one.
func (t *tally) turning() float64 {
	n := float64(t.turned + t.stayed + t.aside)
	if n == 0 {
		return 1
	}
	p := float64(t.turned+1) / (n + 2)
	return min(p+math.Sqrt(p*(1-p)/n), 1)
}

// share estimates which part of all targets behaves badly now. Those of which
// something fresh is known are counted; of the others, as many are taken to
// have turned bad or recovered as of their like that were probed. So three
// dead BMCs with twenty witnesses that answer are three of five hundred, and
// when five of the twenty fall silent it is a hundred more.
func (t *tally) share() float64 {
	if t.all == 0 {
		return 0
	}
	seen := t.turned + t.stayed + t.still + t.recovered + t.unconfirmed
	unseen := float64(t.all - seen)
	bad := float64(t.turned + t.still)
	bad += unseen * t.turning()
	// One more counts as still bad than was seen, so that a single recovery
	// does not clear them all.
	bad += float64(t.unconfirmed) * float64(t.still+1) / float64(t.still+t.recovered+1)
	return bad / float64(t.all)
}
