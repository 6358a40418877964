package config

import (
	"strings"
	"testing"
)

func TestAFileInPlaceOfADatabaseThatServicesShareIsRefused(t *testing.T) {
	const shared = "postgres://bos@db1.example,db2.example/bos"
	for _, c := range []struct{ is, set, want, says string }{
		{shared, "", shared, ""},
		{shared, "postgres://bos@db3.example/bos", "postgres://bos@db3.example/bos", ""},
		{shared, "/var/lib/bos/bos.db", shared, "each would drive the nodes"},
		{"postgresql://bos@db1.example/bos", "bos.db", "postgresql://bos@db1.example/bos", "take --database out"},
		{"bos.db", "/var/lib/bos/bos.db", "/var/lib/bos/bos.db", ""},
		{"", "bos.db", "bos.db", ""},
	} {
		settings := Config{Database: c.is}
		err := settings.SetDatabase(c.set, "--database")
		if settings.Database != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, set to %q: %q, %v", c.is, c.set, settings.Database, err)
		}
		if err != nil && strings.Contains(err.Error(), ".example") {
			t.Errorf("it tells how to get into a database: %v", err)
		}
	}
}

func TestAFileInTheEnvironmentInPlaceOfADatabaseThatServicesShareIsRefused(t *testing.T) {
	t.Setenv("BOS_DATABASE", "/var/lib/bos/bos.db")
	if _, err := Parse("bos.yaml", "database: postgres://bos@db1.example/bos\n"); err == nil || !strings.Contains(err.Error(), "BOS_DATABASE") {
		t.Errorf("%v", err)
	}
	if c, err := Parse("bos.yaml", "database: bos.db\n"); err != nil || c.Database != "/var/lib/bos/bos.db" {
		t.Errorf("%q, %v", c.Database, err)
	}
}
