package emulator

import "sync"

// atOnce counts the requests that each BMC is answering at a moment. A BMC of a
// real site stumbles over more than one.
type atOnce struct {
	mu   sync.Mutex
	of   map[string]int
	most int
}

func (a *atOnce) begin(bmc string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[string]int)
	}
	a.of[bmc]++
	a.most = max(a.most, a.of[bmc])
}

func (a *atOnce) end(bmc string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of[bmc]--; a.of[bmc] == 0 {
		delete(a.of, bmc)
	}
}

// MostAtOnce is how many requests a single BMC had to answer at once, since the
// start: that of the BMC with the most.
func (s *Server) MostAtOnce() int {
	s.atOnce.mu.Lock()
	defer s.atOnce.mu.Unlock()
	return s.atOnce.most
}
