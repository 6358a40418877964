package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// Versions reads the version of the database at path, and that of this program,
// without writing anything, beside a service that has it open as well.
func Versions(ctx context.Context, path string) (m Migration, err error) {
	if m.To, err = tables.NewestVersion(migrations); err != nil {
		return m, err
	}
	q := url.Values{"mode": {"ro"}}
	if info, err := os.Stat(path + "-wal"); err != nil || info.Size() == 0 {
		// Nobody writes it, and no file may be made beside it either.
		q.Set("immutable", "1")
	}
	db, err := sql.Open(driverName, "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return m, fmt.Errorf("open database %s: %w", path, err)
	}
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&m.From)
	if err != nil {
		err = fmt.Errorf("read the version of database %s: %w; is it a database of this program?", path, err)
	}
	return m, errors.Join(err, db.Close())
}
