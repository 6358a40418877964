package postgres_test

import (
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestHostsThatAreSilentLeaveTimeForTheOneThatAnswers: each takes as long as a connection may.
func TestHostsThatAreSilentLeaveTimeForTheOneThatAnswers(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(postgrestest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	const silent = 3
	var hosts, ports []string
	for range silent {
		var lc net.ListenConfig
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // the test is over
		hosts = append(hosts, "127.0.0.1")
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	q := u.Query()
	q.Set("host", strings.Join(append(hosts, q.Get("host")), ","))
	q.Set("port", strings.Join(append(ports, "5432"), ","))
	q.Set("sslmode", "disable")
	q.Set("connect_timeout", "2")
	u.RawQuery = q.Encode()
	if _, err := postgres.Look(t.Context(), u.String(), nil); err != nil {
		t.Errorf("the last of the hosts answers: %v", err)
	}
}

// TestAnUpgradeGoesByNoBoundOfTheServer: while another one upgrades, who starts waits for it.
func TestAnUpgradeGoesByNoBoundOfTheServer(t *testing.T) {
	dsn := postgrestest.New(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	for _, statement := range []string{"BEGIN", "SELECT pg_advisory_xact_lock(7165801)"} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	opened := make(chan error, 1)
	go func() {
		s, err := postgres.Open(t.Context(), dsn+"&lock_timeout=1&idle_in_transaction_session_timeout=1")
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	for waits := false; !waits; {
		if len(opened) > 0 {
			t.Fatalf("it was opened with %v while another one upgrades", <-opened)
		}
		if err := conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7165801 AND NOT granted)").Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("it was opened with %v", err)
	}
}
