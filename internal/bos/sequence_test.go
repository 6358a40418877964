package bos_test

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestASequenceMakesASessionARolloutOfItsOrderAndNothingElse(t *testing.T) {
	template := bos.SessionTemplate{
		BootSets: map[string]bos.BootSet{"compute": {}, "storage": {}},
		Sequence: &bos.Sequence{BootOrdinal: map[string]int{"compute": 2, "gone": 3}, Threshold: bos.Amount{N: 90, Percent: true}},
	}
	r := template.Rollout(bos.OperationBoot, nil)
	if r == nil || r.BootOrdinal["compute"] != 2 || len(r.BootOrdinal) != 1 || r.OrderThreshold != template.Sequence.Threshold {
		t.Fatalf("%+v", r)
	}
	const week = 7 * 24 * time.Hour
	if r.Budget(6000) != 6000 || r.NodeDeadline() < week || r.StallDeadline() < week || r.HasCanary() {
		t.Errorf("it has bounds that nobody gave: %+v", r)
	}
	asked := &bos.Rollout{Canary: bos.Amount{N: 1}, HealthyDeadline: bos.Span(time.Minute)}
	if r := template.Rollout(bos.OperationBoot, asked); r.NodeDeadline() != time.Minute || r.Canary.N != 1 || r.BootOrdinal["compute"] != 2 {
		t.Errorf("of a rollout that was asked for: %+v", r)
	}
	own := &bos.Rollout{BootOrdinal: map[string]int{"storage": 5}}
	if r := template.Rollout(bos.OperationBoot, own); r.BootOrdinal["storage"] != 5 || len(r.BootOrdinal) != 1 {
		t.Errorf("of one with an order of its own: %+v", r)
	}
	for name, op := range map[string]bos.Operation{"a shutdown, of which no order is given": bos.OperationShutdown, "a configure session, which starts no node": bos.OperationConfigure} {
		if r := template.Rollout(op, nil); r != nil {
			t.Errorf("%s is a rollout: %+v", name, r)
		}
	}
}
