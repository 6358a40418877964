package sim

import (
	"errors"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// longestBrake is how long a pause or a hold lasts at most.
const longestBrake = 5 * time.Minute

// brake puts a pause or a hold on something, and takes it off after a while.
func (w *World) brake() {
	var set func(bos.Brake)
	switch w.rng.IntN(3) {
	case 0:
		set = w.pauseSite
		if w.inWork() {
			w.happened(SitePaused)
		}
	case 1:
		if len(w.check.sessions) == 0 {
			return
		}
		key := w.check.sessions[w.rng.IntN(len(w.check.sessions))]
		if w.open[key] && w.inWork() {
			w.happened(SessionPaused)
		}
		set = func(b bos.Brake) { w.pauseSession(key, b) }
	default:
		ids := w.someNodes()
		id := ids[w.rng.IntN(len(ids))]
		set = func(b bos.Brake) { w.hold(id, b) }
		if w.inWork(id) {
			w.happened(NodeHeld)
		}
	}
	w.check.braked = true
	w.check.stops++
	set(bos.NewBrake("by chance", "sim", w.wall()))
	over := w.Now.Add(time.Duration(w.rng.Int64N(int64(longestBrake))))
	w.whenServed(over, func() {
		w.check.stops++
		set(bos.Brake{})
	})
}

// planBrakes puts those on, and takes them off, that the configuration has.
func (w *World) planBrakes() {
	for _, a := range w.config.Paused {
		w.whenServed(Epoch.Add(a.From), func() {
			if w.inWork() {
				w.happened(SitePaused)
			}
			w.pauseSite(bos.NewBrake("as planned", "sim", w.wall()))
		})
		w.whenServed(Epoch.Add(a.From+a.For), func() { w.pauseSite(bos.Brake{}) })
	}
	if id := w.config.Held; id != "" {
		w.whenServed(Epoch.Add(3*time.Second/2), func() { w.hold(id, bos.NewBrake("as planned", "sim", w.wall())) })
		w.whenServed(Epoch.Add(10*time.Minute), func() { w.hold(id, bos.Brake{}) })
	}
}

// pauseSite is POST /x/v1/pause or /resume.
func (w *World) pauseSite(b bos.Brake) {
	pause, err := w.store.MutateSitePause(w.ctx, func(is *bos.Brake) error { *is = b; return nil })
	if err != nil {
		w.violated("pause: %s", err)
	}
	w.check.pause(b.On())
	if w.blind() {
		pause = bos.SitePause{}
	}
	w.wrote(shell.Change{SitePause: &pause})
}

// pauseSession is the same of a session.
func (w *World) pauseSession(key bos.SessionKey, b bos.Brake) {
	rec, err := w.store.MutateSession(w.ctx, key, func(s *bos.SessionRecord) error {
		if s.Status.Status == bos.SessionComplete {
			return bos.ErrSkip
		}
		s.Paused = b
		return nil
	})
	switch {
	case errors.Is(err, bos.ErrNotFound), errors.Is(err, bos.ErrSkip):
		return
	case err != nil:
		w.violated("pause %s: %s", key.Name, err)
	}
	w.wrote(shell.Change{Sessions: []bos.SessionKey{key}, Paused: []bos.SessionRecord{rec}})
}

// hold is PUT or DELETE /x/v1/components/ID/hold.
func (w *World) hold(id string, b bos.Brake) {
	written, err := w.store.MutateComponents(w.ctx, []string{id}, func(r *bos.Record, exists bool) error {
		if !exists {
			return bos.ErrSkip
		}
		r.Held = b
		return nil
	})
	if err != nil {
		w.violated("hold %s: %s", id, err)
	}
	w.wrote(shell.Change{Records: written})
}
