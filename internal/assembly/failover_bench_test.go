package assembly

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestWhatATakeOverTakes measures, where BENCH_FAILOVER says how often (make bench-failover),
// what it takes three services on a real PostgreSQL until one of them drives again: after
// the driver was told to stop, after one that is dead let its lease stand, and after the
// database was restarted.
func TestWhatATakeOverTakes(t *testing.T) {
	turns, err := strconv.Atoi(os.Getenv("BENCH_FAILOVER"))
	if err != nil || turns < 1 {
		t.Skip("BENCH_FAILOVER is not set: it is measured by make bench-failover")
	}
	postgrestest.Skip(t)
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // the test is over
	room := &takeOvers{t: t, dsn: server.Schema(t)}
	for range 3 {
		room.services = append(room.services, share(t, room.dsn))
	}
	room.driver("")
	var resigned, died, restarted []time.Duration
	for range turns {
		resigned = append(resigned, room.resign())
		died = append(died, room.die())
		restarted = append(restarted, room.restart(server))
	}
	t.Logf("%-36s %8s %8s %8s %8s %10s", "until a service drives again, after", "p50", "p90", "p99", "most", "aim (p99)")
	for _, row := range []struct {
		after string
		took  []time.Duration
		aim   time.Duration
	}{
		{"its driver was told to stop", resigned, time.Second},
		{"its driver let the lease stand", died, 10 * time.Second},
		{"its database was restarted", restarted, 5 * time.Second},
	} {
		slices.Sort(row.took)
		at := func(share int) time.Duration {
			return row.took[(len(row.took)*share+99)/100-1].Round(time.Millisecond)
		}
		t.Logf("%-36s %8s %8s %8s %8s %10s", row.after, at(50), at(90), at(99), at(100), row.aim)
	}
	for _, s := range room.services {
		s.end()
	}
}

// takeOvers are services on one database, of which one drives.
type takeOvers struct {
	t        *testing.T
	dsn      string
	services []*sharing
}

// look is how often it is looked who drives.
const look = 10 * time.Millisecond

// holder is who has the lease, empty for nobody, or where the database does not say.
func (r *takeOvers) holder(ctx context.Context) string {
	conn, err := pgx.Connect(ctx, r.dsn)
	if err != nil {
		return ""
	}
	defer conn.Close(ctx) //nolint:errcheck // it was asked
	var holder string
	if conn.QueryRow(ctx, "SELECT holder FROM lease").Scan(&holder) != nil {
		return ""
	}
	return holder
}

// driver waits until a service that is ready drives, under another lease than that of a
// holder.
func (r *takeOvers) driver(before string) *sharing {
	r.t.Helper()
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if now := r.holder(r.t.Context()); now != "" && now != before {
			for _, s := range r.services {
				if status, _ := s.ask(http.MethodGet, "/readyz", ""); status == http.StatusOK && s.driven() {
					return s
				}
			}
		}
		select {
		case <-tick.C:
		case <-r.t.Context().Done():
			r.t.Fatal("nobody drives")
		}
	}
}

// resign tells the driver to stop, and starts another in its place when one drives.
func (r *takeOvers) resign() time.Duration {
	s, before := r.driver(""), r.holder(r.t.Context())
	r.services = slices.DeleteFunc(r.services, func(other *sharing) bool { return other == s })
	began := time.Now()
	s.stop()
	r.driver(before)
	took := time.Since(began)
	s.end()
	r.services = append(r.services, share(r.t, r.dsn))
	return took
}

// die gives the lease to somebody who is dead.
func (r *takeOvers) die() time.Duration {
	r.driver("")
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(r.t.Context()) //nolint:errcheck // it was asked
	began := time.Now()
	if _, err := conn.Exec(r.t.Context(), "UPDATE lease SET holder = 'dead', fence = fence + 1"); err != nil {
		r.t.Fatal(err)
	}
	r.driver("dead")
	return time.Since(began)
}

// restart restarts the database, and counts from when that takes connections again until
// the lease is renewed and the driver is ready, which it is with an engine alone.
func (r *takeOvers) restart(server *postgrestest.Server) time.Duration {
	r.driver("")
	if err := server.Stop(syscall.SIGINT); err != nil {
		r.t.Fatal(err)
	}
	if err := server.Run(postgrestest.Settings...); err != nil {
		r.t.Fatal(err)
	}
	began := time.Now()
	conn, err := pgx.Connect(r.t.Context(), r.dsn)
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close(r.t.Context()) //nolint:errcheck // it was asked
	var before, now int64
	for now == before {
		if err := conn.QueryRow(r.t.Context(), "SELECT expires FROM lease").Scan(&now); err != nil {
			r.t.Fatal(err)
		}
		if before == 0 {
			before = now
		}
	}
	r.driver("")
	return time.Since(began)
}
