package shell

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
)

// probeWorkload asks the workload manager and the health check about nodes.
func (s *Shell) probeWorkload(ctx context.Context, managed, checked []string) {
	asked := s.Runtime.Mono()
	if len(managed) > 0 {
		s.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			s.Ports.ProbeWorkload(ctx, managed, func(reading bos.WorkloadReading) {
				reading.Asked, reading.Answered = s.timed(asked, reading.Asked)
				answer(func(in *engine.Inputs) { in.Workloads = append(in.Workloads, reading) })
			})
		})
	}
	if len(checked) > 0 {
		s.call(ctx, func(ctx context.Context, answer func(func(*engine.Inputs))) {
			s.Ports.ProbeHealth(ctx, checked, func(reading bos.HealthReading) {
				reading.Asked, reading.Answered = s.timed(asked, reading.Asked)
				answer(func(in *engine.Inputs) { in.Healths = append(in.Healths, reading) })
			})
		})
	}
}

// ProbeWorkload asks the workload manager about nodes and calls each once per node, never
// concurrently.
func (p Ports) ProbeWorkload(ctx context.Context, ids []string, each func(bos.WorkloadReading)) {
	answered := make(map[string]bool, len(ids))
	p.Workload.Probe(ctx, ids, func(r bos.WorkloadReading) { answered[r.ID] = true; each(r) })
	for _, id := range unanswered(ids, answered) {
		each(bos.WorkloadReading{ID: id, Detail: noAnswer})
	}
}

// ProbeHealth asks for the health of nodes likewise.
func (p Ports) ProbeHealth(ctx context.Context, ids []string, each func(bos.HealthReading)) {
	answered := make(map[string]bool, len(ids))
	p.Health.Probe(ctx, ids, func(r bos.HealthReading) { answered[r.ID] = true; each(r) })
	for _, id := range unanswered(ids, answered) {
		each(bos.HealthReading{ID: id, Detail: noAnswer})
	}
}
