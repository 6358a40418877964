package assembly

import (
	"context"
	"log/slog"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// database is a store with what the parts beside the service need of it.
type database interface {
	bos.Store
	bos.HostBoots
	// NodeKey is the key that node tokens are made with.
	NodeKey(ctx context.Context) ([]byte, error)
	// Hold pauses the site, unless it is paused already.
	Hold(ctx context.Context, reason string, now time.Time) error
	// Queue, Newest and Trouble say how its writer is.
	Queue() int
	Newest() int64
	Trouble() error
}

// follower is a database that tells when another process has written to it, and when
// nobody has its lease any more.
type follower interface{ Follow(written, free func()) }

// openDatabase opens what the settings name: a file, or a PostgreSQL.
func openDatabase(ctx context.Context, settings config.Config, log *slog.Logger, counted *metrics.Metrics) (database, error) {
	wrote := func(t tables.Transaction) { counted.Wrote(metrics.Written(t)) }
	if !postgres.Is(settings.Database) {
		return opened(sqlite.Open(ctx, settings.Database, sqlite.Log(log), sqlite.Wrote(wrote)))
	}
	options := []postgres.Option{postgres.Log(log), postgres.Wrote(wrote)}
	if password := settings.Commanded(settings.DatabasePassword()); !password.Empty() {
		options = append(options, postgres.Password(password.Cached()))
	}
	return opened(postgres.Open(ctx, settings.Database, options...))
}

// opened is a database, and none where it could not be opened.
func opened[D database](d D, err error) (database, error) {
	if err != nil {
		return nil, err
	}
	return d, nil
}
