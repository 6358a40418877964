package service

import "sync"

// flights are the batches of power actions under way, by session, so that a
// session that ends early (it was cancelled) starts nothing more.
type flights struct {
	mu  sync.Mutex
	all map[string]map[*flight]bool
}

type flight struct {
	session string
	halt    chan struct{}
}

func (f *flights) begin(session string) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all == nil {
		f.all = make(map[string]map[*flight]bool)
	}
	if f.all[session] == nil {
		f.all[session] = make(map[*flight]bool)
	}
	begun := &flight{session, make(chan struct{})}
	f.all[session][begun] = true
	return begun
}

func (f *flights) end(over *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all[over.session], over)
	if len(f.all[over.session]) == 0 {
		delete(f.all, over.session)
	}
}

// halt stops what a session has not begun. Nodes of a namesake, another
// tenant's session, are set back for a moment and tried again.
func (f *flights) halt(session string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f := range f.all[session] {
		close(f.halt)
	}
	delete(f.all, session)
}
