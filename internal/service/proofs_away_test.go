package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// noAnswer is how long nobody answers at the address of a machine that is off.
const noAnswer = 2 * time.Second

// ports are the ports of a world's machines: they answer while a machine runs.
type ports struct {
	*world
	// late is for how long the answer is still that of a machine that runs, once it is
	// off: as the inventory learns of it late.
	late time.Duration
	// foreign is a machine whose address another machine has, which always answers.
	foreign string
	// down says that nobody can be asked.
	down bool
	off  map[string]time.Time
	// asked counts the questions for one that is not there.
	asked int
}

func (p *ports) sight(id string) bos.ProofSight {
	p.mu.Lock()
	defer p.mu.Unlock()
	up := p.nodes[id].runs != bos.BootArtifacts{}
	if up {
		p.off[id] = time.Now().Add(p.late)
	}
	switch {
	case p.down:
		return bos.ProofUnknown
	case up || id == p.foreign || time.Now().Before(p.off[id]):
		return bos.ProofPresent
	default:
		p.asked++
		return bos.ProofAbsent
	}
}

// Probe asks them side by side.
func (p *ports) Probe(ctx context.Context, asks []bos.ProofAsk, each func(bos.ProofReading)) {
	sent := time.Now()
	var silent []bos.ProofAsk
	for _, ask := range asks {
		if sight := p.sight(ask.ID); sight != bos.ProofAbsent {
			each(bos.ProofReading{ID: ask.ID, Proof: ask.Proof, Sight: sight, Detail: "10.1.0.1:22 answers", Asked: sent})
			continue
		}
		silent = append(silent, ask)
	}
	if len(silent) == 0 {
		return
	}
	sight := bos.ProofAbsent
	select {
	case <-time.After(noAnswer):
	case <-ctx.Done():
		sight = bos.ProofUnknown
	}
	for _, ask := range silent {
		each(bos.ProofReading{ID: ask.ID, Proof: ask.Proof, Sight: sight, Detail: "no answer", Asked: sent})
	}
}

// leave stops the service while its machines go on.
func (w *world) leave() {
	w.t.Helper()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
}

// inProven runs a test in a world whose machines do not report, and are proven to have
// booted otherwise. On gets each power-on.
func inProven(t *testing.T, nodes int, proof bos.ProofKind, p *ports, test func(t *testing.T, w *world, on <-chan string)) {
	t.Helper()
	inWorld(t, nodes, func(t *testing.T, w *world) {
		w.end()
		p.world, p.off = w, make(map[string]time.Time)
		w.config.Proofs, w.config.BootProof = p, bos.BootProof{Kind: proof}
		if proof == bos.ProofTCP {
			w.config.BootProof.Port = 22
		}
		w.start()
		w.options(object{"max_boot_wait_time": 60, "default_retry_policy": 3})
		on := make(chan string, 100)
		w.apply = func(op bos.PowerOp, id string) (bos.CallResult, bool) {
			if op == bos.PowerOn {
				on <- id
			}
			return bos.CallResult{}, false
		}
		for _, m := range w.nodes {
			m.mute = true
		}
		test(t, w, on)
	})
}

// The service may be away from any moment after a power-on until the node runs: that its
// proof was missing is known by then.
func TestNodesProvenByAPortOrTheInventoryAreNotResetForAnOutageOfTheServiceOverTheirBoot(t *testing.T) {
	for _, kind := range []bos.ProofKind{bos.ProofTCP, bos.ProofReady} {
		for _, late := range []time.Duration{0, 7 * time.Second} {
			for _, operation := range []string{"boot", "reboot"} {
				for _, after := range []time.Duration{0, time.Second, 10 * time.Second} {
					t.Run(fmt.Sprintf("%s, known %s late, %s, away %s after the power-on", kind, late, operation, after), func(t *testing.T) {
						inProven(t, 2, kind, &ports{late: late}, func(t *testing.T, w *world, on <-chan string) {
							want := []bos.PowerOp{bos.PowerOn}
							if operation == "reboot" {
								w.session("before", "boot", "t", "")
								w.complete("before")
								for range w.nodes {
									<-on
								}
								w.forget()
								want = []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}
							}
							w.session("s", operation, "t", "")
							for range w.nodes {
								<-on
							}
							w.advance(after)
							w.leave()
							w.advance(10 * time.Minute)
							w.start()
							if status := w.complete("s"); status.PercentSuccessful != 100 {
								t.Errorf("%+v", status)
							}
							for id := range w.nodes {
								if ops := w.did(id); !slices.Equal(ops, want) {
									t.Errorf("%s was asked for %v, want %v", id, ops, want)
								}
							}
						})
					})
				}
			}
		}
	}
}

// Another machine at the address of a node answers whatever the node does. That is said
// at once, and it never counts; the node is not kept from booting.
func TestAPortThatAnswersWhileItsNodeIsOffIsAnotherMachinesAndNeverCounts(t *testing.T) {
	id := nodeName(0)
	p := &ports{foreign: id}
	inProven(t, 2, bos.ProofTCP, p, func(t *testing.T, w *world, on <-chan string) {
		w.options(object{"default_retry_policy": 1})
		w.session("s", "boot", "t", "")
		if first := <-on; first == id {
			t.Error("a node whose port answers while it is off is powered on as if nothing was wrong")
		}
		if c := w.component(id); !strings.Contains(c.Error, "10.1.0.1:22 answers") {
			t.Errorf("it shows %q", c.Error)
		}
		<-on
		p.mu.Lock()
		p.foreign = "" // the other machine goes away, and comes back
		p.mu.Unlock()
		w.advance(20 * time.Second)
		if w.component(id).Enabled != true {
			t.Error("its boot is taken for proven")
		}
		if status := w.complete("s"); status.PercentSuccessful != 50 {
			t.Errorf("%+v", status)
		}
		if c := w.component(id); !strings.Contains(c.Error, "another machine's") {
			t.Errorf("it failed with %q", c.Error)
		}
		said := false
		for _, e := range history(t, w) {
			said = said || e.Kind == "boot_proof_foreign" && e.Component == id && strings.Contains(e.Detail, "10.1.0.1:22 answers")
		}
		if !said {
			t.Error("the history does not say it")
		}
	})
}

// history are the first events.
func history(t *testing.T, w *world) []bos.Event {
	t.Helper()
	events, err := w.store.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Whom nobody can ask is powered on as ever, at once.
func TestAProofThatCannotBeAskedForKeepsNobodyFromBooting(t *testing.T) {
	p := &ports{down: true}
	inProven(t, 1, bos.ProofReady, p, func(t *testing.T, w *world, on <-chan string) {
		w.session("s", "boot", "t", "")
		asked := time.Now()
		<-on
		if waited := time.Since(asked); waited > 2*time.Second {
			t.Errorf("powered on after %s", waited)
		}
		p.mu.Lock()
		p.down = false
		p.mu.Unlock()
		w.complete("s")
	})
}

// While the question is out anything may come in between.
func TestAPowerOnThatWaitsForItsProofIsNotSentOnceNobodyWantsIt(t *testing.T) {
	id := nodeName(0)
	for name, change := range map[string]func(w *world){
		"its session is cancelled": func(w *world) { w.must("POST", "/x/v1/sessions/again/cancel", object{"reason": "not now"}) },
		"it is disabled":           func(w *world) { w.must("PATCH", "/v2/components/"+id, object{"enabled": false}) },
		"it is held":               brakesOn(id)["the node"].on,
		"the site is paused":       brakesOn(id)["the site"].on,
		"it is to be off":          func(w *world) { w.session("off", "shutdown", "t", "") },
	} {
		t.Run(name, func(t *testing.T) {
			p := &ports{}
			inProven(t, 1, bos.ProofTCP, p, func(t *testing.T, w *world, _ <-chan string) {
				w.session("again", "boot", "t", "")
				w.advance(noAnswer / 2)
				p.mu.Lock()
				asked := p.asked
				p.mu.Unlock()
				if asked != 1 {
					t.Fatalf("%d questions are out", asked)
				}
				change(w)
				w.advance(time.Hour)
				if ops := w.did(id); len(ops) > 0 {
					t.Errorf("it was asked for %v", ops)
				}
			})
		})
	}
}
