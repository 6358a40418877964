package engine_test

import (
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// shell carries out what an engine says, in virtual time: answers come after a
// while, those of a few milliseconds together.
type shell struct {
	engine *engine.Engine
	now    time.Time
	due    map[time.Time]*engine.Inputs
	// out says that no BMC answers, on which nodes have power.
	out   bool
	on    map[string]bool
	steps int
}

// spread is over how long the answers to one batch come.
const spread = 500 * time.Millisecond

func (s *shell) in(id string, after time.Duration) *engine.Inputs {
	at := s.now.Add(after + time.Duration(crc32.ChecksumIEEE([]byte(id)))%spread).Truncate(5 * time.Millisecond).Add(5 * time.Millisecond)
	if s.due[at] == nil {
		s.due[at] = &engine.Inputs{}
	}
	return s.due[at]
}

// step lets the engine take in what is due now and answers what it asks for.
func (s *shell) step(in engine.Inputs) {
	s.steps++
	out := s.engine.Step(s.now, in)
	for _, id := range out.Probes {
		r := bos.PowerReading{ID: id, Asked: s.now, State: bos.PowerStateOff}
		after := time.Duration(0)
		switch {
		case s.out:
			r.State, r.Symptom, after = bos.PowerStateUnknown, bos.SymptomSilent, 3*time.Second
		case s.on[id]:
			r.State = bos.PowerStateOn
		}
		answer := s.in(id, after)
		answer.Readings = append(answer.Readings, r)
	}
	for _, b := range out.Effects {
		for _, id := range b.IDs {
			s.on[id] = s.on[id] || b.Effect.Kind == bos.EffectPowerOn
			answer := s.in(id, 0)
			answer.Results = append(answer.Results, engine.Result{Effect: b.Effect, Token: "t", CallResult: bos.CallResult{ID: id}})
		}
	}
	for _, r := range out.Commit.Components {
		if r.Work.Flight.Kind == bos.EffectPowerOn && r.Enabled { // it boots, and reports
			r.Revision += 2
			r.Work.Flight.Kind = bos.EffectNone
			r.ActualState.BootArtifacts = r.DesiredState.BootArtifacts
			report := s.in(r.ID, time.Minute)
			report.Records = append(report.Records, r)
		}
	}
	if !out.Wake.IsZero() && s.due[out.Wake] == nil {
		s.due[out.Wake] = &engine.Inputs{}
	}
}

// run steps until a time, or until nothing is due any more.
func (s *shell) run(until time.Time) {
	for len(s.due) > 0 {
		next := slices.MinFunc(slices.Collect(maps.Keys(s.due)), time.Time.Compare)
		if next.After(until) {
			return
		}
		in := s.due[next]
		delete(s.due, next)
		s.now = next
		s.step(*in)
	}
}

func tenThousand() (*shell, engine.Inputs) {
	in := engine.Inputs{}
	for i := range 10_000 {
		in.Records = append(in.Records, armed(fmt.Sprintf("x%dc%ds%db%dn0", 1000+i/128, i/16%8, i/2%8, i%2)))
	}
	s := &shell{engine: engine.New(engine.Settings{NoInventory: true}), now: start, due: make(map[time.Time]*engine.Inputs), on: make(map[string]bool)}
	return s, in
}

// BenchmarkTenThousandBoot is what the engine itself costs in a boot of ten
// thousand nodes, a BMC each.
func BenchmarkTenThousandBoot(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, in := tenThousand()
		s.step(in)
		s.run(start.Add(3 * time.Minute))
		b.ReportMetric(float64(s.steps), "steps")
	}
}

// BenchmarkTenThousandSilent is what it costs while none of their BMCs answers for
// a minute.
func BenchmarkTenThousandSilent(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, in := tenThousand()
		s.out = true
		s.step(in)
		s.run(start.Add(time.Minute))
		b.ReportMetric(float64(s.steps), "steps")
	}
}
