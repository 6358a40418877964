package postgres_test

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/storetest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// hush is the password of the user in these tests.
const hush = "hush-hush"

// secured is a database that is reached by TLS alone, with a certificate and a password.
type secured struct {
	t      *testing.T
	server *postgrestest.Server
	link   *postgrestest.Link
	// dead is a link that leads to nobody.
	dead *postgrestest.Link
	// authority has signed the certificates of the database, of which one is for 127.0.0.1,
	// and client that of the user.
	authority *postgrestest.Authority
	client    postgrestest.Identity
}

func secure(t *testing.T) *secured {
	t.Helper()
	postgrestest.Skip(t)
	s := &secured{t: t, authority: postgrestest.NewAuthority(t)}
	s.client = s.authority.Issue("bos", tomorrow())
	var err error
	s.server, err = postgrestest.StartSecure(s.authority.Issue("database", tomorrow(), "127.0.0.1"), s.authority, "scram-sha-256", hush, postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.server.Close(); err != nil {
			t.Error(err)
		}
	})
	s.link, s.dead = s.to(s.server), s.to(nil)
	return s
}

func tomorrow() time.Time { return time.Now().Add(24 * time.Hour) }

func (s *secured) to(server *postgrestest.Server) *postgrestest.Link {
	s.t.Helper()
	link, err := postgrestest.Connect(server)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := link.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return link
}

// by is a connection string of a database by links, with what is changed of the settings
// that are right.
func (s *secured) by(dsn string, changed url.Values, links ...*postgrestest.Link) string {
	s.t.Helper()
	parameters := url.Values{"sslmode": {"verify-full"}, "sslrootcert": {s.authority.File}, "sslcert": {s.client.Cert}, "sslkey": {s.client.Key}}
	for name, values := range changed {
		parameters[name] = values
	}
	dsn, err := postgrestest.ThroughBy(dsn, parameters, links...)
	if err != nil {
		s.t.Fatal(err)
	}
	return dsn
}

// password is a password as the settings have it.
func password() (string, error) { return hush, nil }

// TestEachConnectionProvesTheDatabaseAndThisProgram: the database lets nobody in who does
// not, so each of them is made to be needed.
func TestEachConnectionProvesTheDatabaseAndThisProgram(t *testing.T) {
	s := secure(t)
	t.Run("all that is stored", func(t *testing.T) {
		storetest.RunSome(t, func(t *testing.T) bos.Store {
			store, err := postgres.Open(t.Context(), s.by(s.server.Schema(t), nil, s.dead, s.link), postgres.Password(password))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			return store
		}, "many records are written as each alone is", "filters are combined, and pages follow each other", "history is listed by id, session and component")
	})
	within := s.server.Schema(t)
	dsn := s.by(within, nil, s.dead, s.link)
	said := make(lines, 100)
	store, err := postgres.Open(t.Context(), dsn, postgres.Password(password), postgres.Log(slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // the test is over
	t.Run("a look", func(t *testing.T) {
		found, err := postgres.Look(t.Context(), dsn, password)
		if err != nil || found.From != found.To {
			t.Errorf("%+v, %v", found, err)
		}
	})
	t.Run("who follows", func(t *testing.T) {
		free := make(chan struct{}, 100)
		store.Follow(func() {}, func() { free <- struct{}{} })
		if _, err := store.Lease(t.Context(), "a", time.Time{}, bos.Lease{}); err != nil {
			t.Fatal(err)
		}
		if err := store.Release(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		<-free
	})
	t.Run("who asks whether the database is at work", func(t *testing.T) {
		pid := computing(t, within)
		for !store.Works(pid) {
			if t.Context().Err() != nil {
				t.Fatal(t.Context().Err())
			}
		}
	})
	t.Run("who disconnects another that stops", func(t *testing.T) {
		stopInAnExchange(t, within)
		if _, err := store.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil }); err != nil {
			t.Error(err)
		}
		for !strings.Contains(<-said, "was disconnected") {
		}
	})
	t.Run("who sweeps", func(t *testing.T) {
		t.Setenv("PGPASSWORD", hush)
		sweeps := &swept{make(chan error, 100)}
		store, err := postgres.OpenTraced(t.Context(), s.by(s.server.Schema(t), nil, s.dead, s.link), sweeps)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close() //nolint:errcheck // the test is over
		ids := make([]string, 2000)
		for i := range ids {
			ids[i] = fmt.Sprintf("x%06d", i)
		}
		if _, err := store.MutateComponents(t.Context(), ids, func(r *bos.Record, _ bool) error { r.Session = allNodes; return nil }); err != nil {
			t.Fatal(err)
		}
		if err := <-sweeps.ends; err != nil {
			t.Error(err)
		}
	})
}

// computing is a process of the database that is at work until the test ends.
func computing(t *testing.T, dsn string) (pid uint32) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = conn.Exec(ctx, "SELECT pg_sleep(600)") // it is ended with the test
	}()
	t.Cleanup(func() { stop(); <-ended })
	return conn.PgConn().PID()
}

// stopInAnExchange is a process that has the turn and takes none of its answer.
func stopInAnExchange(t *testing.T, dsn string) {
	t.Helper()
	stops, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stops.Exec(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	raw, err := stops.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Conn.Close() }) // the test is over
	for _, query := range []string{"SELECT writer FROM turn FOR UPDATE", "SELECT repeat('x', 1000) FROM generate_series(1, 100000)"} {
		raw.Frontend.Send(&pgproto3.Query{String: query})
	}
	if err := raw.Frontend.Flush(); err != nil {
		t.Fatal(err)
	}
	for held := false; !held; {
		held = lockedTurn(t, dsn)
	}
}

// TestWhoIsNotProvenIsRefusedByAnErrorThatSaysWhatToDo, whichever side cannot be proven,
// and never with what is secret.
func TestWhoIsNotProvenIsRefusedByAnErrorThatSaysWhatToDo(t *testing.T) {
	s := secure(t)
	yesterday := time.Now().Add(-24 * time.Hour)
	other := postgrestest.NewAuthority(t)
	serverOf := func(own postgrestest.Identity, settings ...string) *postgrestest.Link {
		server, err := postgrestest.StartSecure(own, s.authority, "scram-sha-256", hush, append(settings, postgrestest.Settings...)...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
		return s.to(server)
	}
	elsewhere := serverOf(s.authority.Issue("database", tomorrow(), "192.0.2.7"))
	expired := serverOf(s.authority.Issue("database", yesterday, "127.0.0.1"))
	plain := serverOf(s.authority.Issue("database", tomorrow(), "127.0.0.1"), "ssl=off")
	old := serverOf(s.authority.Issue("database", tomorrow(), "127.0.0.1"), "ssl_max_protocol_version=TLSv1.2")
	shows := func(i postgrestest.Identity) url.Values {
		return url.Values{"sslcert": {i.Cert}, "sslkey": {i.Key}}
	}
	late, foreign, someone := s.authority.Issue("bos", yesterday), other.Issue("bos", tomorrow()), s.authority.Issue("someone", tomorrow())
	none := url.Values{"sslcert": nil, "sslkey": nil}
	for name, tc := range map[string]struct {
		changed  url.Values
		by       *postgrestest.Link
		password string
		want     []string
	}{
		"a wrong authority":                                {changed: url.Values{"sslrootcert": {other.File}}, want: []string{"signed by unknown authority", "sslrootcert " + other.File, "name the file of the one that signed it"}},
		"a wrong host name":                                {by: elsewhere, want: []string{"valid for 192.0.2.7, not 127.0.0.1", "by a name of its certificate"}},
		"an expired certificate of the database":           {by: expired, want: []string{"has expired", "renew the certificate of the database"}},
		"a database without TLS":                           {by: plain, want: []string{"refused TLS", "ssl = on"}},
		"a missing certificate":                            {changed: none, want: []string{"requires a valid client certificate", `of the user "bos"`, "by sslcert and sslkey"}},
		"a missing certificate, with TLS 1.2":              {changed: none, by: old, want: []string{"requires a valid client certificate", `of the user "bos"`, "by sslcert and sslkey"}},
		"an expired certificate of the user":               {changed: shows(late), want: []string{"the certificate in " + late.Cert + " was good until " + yesterday.UTC().Format(time.RFC3339), "renew it"}},
		"an expired certificate of the user, with TLS 1.2": {changed: shows(late), by: old, want: []string{"expired certificate", "the certificate in " + late.Cert + " was good until " + yesterday.UTC().Format(time.RFC3339), "renew it"}},
		"a certificate of another authority, with TLS 1.2": {changed: shows(foreign), by: old, want: []string{"unknown certificate authority", foreign.Cert, "ssl_ca_file"}},
		"a certificate of another user":                    {changed: shows(someone), want: []string{someone.Cert + `, which is of "someone"`, `of the user "bos"`}},
		"a wrong password":                                 {password: "guessed", want: []string{"password authentication failed", "whether user, password and database"}},
		"no file of an authority":                          {changed: url.Values{"sslrootcert": {"/nowhere/ca.pem"}}, want: []string{"/nowhere/ca.pem", "no such file", "name one that is there"}},
		"no file of a key":                                 {changed: url.Values{"sslkey": {"/nowhere/tls.key"}}, want: []string{"/nowhere/tls.key", "no such file", "name one that is there"}},
	} {
		t.Run(name, func(t *testing.T) {
			by, secret := tc.by, tc.password
			if by == nil {
				by = s.link
			}
			if secret == "" {
				secret = hush
			}
			read := func() (string, error) { return secret, nil }
			for hosts, links := range map[string][]*postgrestest.Link{"alone": {by}, "behind another that is dead": {s.dead, by}} {
				dsn := s.by(s.server.Address(), tc.changed, links...)
				opened := answered(func() error {
					store, err := postgres.Open(t.Context(), dsn, postgres.Password(read))
					if err == nil {
						_ = store.Close()
					}
					return err
				})
				looked := answered(func() error { _, err := postgres.Look(t.Context(), dsn, read); return err })
				for by, err := range map[string]error{"opened": opened, "looked at": looked} {
					if tables.TroubleOf(err) != tables.Refused {
						t.Fatalf("%s, it is %s with %v, which is trouble of kind %d", hosts, by, err, tables.TroubleOf(err))
					}
					for _, part := range tc.want {
						if !strings.Contains(err.Error(), part) {
							t.Errorf("%s, it is %s with an error without %q: %v", hosts, by, part, err)
						}
					}
					s.isSecretFree(err.Error(), secret)
				}
			}
		})
	}
}

// answered is how something ended, and not that the machine had too much to do for it: each
// connection has a few seconds to come about.
func answered(do func() error) error {
	for {
		if err := do(); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// isSecretFree looks for a password and for keys in what is told to people.
func (s *secured) isSecretFree(text, password string) {
	s.t.Helper()
	content, err := os.ReadFile(s.client.Key)
	if err != nil {
		s.t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	for _, secret := range []string{password, "PRIVATE KEY", base64.StdEncoding.EncodeToString(block.Bytes)[:40]} {
		if strings.Contains(text, secret) {
			s.t.Errorf("what is told has %q: %s", secret, text)
		}
	}
}

// TestARenewedCertificateIsUsedByTheNextConnection, of either side, without a restart of the
// service; until then it is said what is wrong, and never with what is secret.
func TestARenewedCertificateIsUsedByTheNextConnection(t *testing.T) {
	s := secure(t)
	said := make(lines, 1000)
	store, err := postgres.Open(t.Context(), s.by(s.server.Schema(t), nil, s.link), postgres.Password(password),
		postgres.Log(slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // the test is over
	write := func() error {
		_, err := store.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil })
		return err
	}
	read := func() error { _, err := store.Options(t.Context()); return err }
	restart := func(own postgrestest.Identity) {
		t.Helper()
		if err := s.server.Stop(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := s.server.Present(own); err != nil {
			t.Fatal(err)
		}
		if err := s.server.Run(postgrestest.Settings...); err != nil {
			t.Fatal(err)
		}
	}
	replace := func(file, by string) {
		t.Helper()
		content, err := os.ReadFile(by)
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	next := postgrestest.NewAuthority(t)
	restart(next.Issue("database", tomorrow(), "127.0.0.1"))
	for what, do := range map[string]func() error{"a write": write, "a read": read} {
		err := answered(do)
		if tables.TroubleOf(err) != tables.Refused || !strings.Contains(err.Error(), "sslrootcert "+s.authority.File) {
			t.Errorf("%s ends with %v while the authority of the database is not known", what, err)
		}
	}
	replace(s.authority.File, next.File)
	if err := answered(write); err != nil {
		t.Errorf("with the new authority a write ends with %v", err)
	}
	if err := answered(read); err != nil {
		t.Errorf("with the new authority a read ends with %v", err)
	}
	for len(said) > 0 {
		s.isSecretFree(<-said, hush)
	}
}
