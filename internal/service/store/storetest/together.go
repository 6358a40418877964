package storetest

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// together holds what is written of many records at once against what is written of each
// alone: new ones, and then changes of each set of columns.
func together(t *testing.T, s bos.Store) {
	const many = 1100 // more than a statement writes
	list := ids(2 * many)
	alone, atOnce := list[:many], list[many:]
	written := func(step int, id string, i int, r *bos.Record) {
		r.ID = id
		text := fmt.Sprintf("%d ' \\ \x00 \\u0000 {\"é\"} %d", step, i)
		if i%2 == 0 || step == 0 {
			r.DesiredState.Configuration = text
		}
		r.Enabled = (i+step)%3 == 0
		if i%5 < 2 {
			r.Error, r.Held = text, bos.Brake{Reason: text, Since: now}
		}
		if i%7 == step {
			r.Error, r.Held = "", bos.Brake{}
			r.StagedState.Session, r.Session = "staged", fmt.Sprint("s", step)
		}
		if i%11 == 3 {
			r.ActualState.BSSToken, r.Tenant, r.Goal = text, text, bos.GoalBoot
			r.ActualState.LastUpdated = bos.At(now)
			r.Status.Phase, r.Work.Cause = bos.PhasePoweringOn, bos.CauseBMCUnreachable
		}
	}
	for step := range 3 {
		for i, id := range alone[:100] { // each is a transaction
			_, err := s.MutateComponents(t.Context(), []string{id}, func(r *bos.Record, _ bool) error { written(step, id, i, r); return nil })
			must(t, err)
		}
		at := 0
		_, err := s.MutateComponents(t.Context(), atOnce, func(r *bos.Record, _ bool) error { written(step, atOnce[at], at, r); at++; return nil })
		must(t, err)
		on := true
		for what, f := range map[string]bos.ComponentFilter{
			"all": {}, "enabled": {Enabled: &on}, "held": {Held: true}, "staged": {StagedSession: "staged"}, "of a session": {Session: fmt.Sprint("s", step)}, "unconfirmed": {Unconfirmed: now},
		} {
			var one, many []bos.Record
			for _, r := range read(t, s, f) {
				r.Revision = 0
				switch {
				case r.ID < alone[100]:
					one = append(one, r)
				case r.ID >= atOnce[0] && r.ID < atOnce[100]:
					r.ID = alone[0][:1] + fmt.Sprintf("%06d", mustNumber(t, r.ID)-1100)
					many = append(many, r)
				}
			}
			if diff := cmp.Diff(one, many); diff != "" || len(one) == 0 {
				t.Errorf("step %d, %s: %d alone, %d together:\n%s", step, what, len(one), len(many), diff)
			}
		}
		if got := len(read(t, s, bos.ComponentFilter{IDs: atOnce})); got != 1100 {
			t.Errorf("step %d: %d of 1100 are there", step, got)
		}
	}
}

func mustNumber(t *testing.T, id string) (n int) {
	t.Helper()
	_, err := fmt.Sscanf(id, "n%d", &n)
	must(t, err)
	return n
}
