package decide_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// boots are how long nodes take to boot, by where each is in the order of all.
type boots func(r *rand.Rand) time.Duration

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// shapes are boots with long tails.
var shapes = map[string]boots{
	"spread normally in the logarithm": func(r *rand.Rand) time.Duration { return inSeconds(240 * math.Exp(0.35*r.NormFloat64())) },
	"a firmware that takes its time and then an exponential": func(r *rand.Rand) time.Duration {
		return inSeconds(180 + 60*r.ExpFloat64())
	},
	"of 20 nodes one that checks its memory": func(r *rand.Rand) time.Duration {
		t := 200 * math.Exp(0.15*r.NormFloat64())
		if r.IntN(20) == 0 {
			t += 300
		}
		return inSeconds(t)
	},
}

func drawn(r *rand.Rand, of boots, n int) []time.Duration {
	took := make([]time.Duration, n)
	for i := range took {
		took[i] = of(r)
	}
	slices.Sort(took)
	return took
}

// at is what is known of a session in which all nodes began together, at a time.
func at(took []time.Duration, after time.Duration, earlier []time.Duration) decide.Durations {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := decide.Durations{Now: start.Add(after), First: start, Last: start, Earlier: earlier}
	for _, t := range took {
		if t <= after {
			w.Took = append(w.Took, t)
		} else {
			w.Running = append(w.Running, after)
		}
	}
	return w
}

// off is by which share of its whole time a session is foretold too long or too short.
func off(w decide.Durations, took []time.Duration) float64 {
	f := decide.Foretell(w)
	if f.Over.IsZero() {
		return math.Inf(1)
	}
	truth := took[len(took)*99/100-1].Seconds()
	return math.Abs(f.Over.Sub(w.First).Seconds()-truth) / truth
}

func TestAfterTheFirstQuarterOfNodesTheEndIsForetoldWithin15Percent(t *testing.T) {
	for name, shape := range shapes {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 1))
			earlier := drawn(r, shape, 3000) // as of three sessions
			slower := 0.8 + 0.5*r.Float64()  // than last time
			took := drawn(r, func(r *rand.Rand) time.Duration { return time.Duration(slower * float64(shape(r))) }, 1000)
			for _, done := range []int{250, 400, 600, 800, 950} {
				if err := off(at(took, took[done], earlier), took); err > 0.15 {
					t.Errorf("%s, seed %d: with %d of 1000 done the end is foretold with an error of %.0f %%", name, seed, done, 100*err)
				}
			}
		}
	}
}

func TestWithoutAnEarlierSessionItsOwnNodesForetellALongTail(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 2))
		took := drawn(r, shapes["spread normally in the logarithm"], 2000)
		for _, done := range []int{500, 1000, 1500, 1900} {
			if err := off(at(took, took[done], nil), took); err > 0.15 {
				t.Errorf("seed %d: with %d of 2000 done the end is foretold with an error of %.0f %%", seed, done, 100*err)
			}
		}
	}
}

func TestNodesThatWaitForTheirTurnAreForetoldToBeginAsFastAsOthersHave(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const all, each = 400, 2 * time.Second // one begins every two seconds
	took := make([]time.Duration, all)
	ends := make([]time.Duration, all)
	for i := range took {
		took[i] = inSeconds(60 * math.Exp(0.2*r.NormFloat64()))
		ends[i] = time.Duration(i)*each + took[i]
	}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := 200 * time.Second
	w := decide.Durations{Now: start.Add(now), First: start, Last: start.Add(now - each)}
	for i := range took {
		switch begun := time.Duration(i) * each; {
		case ends[i] <= now:
			w.Took = append(w.Took, took[i])
		case begun < now:
			w.Running = append(w.Running, now-begun)
		default:
			w.Queued++
		}
	}
	slices.Sort(ends)
	if err := off(w, ends); err > 0.15 {
		t.Errorf("the end is foretold with an error of %.0f %%", 100*err)
	}
}

func TestOfAFewNodesThatAreMostlyDoneTheStragglerIsFound(t *testing.T) {
	took := make([]time.Duration, 99)
	for i := range took {
		took[i] = inSeconds(100 + float64(i)/10)
	}
	f := decide.Foretell(decide.Durations{Now: time.Unix(1000, 0), First: time.Unix(0, 0), Took: took, Running: []time.Duration{inSeconds(300)}})
	if !f.Straggles(inSeconds(300)) || f.Straggles(inSeconds(105)) || f.Over.Before(time.Unix(1000, 0)) {
		t.Errorf("after 99 nodes that took 100 to 110 s, %+v is said of one that runs for 300 s", f)
	}
}

func genSpans(most int) *rapid.Generator[[]time.Duration] {
	return rapid.SliceOfN(rapid.Map(rapid.Int64Range(0, int64(10*time.Hour)), func(n int64) time.Duration { return time.Duration(n) }), 0, most)
}

func TestWhateverIsKnownAForecastIsInTheFutureAndScalesWithTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := decide.Durations{
			Now: time.Unix(1_800_000_000, 0).UTC(), Took: genSpans(60).Draw(t, "took"), Running: genSpans(60).Draw(t, "running"),
			Earlier: genSpans(60).Draw(t, "earlier"), Queued: rapid.IntRange(0, 50).Draw(t, "queued"),
		}
		w.First = w.Now.Add(-time.Duration(rapid.Int64Range(0, int64(10*time.Hour)).Draw(t, "since")))
		w.Last = w.First.Add(w.Now.Sub(w.First) / 2)
		f := decide.Foretell(w)
		if f.From == decide.FromNothing && (f.Beyond != 0 || !f.Over.IsZero()) {
			t.Fatalf("by nothing it says %+v", f)
		}
		if f.Beyond < 0 || !f.Over.IsZero() && f.Over.Before(w.Now) {
			t.Fatalf("it says %+v at %s", f, w.Now)
		}
		if len(w.Running)+w.Queued == 0 && !f.Over.IsZero() {
			t.Fatalf("nothing is left to do, and it says %+v", f)
		}
		again := w
		again.Took, again.Running, again.Earlier = reversed(w.Took), reversed(w.Running), reversed(w.Earlier)
		if g := decide.Foretell(again); g.From != f.From || g.Beyond != f.Beyond || absolute(g.Over.Sub(f.Over)) > time.Second {
			t.Fatalf("in another order %+v becomes %+v", f, g)
		}
	})
}

func TestWhoHasRunLongerThanAStragglerIsOneToo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := decide.Foretell(decide.Durations{Now: time.Unix(1_800_000_000, 0), Took: genSpans(60).Draw(t, "took"), Earlier: genSpans(60).Draw(t, "earlier")})
		a, b := rapid.Int64Range(0, int64(20*time.Hour)).Draw(t, "a"), rapid.Int64Range(0, int64(20*time.Hour)).Draw(t, "b")
		if low, high := time.Duration(min(a, b)), time.Duration(max(a, b)); f.Straggles(low) && !f.Straggles(high) {
			t.Fatalf("%s straggles and %s does not, by %+v", low, high, f)
		}
	})
}

func reversed(list []time.Duration) []time.Duration {
	out := slices.Clone(list)
	slices.Reverse(out)
	return out
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }

func TestAForecastTakesNoMoreForAHundredThousandQueuedNodesThanForSome(t *testing.T) {
	took := drawn(rand.New(rand.NewPCG(1, 1)), shapes["spread normally in the logarithm"], 1000)
	of := func(queued int) (decide.Forecast, int64) {
		w := at(took, took[500], nil)
		w.Queued, w.Last = queued, w.Now
		// Memory stands for time, which is another on each machine.
		return decide.Foretell(w), testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				decide.Foretell(w)
			}
		}).AllocedBytesPerOp()
	}
	start := at(took, took[500], nil)
	few, small := of(100)
	many, large := of(100_000)
	if large > 2*small {
		t.Errorf("it takes %d bytes for 100000 queued nodes, and %d for 100", large, small)
	}
	// 99,000 begin one after the other before 99 of 100 can be over.
	each := start.Now.Sub(start.First) / 1000
	if want := start.Now.Add(99_000 * each); many.Over.Before(want) || many.Over.After(want.Add(10*took[999])) || !few.Over.Before(many.Over) {
		t.Errorf("100 are over at %s and 100000 at %s, of which the last begins at %s", few.Over, many.Over, want)
	}
}
