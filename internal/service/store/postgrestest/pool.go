package postgrestest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Pool lends schemas with tables to tests. What a test has written is removed when it is
// over, and the next one gets the schema: that is quicker than to make the tables anew.
type Pool struct {
	// Make makes the tables in an empty schema.
	Make func(ctx context.Context, dsn string) error

	mu   sync.Mutex
	idle []*lent
}

// lent is a schema with tables, and how Make has left them.
type lent struct {
	dsn string
	// tables are all of them, and filled those that had rows, which are kept in another
	// schema under the same names.
	tables, filled []string
	kept           string
	// numbers are the sequences that had given out numbers, and the last of each.
	numbers map[string]int64
}

// New is the connection string of a schema with tables, for as long as the test lasts.
// Whoever uses it is to be gone by then. TestMain has to stop the database by Main.
func (p *Pool) New(t testing.TB) string {
	t.Helper()
	m := p.take()
	if m == nil {
		dsn := New(t)
		if err := p.Make(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		var err error
		if m, err = remember(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			return // who is still at it may write behind the back of the next one
		}
		if err := m.reset(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.idle = append(p.idle, m)
	})
	return m.dsn
}

func (p *Pool) take() *lent {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	m := p.idle[last]
	p.idle = p.idle[:last]
	return m
}

// remember keeps what is in the tables of a schema.
func remember(ctx context.Context, dsn string) (*lent, error) {
	m := &lent{dsn: dsn, numbers: make(map[string]int64)}
	return m, ask(ctx, dsn, func(conn *pgx.Conn) error {
		if err := conn.QueryRow(ctx, "SELECT current_schema() || '_kept'").Scan(&m.kept); err != nil {
			return err
		}
		err := each(ctx, conn, &m.tables, "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname")
		if err != nil {
			return err
		}
		if _, err = conn.Exec(ctx, "CREATE SCHEMA "+m.kept); err != nil {
			return err
		}
		for _, table := range m.tables {
			var filled bool
			if err := conn.QueryRow(ctx, fmt.Sprintf("SELECT EXISTS (SELECT FROM %s)", table)).Scan(&filled); err != nil {
				return err
			}
			if !filled {
				continue
			}
			m.filled = append(m.filled, table)
			if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE TABLE %s.%s AS TABLE %[2]s", m.kept, table)); err != nil {
				return err
			}
		}
		rows, err := conn.Query(ctx, "SELECT sequencename::text, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL")
		if err != nil {
			return err
		}
		var name string
		var last int64
		_, err = pgx.ForEachRow(rows, []any{&name, &last}, func() error { m.numbers[name] = last; return nil })
		return err
	})
}

// each reads a column of names.
func each(ctx context.Context, conn *pgx.Conn, into *[]string, query string) error {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return err
	}
	*into, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}

// reset leaves the tables as they were made.
func (m *lent) reset(ctx context.Context) error {
	return ask(ctx, m.dsn, func(conn *pgx.Conn) error {
		statements := []string{"TRUNCATE " + strings.Join(m.tables, ", ") + " RESTART IDENTITY"}
		for _, table := range m.filled {
			statements = append(statements, fmt.Sprintf("INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM %s.%[1]s", table, m.kept))
		}
		for name, last := range m.numbers {
			statements = append(statements, fmt.Sprintf("SELECT setval('%s', %d)", name, last))
		}
		// They are sent at once, and so are one transaction.
		if _, err := conn.Exec(ctx, strings.Join(statements, ";\n"), pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("empty the tables of a test that is over: %w", err)
		}
		return nil
	})
}
