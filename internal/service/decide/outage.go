package decide

import (
	"cmp"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Extent is how much of an upstream behaves badly together.
type Extent int

// The extents, from the smallest.
const (
	ExtentNone Extent = iota
	ExtentBMC
	ExtentChassis
	ExtentUpstream
)

// Verdict says how a bad answer is to be read. With ClockRuns the target is
// alone with its trouble and its nodes fail after max_unreachable_time;
// without, the clock stops and everything holds.
type Verdict struct {
	Extent    Extent
	ClockRuns bool
	Cause     bos.Cause
}

// verdicts is the table of lone failure against outage. What hits one BMC or
// one chassis while the rest of the room answers will not heal by waiting;
// what hits the room is the network's or the power control's, not the nodes'.
var verdicts = map[Extent]map[bos.Symptom]Verdict{
	ExtentBMC: {
		bos.SymptomSilent:   {ExtentBMC, true, bos.CauseBMCUnreachable},
		bos.SymptomRefusing: {ExtentBMC, true, bos.CauseBMCError},
		bos.SymptomStale:    {ExtentBMC, true, bos.CausePowerStale},
	},
	ExtentChassis: {
		bos.SymptomSilent:   {ExtentChassis, true, bos.CauseChassisUnreachable},
		bos.SymptomRefusing: {ExtentChassis, true, bos.CauseBMCError},
		bos.SymptomStale:    {ExtentChassis, true, bos.CausePowerStale},
	},
	ExtentUpstream: {
		bos.SymptomSilent:   {ExtentUpstream, false, bos.CauseUpstreamOutage},
		bos.SymptomRefusing: {ExtentUpstream, false, bos.CauseUpstreamOutage},
		bos.SymptomStale:    {ExtentUpstream, false, bos.CauseUpstreamOutage},
	},
}

// Sighting is what was last seen of one target of an upstream.
type Sighting struct {
	Target  string
	Chassis string
	Symptom bos.Symptom
	Cause   bos.Cause
	// Asked is when it was last asked; zero if never.
	Asked time.Time
	// BadSince is when its answers turned bad; zero while they are good.
	BadSince time.Time
}

func (s Sighting) bad() bool { return s.Symptom != bos.SymptomNone }

// An upstream is out when a fifth of its targets, and at least three, behave
// badly: fewer can be chance in a small room.
const (
	outagePart = 5
	outageMin  = 3
)

func outage(bad, all int) bool { return bad >= outageMin && bad*outagePart >= all }

// Assessment is the state of a whole upstream at one moment.
type Assessment struct {
	symptoms map[string]Sighting
	chassis  map[string]bool // chassis all of whose targets are bad
	out      bool
}

// Assess judges an upstream by the last sighting of each of its targets. A
// target's trouble counts as its own only if others prove that the way to them
// is open: at least one answered within fresh, and those that were good until
// then did not turn bad together.
func Assess(sightings []Sighting, now time.Time, fresh time.Duration) *Assessment {
	a := &Assessment{symptoms: make(map[string]Sighting), chassis: make(map[string]bool)}
	var bad, answering, turned int
	perChassis := make(map[string][2]int) // bad, all
	for _, s := range sightings {
		count := perChassis[s.Chassis]
		count[1]++
		switch {
		case s.bad():
			bad++
			count[0]++
			a.symptoms[s.Target] = s
			if now.Sub(s.BadSince) <= 2*fresh {
				turned++
			}
		case !s.Asked.IsZero() && now.Sub(s.Asked) <= fresh:
			answering++
		}
		perChassis[s.Chassis] = count
	}
	a.out = answering == 0 || outage(bad, len(sightings)) || outage(turned, turned+answering) && turned > answering
	for name, count := range perChassis {
		a.chassis[name] = name != "" && count[0] >= 2 && count[0] == count[1]
	}
	return a
}

// Verdict judges one target; a zero Verdict means that it answers.
func (a *Assessment) Verdict(target string) Verdict {
	s, bad := a.symptoms[target]
	if !bad {
		return Verdict{}
	}
	extent := ExtentBMC
	switch {
	case a.out:
		extent = ExtentUpstream
	case a.chassis[s.Chassis]:
		extent = ExtentChassis
	}
	return verdicts[extent][s.Symptom]
}

// Witnesses names targets to look at again, so that Assess can tell a lone
// failure from an outage: those that answered when last asked, or were never
// asked, the longest ago first; none while enough answered within fresh/2.
func Witnesses(sightings []Sighting, now time.Time, fresh time.Duration, most int) []string {
	good := make([]Sighting, 0, len(sightings))
	for _, s := range sightings {
		if s.bad() {
			continue
		}
		if !s.Asked.IsZero() && now.Sub(s.Asked) <= fresh/2 {
			most--
			continue
		}
		good = append(good, s)
	}
	slices.SortFunc(good, func(a, b Sighting) int {
		return cmp.Or(a.Asked.Compare(b.Asked), bos.CompareXnames(a.Target, b.Target))
	})
	names := make([]string, 0, max(most, 0))
	for _, s := range good[:min(max(most, 0), len(good))] {
		names = append(names, s.Target)
	}
	return names
}
