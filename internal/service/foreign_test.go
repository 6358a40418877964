package service

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// failedOver is a store that lost, by a failover, that the site was paused.
type failedOver struct {
	bos.Store
	lost, told atomic.Bool
}

func (f *failedOver) SitePause(ctx context.Context) (bos.SitePause, error) {
	if f.lost.Load() {
		return bos.SitePause{}, nil
	}
	return f.Store.SitePause(ctx)
}

func (f *failedOver) Changes(ctx context.Context, after int64) (bos.Changes, error) {
	if f.lost.Load() && after > 0 && f.told.CompareAndSwap(false, true) {
		return bos.Changes{Newest: after, All: true, Foreign: true}, nil
	}
	return f.Store.Changes(ctx, after)
}

// TestWhatAFailoverHasLostIsNotActedOn: it was written under a newer revision than what there
// is now.
func TestWhatAFailoverHasLostIsNotActedOn(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.end()
		f := &failedOver{Store: w.store}
		w.config.Store = f
		w.start()
		w.must("POST", "/x/v1/pause", object{"reason": "it will be lost"})
		w.session("s", "boot", "t", "")
		w.advance(time.Minute)
		if len(w.calls) > 0 {
			t.Errorf("sent were %v while the site was paused", w.calls)
		}
		f.lost.Store(true)
		if s := w.complete("s"); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
	})
}
