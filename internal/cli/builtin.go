package cli

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// listenForNodes opens the addresses for the network of the nodes: one that serves
// boot scripts and takes reports, and one that takes reports alone; each is nil where
// there is none. They need not be loopback: naming them is the statement that the
// network of the nodes may reach them.
func listenForNodes(ctx context.Context, settings config.Config) (scripts, reports net.Listener, err error) {
	if b := settings.BootParameters.Builtin; b != nil {
		if scripts, err = listenAt(ctx, "boot_parameters.builtin.listen", b.Listen); err != nil {
			return nil, nil, err
		}
	}
	if reports, err = listenAt(ctx, "report.listen", settings.Report.Listen); err != nil && scripts != nil {
		err = errors.Join(err, scripts.Close())
	}
	return scripts, reports, err
}

func listenAt(ctx context.Context, setting, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for nodes: %w; correct %s", err, setting)
	}
	return l, nil
}
