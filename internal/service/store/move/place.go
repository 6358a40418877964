package move

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
)

// Place is a database as a command names it: sqlite:FILE or postgres://...
type Place struct {
	// File is a database file; DSN a PostgreSQL. One of them is empty.
	File, DSN string
	// Password is asked for that of the PostgreSQL; it may be nil.
	Password func() (string, error)
}

// ParsePlace reads one.
func ParsePlace(text string) (Place, error) {
	file, is := strings.CutPrefix(text, "sqlite:")
	switch {
	case is && file != "":
		return Place{File: file}, nil
	case postgres.Is(text):
		return Place{DSN: text}, nil
	default:
		return Place{}, fmt.Errorf("it names no database; use sqlite:FILE or postgres://user@host/database")
	}
}

// String is the place without user and password.
func (p Place) String() string {
	if p.File != "" {
		return "sqlite:" + p.File
	}
	return postgres.Name(p.DSN)
}

func (p Place) open(ctx context.Context) (side, error) {
	if p.File != "" {
		return openFile(ctx, p.File)
	}
	return openPostgres(ctx, p)
}
