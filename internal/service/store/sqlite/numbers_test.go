package sqlite

import (
	"io/fs"
	"strings"
	"testing"
)

func TestEachMigrationHasANumberOfItsOwn(t *testing.T) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	taken := make(map[string]string)
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if other := taken[number]; other != "" {
			t.Errorf("%s and %s have the same number; give one the next", other, name)
		}
		taken[number] = name
	}
}
