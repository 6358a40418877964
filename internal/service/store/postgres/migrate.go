package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// oneUpgrade lets one process bring the tables to the newest version while others that
// start at the same time wait. It lasts as long as its transaction.
const oneUpgrade = "SELECT pg_advisory_xact_lock(7165801)"

// migrate brings the tables to the newest version.
func migrate(ctx context.Context, config *pgx.ConnConfig, log *slog.Logger) (err error) {
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	conn, err := connect(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it wrote nothing
	if _, err := tx.Exec(ctx, oneUpgrade); err != nil {
		return fmt.Errorf("wait for others that upgrade it: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("read its version: %w", err)
	case current > target:
		return fmt.Errorf("it has schema version %d, newer than the %d this program knows; use the newer program", current, target)
	case current == target:
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade it from version %d to %d, which leaves it at the last version that succeeded: %w", current, target, err)
	}
	if current > 0 {
		log.Info("the database was upgraded", "from", current, "to", target)
	}
	return nil
}
