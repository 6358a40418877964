package shell_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/engine"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// A report is in the feed from its commit on; its writer hands the record over a
// moment later, when the engine may have loaded it, be done with the node and have
// forgotten it.
func TestARecordThatIsHandedOverAfterTheFeedToldOfItIsNotTakenInAgain(t *testing.T) {
	store := openStore(t)
	ports := shell.Ports{Store: store}
	e := engine.New(engine.Settings{})
	feed := shell.FeedReader{}
	if err := feed.Begin(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	write := func(phase bos.Phase) []bos.Record {
		t.Helper()
		records, err := store.MutateComponents(t.Context(), []string{"x1c0s0b0n0"}, func(r *bos.Record, _ bool) error {
			r.Enabled, r.Status.Phase = true, phase
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return records
	}
	load := func(known ...bos.Record) []bos.Record {
		t.Helper()
		var in engine.Inputs
		if err := feed.Load(t.Context(), ports, e, known, &in); err != nil {
			t.Fatal(err)
		}
		return in.Records
	}
	done := func(r bos.Record) {
		t.Helper()
		r.Enabled = false
		committed, err := store.Commit(t.Context(), bos.Commit{Components: []bos.Record{r}})
		if err != nil || !committed.None() {
			t.Fatalf("%+v %v", committed, err)
		}
		feed.Wrote(committed.Revision)
	}

	reported := write(bos.PhasePoweringOn)
	if got := load(); len(got) != 1 || got[0] != reported[0] {
		t.Fatalf("the feed gave %+v", got)
	}
	done(reported[0])
	if got := load(reported...); len(got) != 0 {
		t.Errorf("took %+v after it was done with", got)
	}
	if got := load(reported...); len(got) != 0 {
		t.Errorf("took %+v once more", got)
	}

	reported = write(bos.PhasePoweringOff)
	if got := load(reported...); len(got) != 1 || got[0] != reported[0] {
		t.Errorf("a record that is handed over in time: got %+v", got)
	}
	reported = write(bos.PhasePoweringOn)
	newer := write(bos.PhaseConfiguring)
	if got := load(reported...); len(got) != 1 || got[0] != newer[0] {
		t.Errorf("one of which a newer one is stored: got %+v", got)
	}
}
