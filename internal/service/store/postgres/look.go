package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// Found is what a look at a database finds, which changes nothing.
type Found struct {
	// Server is the version of PostgreSQL, such as 150004.
	Server int
	// From is the version of the tables, 0 if there are none, and To that of this program.
	From, To int64
	// MayCreate says that this user may make tables.
	MayCreate bool
	// Durable says that what is answered is on the disk of a standby too, where there is
	// one that is waited for.
	Durable bool
	// Address is the database, without user and password.
	Address string
}

// MinServer is the oldest PostgreSQL that this program is tried with.
const MinServer = 150000

// Look looks at a database.
func Look(ctx context.Context, dsn string, password func() (string, error)) (f Found, err error) {
	where, err := parse(dsn, password)
	if err != nil {
		return f, err
	}
	f.Address = where.String()
	if f.To, err = tables.NewestVersion(migrations); err != nil {
		return f, err
	}
	conn, err := where.connect(ctx)
	if err != nil {
		return f, troubled(err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	var known bool
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, to_regclass('goose_db_version') IS NOT NULL,
COALESCE(has_schema_privilege(current_schema(), 'CREATE'), false), current_setting('synchronous_standby_names') <> ''`).
		Scan(&f.Server, &known, &f.MayCreate, &f.Durable)
	if err == nil && known {
		err = conn.QueryRow(ctx, "SELECT COALESCE(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&f.From)
	}
	if err != nil {
		return f, troubled(fmt.Errorf("look at database %s: %w", where, err))
	}
	return f, nil
}
