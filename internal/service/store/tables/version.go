package tables

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// NewestVersion is the version that migrations, which are in a folder of that name, bring
// a database to.
func NewestVersion(files fs.FS) (newest int64, err error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		return 0, errors.Join(err, errors.New("this program has no migrations"))
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("the migration %s has no number: %w", name, err)
		}
		newest = max(newest, version)
	}
	return newest, nil
}
