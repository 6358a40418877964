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
	"errors"
	"flag"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

type flags struct {
	binary     string
	sizes      string
	power      string
	cases      string
	caseSizes  string
	hundred    int
	perBMC     int
	powerTime  time.Duration
	bootTime   time.Duration
	configTime time.Duration
	seed       uint64
	repeat     int
	patience   time.Duration
	logs       string
	database   string
	scale      string
	markdown   bool
}

func main() {
	var f flags
	flag.StringVar(&f.binary, "binary", "bin/terraform-provider-bos", "the program to measure")
	flag.StringVar(&f.sizes, "sizes", "100,1000,6000,10000", "how many nodes, a comma list")
	flag.StringVar(&f.power, "power", "pcs,redfish", "ways of power control, a comma list of pcs and redfish")
	flag.StringVar(&f.cases, "cases", "", "more ways to reboot through PCS at -case-sizes, a comma list of "+strings.Join(caseNames(), ", "))
	flag.StringVar(&f.caseSizes, "case-sizes", "1000,10000", "how many nodes in those, a comma list")
	flag.IntVar(&f.hundred, "hundred", 0, "nodes to reboot a hundred times in one process, at a pace of their own; 0 is none")
	flag.IntVar(&f.perBMC, "nodes-per-bmc", 1, "nodes that share a BMC")
	flag.DurationVar(&f.powerTime, "power-time", time.Second, "how long power takes to change")
	flag.DurationVar(&f.bootTime, "boot-time", 3*time.Second, "how long a node takes from power to its report")
	flag.DurationVar(&f.configTime, "config-time", 3*time.Second, "how long CFS takes to configure a node")
	flag.Uint64Var(&f.seed, "seed", 1, "seed of the nodes' own pace")
	flag.IntVar(&f.repeat, "repeat", 3, "reboots at each size; the one with the median overhead is printed")
	flag.DurationVar(&f.patience, "patience", 10*time.Minute, "how long one session may take")
	flag.StringVar(&f.logs, "logs", "", "keep the logs of both processes in this folder")
	flag.StringVar(&f.database, "database", "both", "sqlite, postgres or both, side by side; both is SQLite alone where there is no PostgreSQL")
	flag.StringVar(&f.scale, "scale", "", "measure rooms of these sizes instead, a comma list: discovery, lists, a session of all nodes, memory, a move")
	flag.BoolVar(&f.markdown, "markdown", false, "print that table as Markdown")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	do := run
	if f.scale != "" {
		do = scale
	}
	if err := do(ctx, os.Stdout, f); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, out io.Writer, f flags) (err error) {
	where, err := databases.Start(f.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, where.Stop()) }()
	table := figures.Table{Columns: where.Names}
	var details strings.Builder
	each := func(sizes string, r room) error {
		for text := range strings.SplitSeq(sizes, ",") {
			size, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil || size < 1 {
				return fmt.Errorf("%q: %q is no number of nodes; write it like 1000,10000", sizes, text)
			}
			var requests map[string]int
			err = beside(&table, where, func(server string) (measured []figures.Row, err error) {
				measured, requests, err = measure(ctx, f, r, size, server)
				return measured, err
			})
			if err != nil {
				return fmt.Errorf("%s of %d nodes: %w", r, size, err)
			}
			fmt.Fprintf(&details, "requests of one %s of %d nodes:\n", r, size)
			for _, route := range slices.Sorted(maps.Keys(requests)) {
				fmt.Fprintf(&details, "%8d %s\n", requests[route], route)
			}
		}
		return nil
	}
	for power := range listed(f.power) {
		if err := each(f.sizes, room{power: power}); err != nil {
			return err
		}
	}
	for name := range listed(f.cases) {
		r, ok := cases[name]
		if !ok {
			return fmt.Errorf("-cases %q: there is no %q; the cases are %s", f.cases, name, strings.Join(caseNames(), ", "))
		}
		if err := each(f.caseSizes, r); err != nil {
			return err
		}
	}
	if f.hundred > 0 {
		if err := beside(&table, where, func(server string) ([]figures.Row, error) { return hundred(ctx, f, server) }); err != nil {
			return fmt.Errorf("a hundred reboots of %d nodes: %w", f.hundred, err)
		}
	}
	if _, err := io.WriteString(out, where.Say()); err != nil {
		return err
	}
	if err := table.Print(out); err != nil {
		return err
	}
	_, err = io.WriteString(out, details.String())
	return err
}

// beside measures with each database, and puts what is measured beside each other.
func beside(table *figures.Table, where *databases.Databases, measure func(server string) ([]figures.Row, error)) error {
	from := len(table.Rows)
	for i, server := range where.Servers {
		rows, err := measure(server)
		if err != nil {
			return fmt.Errorf("%s: %w", where.Names[i], err)
		}
		if i == 0 {
			table.Rows = append(table.Rows, rows...)
			continue
		}
		for j := range rows {
			table.Rows[from+j].Values = append(table.Rows[from+j].Values, rows[j].Values...)
		}
	}
	return nil
}

// listed are the words of a comma list, none of an empty one.
func listed(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" && !yield(word) {
				return
			}
		}
	}
}
