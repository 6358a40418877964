package postgres_test

import (
	"syscall"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestNoRevisionOfWhatAFailoverLostIsGivenOutAgain: who has read up to there would take what
// is written under it for what it knows.
func TestNoRevisionOfWhatAFailoverLostIsGivenOutAgain(t *testing.T) {
	primary, standby, _, both := pair(t)
	drives, other := open(t, both), open(t, both)
	defer drives.Close() //nolint:errcheck // the test is over
	defer other.Close()  //nolint:errcheck // the test is over
	if err := primary.WaitFor(t.Context(), standby); err != nil {
		t.Fatal(err)
	}
	start, err := drives.Changes(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(t, other, "kept"); err != nil {
		t.Fatal(err)
	}
	kept, err := drives.Changes(t.Context(), start.Newest)
	if err != nil || kept.All || len(kept.Components) != 1 {
		t.Fatalf("the feed tells %+v, %v of one write", kept, err)
	}
	// The last write comes to nobody but the primary, which is told to wait for no standby.
	if err := standby.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := primary.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := primary.Run(append([]string{"synchronous_standby_names="}, postgrestest.Settings...)...); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, other, "lost"); err != nil {
		t.Fatal(err)
	}
	lost, err := drives.Changes(t.Context(), kept.Newest)
	if err != nil || lost.All || len(lost.Components) != 1 {
		t.Fatalf("the feed tells %+v, %v of one more", lost, err)
	}
	if err := primary.Stop(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	if err := standby.Run(postgrestest.Settings...); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	if err := insert(t, other, "new"); err != nil {
		t.Fatal(err)
	}
	written, err := other.Components(t.Context(), bos.ComponentFilter{IDs: []string{"new"}})
	if err != nil || len(written) != 1 || written[0].Revision <= lost.Newest {
		t.Errorf("after revision %d was lost %+v, %v is written", lost.Newest, written, err)
	}
	for name, after := range map[string]int64{"read what was lost": lost.Newest, "read anything ahead": lost.Newest + 1} {
		if fed, err := drives.Changes(t.Context(), after); err != nil || !fed.All || !fed.Foreign {
			t.Errorf("who has %s is told %+v, %v", name, fed, err)
		}
	}
	// Who has read no more than is there goes on.
	fed, err := drives.Changes(t.Context(), kept.Newest)
	if err != nil || fed.All || len(fed.Components) != 1 || fed.Components[0].ID != "new" {
		t.Errorf("who has read no more than is there is told %+v, %v", fed, err)
	}
	if err := insert(t, drives, "newer"); err != nil {
		t.Error(err)
	}
	if fed, err = drives.Changes(t.Context(), fed.Newest); err != nil || fed.All || len(fed.Components) != 1 {
		t.Errorf("after another write the feed tells %+v, %v", fed, err)
	}
}
