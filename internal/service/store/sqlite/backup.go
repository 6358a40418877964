package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// Contents is what was found in a database, or in a copy of one, that is whole.
type Contents struct {
	Version                                 int64
	Components, Templates, Sessions, Events int64
	// revision is the newest of its writes; 0 where its version counts none.
	revision int64
}

// ErrExists is a file that is there already and is not to be replaced.
var ErrExists = errors.New("it exists already")

// Backup writes a copy of the database at path to the file to, beside a service that
// writes meanwhile: what was acknowledged before it began is in it. The copy is read to
// its end before it gets its name.
func Backup(ctx context.Context, path, to string, replace bool) (Contents, error) {
	here, err := os.Stat(path)
	if err != nil {
		return Contents{}, fmt.Errorf("there is no database to back up: %w", err)
	}
	there, err := os.Stat(to)
	switch {
	case err == nil && os.SameFile(here, there):
		return Contents{}, fmt.Errorf("%s is the database itself; name another file for the backup", to)
	case err == nil && !replace:
		return Contents{}, fmt.Errorf("write the backup %s: %w; name another file, or let --replace take its place", to, ErrExists)
	}
	db, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		return Contents{}, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	found, err := backup(ctx, db, to)
	return found, errors.Join(err, db.Close())
}

// backup writes a whole copy, looks whether it is one, and only then puts it in the
// place of an older one.
func backup(ctx context.Context, db *sql.DB, to string) (Contents, error) {
	before, err := contents(ctx, db)
	if err != nil {
		return before, fmt.Errorf("back the database up to %s: %w; is it a database of this program?", to, err)
	}
	unfinished := to + ".unfinished"
	if err := createPrivate(unfinished); err != nil {
		return before, fmt.Errorf("write the backup %s: %w; nothing was changed", to, err)
	}
	// SQLite fills an empty file.
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", unfinished); err != nil {
		return before, fmt.Errorf("back the database up to %s: %w; make room there, nothing was changed", to, errors.Join(err, os.Remove(unfinished)))
	}
	found, err := verify(ctx, unfinished)
	if err == nil && (found.Version != before.Version || found.revision < before.revision) {
		err = fmt.Errorf("the copy has version %d with revision %d, and the database had %d with %d before", found.Version, found.revision, before.Version, before.revision)
	}
	if err == nil {
		err = flush(unfinished)
	}
	if err == nil {
		err = os.Rename(unfinished, to)
	}
	if err == nil {
		err = flushFolder(filepath.Dir(to))
	}
	if err != nil {
		return found, fmt.Errorf("keep the backup %s: %w; nothing was changed", to, err)
	}
	return found, nil
}

// createPrivate makes an empty file for its owner alone, in the place of one that was
// not finished. It holds BSS tokens, as the database does.
func createPrivate(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the unfinished %s: %w", name, err)
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the administrator names the file
	if err != nil {
		return err
	}
	return f.Close()
}

// verify reads a file that nobody has open to its end.
func verify(ctx context.Context, name string) (found Contents, err error) {
	q := url.Values{"mode": {"ro"}, "immutable": {"1"}}
	db, err := sql.Open(driverName, "file:"+(&url.URL{Path: name}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return found, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var said string
	// The first thing that is wrong is enough.
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return found, fmt.Errorf("read %s: %w; it is damaged, or no database", name, err)
	}
	if said != "ok" {
		return found, fmt.Errorf("%s is damaged: %s", name, strings.TrimSpace(said))
	}
	if found, err = contents(ctx, db); err != nil {
		err = fmt.Errorf("read %s: %w; is it a database of this program?", name, err)
	}
	return found, err
}

// oneRevision is the version since which all writes are numbered together.
const oneRevision = 5

// contents counts what a database of any version has.
func contents(ctx context.Context, db *sql.DB) (Contents, error) {
	var c Contents
	err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&c.Version)
	if err != nil {
		return c, err
	}
	err = db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM components), (SELECT count(*) FROM templates),
(SELECT count(*) FROM sessions), (SELECT count(*) FROM events)`).Scan(&c.Components, &c.Templates, &c.Sessions, &c.Events)
	if err == nil && c.Version >= oneRevision {
		err = db.QueryRowContext(ctx, "SELECT coalesce(max(revision), 0) FROM changes").Scan(&c.revision)
	}
	return c, err
}

// Restored is what a restore did.
type Restored struct {
	Contents
	// Kept is where the database that was there before is now, empty if there was none.
	Kept string
}

// Restore puts the backup from in the place of the database at path, with the site
// paused for reason: nobody knows what is still wanted of what was in work when it was
// made. A database that is there is kept beside, and is not replaced unless that is
// asked for, nor while a service has it.
func Restore(ctx context.Context, from, path string, replace bool, reason string, now time.Time) (Restored, error) {
	return restore(ctx, from, path, replace, reason, now, tables.Pause)
}

func restore(ctx context.Context, from, path string, replace bool, reason string, now time.Time, pause tables.Pausing) (Restored, error) {
	var done Restored
	if err := mayReplace(ctx, path, replace, pause); err != nil {
		return done, err
	}
	unfinished := path + ".restoring"
	found, err := prepare(ctx, from, unfinished, reason, now)
	if err != nil {
		return done, errors.Join(fmt.Errorf("restore %s: %w; nothing was changed", from, err), removed(unfinished))
	}
	done.Contents = found
	if err := inUse(path); err != nil { // it may have been started meanwhile
		return done, errors.Join(err, removed(unfinished))
	}
	if done.Kept, err = setAside(path, now); err == nil {
		if err = os.Rename(unfinished, path); err == nil {
			err = flushFolder(filepath.Dir(path))
		}
	}
	if err != nil {
		return done, fmt.Errorf("put %s in the place of database %s: %w; the restored database is %s, the one before %s", from, path, err, unfinished, done.Kept)
	}
	return done, nil
}

// mayReplace is the error of a database that is not to be replaced.
func mayReplace(ctx context.Context, path string, replace bool, pause tables.Pausing) error {
	if err := inUse(path); err != nil {
		return err
	}
	there := false
	for _, ending := range withLog {
		_, err := os.Lstat(path + ending)
		there = there || err == nil
	}
	if there && !replace {
		return fmt.Errorf("restore database %s: %w; --replace puts the backup in its place and keeps it beside", path, ErrExists)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return nil //nolint:nilerr // there is nobody in it
	}
	// On a file system that is shared a service of another machine may have it.
	db, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		return fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	err = notInUse(ctx, db, path, pause)
	if malformed(err) {
		err = nil // a damaged one is why backups are restored
	}
	_ = db.Close() // a damaged one may not close well
	return err
}

// prepare makes of a backup what a service can be started on.
func prepare(ctx context.Context, from, to, reason string, now time.Time) (Contents, error) {
	if info, err := os.Stat(from + "-wal"); err == nil && info.Size() > 0 {
		return Contents{}, fmt.Errorf("%s has the log %s-wal beside it, so it is a database in use and no backup; make one of it with the command backup", from, from)
	}
	if err := copyFile(from, to); err != nil {
		return Contents{}, err
	}
	found, err := verify(ctx, to)
	if err != nil {
		return found, err
	}
	if newest, err := tables.NewestVersion(migrations); err != nil || found.Version > newest {
		return found, errors.Join(err, fmt.Errorf("it has schema version %d, newer than the %d this program knows; use the newer program", found.Version, newest))
	}
	// The service that was backed up is not the one that will have this database.
	db, err := sql.Open(driverName, dataSource(to, false))
	if err != nil {
		return found, err
	}
	if err := errors.Join(takeLease(ctx, db, to), db.Close()); err != nil {
		return found, err
	}
	s, err := Open(ctx, to)
	if err != nil {
		return found, err
	}
	if err := errors.Join(s.Hold(ctx, reason, now), s.Close()); err != nil {
		return found, err
	}
	// An upgrade kept the backup as well, which is where it was.
	return found, errors.Join(removed(fmt.Sprintf("%s.v%d.bak", to, found.Version)), flush(to))
}

func copyFile(from, to string) (err error) {
	source, err := os.Open(from) //nolint:gosec // the administrator names the file
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // it was only read
	if err := createPrivate(to); err != nil {
		return err
	}
	target, err := os.OpenFile(to, os.O_WRONLY, 0) //nolint:gosec // it was just made
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// setAside gives a database that is replaced a name of its own, with its log. The
// database goes first: one without its log would be taken for a whole one.
func setAside(path string, now time.Time) (string, error) {
	kept := path + ".replaced-" + now.UTC().Format("20060102T150405Z")
	if _, err := os.Lstat(kept); err == nil {
		return "", fmt.Errorf("%s is there: %w", kept, ErrExists)
	}
	moved := ""
	for _, ending := range withLog {
		err := os.Rename(path+ending, kept+ending)
		switch {
		case err == nil:
			moved = kept
		case !errors.Is(err, fs.ErrNotExist):
			return moved, err
		}
	}
	return moved, nil
}

// removed removes a database that is not needed, if it is there.
func removed(path string) (err error) {
	for _, ending := range withLog {
		if failed := os.Remove(path + ending); failed != nil && !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}
