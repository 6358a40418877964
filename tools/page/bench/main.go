// Command bench measures what the page costs whoever looks at it, and the service, and
// prints each figure beside its aim. It ends with an error that names those that missed
// theirs. The service and its room are real, with
// authentication on; a burst of changes at one moment is played.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/tools/page/browser"
	"github.com/bootorch/terraform-provider-bos/tools/page/room"
)

func main() {
	nodes := flag.Int("nodes", 10000, "nodes of the room")
	restarts := flag.Int("restarts", 100, "how often the service is killed under the page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *nodes, *restarts); err != nil {
		fmt.Fprintln(os.Stderr, err)
		if errors.Is(err, browser.ErrNone) {
			fmt.Fprintln(os.Stderr, "nothing was measured")
		}
		os.Exit(1)
	}
}

// bench is what is measured with.
type bench struct {
	nodes   int
	chrome  *browser.Browser
	room    *room.Room
	figures []figures.Figure
}

func (b *bench) add(what string, value float64, unit figures.Unit, aim figures.Aim) {
	b.figures = append(b.figures, figures.Figure{What: what, Nodes: b.nodes, Value: value, Unit: unit, Aim: aim})
}

func run(ctx context.Context, nodes, restarts int) error {
	dir, err := os.MkdirTemp("", "bos-page")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of temporary files
	chrome, end, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer end()
	b := &bench{nodes: nodes, chrome: chrome}
	err = b.all(ctx, dir, restarts)
	if b.room != nil {
		b.room.Close()
	}
	return errors.Join(figures.Print(os.Stdout, b.figures), err, figures.Missed(b.figures))
}

// all measures one thing after the other, until one cannot be.
func (b *bench) all(ctx context.Context, dir string, restarts int) error {
	if err := b.burst(ctx); err != nil {
		return fmt.Errorf("a burst of changes: %w", err)
	}
	program, err := room.Build(ctx, dir)
	if err != nil {
		return err
	}
	if b.room, err = room.Start(ctx, program, dir, b.nodes, "--power", "pcs"); err != nil {
		return err
	}
	if err := b.room.Template(ctx, b.nodes); err != nil {
		return err
	}
	for _, part := range []struct {
		what    string
		measure func(context.Context) error
	}{
		{"viewers", b.viewers}, {"a page", b.page}, {"restarts", func(ctx context.Context) error { return b.restarts(ctx, restarts) }},
	} {
		if err := part.measure(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.what, err)
		}
	}
	return nil
}
