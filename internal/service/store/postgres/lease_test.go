package postgres_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestWhatChangesNothingWritesNothingAndWakesNobody: who stands by looks at the lease four
// times a second, and each look would be a write of three rows, and a hint to all others.
func TestWhatChangesNothingWritesNothingAndWakesNobody(t *testing.T) {
	// Not beside other tests, whose hints come on the same channel of the same database.
	dsn := postgrestest.New(t)
	drives, stands := open(t, dsn), open(t, dsn)
	defer drives.Close() //nolint:errcheck // the test is over
	defer stands.Close() //nolint:errcheck // the test is over
	if _, err := drives.Lease(t.Context(), "one", time.Time{}, bos.Lease{}); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	if err := executed(t.Context(), conn, "LISTEN bos_changes"); err != nil {
		t.Fatal(err)
	}
	versions := func() (list string) {
		if err := conn.QueryRow(t.Context(), "SELECT (SELECT xmin || ' ' || ctid FROM turn) || ' ' || (SELECT xmin || ' ' || ctid FROM lease)").Scan(&list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	before := versions()
	refused := errors.New("refused")
	for what, look := range map[string]func() error{
		"a look at the lease": func() error {
			_, err := stands.Lease(t.Context(), "two", time.Time{}, bos.Lease{})
			if errors.Is(err, bos.ErrLeaseHeld) {
				return nil
			}
			return errors.Join(errors.New("it was given the lease"), err)
		},
		"a renewal of a lease that another has": func() error {
			if _, err := stands.RenewLease(t.Context(), bos.Lease{Holder: "two", Fence: 1}, time.Time{}); !errors.Is(err, bos.ErrLeaseHeld) {
				return errors.Join(errors.New("it renewed the lease"), err)
			}
			return nil
		},
		"a change that is refused": func() error {
			_, err := stands.MutateComponents(t.Context(), []string{"x"}, func(*bos.Record, bool) error { return refused })
			if errors.Is(err, refused) {
				return nil
			}
			return errors.Join(errors.New("it was not refused"), err)
		},
		"a question whether writes are taken": func() error { return stands.Ping(t.Context()) },
	} {
		if err := look(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if after := versions(); after != before {
			t.Errorf("%s wrote: %s was %s", what, after, before)
			before = after
		}
		if err := executed(t.Context(), conn, "NOTIFY bos_changes, 'over'"); err != nil {
			t.Fatal(err)
		}
		for seen := ""; ; {
			hint, err := conn.WaitForNotification(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if hint.Payload == "over" {
				if seen != "" {
					t.Errorf("%s woke the others, or %q did", what, seen)
				}
				break
			}
			seen = hint.Payload
		}
	}
}
