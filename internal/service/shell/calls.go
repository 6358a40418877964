package shell

import (
	"context"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// calls counts what runs beside the passes.
type calls struct {
	runtime Runtime
	ended   Signal

	mu      sync.Mutex
	running int
}

func newCalls(r Runtime) *calls { return &calls{runtime: r, ended: r.Signal()} }

func (c *calls) start(run func()) {
	c.add(1)
	c.runtime.Go(func() {
		defer c.add(-1)
		run()
	})
}

func (c *calls) add(n int) {
	c.mu.Lock()
	c.running += n
	none := c.running == 0
	c.mu.Unlock()
	if none {
		c.ended.Raise()
	}
}

// wait returns when no call is running, or at a monotonic time.
func (c *calls) wait(until time.Duration) {
	for c.runtime.Mono() < until {
		c.mu.Lock()
		none := c.running == 0
		c.mu.Unlock()
		if none {
			return
		}
		c.ended.Wait(context.Background(), until)
	}
}

// start carries out what the step asked for, each thing beside the others; the
// adapters bound what is in flight. Questions end when the service does.
func (s *Shell) start(calls, questions context.Context, out engine.Outputs, effects []decide.Batch) {
	for _, batch := range effects {
		s.act(calls, batch)
	}
	s.probe(questions, out)
	s.probeProofs(questions, out.ProofProbes)
	s.probeWorkload(questions, out.WorkloadProbes, out.HealthProbes)
	s.tellOutage(out.Outage)
	s.clean(calls, out.Clean)
	if sessions, read := out.Setups, s.inventories; len(sessions) > 0 {
		s.call(questions, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			s.Ports.SetupRound(ctx, sessions, read, func(facts engine.SetupFacts) {
				answer(func(in *engine.Inputs) { in.Setups = append(in.Setups, facts) })
			})
		})
	}
	for _, session := range out.Completions {
		s.call(questions, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			facts := s.Ports.CompletionFacts(ctx, session)
			if facts.Err != nil && ctx.Err() == nil {
				s.Log.Error("the nodes of a session cannot be counted; it ends when they can be", "session", session.Name, "tenant", bos.TenantOf(session.Tenant), "error", facts.Err)
			}
			answer(func(in *engine.Inputs) { in.Completions = append(in.Completions, facts) })
		})
	}
	for _, session := range out.Rollouts {
		s.call(questions, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			facts := s.Ports.RolloutFacts(ctx, session)
			if facts.Err != nil && ctx.Err() == nil {
				s.Log.Error("the nodes of a session cannot be read; its rollout starts none until they can be", "session", session.Name, "tenant", bos.TenantOf(session.Tenant), "error", facts.Err)
			}
			answer(func(in *engine.Inputs) { in.Rollouts = append(in.Rollouts, facts) })
		})
	}
	if out.Discover {
		s.call(questions, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			facts := s.Ports.DiscoveryFacts(ctx)
			s.vitals.discovered(facts, s.Runtime.Mono())
			if facts.Err != nil && ctx.Err() == nil {
				s.Log.Warn("cannot discover nodes", "error", facts.Err)
			}
			answer(func(in *engine.Inputs) { in.Discovery = facts })
		})
	}
}

// probe asks for the power and the configuration of nodes.
func (s *Shell) probe(ctx context.Context, out engine.Outputs) {
	asked := s.Runtime.Mono()
	if ids := out.Probes; len(ids) > 0 {
		s.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			s.Ports.Probe(ctx, ids, func(reading bos.PowerReading) {
				reading.Asked, reading.Answered = s.timed(asked, reading.Asked)
				answer(func(in *engine.Inputs) { in.Readings = append(in.Readings, reading) })
			})
		})
	}
	if ids := out.ConfigurationProbes; len(ids) > 0 {
		s.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			s.Ports.ProbeConfiguration(ctx, ids, func(reading bos.ConfigurationReading) {
				reading.Asked, reading.Answered = s.timed(asked, reading.Asked)
				answer(func(in *engine.Inputs) { in.Configurations = append(in.Configurations, reading) })
			})
		})
	}
}

// probeProofs asks for the proofs of boots.
func (s *Shell) probeProofs(ctx context.Context, asks []bos.ProofAsk) {
	if len(asks) == 0 {
		return
	}
	asked := s.Runtime.Mono()
	s.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
		s.Ports.ProbeProofs(ctx, asks, func(reading bos.ProofReading) {
			reading.Asked, reading.Answered = s.timed(asked, reading.Asked)
			answer(func(in *engine.Inputs) { in.Proofs = append(in.Proofs, reading) })
		})
	})
}

// timed is when a question was sent and when its answer came, which is now, by the
// service's clock. One of which the adapter does not say when it was sent was sent
// after it was asked.
func (s *Shell) timed(asked time.Duration, sent time.Time) (at, answered time.Time) {
	if !sent.IsZero() {
		asked = s.Runtime.MonoOf(sent)
	}
	return s.clock.when(asked), s.clock.when(s.Runtime.Mono())
}

// act carries one batch out. Each of its calls is made only while it is wanted and
// this service may act.
func (s *Shell) act(ctx context.Context, batch decide.Batch) {
	flying, began := s.flights.of(batch.IDs), s.Runtime.Mono()
	s.call(ctx, func(ctx context.Context, _ func(func(*engine.Inputs))) {
		may := func(id string) bool {
			return s.lease.mayAct() && !s.hearing.behind() && s.flights.may(id, flying[id]) && !s.brakes.stop(flying[id].order.Session)
		}
		s.Ports.Run(bos.WithPermission(ctx, may), batch, func(res engine.Result) {
			res.Withheld = res.Outcome == bos.CallNotAttempted && !may(res.ID)
			s.Observer.Answered(batch.Effect.Kind, res.Outcome, s.Runtime.Mono()-began)
			s.inbox.result(res)
			s.flights.end(res.ID, flying[res.ID])
		})
	})
}

// call runs one thing in the background. Its answers go to the engine that
// asked; a later one, started after the database failed, has asked anew.
func (s *Shell) call(ctx context.Context, run func(context.Context, func(func(*engine.Inputs)))) {
	epoch := s.epoch
	s.calls.start(func() {
		ctx, cancel := s.Runtime.Timeout(ctx, engine.CallTimeout)
		defer cancel()
		run(ctx, func(put func(*engine.Inputs)) { s.inbox.put(epoch, put) })
	})
}
