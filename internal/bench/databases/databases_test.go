package databases_test

import (
	"os"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
)

func TestADatabaseThatIsNoneIsRefused(t *testing.T) {
	if _, err := databases.Start("mysql"); err == nil || !strings.Contains(err.Error(), "sqlite, postgres or both") {
		t.Errorf("%v", err)
	}
}

func TestSQLiteNeedsNoServer(t *testing.T) {
	d, err := databases.Start("sqlite")
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/bos.db"
	got, err := databases.New(t.Context(), d.Servers[0], file)
	if _, watched := d.WatchMemory(); err != nil || got != file || watched || d.Say() != "" || len(d.Names) != 1 {
		t.Errorf("%q, %v, %t, %+v", got, err, watched, d)
	}
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it has made the file")
	}
}
