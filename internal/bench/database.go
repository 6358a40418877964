package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// store is an open database.
type store struct {
	bos.Store
	close func() error
	// bytes is what it has on the disk.
	bytes func(ctx context.Context) (int64, error)
	// ask asks it for nothing; nil where no question leaves the process.
	ask func(ctx context.Context) error
}

// open opens a new database: a file in dir, or a schema of a PostgreSQL.
func open(ctx context.Context, dir, server string) (*store, error) {
	database, err := databases.New(ctx, server, filepath.Join(dir, "bos.db"))
	if err != nil {
		return nil, err
	}
	bytes := func(ctx context.Context) (int64, error) { return databases.Size(ctx, server, database) }
	if server == "" {
		opened, err := sqlite.Open(ctx, database)
		if err != nil {
			return nil, err
		}
		return &store{opened, opened.Close, bytes, nil}, nil
	}
	opened, err := postgres.Open(ctx, database)
	if err != nil {
		return nil, err
	}
	beside, err := postgres.Connect(database, nil)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	beside.SetMaxOpenConns(1)
	ask := func(ctx context.Context) error {
		var one int
		return beside.QueryRowContext(ctx, "SELECT 1").Scan(&one)
	}
	return &store{opened, func() error { return errors.Join(beside.Close(), opened.Close()) }, bytes, ask}, nil
}
