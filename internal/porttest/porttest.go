// Package porttest has ports for programs of tests that are told theirs before they run.
package porttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
)

// The ports are below those that Linux, macOS and Windows give to whoever asks for any
// one, or connects: such a one may be another's before the program has it.
const (
	lowest = 10_000
	beyond = 32_768
	tries  = 1000
)

// Free is a port at which nobody listens on 127.0.0.1, and which the system gives to nobody.
func Free() (int, error) {
	var last error
	for range tries {
		port := lowest + rand.IntN(beyond-lowest) //nolint:gosec // chance, and no secret
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			return port, l.Close()
		}
		last = err
	}
	return 0, fmt.Errorf("no port from %d to %d is free: %w", lowest, beyond-1, last)
}
