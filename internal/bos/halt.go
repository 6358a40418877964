package bos

import "context"

type haltKey struct{}

// WithHalt gives the calls under ctx a signal to start nothing more: once halt
// is closed, an adapter answers CallNotAttempted for every node that it has not
// begun with, and ends what it has begun. A cancelled context would leave calls
// behind of which nobody knows whether they took effect.
func WithHalt(ctx context.Context, halt <-chan struct{}) context.Context {
	return context.WithValue(ctx, haltKey{}, halt)
}

// Halted reports whether nothing more is to be started.
func Halted(ctx context.Context) bool {
	halt, ok := ctx.Value(haltKey{}).(<-chan struct{})
	if !ok {
		return false
	}
	select {
	case <-halt:
		return true
	default:
		return false
	}
}
