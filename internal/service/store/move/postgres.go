package move

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
)

// server is a PostgreSQL.
type server struct {
	place Place
	db    *sql.DB
}

// openPostgres opens one, whose tables are made where there are none.
func openPostgres(ctx context.Context, p Place) (side, error) {
	s, err := p.store(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	db, err := postgres.Connect(p.DSN, p.Password)
	if err != nil {
		return nil, err
	}
	return &server{p, db}, nil
}

func (p Place) store(ctx context.Context) (*postgres.Store, error) {
	var options []postgres.Option
	if p.Password != nil {
		options = append(options, postgres.Password(p.Password))
	}
	return postgres.Open(ctx, p.DSN, options...)
}

func (s *server) Close() error { return s.db.Close() }

func (s *server) idle(ctx context.Context) error { return notInUse(ctx, s.db, s.place) }

func (s *server) hold(ctx context.Context, reason string, now time.Time) error {
	store, err := s.place.store(ctx)
	if err != nil {
		return err
	}
	return errors.Join(store.Hold(ctx, reason, now), store.Close())
}

func (s *server) reading(ctx context.Context, read func(rows) error) error {
	return s.within(ctx, sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, func(r serverRows) error { return read(r) })
}

func (s *server) writing(ctx context.Context, write func(writer) error) error {
	return s.within(ctx, sql.TxOptions{}, func(r serverRows) error {
		// Nobody else writes meanwhile.
		if _, err := r.conn.ExecContext(ctx, "SELECT 1 FROM turn FOR UPDATE"); err != nil {
			return err
		}
		return write(r)
	})
}

func (s *server) within(ctx context.Context, o sql.TxOptions, do func(serverRows) error) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it goes back to the others
	tx, err := conn.BeginTx(ctx, &o)
	if err != nil {
		return err
	}
	if err := do(serverRows{conn, tx}); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// serverRows are the tables in a transaction.
type serverRows struct {
	conn *sql.Conn
	tx   *sql.Tx
}

func (r serverRows) each(ctx context.Context, t table, do func([]string, []any) error) error {
	return queryEach(ctx, r.tx, t, postgres.Given, do)
}

func (r serverRows) clear(ctx context.Context, t table) error {
	_, err := r.tx.ExecContext(ctx, "DELETE FROM "+t.name) //nolint:gosec // one of ours
	return err
}

func (r serverRows) insert(ctx context.Context, t table, columns []string, page [][]any) error {
	stored := make([][]any, len(page))
	for i, row := range page {
		stored[i] = make([]any, len(row))
		for j, value := range row {
			text, is := value.(string)
			switch {
			case is && t.name == "components" && columns[j] == "document":
				stored[i][j] = []byte(text)
			case is:
				stored[i][j] = postgres.Storable(text)
			default:
				stored[i][j] = value
			}
		}
	}
	return r.conn.Raw(func(driver any) error {
		conn := driver.(*stdlib.Conn).Conn() //nolint:forcetypeassert // it is of this driver
		_, err := conn.CopyFrom(ctx, pgx.Identifier{t.name}, columns, pgx.CopyFromRows(stored))
		return err
	})
}

// number lets ids go on after those that are there.
func (r serverRows) number(ctx context.Context) error {
	for _, table := range []string{"artifacts", "tokens", "receipts", "staged_receipts"} {
		query := fmt.Sprintf("SELECT setval(pg_get_serial_sequence('%s', 'id'), (SELECT COALESCE(MAX(id), 0) + 1 FROM %s), false)", table, table) //nolint:gosec // one of ours
		if _, err := r.tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	_, err := r.tx.ExecContext(ctx, "UPDATE turn SET writer = '', last_event = GREATEST((SELECT COALESCE(MAX(id), 0) FROM events), (SELECT COALESCE(MAX(last + size), 0) FROM event_gaps))")
	return err
}
