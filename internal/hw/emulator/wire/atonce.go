package wire

import "sync"

// AtOnce counts the requests that each BMC is answering at a moment. A BMC of a
// real site stumbles over more than one.
type AtOnce struct {
	mu   sync.Mutex
	of   map[string]int
	most int
}

// Begin is that a request has come.
func (a *AtOnce) Begin(bmc string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of == nil {
		a.of = make(map[string]int)
	}
	a.of[bmc]++
	a.most = max(a.most, a.of[bmc])
}

// End is that it is answered.
func (a *AtOnce) End(bmc string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.of[bmc]--; a.of[bmc] == 0 {
		delete(a.of, bmc)
	}
}

// Most is how many requests a single one had to answer at once, since the start.
func (a *AtOnce) Most() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.most
}
