// Command reboot prints what the service adds to a reboot: how long a session
// takes beyond what its slowest node physically needs, with the service and an
// emulated machine room as two processes on this machine, and what processor
// time and memory the service needs for it.
//
// The nodes' own need is taken from the same emulated room under virtual time,
// where every reset comes the moment it is possible.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

type flags struct {
	binary    string
	sizes     string
	power     string
	perBMC    int
	powerTime time.Duration
	bootTime  time.Duration
	seed      uint64
	repeat    int
	patience  time.Duration
	logs      string
}

func main() {
	var f flags
	flag.StringVar(&f.binary, "binary", "bin/terraform-provider-bos", "the program to measure")
	flag.StringVar(&f.sizes, "sizes", "100,1000,6000,10000", "how many nodes, a comma list")
	flag.StringVar(&f.power, "power", "pcs,redfish", "ways of power control, a comma list of pcs and redfish")
	flag.IntVar(&f.perBMC, "nodes-per-bmc", 1, "nodes that share a BMC")
	flag.DurationVar(&f.powerTime, "power-time", time.Second, "how long power takes to change")
	flag.DurationVar(&f.bootTime, "boot-time", 3*time.Second, "how long a node takes from power to its report")
	flag.Uint64Var(&f.seed, "seed", 1, "seed of the nodes' own pace")
	flag.IntVar(&f.repeat, "repeat", 3, "reboots at each size; the one with the median overhead is printed")
	flag.DurationVar(&f.patience, "patience", 10*time.Minute, "how long one session may take")
	flag.StringVar(&f.logs, "logs", "", "keep the logs of both processes in this folder")
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
	var all []figures.Figure
	var details strings.Builder
	for power := range strings.SplitSeq(f.power, ",") {
		for text := range strings.SplitSeq(f.sizes, ",") {
			size, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil || size < 1 {
				return fmt.Errorf("-sizes %q: %q is no number of nodes; write it like 1000,10000", f.sizes, text)
			}
			measured, requests, err := measure(ctx, f, power, size)
			if err != nil {
				return fmt.Errorf("%d nodes through %s: %w", size, power, err)
			}
			all = append(all, measured...)
			fmt.Fprintf(&details, "requests of one reboot of %d nodes through %s:\n", size, power)
			for _, route := range slices.Sorted(maps.Keys(requests)) {
				fmt.Fprintf(&details, "%8d %s\n", requests[route], route)
			}
		}
	}
	if err := figures.Print(out, all); err != nil {
		return err
	}
	_, err := io.WriteString(out, details.String())
	return err
}
