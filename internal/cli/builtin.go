package cli

import (
	"context"
	"fmt"
	"net"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// listenForNodes opens the address that serves boot scripts and nothing else,
// nil where there is none. It need not be loopback: naming it is the statement
// that the network of the nodes may reach it.
func listenForNodes(ctx context.Context, b *config.Builtin) (net.Listener, error) {
	if b == nil || b.Listen == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", b.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for nodes: %w; correct boot_parameters.builtin.listen", err)
	}
	return l, nil
}
