package postgres_test

import (
	"syscall"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// pair is a primary with its standby: one is the connection string of an empty schema of
// the primary, both that of whichever of them takes writes.
func pair(t *testing.T) (primary, standby *postgrestest.Server, one, both string) {
	t.Helper()
	postgrestest.Skip(t)
	primary, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = primary.Close() }) // the test is over
	one = primary.Schema(t)
	standby, err = primary.Standby(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = standby.Close() }) // the test is over
	both, err = postgrestest.Of(one, primary, standby)
	if err != nil {
		t.Fatal(err)
	}
	return primary, standby, one, both
}

// TestAfterAFailoverTheDatabaseIsUsedThatTakesWrites, by the next write and read, also when
// the one that was the primary is there again as a standby.
func TestAfterAFailoverTheDatabaseIsUsedThatTakesWrites(t *testing.T) {
	primary, standby, one, both := pair(t)
	s := open(t, both)
	defer s.Close() //nolint:errcheck // the test is over
	count := func(s *postgres.Store) (n int, err error) {
		_, err = s.MutateOptions(t.Context(), func(o *bos.Options) error {
			o.PollingFrequency++
			n = o.PollingFrequency
			return nil
		})
		return n, err
	}
	last, err := count(s)
	if err != nil {
		t.Fatal(err)
	}
	next := func(after string, s *postgres.Store) {
		t.Helper()
		last++
		n, err := count(s)
		if err != nil || n != last {
			t.Errorf("%s the next write is number %d, %v, want %d", after, n, err, last)
		}
		if o, err := s.Options(t.Context()); err != nil || o.PollingFrequency != last {
			t.Errorf("%s the next read finds %d, %v, want %d", after, o.PollingFrequency, err, last)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s the ping says %v", after, err)
		}
	}
	next("at first", s)
	// A primary that stops in an orderly way hands all to its standby before.
	if err := primary.Stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if _, err := count(s); err == nil || tables.TroubleOf(err) != tables.Away {
		t.Errorf("without a primary a write ends with %v", err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	next("after the failover", s)
	if err := primary.Demote(); err != nil {
		t.Fatal(err)
	}
	if err := primary.Run(postgrestest.Settings...); err != nil {
		t.Fatal(err)
	}
	next("with the old primary as a standby", s)
	other := open(t, both)
	next("from another process", other)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	// Who names the standby alone is told so.
	wrong, err := postgres.Open(t.Context(), one+"&target_session_attrs=any")
	if err == nil {
		_ = wrong.Close()
	}
	if tables.TroubleOf(err) != tables.ReadOnly {
		t.Errorf("the standby alone is opened with %v", err)
	}
}
