// Command bench prints what the service's records and API cost at several
// sizes of site: a line per size with the median latency of the calls that
// people and nodes make, reports per second that are durable before their
// answer, what the disk needs for one fsync, and the memory in use.
//
// It drives the real handler over a real database and loopback sockets.
// Hardware, the engine and its clock are not part of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

type flags struct {
	sizes   string
	repeat  int
	clients int
	seconds float64
	dir     string
	profile string
}

func main() {
	var f flags
	flag.StringVar(&f.sizes, "sizes", "1000,10000,100000", "how many components, a comma list")
	flag.IntVar(&f.repeat, "repeat", 9, "how often each call is made; the median is printed")
	flag.IntVar(&f.clients, "clients", 16, "how many nodes report at the same time")
	flag.Float64Var(&f.seconds, "seconds", 3, "how long they report")
	flag.StringVar(&f.dir, "dir", "", "where the databases are made (default: the system's folder for temporary files)")
	flag.StringVar(&f.profile, "profile", "", "write a CPU profile to this file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// columns are the figures of one line, in order.
var columns = []string{
	"components", "load", "GET all", "GET session", "GET 1", "PATCH all", "PATCH by session", "status", "POST session",
	"reports/s", "fsync p50", "memory", "memory peak", "database",
}

func run(ctx context.Context, out io.Writer, f flags) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	if _, err := fmt.Fprintln(table, strings.Join(columns, "\t")+"\t"); err != nil {
		return err
	}
	if f.profile != "" {
		file, err := os.Create(f.profile)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // a profile
		if err := pprof.StartCPUProfile(file); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for text := range strings.SplitSeq(f.sizes, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || size < 1 {
			return fmt.Errorf("-sizes %q: %q is no number of components; write it like 1000,10000", f.sizes, text)
		}
		line, err := measure(ctx, size, f)
		if err != nil {
			return fmt.Errorf("%d components: %w", size, err)
		}
		if _, err := fmt.Fprintln(table, strings.Join(line, "\t")+"\t"); err != nil {
			return err
		}
	}
	return table.Flush()
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
