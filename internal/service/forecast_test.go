package service

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// foretold is what the status of a session says about its end.
type foretold struct {
	Status     bos.SessionPhase `json:"status"`
	ETA        *bos.Time        `json:"eta"`
	ETAFrom    string           `json:"eta_from"`
	Stragglers *bos.Stragglers  `json:"stragglers"`
}

// watched is how far a session was at a time, and what was said about its end.
type watched struct {
	at   time.Duration
	done float64
	foretold
}

// watch lets time pass until a session is over, and looks at it every few seconds.
func (w *world) watch(name string) (seen []watched) {
	w.t.Helper()
	for began := time.Now(); ; w.advance(5 * time.Second) {
		look := watched{at: time.Since(began)}
		w.get("/x/v1/sessions/"+name+"/status", &look.foretold)
		var counted bos.ExtendedStatus
		w.get("/v2/sessions/"+name+"/status", &counted)
		look.done = counted.PercentSuccessful
		if seen = append(seen, look); look.Status == bos.SessionComplete {
			return seen
		}
	}
}

func TestTheStatusOfALongTailedBootForetellsItsEndWithin15PercentAfterTheFirstQuarter(t *testing.T) {
	const stuck = 7
	nodes := 1000
	if raced { // make test has all of them without the race detector
		nodes = 100
	}
	for seed := range uint64(1) { // one costs half a minute of a core
		inWorld(t, nodes, func(t *testing.T, w *world) {
			r := rand.New(rand.NewPCG(seed, 19))
			w.boots = func(id string) time.Duration {
				if id == nodeName(stuck) {
					return 18 * time.Minute
				}
				return time.Duration(240 * math.Exp(0.35*r.NormFloat64()) * float64(time.Second))
			}
			for _, session := range []string{"first", "second"} { // the second knows how long the first took
				w.session(session, "reboot", "t", "")
				began := time.Now()
				seen := w.watch(session)
				var over time.Duration
				for _, look := range seen {
					if over == 0 && look.done >= 99 {
						over = look.at
					}
				}
				said, late := 0, 0
				for _, look := range seen {
					switch {
					case look.done < 25 || look.at >= over:
					case look.ETA == nil:
						t.Errorf("seed %d, %s: after %s, with %.0f %% done, nothing is said about the end", seed, session, look.at, look.done)
					default:
						said++
						if off := math.Abs(look.ETA.Sub(began).Seconds()-over.Seconds()) / over.Seconds(); off > 0.15 && !raced { // the last of few are anywhere
							t.Errorf("seed %d, %s: after %s, with %.0f %% done, the end is foretold with an error of %.0f %%", seed, session, look.at, look.done, 100*off)
						}
					}
					if s := look.Stragglers; look.at > over && s != nil && s.Count > 0 && s.Count <= nodes/100 {
						if list, err := bos.Expand(s.Nodes, nodes); err == nil && list[0] == nodeName(stuck) {
							late++
						}
					}
				}
				from := map[string]string{"first": "session", "second": "template"}[session]
				if last := seen[len(seen)-1]; said < 10 || late < 10 || last.ETA != nil || last.Stragglers != nil {
					t.Errorf("seed %d, %s: the end was foretold %d times, the node that hangs named %d times, and in the end it says %+v", seed, session, said, late, last.foretold)
				}
				if got := seen[len(seen)/4].ETAFrom; got != from {
					t.Errorf("seed %d, %s: it goes by %q, want %q", seed, session, got, from)
				}
			}
		})
	}
}
