package config

import (
	"fmt"
	"strings"
)

// Shared reports whether the database is one that several services may share, and not
// a file.
func (c Config) Shared() bool {
	return strings.HasPrefix(c.Database, "postgres://") || strings.HasPrefix(c.Database, "postgresql://")
}

// SetDatabase has another database in place of that of the file, as a flag or a variable
// of the environment says, which by names. A file in place of one that services share is
// refused: each of them would drive the nodes by records of its own.
func (c *Config) SetDatabase(database, by string) error {
	if database == "" {
		return nil
	}
	is := c.Database
	shared := c.Shared()
	c.Database = database
	if shared && !c.Shared() {
		c.Database = is
		return fmt.Errorf("the configuration has a PostgreSQL as database, which services share, and %s names %s, of this service alone: "+
			"each would drive the nodes by records of its own; take %s out of what starts this service, or database: out of its configuration", by, database, by)
	}
	return nil
}
