// Package databases has what a benchmark compares: SQLite, and a PostgreSQL that it
// starts. What is answered is on the disk in both.
package databases

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// The databases, as they are called where they are printed.
const (
	SQLite     = "SQLite"
	PostgreSQL = "PostgreSQL"
)

// Most is what PostgreSQL may take, in times of what SQLite does.
const Most = 2

// ErrMissed says that a bar does not hold.
var ErrMissed = errors.New("PostgreSQL takes more than twice as long as SQLite where the table says missed")

// durable are the settings of the PostgreSQL that is measured: what Debian's has by itself.
// What is answered is on the disk, as it is in SQLite, which synchronises its log with each
// commit.
var durable = []string{"fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=128MB"}

// Databases are those that are measured.
type Databases struct {
	// Names are those of the columns.
	Names []string
	// Servers are their addresses, empty for SQLite.
	Servers []string
	// server is nil where none was started.
	server *postgrestest.Server
}

// Start starts what is to be measured: sqlite, postgres, or both, which is SQLite alone
// where there is no PostgreSQL.
func Start(which string) (*Databases, error) {
	d := &Databases{}
	switch which {
	case "sqlite", "postgres", "both":
	default:
		return nil, fmt.Errorf("-database %q: write sqlite, postgres or both", which)
	}
	if which != "postgres" {
		d.Names, d.Servers = append(d.Names, SQLite), append(d.Servers, "")
	}
	switch {
	case which == "sqlite":
		return d, nil
	case !postgrestest.Installed() && which == "both":
		fmt.Fprintln(os.Stderr, "there is no PostgreSQL here, so SQLite is measured alone; the package postgresql-15 has it")
		return d, nil
	case !postgrestest.Installed():
		return nil, errors.New("there is no PostgreSQL here; the package postgresql-15 has it")
	}
	server, err := postgrestest.Start(durable...)
	if err != nil {
		return nil, err
	}
	d.server = server
	d.Names, d.Servers = append(d.Names, PostgreSQL), append(d.Servers, server.Address())
	return d, nil
}

// New is a new database of one of the servers: its connection string, or a name for a file.
func New(ctx context.Context, server, file string) (string, error) {
	if server == "" {
		return file, nil
	}
	return postgrestest.Fresh(ctx, server)
}

// Size is what a database that New has named has on the disk, in bytes.
func Size(ctx context.Context, server, database string) (int64, error) {
	if server != "" {
		return postgrestest.Size(ctx, database)
	}
	info, err := os.Stat(database)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Stop ends what was started.
func (d *Databases) Stop() error {
	if d.server == nil {
		return nil
	}
	return d.server.Close()
}

// Say says how they are set.
func (d *Databases) Say() string {
	if d.server == nil {
		return ""
	}
	return fmt.Sprintf("SQLite: journal_mode=WAL synchronous=FULL\nPostgreSQL: %s, over a Unix socket\n", strings.Join(durable, " "))
}

// WatchMemory watches what the PostgreSQL has in memory, all its processes together. It
// returns what ends the watch and tells the most that was seen; ok is false where there is
// none.
func (d *Databases) WatchMemory() (most func() int64, ok bool) {
	if d.server == nil {
		return func() int64 { return 0 }, false
	}
	stop, seen := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		highest := memoryOf(d.server.Processes())
		for {
			select {
			case <-tick.C:
				highest = max(highest, memoryOf(d.server.Processes()))
			case <-stop:
				seen <- highest
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-seen }, true
}

// memoryOf is what processes have in memory together, by their ids: each page that they
// share counts once. 0 where the system does not say.
func memoryOf(pids []int) (sum int64) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			var kib int64
			if _, err := fmt.Sscanf(line, "Pss: %d kB", &kib); err == nil {
				sum += kib << 10
			}
		}
	}
	return sum
}
