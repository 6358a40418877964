// Command bench prints what the service's records and API cost at several
// sizes of site: the median latency of the calls that people and nodes make,
// reports per second that are durable before their answer, what the disk needs
// for one fsync, and the memory in use.
//
// It drives the real handler over a real database and loopback sockets.
// Hardware, the engine and its clock are not part of it, but of the last figures: how
// long a session of all nodes takes to be set up while nodes report.
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

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
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

func run(ctx context.Context, out io.Writer, f flags) error {
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
	var all []figures.Figure
	for text := range strings.SplitSeq(f.sizes, ",") {
		size, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || size < 1 {
			return fmt.Errorf("-sizes %q: %q is no number of components; write it like 1000,10000", f.sizes, text)
		}
		measured, err := measure(ctx, size, f)
		if err != nil {
			return fmt.Errorf("%d components: %w", size, err)
		}
		all = append(all, measured...)
		if measured, err = setup(ctx, size, f); err != nil {
			return fmt.Errorf("a session of %d components: %w", size, err)
		}
		all = append(all, measured...)
	}
	return figures.Print(out, all)
}
