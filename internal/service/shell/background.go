package shell

import (
	"context"
	"sync/atomic"
)

// inBackground has run go on beside the passes until stop is called, also when ctx has
// ended; stop returns when none of it is under way.
func inBackground(ctx context.Context, runtime Runtime, run func(context.Context)) (stop func()) {
	ctx, cancel := runtime.Cancellable(context.WithoutCancel(ctx))
	ended := runtime.Signal()
	var over atomic.Bool
	runtime.Go(func() {
		defer ended.Raise()
		defer over.Store(true)
		run(ctx)
	})
	return func() {
		cancel()
		for !over.Load() {
			ended.Wait(context.Background(), never)
		}
	}
}
