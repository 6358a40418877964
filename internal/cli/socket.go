package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// socketMode lets the service's user and group connect. What they may do is asked then.
const socketMode = 0o660

// listenSocket opens the socket of the API, nil without a path. One that a service left
// which ended in a hurry is replaced, one where somebody answers is not.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	if err := clearSocket(ctx, path); err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the socket: %w; choose another --socket, in a folder that this user may write", err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return edge.Bound(l, maxClients, 0), nil
}

func clearSocket(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("--socket %q is a file that is no socket; choose another path, or remove it", path)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err == nil {
		return errors.Join(fmt.Errorf("another service answers on --socket %q; stop it, or choose another path", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("--socket %q is there, and whether a service answers on it is not known: %w", path, err)
	}
	return os.Remove(path)
}
