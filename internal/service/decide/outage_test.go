package decide

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const testFresh = 30 * time.Second

var testNow = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

var (
	allExtents  = []Extent{ExtentBMC, ExtentChassis, ExtentUpstream}
	badSymptoms = []bos.Symptom{bos.SymptomSilent, bos.SymptomRefusing, bos.SymptomStale, bos.SymptomUnknown}
)

func answered(target string, ago time.Duration) Sighting {
	return Sighting{Target: target, Chassis: bos.ChassisOf(target), Asked: testNow.Add(-ago)}
}

func neverAsked(target string) Sighting {
	return Sighting{Target: target, Chassis: bos.ChassisOf(target)}
}

// turnedBad is a target that was asked just now and has been bad for some time.
func turnedBad(target string, symptom bos.Symptom, ago time.Duration) Sighting {
	return Sighting{
		Target: target, Chassis: bos.ChassisOf(target), Symptom: symptom,
		Asked: testNow.Add(-time.Second), BadSince: testNow.Add(-ago),
	}
}

func answeredAll(targets []string) []Sighting {
	all := make([]Sighting, len(targets))
	for i, target := range targets {
		all[i] = answered(target, time.Second)
	}
	return all
}

// bmcs names the BMCs of a room, sixteen to a chassis, eight chassis to a cabinet.
func bmcs(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("x%dc%ds%db%d", 1000+i/128, i/16%8, i/2%8, i%2)
	}
	return names
}

// of is the sighting of one target in a room.
func of(room []Sighting, target string) Sighting {
	return room[slices.IndexFunc(room, func(s Sighting) bool { return s.Target == target })]
}

func assess(sightings ...Sighting) *Assessment { return Assess(sightings, testNow, testFresh) }

func TestTheTableSaysSomethingForEachExtentAndSymptom(t *testing.T) {
	for _, extent := range allExtents {
		for _, symptom := range badSymptoms {
			v, ok := verdicts[extent][symptom]
			if !ok {
				t.Errorf("%s × symptom %d is missing", extent, symptom)
				continue
			}
			if v.Extent != extent || v.Cause.Sentence() == "" {
				t.Errorf("%s × symptom %d says %+v; it must name its own extent and a cause with a sentence", extent, symptom, v)
			}
			if v.ClockRuns != (extent != ExtentUpstream) {
				t.Errorf("%s × symptom %d: clock runs = %t; it stops for a whole upstream and for nothing else", extent, symptom, v.ClockRuns)
			}
		}
		if len(verdicts[extent]) != len(badSymptoms) {
			t.Errorf("%s has %d rows, want one for each of %d symptoms", extent, len(verdicts[extent]), len(badSymptoms))
		}
	}
	if len(verdicts) != len(allExtents) {
		t.Errorf("the table has %d extents, want %d", len(verdicts), len(allExtents))
	}
}

// TestEachCellOfTheTableIsReached builds a room for each extent and symptom.
func TestEachCellOfTheTableIsReached(t *testing.T) {
	for _, extent := range allExtents {
		for _, symptom := range badSymptoms {
			t.Run(fmt.Sprintf("%s symptom %d", extent, symptom), func(t *testing.T) {
				hit := map[Extent]int{ExtentBMC: 1, ExtentChassis: 16, ExtentUpstream: 60}[extent]
				var room []Sighting
				for i, name := range bmcs(256) {
					if i < hit {
						room = append(room, turnedBad(name, symptom, time.Hour))
					} else {
						room = append(room, answered(name, time.Second))
					}
				}
				if got, want := Assess(room, testNow, testFresh).Verdict(room[0]), verdicts[extent][symptom]; got != want {
					t.Errorf("verdict %+v, want %+v", got, want)
				}
			})
		}
	}
}

func TestTheVerdictOnRoomsOfKnownShape(t *testing.T) {
	names := bmcs(100)
	bmc := names[0]
	silent := func(n int) []Sighting {
		var s []Sighting
		for i := range n {
			// One per chassis, so that no chassis is dead.
			s = append(s, turnedBad(names[i*16%100+i/7], bos.SymptomSilent, time.Hour))
		}
		return s
	}
	rest := func(bad []Sighting, total int, of func(string) Sighting) []Sighting {
		all := slices.Clone(bad)
		for _, name := range names {
			if len(all) < total && !slices.ContainsFunc(bad, func(s Sighting) bool { return s.Target == name }) {
				all = append(all, of(name))
			}
		}
		return all
	}
	justNow := func(name string) Sighting { return answered(name, time.Second) }
	longAgo := func(name string) Sighting { return answered(name, time.Hour) }
	for _, tc := range []struct {
		name string
		room []Sighting
		want Extent
	}{
		{"a room of one silent BMC holds, for nobody can tell", silent(1), ExtentUpstream},
		{"one of two is alone", rest(silent(1), 2, justNow), ExtentBMC},
		{"two of three are too few for an outage", rest(silent(2), 3, justNow), ExtentBMC},
		{"three of four are an outage", rest(silent(3), 4, justNow), ExtentUpstream},
		{"three of fifteen are a fifth and an outage", rest(silent(3), 15, justNow), ExtentUpstream},
		{"three of sixteen are less than a fifth", rest(silent(3), 16, justNow), ExtentBMC},
		{"nobody has answered of late", rest(silent(1), 100, longAgo), ExtentUpstream},
		{"nobody else was ever asked", rest(silent(1), 100, neverAsked), ExtentUpstream},
		{"three that turned bad together long ago are no fifth of ten witnesses", append(rest(silent(3), 90, longAgo), answeredAll(bmcs(140)[130:])...), ExtentBMC},
		{"targets in no chassis are no dead chassis", []Sighting{
			{Target: bmc, Symptom: bos.SymptomSilent, Asked: testNow}, {Target: "other", Symptom: bos.SymptomSilent, Asked: testNow}, justNow("x9c0s0b0"),
		}, ExtentBMC},
		{"one fresh answer is proof enough for one silent BMC", append(rest(silent(1), 99, longAgo), justNow("x9c0s0b0")), ExtentBMC},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Assess(tc.room, testNow, testFresh).Verdict(of(tc.room, bmc)); got.Extent != tc.want || got.ClockRuns != (tc.want != ExtentUpstream) {
				t.Errorf("verdict %+v, want extent %s", got, tc.want)
			}
		})
	}
}

func TestWitnessesThatFallSilentTogetherMakeAnOutageOfThreeDeadBMCs(t *testing.T) {
	names := bmcs(500)
	var room []Sighting
	for i, name := range names {
		switch {
		case i%200 == 0:
			room = append(room, turnedBad(name, bos.SymptomSilent, time.Hour))
		case i%25 == 1:
			room = append(room, answered(name, 5*time.Second))
		default:
			room = append(room, answered(name, time.Hour))
		}
	}
	if v := Assess(room, testNow, testFresh).Verdict(room[0]); !v.ClockRuns || v.Extent != ExtentBMC {
		t.Fatalf("verdict %+v while all witnesses answer, want a lone failure", v)
	}
	fell := 0
	for i := range room {
		if i%25 == 1 && fell < 8 {
			room[i] = turnedBad(names[i], bos.SymptomSilent, 5*time.Second)
			fell++
		}
	}
	if v := Assess(room, testNow, testFresh).Verdict(room[0]); v.ClockRuns {
		t.Errorf("verdict %+v after %d of 20 witnesses fell silent, want everything to hold", v, fell)
	}
}

func TestOneThatSaysMoreThanTheTableIsBelieved(t *testing.T) {
	refusing := turnedBad("x1000c0s0b0", bos.SymptomRefusing, time.Hour)
	refusing.Cause = bos.CauseBMCAuth
	others := []Sighting{answered("x1000c0s1b0", 0), answered("x1000c1s1b0", 0)}
	if v := assess(append(others, refusing)...).Verdict(refusing); v.Cause != bos.CauseBMCAuth || !v.ClockRuns {
		t.Errorf("verdict %+v, want the rejected credentials as cause", v)
	}
	if v := assess(refusing).Verdict(refusing); v.Cause != bos.CauseBMCAuth || v.ClockRuns {
		t.Errorf("verdict %+v, want the rejected credentials as what everything waits for", v)
	}
	silent := turnedBad("x1000c0s0b0", bos.SymptomSilent, time.Hour)
	silent.Cause = bos.CauseBMCUnreachable
	if v := assess(silent).Verdict(silent); v.Cause != bos.CauseUpstreamOutage {
		t.Errorf("verdict %+v, want silence in an outage to be the outage's", v)
	}
}

func TestAnAdapterThatKnowsOfAnOutageStopsTheClockAtOnce(t *testing.T) {
	s := turnedBad("x1000c0s0b0", bos.SymptomSilent, time.Second)
	s.Cause = bos.CauseUpstreamOutage
	if v := assess(s, answered("x1000c1s0b0", time.Second)).Verdict(s); v.ClockRuns || v.Extent != ExtentUpstream {
		t.Errorf("verdict %+v although the power service itself is out", v)
	}
}

func TestASymptomThatTheTableDoesNotKnowIsReadAsSilence(t *testing.T) {
	s := turnedBad("x1000c0s0b0", bos.Symptom(99), time.Hour)
	if v := assess(s, answered("x1000c1s0b0", 0)).Verdict(s); v != verdicts[ExtentBMC][bos.SymptomSilent] {
		t.Errorf("verdict %+v", v)
	}
}

// drawRoom is any mix of states, with chassis large and small.
func drawRoom(t *rapid.T) []Sighting {
	n := rapid.IntRange(0, 60).Draw(t, "targets")
	ago := rapid.Map(rapid.IntRange(0, 300), func(s int) time.Duration { return time.Duration(s) * time.Second })
	room := make([]Sighting, n)
	for i := range room {
		s := &room[i]
		s.Chassis = fmt.Sprintf("x1000c%d", rapid.IntRange(0, 7).Draw(t, "chassis"))
		s.Target = fmt.Sprintf("%ss%db0", s.Chassis, i)
		switch rapid.IntRange(0, 3).Draw(t, "state") {
		case 0:
		case 1:
			s.Asked = testNow.Add(-ago.Draw(t, "asked"))
			if rapid.Bool().Draw(t, "recovered") {
				s.GoodSince = s.Asked
			}
		default:
			s.Symptom = rapid.SampledFrom(badSymptoms).Draw(t, "symptom")
			s.Cause = rapid.SampledFrom([]bos.Cause{bos.CauseNone, bos.CauseBMCAuth, bos.CauseUpstreamOutage}).Draw(t, "cause")
			s.Asked = testNow.Add(-ago.Draw(t, "asked"))
			s.BadSince = s.Asked.Add(-ago.Draw(t, "bad before"))
			s.Background = rapid.IntRange(0, 4).Draw(t, "background") == 0
		}
		s.Aside = rapid.IntRange(0, 4).Draw(t, "aside") == 0
	}
	return room
}

func TestPropertyOneThatAnswersIsFineAndOneThatDoesNotGetsACellOfTheTable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := drawRoom(t)
		a := Assess(room, testNow, testFresh)
		for _, s := range room {
			v := a.Verdict(s)
			if !s.bad() {
				if v != (Verdict{}) {
					t.Fatalf("verdict %+v on %s, which answers", v, s.Target)
				}
				continue
			}
			cell, ok := verdicts[v.Extent][s.Symptom]
			if !ok || cell.ClockRuns != v.ClockRuns || v.Cause.Sentence() == "" {
				t.Fatalf("verdict %+v on %+v is none of the table", v, s)
			}
		}
		if v := a.Verdict(Sighting{Target: "x9c9s9b9"}); v != (Verdict{}) {
			t.Fatalf("verdict %+v on a target never heard of", v)
		}
	})
}

func TestPropertyTheOrderOfSightingsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := drawRoom(t)
		shuffled := rapid.Permutation(room).Draw(t, "order")
		a, b := Assess(room, testNow, testFresh), Assess(shuffled, testNow, testFresh)
		for _, s := range room {
			if a.Verdict(s) != b.Verdict(s) {
				t.Fatalf("%s: %+v in one order, %+v in another", s.Target, a.Verdict(s), b.Verdict(s))
			}
		}
		most := rapid.IntRange(0, 30).Draw(t, "most")
		if w, v := Witnesses(room, testNow, testFresh, most), Witnesses(shuffled, testNow, testFresh, most); !slices.Equal(w, v) {
			t.Fatalf("witnesses %v in one order, %v in another", w, v)
		}
	})
}

func TestPropertyOneMoreThatAnswersNeverStopsAClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := drawRoom(t)
		more := answered("x1007c0s99b0", time.Duration(rapid.IntRange(0, 30).Draw(t, "ago"))*time.Second)
		more.Chassis = fmt.Sprintf("x1000c%d", rapid.IntRange(0, 7).Draw(t, "chassis"))
		if rapid.Bool().Draw(t, "recovered") {
			more.GoodSince = more.Asked
		}
		before := Assess(room, testNow, testFresh)
		after := Assess(append(slices.Clone(room), more), testNow, testFresh)
		for _, s := range room {
			if before.Verdict(s).ClockRuns && !after.Verdict(s).ClockRuns {
				t.Fatalf("%s: %+v, and %+v after one more answered", s.Target, before.Verdict(s), after.Verdict(s))
			}
		}
	})
}

func TestPropertyWithoutAFreshAnswerNoClockRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := drawRoom(t)
		for i := range room {
			if !room[i].bad() && testNow.Sub(room[i].Asked) <= testFresh {
				room[i].Asked = testNow.Add(-testFresh - time.Second)
			}
		}
		a := Assess(room, testNow, testFresh)
		for _, s := range room {
			if v := a.Verdict(s); v.ClockRuns && s.Symptom != bos.SymptomUnknown { // who does not know one answers
				t.Fatalf("verdict %+v on %s with no fresh answer in the room", v, s.Target)
			}
		}
	})
}

func TestWhatHasBeenBadForLongAndWhomNobodyUsesIsNoEvidence(t *testing.T) {
	for name, set := range map[string]func(*Sighting){
		"background": func(s *Sighting) { s.Background = true }, "aside": func(s *Sighting) { s.Aside = true },
	} {
		var room []Sighting
		for i, target := range bmcs(128) {
			s := answered(target, time.Second)
			if i%3 == 0 {
				s = turnedBad(target, bos.SymptomSilent, time.Hour)
				set(&s)
			}
			room = append(room, s)
		}
		if v := assess(room...).Verdict(room[0]); v.Extent != ExtentBMC || !v.ClockRuns {
			t.Errorf("%s: a third of the room makes %+v", name, v)
		}
		for i := range room {
			if i%3 == 1 && i < 100 {
				room[i] = turnedBad(room[i].Target, bos.SymptomSilent, time.Second)
			}
		}
		if v := assess(room...).Verdict(room[0]); v.Extent != ExtentUpstream {
			t.Errorf("%s: with as many that turned bad now it is %+v", name, v)
		}
	}
}

func TestManyThatTheUpstreamDoesNotKnowAreAnOutageAndFewAreNot(t *testing.T) {
	for n, want := range map[int]Extent{1: ExtentBMC, 2: ExtentBMC, 3: ExtentUpstream} {
		var room []Sighting
		for i, target := range bmcs(10) {
			if i*3%10 < n {
				room = append(room, turnedBad(target, bos.SymptomUnknown, time.Minute))
			} else {
				room = append(room, answered(target, time.Second))
			}
		}
		if v := assess(room...).Verdict(room[0]); v.Extent != want {
			t.Errorf("%d of 10 unknown: %+v, want %s", n, v, want)
		}
	}
}

func TestPropertyAFifthOfTheRoomBehavingBadlyHoldsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.IntRange(3, 400).Draw(t, "targets")
		bad := rapid.IntRange(max(3, (all+4)/5), all).Draw(t, "bad")
		since := time.Duration(rapid.IntRange(0, 7200).Draw(t, "since")) * time.Second
		var room []Sighting
		for i, name := range bmcs(all) {
			if i < bad {
				room = append(room, turnedBad(name, rapid.SampledFrom(badSymptoms).Draw(t, "symptom"), since))
			} else {
				room = append(room, answered(name, time.Duration(rapid.IntRange(0, 600).Draw(t, "ago"))*time.Second))
			}
		}
		a := Assess(room, testNow, testFresh)
		for _, s := range room[:bad] {
			if v := a.Verdict(s); v.ClockRuns || v.Extent != ExtentUpstream {
				t.Fatalf("verdict %+v with %d of %d bad", v, bad, all)
			}
		}
	})
}

func TestPropertyADeadChassisIsNamedWhileTheOthersAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(2, 16).Draw(t, "BMCs in the chassis")
		others := rapid.IntRange(6, 20).Draw(t, "other chassis")
		symptom := rapid.SampledFrom(badSymptoms).Draw(t, "symptom")
		since := time.Duration(rapid.IntRange(0, 7200).Draw(t, "since")) * time.Second
		var room []Sighting
		for c := range others + 1 {
			for b := range size {
				name := fmt.Sprintf("x1000c%ds%db0", c, b)
				if c == 0 {
					room = append(room, turnedBad(name, symptom, since))
				} else {
					room = append(room, answered(name, time.Duration(rapid.IntRange(0, 30).Draw(t, "ago"))*time.Second))
				}
			}
		}
		a := Assess(room, testNow, testFresh)
		for _, s := range room[:size] {
			if v := a.Verdict(s); v != verdicts[ExtentChassis][symptom] {
				t.Fatalf("verdict %+v on a chassis of %d with %d others", v, size, others)
			}
		}
	})
}

func TestPropertyWitnessesAreFewAndWorthProbing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		room := drawRoom(t)
		most := rapid.IntRange(-1, 30).Draw(t, "most")
		names := Witnesses(room, testNow, testFresh, most)
		if len(names) > max(most, 0) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Fatalf("%d witnesses %v, at most %d wanted, each once", len(names), names, most)
		}
		fresh, known := 0, make(map[string]Sighting)
		for _, s := range room {
			known[s.Target] = s
			if !s.bad() && !s.Asked.IsZero() && testNow.Sub(s.Asked) <= testFresh/4 {
				fresh++
			}
		}
		good := 0
		for _, name := range names {
			s, ok := known[name]
			if !ok || !s.Asked.IsZero() && testNow.Sub(s.Asked) <= testFresh/4 {
				t.Fatalf("%s is no use as witness: %+v", name, s)
			}
			if !s.bad() {
				good++
			}
		}
		candidates := 0
		for _, s := range room {
			if !s.bad() && (s.Asked.IsZero() || testNow.Sub(s.Asked) > testFresh/4) {
				candidates++
			}
		}
		if most > 0 && fresh == 0 && candidates > 0 && good == 0 {
			t.Fatalf("no witness among %v although %d could be asked", names, candidates)
		}
	})
}

func TestWitnessesAreSpreadOverTheRoom(t *testing.T) {
	var room []Sighting
	for i, name := range bmcs(1280) {
		// Probed in the order of names, as a session does.
		room = append(room, answered(name, time.Hour-time.Duration(i)*time.Millisecond))
	}
	cabinets := make(map[string]int)
	for round := range 8 {
		at := testNow.Add(time.Duration(round) * testFresh / 2)
		for _, name := range Witnesses(room, at, testFresh, 20) {
			cabinets[name[:5]]++
		}
	}
	for cabinet := range 10 {
		if n := cabinets[fmt.Sprintf("x%d", 1000+cabinet)]; n < 4 || n > 40 {
			t.Errorf("cabinet %d gave %d of 160 witnesses, want about 16", cabinet, n)
		}
	}
}

func TestWhereNobodyAnswersThoseThatFellSilentAreProbedAgain(t *testing.T) {
	var room []Sighting
	for _, name := range bmcs(50) {
		room = append(room, Sighting{
			Target: name, Chassis: bos.ChassisOf(name), Symptom: bos.SymptomSilent,
			Asked: testNow.Add(-time.Hour), BadSince: testNow.Add(-time.Hour),
		})
	}
	for _, most := range []int{1, 3, 20} {
		if got := Witnesses(room, testNow, testFresh, most); len(got) != most {
			t.Errorf("%d of %d witnesses in an outage of all, so its end shows late", len(got), most)
		}
	}
}

func TestTargetsNeverAskedAreWitnessesOnlyWhereOthersDoNotSuffice(t *testing.T) {
	room := []Sighting{turnedBad("x1000c0s0b0", bos.SymptomSilent, time.Hour)}
	for i, name := range bmcs(200)[100:] {
		if i < 30 {
			room = append(room, answered(name, time.Hour))
		} else {
			room = append(room, neverAsked(name))
		}
	}
	for _, tc := range []struct{ most, never int }{{20, 0}, {40, 10}} {
		never := 0
		for _, name := range Witnesses(room, testNow, testFresh, tc.most) {
			if slices.ContainsFunc(room, func(s Sighting) bool { return s.Target == name && s.Asked.IsZero() }) {
				never++
			}
		}
		if never != tc.never {
			t.Errorf("%d of %d witnesses were never asked, want %d", never, tc.most, tc.never)
		}
	}
}

// simulated is a room with a clock, probed as the engine does: targets in
// work each 15 s, witnesses each half of fresh. Good answers come at once, bad
// ones after a time-out.
type simulated struct {
	now     time.Time
	room    []Sighting
	index   map[string]int
	due     map[string]time.Time
	works   []bool
	clock   []time.Duration
	lastBad []time.Time
}

const (
	simTick    = 5 * time.Second
	simTimeout = 20 * time.Second
)

func simulate(n int) *simulated {
	s := &simulated{
		now: testNow, index: make(map[string]int), due: make(map[string]time.Time),
		works: make([]bool, n), clock: make([]time.Duration, n), lastBad: make([]time.Time, n),
	}
	for i, name := range bmcs(n) {
		s.index[name] = i
		s.works[i] = true
		s.room = append(s.room, answered(name, time.Minute))
	}
	return s
}

// run lets time pass; dead says which targets do not answer.
func (s *simulated) run(d time.Duration, dead func(i int) bool) {
	for end := s.now.Add(d); s.now.Before(end); s.now = s.now.Add(simTick) {
		probe := s.now.Sub(testNow)%(15*time.Second) == 0
		var names []string
		anyBad := false
		for i := range s.room {
			if probe && s.works[i] {
				names = append(names, s.room[i].Target)
			}
			anyBad = anyBad || s.room[i].bad()
		}
		if probe && anyBad {
			names = append(names, Witnesses(s.room, s.now, testFresh, 20)...)
		}
		for _, name := range names {
			if i := s.index[name]; !dead(i) {
				s.good(i)
			} else if _, asked := s.due[name]; !asked {
				s.due[name] = s.now
			}
		}
		s.timeOut()
	}
}

func (s *simulated) good(i int) {
	r := &s.room[i]
	delete(s.due, r.Target)
	if r.bad() {
		r.GoodSince = s.now
	}
	r.Symptom, r.Asked, r.BadSince = bos.SymptomNone, s.now, time.Time{}
	s.clock[i], s.lastBad[i] = 0, time.Time{}
}

func (s *simulated) timeOut() {
	var came []int
	for name, asked := range s.due {
		if s.now.Sub(asked) < simTimeout {
			continue
		}
		delete(s.due, name)
		i := s.index[name]
		r := &s.room[i]
		if !r.bad() {
			r.BadSince, r.GoodSince = s.now, time.Time{}
		}
		r.Symptom, r.Asked = bos.SymptomSilent, asked
		came = append(came, i)
	}
	if len(came) == 0 {
		return
	}
	a := Assess(s.room, s.now, testFresh)
	for _, i := range came {
		if !s.lastBad[i].IsZero() && a.Verdict(s.room[i]).ClockRuns {
			s.clock[i] += min(s.now.Sub(s.lastBad[i]), 2*testFresh)
		}
		s.lastBad[i] = s.now
	}
}

// finish takes all but the dead out of work, as when their nodes are done.
func (s *simulated) finish(dead func(i int) bool) {
	for i := range s.works {
		s.works[i] = dead(i)
	}
}

func threeDead(i int) bool { return i == 7 || i == 33 || i == 61 }

func TestThreeDeadBMCsFailInTimeWhenOnlyWitnessesAreLeft(t *testing.T) {
	for _, n := range []int{64, 500, 1000} {
		s := simulate(n)
		s.run(time.Minute, threeDead)
		s.finish(threeDead)
		s.run(11*time.Minute, threeDead)
		for _, i := range []int{7, 33, 61} {
			if s.clock[i] < 10*time.Minute {
				t.Errorf("room of %d: the clock of a dead BMC says %s after 12 minutes, want 10 or more", n, s.clock[i])
			}
		}
	}
}

// TestPropertyAnOutageHoldsEveryoneInWhateverPhaseItBegins lets an outage of more than a
// fifth of the room, in one place or scattered, last half an hour while
// the room is busy or all but done, and lets it end.
func TestPropertyAnOutageHoldsEveryoneInWhateverPhaseItBegins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(64, 320).Draw(t, "targets")
		hit := drawOutage(t, n)
		s := simulate(n)
		s.run(time.Minute, threeDead)
		if rapid.Bool().Draw(t, "all others are done") {
			s.finish(threeDead)
		}
		s.run(time.Duration(rapid.IntRange(0, 60).Draw(t, "before"))*simTick, threeDead)
		before := slices.Clone(s.clock)
		s.run(30*time.Minute, func(i int) bool { return hit[i] || threeDead(i) })
		for i := range s.clock {
			if gained := s.clock[i] - before[i]; gained > 2*time.Minute {
				t.Fatalf("room of %d: the clock of %d gained %s during an outage", n, i, gained)
			}
		}
		s.finish(threeDead)
		s.run(20*time.Minute, threeDead)
		for _, i := range []int{7, 33, 61} {
			if s.clock[i] < 10*time.Minute {
				t.Fatalf("room of %d: 20 minutes after the outage the clock of a dead BMC says %s, want 10 or more", n, s.clock[i])
			}
		}
	})
}

func drawOutage(t *rapid.T, n int) map[int]bool {
	size := n * rapid.IntRange(22, 100).Draw(t, "percent hit") / 100
	first := rapid.IntRange(0, n-1).Draw(t, "first")
	order := make([]int, n)
	for i := range order {
		order[i] = (first + i) % n
	}
	if rapid.Bool().Draw(t, "scattered") {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		r.Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	hit := make(map[int]bool, size)
	for _, i := range order[:size] {
		hit[i] = true
	}
	return hit
}

func nobody(int) bool    { return false }
func everybody(int) bool { return true }

func TestAfterAnOutageOfAllTheClockRunsAgainWithinMinutesInALargeRoom(t *testing.T) {
	s := simulate(1000)
	s.run(time.Minute, threeDead)
	s.finish(threeDead)
	s.run(40*time.Minute, everybody)
	before := s.clock[7]
	s.run(13*time.Minute, threeDead)
	if gained := s.clock[7] - before; gained < 10*time.Minute {
		t.Errorf("the clock gained %s in the 13 minutes after the outage, want 10 or more", gained)
	}
}

func TestAChassisThatDiesUnderTheLastNodeInWorkIsNamed(t *testing.T) {
	s := simulate(320)
	s.run(time.Minute, nobody)
	s.finish(func(i int) bool { return i == 5 })
	chassis := s.room[5].Chassis
	dead := func(i int) bool { return s.room[i].Chassis == chassis }
	s.run(11*time.Minute, dead)
	if v := Assess(s.room, s.now, testFresh).Verdict(s.room[5]); v.Extent != ExtentChassis || !v.ClockRuns {
		t.Errorf("verdict %+v after 11 minutes, want the chassis", v)
	}
	s.run(3*time.Minute, dead)
	if s.clock[5] < 10*time.Minute {
		t.Errorf("the clock says %s after 14 minutes, want 10 or more", s.clock[5])
	}
}
