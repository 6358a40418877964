// Command bench prints what the service's records and API cost at several
// sizes of site: the median latency of the calls that people and nodes make,
// reports per second that are durable before their answer, what the disk needs
// for one fsync, and the memory in use.
//
// It drives the real handler over a real database and loopback sockets, with the records
// in SQLite and in a PostgreSQL that it starts, side by side.
// Hardware, the engine and its clock are not part of it, but of the last figures: how
// long a session of all nodes takes to be set up while nodes report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

type flags struct {
	sizes    string
	repeat   int
	clients  int
	rounds   int
	seconds  float64
	dir      string
	profile  string
	database string
	strict   bool
	run      string
	// room and server are of a process that is one side of the measurement.
	room   int
	server string
}

func main() {
	var f flags
	flag.StringVar(&f.sizes, "sizes", "1000,10000,100000", "how many components, a comma list")
	flag.IntVar(&f.repeat, "repeat", 9, "how often each call is made; the median is printed")
	flag.IntVar(&f.rounds, "rounds", 1, "how often each of these medians is had, on the databases in turn; the best is printed, for a machine on which other things go on")
	flag.IntVar(&f.clients, "clients", 16, "how many nodes report at the same time")
	flag.Float64Var(&f.seconds, "seconds", 3, "how long they report")
	flag.StringVar(&f.dir, "dir", "", "where the databases are made (default: the system's folder for temporary files)")
	flag.StringVar(&f.profile, "profile", "", "write CPU profiles to files that begin so")
	flag.StringVar(&f.database, "database", "both", "sqlite, postgres or both, side by side; both is SQLite alone where there is no PostgreSQL")
	flag.BoolVar(&f.strict, "strict", false, "fail if PostgreSQL takes more than twice as long as SQLite for anything")
	flag.StringVar(&f.run, "run", "", "measure only figures that match this regular expression")
	flag.IntVar(&f.room, "room", 0, "be one side of the measurement, of so many components")
	flag.StringVar(&f.server, "server", "", "the PostgreSQL of that side")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := run
	if f.room > 0 {
		do = func(ctx context.Context, out io.Writer, f flags) error {
			return profiled(f, func() error { return obey(ctx, f.room, f, os.Stdin, out) })
		}
	}
	if err := do(ctx, os.Stdout, f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// profiled does something, and writes a CPU profile of it if one is wanted.
func profiled(f flags, do func() error) error {
	if f.profile == "" {
		return do()
	}
	name := f.profile + "-" + strings.ToLower(databases.SQLite)
	if f.server != "" {
		name = f.profile + "-" + strings.ToLower(databases.PostgreSQL)
	}
	file, err := os.Create(fmt.Sprintf("%s-%d", name, f.room))
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // a profile
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return do()
}

func run(ctx context.Context, out io.Writer, f flags) (err error) {
	var sizes []int
	for text := range strings.SplitSeq(f.sizes, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || size < 1 {
			return fmt.Errorf("-sizes %q: %q is no number of components; write it like 1000,10000", f.sizes, text)
		}
		sizes = append(sizes, size)
	}
	if f.rounds < 1 {
		return fmt.Errorf("-rounds %d: a figure is measured once at least", f.rounds)
	}
	wanted, err := regexp.Compile(f.run)
	if err != nil {
		return fmt.Errorf("-run %q: %w", f.run, err)
	}
	where, err := databases.Start(f.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, where.Stop()) }()
	table := figures.Table{Columns: where.Names}
	for _, size := range sizes {
		measured, err := measure(ctx, size, where, wanted, f)
		if err != nil {
			return fmt.Errorf("%d components: %w", size, err)
		}
		table.Rows = append(table.Rows, measured...)
	}
	if _, err := io.WriteString(out, where.Say()); err != nil {
		return err
	}
	if err := table.Print(out); err != nil {
		return err
	}
	if f.strict && table.Missed() {
		return databases.ErrMissed
	}
	return nil
}
