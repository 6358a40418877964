package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// taken takes all connections that clients read with, until the test ends.
func taken(t *testing.T, s *Store) {
	t.Helper()
	for range readers {
		conn, err := s.read.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// reads are all ways to read a store.
func reads(s *Store) map[string]func(ctx context.Context) error {
	key := bos.SessionKey{Name: "s"}
	return map[string]func(ctx context.Context) error{
		"components": func(ctx context.Context) error { _, err := s.Components(ctx, bos.ComponentFilter{}); return err },
		"ids":        func(ctx context.Context) error { _, err := s.ComponentIDs(ctx, bos.ComponentFilter{}); return err },
		"documents": func(ctx context.Context) error {
			return s.ComponentDocuments(ctx, bos.ComponentFilter{}, func([]byte) error { return nil })
		},
		"token":   func(ctx context.Context) error { _, _, err := s.Token(ctx, "t"); return err },
		"session": func(ctx context.Context) error { _, err := s.Session(ctx, key); return orNotFound(err) },
		"sessions": func(ctx context.Context) error {
			_, err := s.Sessions(ctx, bos.SessionFilter{Of: bos.AllTenants()}, bos.Time{}.Time)
			return err
		},
		"tally":         func(ctx context.Context) error { _, err := s.SessionTally(ctx, key); return err },
		"session nodes": func(ctx context.Context) error { _, err := s.SessionNodes(ctx, key, "", 1); return err },
		"receipt": func(ctx context.Context) error {
			_, err := s.Receipt(ctx, "k", bos.Time{}.Time)
			return orNotFound(err)
		},
		"receipt by pin": func(ctx context.Context) error {
			_, err := s.ReceiptByPin(ctx, bos.AllTenants(), "p")
			return orNotFound(err)
		},
		"receipt by number": func(ctx context.Context) error {
			_, err := s.ReceiptByNumber(ctx, "", "n", bos.Time{}.Time)
			return orNotFound(err)
		},
		"repeated session": func(ctx context.Context) error {
			_, err := s.RepeatedSession(ctx, bos.SessionRecord{Asked: bos.Asked{Receipt: "r"}})
			return err
		},
		"last run": func(ctx context.Context) error {
			_, err := s.LastRun(ctx, bos.SessionRecord{Pin: "p", Asked: bos.Asked{RunKey: "a"}})
			return orNotFound(err)
		},
		"templates":  func(ctx context.Context) error { _, err := s.Templates(ctx, bos.AllTenants()); return err },
		"template":   func(ctx context.Context) error { _, err := s.Template(ctx, "", "t"); return orNotFound(err) },
		"options":    func(ctx context.Context) error { _, err := s.Options(ctx); return err },
		"site pause": func(ctx context.Context) error { _, err := s.SitePause(ctx); return err },
		"events": func(ctx context.Context) error {
			_, err := s.Events(ctx, bos.EventFilter{Seen: bos.WholeSite()})
			return err
		},
		"last event": func(ctx context.Context) error { _, err := s.LastEvent(ctx); return err },
		"changes":    func(ctx context.Context) error { _, err := s.Changes(ctx, 0); return err },
		"host boots": func(ctx context.Context) error { _, err := s.HostBoots(ctx, nil); return err },
	}
}

func orNotFound(err error) error {
	if errors.Is(err, bos.ErrNotFound) {
		return nil
	}
	return err
}

func TestAReaderThatWaitsForItsTurnLeavesWithItsClient(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "bos.db"))
	taken(t, s)
	for name, read := range reads(s) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- read(ctx) }()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheEngineReadsWhileClientsHaveAllConnections(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "bos.db"))
	taken(t, s)
	for name, read := range reads(s) {
		if err := read(bos.Urgent(t.Context())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("health: %v", err)
	}
}

func TestAReaderWaitsForNoSecondConnection(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	shared := func(r *bos.Record, _ bool) error {
		r.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: "shared", KernelParameters: "p", Initrd: "i"}
		return nil
	}
	if _, err := opened(t, path).MutateComponents(t.Context(), []string{"x1", "x2"}, shared); err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]func(s *Store) func(context.Context) error{
		"records":   func(s *Store) func(context.Context) error { return reads(s)["components"] },
		"documents": func(s *Store) func(context.Context) error { return reads(s)["documents"] },
		// A write, too, waits for no reader.
		"a write": func(s *Store) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := s.MutateComponents(ctx, []string{"x1"}, func(r *bos.Record, _ bool) error { r.Enabled = !r.Enabled; return nil })
				return err
			}
		},
	} {
		s := opened(t, path) // it knows no boot artifacts yet
		s.read.SetMaxOpenConns(1)
		if name == "a write" {
			s.read.SetMaxOpenConns(readers)
			taken(t, s)
		}
		if err := of(s)(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// alwaysRead lets two readers take turns so that there is always one, each with a
// view of its own, until stop is called.
func alwaysRead(t *testing.T, s *Store) (stop func()) {
	t.Helper()
	begin := func() *sql.Tx {
		tx, err := s.read.BeginTx(context.WithoutCancel(t.Context()), nil)
		var n int
		if err == nil {
			err = tx.QueryRowContext(context.WithoutCancel(t.Context()), "SELECT COUNT(*) FROM components").Scan(&n)
		}
		if err != nil {
			t.Error(err)
		}
		return tx
	}
	last := begin()
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			next := begin()
			_ = last.Rollback()
			last = next
			select {
			case <-end:
				_ = last.Rollback()
				return
			default:
			}
		}
	}()
	return func() { close(end); <-ended }
}

func TestTheLogOfADatabaseWhoseReadersAreAlwaysBusyStaysShort(t *testing.T) {
	const limit = 4 << 20
	path := filepath.Join(t.TempDir(), "bos.db")
	var said bytes.Buffer
	s, err := Open(t.Context(), path, LogLimit(limit), Log(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	stop := alwaysRead(t, s)
	large := strings.Repeat("x", 1<<20)
	var highest int64
	for i := range 40 {
		template := bos.SessionTemplate{Name: "t", Description: large[i:]}
		if err := s.PutTemplate(t.Context(), template); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		highest = max(highest, info.Size())
	}
	stop()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if highest > 3*limit {
		t.Errorf("the log grew to %d MiB, with a limit of %d MiB", highest>>20, limit>>20)
	}
	if !strings.Contains(said.String(), "the log of the database was long") {
		t.Errorf("nothing is said of it: %s", said.String())
	}
}

func TestALogThatALongReadKeepsIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	var said bytes.Buffer
	s, err := Open(t.Context(), path, LogLimit(1<<20), Log(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	tx, err := s.read.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM components").Scan(&n); err != nil {
		t.Fatal(err)
	}
	template := bos.SessionTemplate{Name: "t", Description: strings.Repeat("x", 2<<20)}
	if err := s.PutTemplate(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	// The next write comes when the try is over, and is soon for another one.
	if err := s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "small"}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	template.Description = strings.Repeat("y", 2<<20)
	if err := s.PutTemplate(t.Context(), template); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if text := said.String(); strings.Count(text, "cannot be cut") != 1 || strings.Count(text, "is now in the database") != 1 || !strings.Contains(text, path+"-wal") {
		t.Errorf("said is\n%s", text)
	}
}
