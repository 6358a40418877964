package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

var restoredAt = time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)

// templatesIn are the names of the templates of a database that nobody has open.
func templatesIn(t *testing.T, path string) (names []string) {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was only read
	list, err := s.Templates(t.Context(), bos.AllTenants())
	if err != nil {
		t.Fatal(err)
	}
	for _, template := range list {
		names = append(names, template.Name)
	}
	return names
}

// closed is a database with a template, that nobody has open.
func closed(t *testing.T, template string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bos.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.PutTemplate(t.Context(), bos.SessionTemplate{Name: template}), s.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func backedUp(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup")
	if _, err := Backup(t.Context(), path, to, false); err != nil {
		t.Fatal(err)
	}
	return to
}

// filesIn are the names of what is in a folder.
func filesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestABackupTakesNoOtherFilesPlace(t *testing.T) {
	path := closed(t, "a")
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), path, there, false); !errors.Is(err, ErrExists) {
		t.Errorf("the error is %v", err)
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "mine" {
		t.Errorf("what was there is %q, %v", text, err)
	}
	for _, replace := range []bool{false, true} {
		if _, err := Backup(t.Context(), path, path, replace); err == nil || !strings.Contains(err.Error(), "itself") {
			t.Errorf("the database is a backup of itself: %v", err)
		}
	}
	found, err := Backup(t.Context(), path, there, true)
	if err != nil || found.Templates != 1 {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := Backup(t.Context(), filepath.Join(t.TempDir(), "none"), there, true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing was backed up: %v", err)
	}
}

func TestARestoredDatabaseIsPausedAndTheOneBeforeIsKept(t *testing.T) {
	backup, path := backedUp(t, closed(t, "backed up")), closed(t, "before")
	if _, err := Restore(t.Context(), backup, path, false, "why", restoredAt); !errors.Is(err, ErrExists) {
		t.Fatalf("the error is %v", err)
	}
	if got := templatesIn(t, path); fmt.Sprint(got) != "[before]" {
		t.Fatalf("a restore that was refused left %v", got)
	}
	done, err := Restore(t.Context(), backup, path, true, "why", restoredAt)
	if err != nil || done.Templates != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := templatesIn(t, path); fmt.Sprint(got) != "[backed up]" {
		t.Errorf("it has %v", got)
	}
	if got := templatesIn(t, done.Kept); fmt.Sprint(got) != "[before]" {
		t.Errorf("what was kept has %v", got)
	}
	s := opened(t, path)
	if p, err := s.SitePause(t.Context()); err != nil || !p.On() || p.Reason != "why" || !p.Since.Equal(restoredAt) {
		t.Errorf("the site is %+v, %v", p, err)
	}
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite()})
	if err != nil || len(events) == 0 || events[len(events)-1].Kind != "site_paused" {
		t.Errorf("the history is %+v, %v", events, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Restore(t.Context(), backup, path+"2", false, "why", restoredAt); err != nil {
		t.Errorf("where nothing is: %v", err)
	}
}

func TestAPauseInABackupKeepsItsReason(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	if err := opened(t, path).Hold(t.Context(), "water in row 3", restoredAt); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "bos.db")
	if _, err := Restore(t.Context(), backedUp(t, path), to, false, "restored", restoredAt); err != nil {
		t.Fatal(err)
	}
	if p, err := opened(t, to).SitePause(t.Context()); err != nil || p.Reason != "water in row 3" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestABackupOfAnOlderProgramIsUpgradedAndStaysAsItIs(t *testing.T) {
	backup := backedUp(t, at(t, 1, firstRecord))
	before, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "bos.db")
	done, err := Restore(t.Context(), backup, path, false, "why", restoredAt)
	if err != nil || done.Version != 1 || done.Components != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := filesIn(t, dir); fmt.Sprint(got) != "[bos.db]" {
		t.Errorf("it left %v", got)
	}
	if after, err := os.ReadFile(backup); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the backup was changed: %v", err)
	}
	if p, err := opened(t, path).SitePause(t.Context()); err != nil || !p.On() {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestWhatIsNoWholeBackupIsNotRestoredAndNothingIsChanged(t *testing.T) {
	damaged := backedUp(t, closed(t, "a"))
	var page, size int64
	query(t, damaged, "SELECT rootpage FROM sqlite_master WHERE name = 'templates'", &page)
	query(t, damaged, "PRAGMA page_size", &size)
	f, err := os.OpenFile(damaged, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size)), (page-1)*size)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	short := backedUp(t, closed(t, "a"))
	if err := os.Truncate(short, size); err != nil {
		t.Fatal(err)
	}
	last, err := tables.NewestVersion(migrations)
	if err != nil {
		t.Fatal(err)
	}
	newer := backedUp(t, at(t, last, fmt.Sprintf("INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, 1)", last+1)))
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("this is no database, whatever its name is"), 0o600); err != nil {
		t.Fatal(err)
	}
	live := filepath.Join(t.TempDir(), "bos.db")
	if err := opened(t, live).PutTemplate(t.Context(), bos.SessionTemplate{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	for from, says := range map[string]string{
		damaged: "damaged", short: "", newer: "newer", text: "no database", live: "in use", filepath.Join(t.TempDir(), "none"): "no such file",
	} {
		path := closed(t, "before")
		done, err := Restore(t.Context(), from, path, true, "why", restoredAt)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), from) {
			t.Errorf("%s: %+v, %v; want an error with %q", from, done, err, says)
		}
		if got := filesIn(t, filepath.Dir(path)); fmt.Sprint(got) != "[bos.db]" {
			t.Errorf("%s: it left %v", from, got)
		}
		if got := templatesIn(t, path); fmt.Sprint(got) != "[before]" {
			t.Errorf("%s: the database has %v", from, got)
		}
	}
}

func TestADamagedDatabaseHasNoBackupThatLooksWhole(t *testing.T) {
	path := closed(t, "a")
	var page, size int64
	query(t, path, "SELECT rootpage FROM sqlite_master WHERE name = 'templates'", &page)
	query(t, path, "PRAGMA page_size", &size)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, int(size)), (page-1)*size)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if found, err := Backup(t.Context(), path, filepath.Join(dir, "backup"), false); err == nil {
		t.Errorf("it has a backup: %+v", found)
	}
	if got := filesIn(t, dir); len(got) > 0 {
		t.Errorf("it left %v", got)
	}
	// It can be replaced all the same: that is what backups are for.
	if _, err := Restore(t.Context(), backedUp(t, closed(t, "b")), path, true, "why", restoredAt); err != nil {
		t.Error(err)
	}
	if got := templatesIn(t, path); fmt.Sprint(got) != "[b]" {
		t.Errorf("it has %v", got)
	}
}

func TestADatabaseWhoseLeaseIsRenewedElsewhereIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s := opened(t, path)
	clock := restoredAt
	renew := func(ctx context.Context, _ time.Duration) error {
		clock = clock.Add(time.Second)
		_, err := s.Lease(ctx, "elsewhere", clock, bos.Lease{})
		return err
	}
	if err := renew(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := mayReplace(t.Context(), path, true, renew); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("the error is %v", err)
	}
}

func TestALogWithoutItsDatabaseIsKeptAndNeverReadWithAnother(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	if err := os.WriteFile(path+"-wal", []byte("of another database"), 0o600); err != nil {
		t.Fatal(err)
	}
	backup := backedUp(t, closed(t, "a"))
	if _, err := Restore(t.Context(), backup, path, false, "why", restoredAt); !errors.Is(err, ErrExists) {
		t.Errorf("the error is %v", err)
	}
	done, err := Restore(t.Context(), backup, path, true, "why", restoredAt)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(done.Kept + "-wal"); err != nil || string(text) != "of another database" {
		t.Errorf("%q, %v", text, err)
	}
	if got := templatesIn(t, path); fmt.Sprint(got) != "[a]" {
		t.Errorf("it has %v", got)
	}
}
