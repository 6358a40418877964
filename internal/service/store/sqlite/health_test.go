package sqlite

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func opened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestADatabaseThatTakesNoWritesIsNotHealthyUntilItDoesAgain(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "bos.db"))
	full := func(on string) {
		t.Helper()
		if _, err := s.conn.ExecContext(t.Context(), "PRAGMA query_only = "+on); err != nil {
			t.Fatal(err)
		}
	}
	put := func() error {
		return s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t"})
	}
	healthy := func(want bool, when string) {
		t.Helper()
		if err := s.Ping(t.Context()); (err == nil) != want {
			t.Errorf("%s: %v", when, err)
		}
	}
	healthy(true, "new")
	// What a request did wrong says nothing about the database.
	if s.DeleteTemplate(t.Context(), "", "none") == nil {
		t.Fatal("a template that is not there was deleted")
	}
	healthy(true, "after a request that failed")
	full("on")
	if put() == nil {
		t.Fatal("it was written")
	}
	healthy(false, "while writes fail")
	if _, err := s.Templates(t.Context(), bos.AllTenants()); err != nil {
		t.Errorf("it cannot be read: %v", err)
	}
	full("off")
	healthy(false, "before anything was written again")
	if err := put(); err != nil {
		t.Fatal(err)
	}
	healthy(true, "after a write")
}

func TestADatabaseWithoutRoomSaysSoAndIsReadAndGoesOnByItself(t *testing.T) {
	s := opened(t, filepath.Join(t.TempDir(), "bos.db"))
	pages := func(most int) {
		t.Helper()
		if _, err := s.conn.ExecContext(t.Context(), fmt.Sprint("PRAGMA max_page_count = ", most)); err != nil {
			t.Fatal(err)
		}
	}
	put := func(n int) error {
		return s.PutTemplate(t.Context(), bos.SessionTemplate{Name: fmt.Sprint("t", n), Description: strings.Repeat("x", 4000)})
	}
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	pages(1) // which is as many as there are
	var err error
	n := 1
	for ; err == nil && n < 100; n++ {
		err = put(n)
	}
	if TroubleOf(s.Ping(t.Context())) != tables.Full || !strings.Contains(s.Ping(t.Context()).Error(), "make room there") {
		t.Errorf("the write failed with %v, and health says %v", err, s.Ping(t.Context()))
	}
	if _, err := s.Template(t.Context(), "", "t0"); err != nil {
		t.Errorf("it cannot be read: %v", err)
	}
	pages(1 << 20)
	if err := put(n); err != nil || s.Ping(t.Context()) != nil {
		t.Errorf("with room again: %v, %v", err, s.Ping(t.Context()))
	}
}

func TestADatabaseWhoseFilesAreGoneIsNotHealthy(t *testing.T) {
	for _, ending := range []string{"", "-wal"} {
		path := filepath.Join(t.TempDir(), "bos.db")
		s := opened(t, path)
		if err := s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("with all its files: %v", err)
		}
		if err := os.Remove(path + ending); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), path+ending) {
			t.Errorf("without %q: %v", ending, err)
		}
		if err := os.WriteFile(path+ending, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if s.Ping(t.Context()) == nil {
			t.Errorf("with another file in the place of %q it is healthy", ending)
		}
	}
}

func TestNothingIsWrittenIntoFilesThatAreGone(t *testing.T) {
	for _, ending := range []string{"", "-wal"} {
		path := filepath.Join(t.TempDir(), "bos.db")
		if err := opened(t, path).Close(); err != nil { // as it is at each start but the first
			t.Fatal(err)
		}
		s := opened(t, path)
		put := func(name string) error {
			return s.PutTemplate(t.Context(), bos.SessionTemplate{Name: name})
		}
		if err := put("before"); err != nil {
			t.Fatal(err)
		}
		away := filepath.Join(t.TempDir(), "away")
		if err := os.Rename(path+ending, away); err != nil {
			t.Fatal(err)
		}
		if err := put("gone"); err == nil || !strings.Contains(err.Error(), path+ending) {
			t.Errorf("without %q a write is acknowledged that is lost: %v", ending, err)
		}
		if err := os.WriteFile(path+ending, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if put("replaced") == nil {
			t.Errorf("with another file in the place of %q a write is acknowledged that is lost", ending)
		}
		if err := os.Rename(away, path+ending); err != nil {
			t.Fatal(err)
		}
		if err := put("back"); err != nil {
			t.Errorf("with %q in its place again: %v", ending, err)
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("with %q in its place again: %v", ending, err)
		}
		for name, want := range map[string]bool{"before": true, "gone": false, "replaced": false, "back": true} {
			if _, err := s.Template(t.Context(), "", name); (err == nil) != want {
				t.Errorf("template %q after %q was away: %v, there %v", name, ending, err, want)
			}
		}
	}
}

func TestADamagedDatabaseIsNotHealthyAlthoughSomeOfItTakesWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := opened(t, path)
	put := func(s *Store) error {
		return s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t"})
	}
	if err := put(s); err != nil {
		t.Fatal(err)
	}
	var page, size int64
	if err := s.read.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'templates'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	if err := s.read.QueryRowContext(t.Context(), "PRAGMA page_size").Scan(&size); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size)), (page-1)*size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	s = opened(t, path)
	if put(s) == nil {
		t.Fatal("a template was written into a page that is none")
	}
	if _, err := s.Lease(t.Context(), "a", time.Time{}, bos.Lease{}); err != nil {
		t.Fatalf("what is not damaged cannot be written: %v", err)
	}
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a database of which a part cannot be used is healthy: %v", err)
	}
}

func TestADatabaseIsItsOwnersAlone(t *testing.T) {
	for name, before := range map[string]os.FileMode{"new": 0, "of an older program": 0o644, "which a group may read": 0o640} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bos.db")
			if before != 0 {
				s, err := Open(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, before); err != nil {
					t.Fatal(err)
				}
			}
			s := opened(t, path)
			if err := s.PutTemplate(t.Context(), bos.SessionTemplate{Name: "t"}); err != nil {
				t.Fatal(err)
			}
			other, err := sql.Open(driverName, dataSource(path, false))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = other.Close() }) // the test ends with it //nolint:errcheck // it wrote nothing
			if _, err := backup(t.Context(), other, path+".bak"); err != nil {
				t.Fatal(err)
			}
			want := os.FileMode(0o600)
			if before != 0 { // the group is the administrator's business
				want = 0o640
			}
			for ending, want := range map[string]os.FileMode{"": want, "-wal": want, "-shm": want, ".bak": 0o600} {
				info, err := os.Stat(path + ending)
				if err != nil || info.Mode().Perm() != want {
					t.Errorf("%q: %v, %v, want %v", ending, info.Mode().Perm(), err, want)
				}
			}
		})
	}
}

func TestAWriteThatAnotherProcessKeepsWaitingSaysSoAndWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := opened(t, path)
	if _, err := s.conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1"); err != nil { // no patience
		t.Fatal(err)
	}
	other, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() }) // the test ends with it
	held, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func() error {
		_, err := s.MutateOptions(t.Context(), func(o *bos.Options) error { o.PollingFrequency++; return nil })
		return err
	}
	if err := write(); err == nil || !strings.Contains(err.Error(), "another process has been in the middle of a write") {
		t.Errorf("the write failed with %v", err)
	}
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := write(); err != nil {
		t.Errorf("the write failed although the lock is free: %s", err)
	}
}
