package shell

import (
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// brakes are the pauses of the site and of sessions, for calls that are about to be
// sent: one that was decided on before a pause and still waits for its turn is not
// made. Holds of nodes are among what their orders are compared by (flights).
type brakes struct {
	mu       sync.Mutex
	site     bos.SitePause
	sessions map[bos.SessionKey]pausable
}

// pausable is a session that is or was paused.
type pausable struct {
	revision int64
	paused   bool
}

// put takes over what was written or loaded. What is older than what is known is
// passed over: a writer and the feed tell of the same.
func (b *brakes) put(site *bos.SitePause, sessions []bos.SessionRecord, gone []bos.SessionKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if site != nil && site.Revision >= b.site.Revision {
		b.site = *site
	}
	for i := range sessions {
		b.session(&sessions[i])
	}
	for _, key := range gone {
		delete(b.sessions, key)
	}
}

// clear forgets all of them, for what is loaded next.
func (b *brakes) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.site, b.sessions = bos.SitePause{}, nil
}

func (b *brakes) session(s *bos.SessionRecord) {
	key := s.Key()
	known, ok := b.sessions[key]
	switch {
	case !ok && !s.Paused.On(), ok && s.Revision < known.revision:
		return
	case s.Status.Status == bos.SessionComplete:
		delete(b.sessions, key)
		return
	}
	if b.sessions == nil {
		b.sessions = make(map[bos.SessionKey]pausable)
	}
	b.sessions[key] = pausable{s.Revision, s.Paused.On()}
}

// stop reports whether a pause keeps nodes of a session from being acted on.
func (b *brakes) stop(session bos.SessionKey) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.site.On() || b.sessions[session].paused
}
