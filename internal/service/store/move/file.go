package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// file is a database file.
type file struct {
	path string
	db   *sql.DB
}

// openFile opens one of the newest version, which a new one is made of.
func openFile(ctx context.Context, path string) (side, error) {
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	db, err := sqlite.Connect(path)
	if err != nil {
		return nil, err
	}
	return &file{path, db}, nil
}

func (f *file) Close() error { return f.db.Close() }

func (f *file) idle(ctx context.Context) error { return notInUse(ctx, f.db, Place{File: f.path}) }

func (f *file) hold(ctx context.Context, reason string, now time.Time) error {
	s, err := sqlite.Open(ctx, f.path)
	if err != nil {
		return err
	}
	return errors.Join(s.Hold(ctx, reason, now), s.Close())
}

func (f *file) reading(ctx context.Context, read func(rows) error) error {
	return f.within(ctx, func(tx *sql.Tx) error { return read(fileRows{tx}) })
}

func (f *file) writing(ctx context.Context, write func(writer) error) error {
	return f.within(ctx, func(tx *sql.Tx) error { return write(fileRows{tx}) })
}

func (f *file) within(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// notInUse is the error of a database whose lease somebody renews.
func notInUse(ctx context.Context, db *sql.DB, p Place) error {
	holder, err := tables.Renewed(ctx, db, tables.Pause)
	if err != nil {
		return fmt.Errorf("look at who has %s: %w", p, err)
	}
	if holder != "" {
		return &tables.TroubleError{Kind: tables.InUse, Err: fmt.Errorf("%s is in use by a service, which renews its lease; stop all services on it, and move it then", p)}
	}
	return nil
}

// fileRows are the tables in a transaction.
type fileRows struct{ tx *sql.Tx }

func (r fileRows) each(ctx context.Context, t table, do func([]string, []any) error) error {
	return queryEach(context.WithoutCancel(ctx), r.tx, t, func(text string) string { return text }, do)
}

func (r fileRows) clear(ctx context.Context, t table) error {
	_, err := r.tx.ExecContext(ctx, "DELETE FROM "+t.name) //nolint:gosec // one of ours
	return err
}

func (r fileRows) insert(ctx context.Context, t table, columns []string, page [][]any) error {
	places := strings.Repeat(", ?", len(columns))[2:]
	s, err := r.tx.PrepareContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s)", t.name, strings.Join(columns, ", "), places))
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // the transaction tells
	for _, row := range page {
		if _, err := s.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// number lets events go on after the numbers that were passed over. The others go on after
// those that are there by themselves.
func (r fileRows) number(ctx context.Context) error {
	_, err := r.tx.ExecContext(ctx, "UPDATE sqlite_sequence SET seq = MAX(seq, (SELECT COALESCE(MAX(last + size), 0) FROM event_gaps)) WHERE name = 'events'")
	return err
}
