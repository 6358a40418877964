// Package move copies all records of one database into another one that is empty, and
// compares both row for row before the copy counts.
package move

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// pageRows is how many rows are held at once.
const pageRows = 2000

// table is one that is moved, with what its rows are ordered by.
type table struct{ name, order string }

// moved are all tables that hold something, each after those that it refers to.
var moved = []table{
	{"artifacts", "id"},
	{"tokens", "id"},
	{"host_boots", "host"},
	{"components", "id"},
	{"departed", "component"},
	{"templates", "tenant, name"},
	{"sessions", "tenant, name"},
	{"session_nodes", "session, component, tenant"},
	{"options", "one"},
	{"receipts", "id"},
	{"staged_receipts", "id"},
	{"events", "id"},
	{"event_gaps", "last"},
	{"changes", "revision"},
	{"site_pause", "one"},
	{"lease", "one"},
	{"secrets", "name"},
}

// Moved is what was moved.
type Moved struct {
	// Rows are those of all tables, Components, Sessions, Templates and Events some of them.
	Rows, Components, Sessions, Templates, Events int64
}

// Move copies the records of a database into an empty one. No service may have either.
// The one that they come from is paused afterwards, with the reason that they were moved:
// a service that is started on it by mistake touches no node.
func Move(ctx context.Context, from, to Place, now time.Time) (m Moved, err error) {
	source, err := from.open(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := to.open(ctx)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	for _, s := range []side{source, target} {
		if err := s.idle(ctx); err != nil {
			return m, err
		}
	}
	if m, err = copyAll(ctx, source, target); err != nil {
		return Moved{}, fmt.Errorf("move %s to %s: %w; nothing was changed", from, to, err)
	}
	if err := source.hold(ctx, fmt.Sprintf("its records were moved to %s at %s; start the service on those", to, now.UTC().Format(time.RFC3339)), now); err != nil {
		return m, fmt.Errorf("%s has all records, but %s could not be paused: %w; start no service on it", to, from, err)
	}
	return m, nil
}

// side is a database that records are moved from or to.
type side interface {
	// idle is the error of a database that a service has.
	idle(ctx context.Context) error
	// reading lets read see one state of it; writing is a transaction that is undone with
	// an error.
	reading(ctx context.Context, read func(rows) error) error
	writing(ctx context.Context, write func(writer) error) error
	hold(ctx context.Context, reason string, now time.Time) error
	Close() error
}

// rows reads a table in the order of its key.
type rows interface {
	each(ctx context.Context, t table, do func(columns []string, row []any) error) error
}

// writer writes one, and sees what it wrote.
type writer interface {
	rows
	// clear empties a table.
	clear(ctx context.Context, t table) error
	insert(ctx context.Context, t table, columns []string, page [][]any) error
	// number lets what is written later be numbered after what is there.
	number(ctx context.Context) error
}

var errNotEmpty = errors.New("the database that the records are moved to has some already; name an empty one")

func copyAll(ctx context.Context, source, target side) (m Moved, err error) {
	err = source.reading(ctx, func(from rows) error {
		return target.writing(ctx, func(to writer) error {
			for _, t := range moved {
				if err := copyTable(ctx, from, to, t); err != nil {
					return fmt.Errorf("table %s: %w", t.name, err)
				}
			}
			if err := to.number(ctx); err != nil {
				return err
			}
			for _, t := range moved {
				n, err := compare(ctx, from, to, t)
				if err != nil {
					return fmt.Errorf("table %s: %w", t.name, err)
				}
				m.count(t, n)
			}
			return nil
		})
	})
	return m, err
}

func (m *Moved) count(t table, n int64) {
	m.Rows += n
	switch t.name {
	case "components":
		m.Components = n
	case "sessions":
		m.Sessions = n
	case "templates":
		m.Templates = n
	case "events":
		m.Events = n
	}
}

// madeEmpty are the tables that have rows from the start.
var madeEmpty = []string{"changes", "options"}

func copyTable(ctx context.Context, from rows, to writer, t table) error {
	var err error
	if slices.Contains(madeEmpty, t.name) {
		err = to.clear(ctx, t)
	} else {
		err = to.each(ctx, t, func([]string, []any) error { return errNotEmpty })
	}
	if err != nil {
		return err
	}
	var columns []string
	var page [][]any
	err = from.each(ctx, t, func(names []string, row []any) error {
		columns, page = names, append(page, row)
		if len(page) < pageRows {
			return nil
		}
		err := to.insert(ctx, t, columns, page)
		page = page[:0]
		return err
	})
	if err != nil || len(page) == 0 {
		return err
	}
	return to.insert(ctx, t, columns, page)
}

// compare reads a table of both, row for row.
func compare(ctx context.Context, from, to rows, t table) (n int64, err error) {
	type line struct {
		columns []string
		row     []any
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	copied, failed := make(chan line, 100), make(chan error, 1)
	go func() {
		defer close(copied)
		failed <- to.each(ctx, t, func(columns []string, row []any) error {
			select {
			case copied <- line{columns, row}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	err = from.each(ctx, t, func(columns []string, row []any) error {
		n++
		other, ok := <-copied
		if !ok {
			return fmt.Errorf("row %d is missing in the copy", n)
		}
		return same(n, columns, row, other.columns, other.row)
	})
	if err == nil {
		if _, more := <-copied; more {
			err = fmt.Errorf("the copy has more than %d rows", n)
		}
	}
	cancel()
	for range copied {
	}
	if read := <-failed; err == nil && read != nil {
		err = read
	}
	return n, err
}

// same compares two rows, column by column: their order may differ.
func same(n int64, columns []string, row []any, otherColumns []string, other []any) error {
	if len(columns) != len(otherColumns) {
		return fmt.Errorf("it has the columns %s here and %s there", strings.Join(columns, ", "), strings.Join(otherColumns, ", "))
	}
	for i, column := range columns {
		at := slices.Index(otherColumns, column)
		if at < 0 || !equal(row[i], other[at]) {
			return fmt.Errorf("column %s of row %d differs in the copy", column, n)
		}
	}
	return nil
}

func equal(a, b any) bool {
	if x, ok := a.([]byte); ok {
		y, ok := b.([]byte)
		return ok && bytes.Equal(x, y)
	}
	return a == b
}

// plain are the values of a row as both databases have them: numbers, texts and, for
// what is no text, bytes.
func plain(t table, columns []string, row []any, text func(string) string) []any {
	for i, value := range row {
		switch v := value.(type) {
		case []byte:
			row[i] = string(v)
			if t.name == "secrets" && columns[i] == "value" {
				row[i] = bytes.Clone(v)
			}
		case string:
			row[i] = text(v)
		case bool:
			row[i] = int64(0)
			if v {
				row[i] = int64(1)
			}
		}
	}
	return row
}

// queryEach goes through a table over database/sql.
func queryEach(ctx context.Context, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, t table, text func(string) string, do func(columns []string, row []any) error,
) error {
	found, err := q.QueryContext(ctx, "SELECT * FROM "+t.name+" ORDER BY "+t.order)
	if err != nil {
		return err
	}
	defer found.Close() //nolint:errcheck // its error is read
	columns, err := found.Columns()
	if err != nil {
		return err
	}
	for found.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := found.Scan(into...); err != nil {
			return err
		}
		if err := do(columns, plain(t, columns, row, text)); err != nil {
			return err
		}
	}
	return found.Err()
}
