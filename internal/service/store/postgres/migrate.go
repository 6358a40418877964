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

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

//go:embed migrations/*.sql
var migrations embed.FS

// oneUpgrade lets one process bring the tables to the newest version while others that
// start at the same time wait. It lasts as long as its transaction.
const oneUpgrade = "SELECT pg_advisory_xact_lock(7165801)"

// withoutBounds lets a connection take the time that it takes: what a server bounds all
// statements by would end an upgrade of a large room, the wait of others for it, and the
// transaction that keeps these from upgrading too.
const withoutBounds = "SELECT set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '0', false)"

// migrate brings the tables to the newest version.
func migrate(ctx context.Context, where *address, log *slog.Logger) (err error) {
	unbound := func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, withoutBounds)
		return err
	}
	db := stdlib.OpenDB(*where.config, stdlib.OptionBeforeConnect(where.authenticate), stdlib.OptionAfterConnect(unbound))
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	conn, err := where.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	if err := unbound(ctx, conn); err != nil {
		return err
	}
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
		return &tables.TroubleError{Kind: tables.Newer, Err: fmt.Errorf("it has schema version %d, newer than the %d this program knows; use the newer program", current, target)}
	case current == target:
		return nil
	}
	if current > 0 {
		holder, err := tables.Renewed(ctx, db, tables.Pause)
		if err != nil {
			return fmt.Errorf("look at who has it: %w", err)
		}
		if holder != "" {
			return &tables.TroubleError{Kind: tables.InUse, Err: fmt.Errorf("the service %s renews its lease, and its tables have version %d, which this program upgrades to %d; back it up, stop all services on it and start this one again", holder, current, target)}
		}
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("upgrade it from version %d to %d, which leaves it at the last version that succeeded: %w", current, target, err)
	}
	if current > 0 {
		log.Info("the database was upgraded", "from", current, "to", target)
	}
	return nil
}

// outdated is the error of a program that was started before a newer one upgraded the
// tables. It writes nothing into them any more, whatever it had decided: also one that was
// suspended all the time.
func outdated(has, knows int64) error {
	return &tables.TroubleError{Kind: tables.Newer, Err: fmt.Errorf("%w: its tables have version %d and this program knows %d; start the newer program here as well", bos.ErrOutdated, has, knows)}
}
