package postgres_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// TestADatabaseThatWasRestartedIsUsedAgainByTheNextWriteAndRead, without a restart of the
// service.
func TestADatabaseThatWasRestartedIsUsedAgainByTheNextWriteAndRead(t *testing.T) {
	postgrestest.Skip(t)
	server, err := postgrestest.Start(postgrestest.Settings...)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close() //nolint:errcheck // the test is over
	s := open(t, server.Schema(t))
	defer s.Close() //nolint:errcheck // the test is over
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		write := func() error {
			_, err := s.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil })
			return err
		}
		before, err := s.Options(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := write(); err != nil {
			t.Fatal(err)
		}
		if err := server.Stop(signal); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{"a write": write(), "the ping": s.Ping(t.Context())} {
			if err == nil || tables.TroubleOf(err) != tables.Away {
				t.Errorf("%s ends with %v while there is no database", what, err)
			}
		}
		if _, err := s.Options(t.Context()); err == nil {
			t.Error("options were read although there is no database")
		}
		if err := server.Run(postgrestest.Settings...); err != nil {
			t.Fatal(err)
		}
		if err := write(); err != nil {
			t.Errorf("the first write after %s ended with %v", signal, err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("the ping after %s ended with %v", signal, err)
		}
		after, err := s.Options(t.Context())
		if err != nil || after.PollingFrequency != before.PollingFrequency+2 {
			t.Errorf("after %s the options are %+v, %v, before they were %+v", signal, after, err, before)
		}
	}
}

func TestNoErrorOfAConnectionHasItsPassword(t *testing.T) {
	for name, dsn := range map[string]string{
		"nobody there":      "postgres://u:hush@127.0.0.1:1/db",
		"no such host":      "postgres://u:hush@host.invalid/db",
		"no port":           "postgres://u:hush@h:port/db",
		"no colon":          "postgres://u:hush%zz@h/db",
		"no known sslmode":  "postgres://u:hush@h/db?sslmode=maybe",
		"in its parameters": "postgres://h/db?password=hush&sslmode=maybe",
		"words":             "host=h password=hush sslmode=maybe",
		"escaped":           "postgres://u:h%75sh@127.0.0.1:1/db",
	} {
		_, err := postgres.Open(t.Context(), dsn)
		if err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "h%75sh") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
