package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is what bringing a database to the newest version did.
type Migration struct {
	// From and To are schema versions; From is 0 for a new database.
	From, To int64
	// Backup is the file that holds the database as it was, empty if there
	// was nothing to change.
	Backup string
}

// Migrate brings the existing database at path to the newest version, after a
// backup beside it, as Open does. A service may not have it open.
func Migrate(ctx context.Context, path string) (Migration, error) {
	if _, err := os.Stat(path); err != nil {
		return Migration{}, fmt.Errorf("there is no database to upgrade: %w", err)
	}
	db, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		return Migration{}, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	m, err := migrate(ctx, db, path, tables.Pause)
	return m, errors.Join(err, db.Close())
}

func migrate(ctx context.Context, db *sql.DB, path string, pause tables.Pausing) (Migration, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return Migration{}, err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return Migration{}, fmt.Errorf("read the migrations: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	m := Migration{From: current, To: target}
	switch {
	case err != nil:
		return m, troubled(fmt.Errorf("read the version of database %s: %w", path, err))
	case current > target:
		return m, newer(path, current, target)
	case current == target:
		return m, nil
	case current > 0:
		if err := notInUse(ctx, db, path, pause); err != nil {
			return m, err
		}
		m.Backup = fmt.Sprintf("%s.v%d.bak", path, current)
		if _, err := backup(ctx, db, m.Backup); err != nil {
			return m, err
		}
		if err := takeLease(ctx, db, path); err != nil {
			return m, err
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return m, troubled(fmt.Errorf("upgrade database %s from version %d to %d, which leaves it at the last version that succeeded: %w", path, current, target, err))
	}
	return m, nil
}

// flush makes a file durable.
func flush(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0) //nolint:gosec // the backup that was just made
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// flushFolder makes durable what a folder is told to have.
func flushFolder(name string) error {
	f, err := os.Open(name) //nolint:gosec // that of the backup that was just made
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// notInUse refuses to upgrade a database under a service that has it open: what an older
// one writes after the backup would be in none, and may not be what the newer reads.
func notInUse(ctx context.Context, db *sql.DB, path string, pause tables.Pausing) error {
	holder, err := tables.Renewed(ctx, db, pause)
	if err != nil {
		return fmt.Errorf("look at who has database %s: %w", path, err)
	}
	if holder == "" {
		return nil
	}
	return &tables.TroubleError{Kind: tables.InUse, Err: fmt.Errorf("database %s is in use by the service %s, which renews its lease; stop that service and start this one again: it upgrades the database, after a backup beside it", path, holder)}
}

// takeLease ends the lease of a service that is dead, or has been suspended for so long
// that it counts as such: when it wakes up it would go on by what it knows of a database
// that is another by then. The clock of the lease stays.
func takeLease(ctx context.Context, db *sql.DB, path string) error {
	if _, err := db.ExecContext(ctx, "UPDATE lease SET holder = '', fence = fence + 1 WHERE holder <> ''"); err != nil {
		return fmt.Errorf("take the lease of database %s from the service that had it: %w; nothing was changed", path, err)
	}
	return nil
}
