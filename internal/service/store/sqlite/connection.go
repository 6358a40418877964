package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// dialect is what SQLite says of what databases say differently.
var dialect = &tables.Dialect{
	List: "json_each(%s)", Pairs: "json_each(%s)",
	Document: "CAST(%s AS TEXT)", // bytes need no copy, and are stored as a text
	Field:    "%s ->> '%s'", Object: "%s -> '%s'", Path: func(members []string) string { return "$." + strings.Join(members, ".") },
	Found:     "(SELECT * FROM %[1]s WHERE %[2]s IN (SELECT value FROM json_each(%[3]s)))",
	FoundOf:   "(SELECT * FROM %[1]s WHERE %[4]s AND %[2]s IN (SELECT value FROM json_each(%[3]s)))",
	Members:   "session = %[1]s AND component IN (SELECT value FROM json_each(%[2]s))",
	LastEvent: "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)",
}

// connection is the one that writes. Statements are prepared once.
type connection struct {
	*sql.Conn
	db    *sql.DB
	stmts map[string]*sql.Stmt
	// version is that of the database when it was looked at last, which changes when
	// another process writes.
	version int64
	// lost is why what would be written now would be lost, nil if it would not.
	lost func() error
	// rest runs between transactions.
	rest func(ctx context.Context)
	// damage is the first error that said that the file is damaged, which no write to
	// another part of it mends.
	damage atomic.Pointer[error]
}

func (c *connection) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := c.stmts[query]; ok {
		return s, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err == nil {
		c.stmts[query] = s
	}
	return s, err
}

func (c *connection) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time; the connection's end closes it
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// Exec writes at once.
func (c *connection) Exec(ctx context.Context, query string, args ...any) error {
	_, err := c.exec(ctx, query, args...)
	return err
}

// Counted returns how many rows were touched.
func (c *connection) Counted(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := c.exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Query reads in the transaction.
func (c *connection) Query(ctx context.Context, query string, args ...any) (tables.Rows, error) {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time; the connection's end closes it
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...) //nolint:rowserrcheck // by who reads it
}

// Row is the first row of a query.
func (c *connection) Row(ctx context.Context, query string, args ...any) tables.Scanner {
	s, err := c.stmt(ctx, query) //nolint:sqlclosecheck // kept for the next time; the connection's end closes it
	if err != nil {
		return failed{err}
	}
	return s.QueryRowContext(ctx, args...)
}

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// Begin takes the lock of the database. It leaves the questions: they cost a call of a
// function, now or later.
func (c *connection) Begin(ctx context.Context, _ []tables.Statement) (others bool, _ []tables.Rows, err error) {
	others, err = c.begin(ctx)
	return others, nil, err
}

func (c *connection) begin(ctx context.Context) (others bool, err error) {
	if err := c.lost(); err != nil {
		return false, err
	}
	if err := c.Exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		// One that a failed commit may have left open must not stop the
		// next group as well.
		_ = c.Exec(ctx, "ROLLBACK")
		if locked(err) {
			return false, fmt.Errorf("another process has been in the middle of a write all the time; if it is stopped let it go on, if it hangs end it: %w", err)
		}
		return false, fmt.Errorf("begin a transaction: %w", err)
	}
	// No other process can write from here on.
	var version int64
	if err := c.Row(ctx, "PRAGMA data_version").Scan(&version); err != nil {
		return false, c.Rollback(ctx, fmt.Errorf("ask who wrote last: %w", err))
	}
	others = version != c.version
	c.version = version
	return others, nil
}

// Commit makes the transaction durable.
func (c *connection) Commit(ctx context.Context) error { return c.Exec(ctx, "COMMIT") }

// Rollback undoes the transaction.
func (c *connection) Rollback(ctx context.Context, why error) error {
	if undo := c.Exec(ctx, "ROLLBACK"); undo != nil && TroubleOf(why) == tables.TroubleOther {
		return errors.Join(why, fmt.Errorf("undo a failed commit: %w", undo))
	}
	return why
}

// Mark opens a savepoint.
func (c *connection) Mark(ctx context.Context) error {
	if err := c.Exec(ctx, "SAVEPOINT job"); err != nil {
		return fmt.Errorf("open a savepoint: %w", err)
	}
	return nil
}

// Keep releases it.
func (c *connection) Keep(ctx context.Context) error {
	if err := c.Exec(ctx, "RELEASE job"); err != nil {
		return fmt.Errorf("release a savepoint: %w", err)
	}
	return nil
}

// Undo goes back to it.
func (c *connection) Undo(ctx context.Context, why error) error {
	if err := c.Exec(ctx, "ROLLBACK TO job"); err != nil {
		if TroubleOf(why) != tables.TroubleOther {
			return why // SQLite has undone all that was open, as on a full disk
		}
		return errors.Join(why, fmt.Errorf("undo a failed write: %w", err))
	}
	return c.Keep(ctx)
}

// Rest keeps the log short.
func (c *connection) Rest(ctx context.Context) { c.rest(ctx) }

// Judge adds the way out of an error, and remembers that the file is damaged.
func (c *connection) Judge(err error) error {
	err = troubled(err)
	if malformed(err) {
		c.damage.CompareAndSwap(nil, &err)
	}
	return err
}

// Close closes it and its database.
func (c *connection) Close() error {
	var errs []error
	for query, s := range c.stmts {
		delete(c.stmts, query)
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Conn.Close(), c.db.Close())...)
}
