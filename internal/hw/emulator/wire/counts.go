package wire

import (
	"maps"
	"net/http"
	"sync"
)

// RequestsPath answers how often each route was asked, as a JSON object; that
// of the BMCs is counted by method alone. DELETE begins anew.
const RequestsPath = "/emulator/requests"

// Counts is how often each route was asked.
type Counts struct {
	mu sync.Mutex
	of map[string]int
}

// Add counts one.
func (c *Counts) Add(route string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]int)
	}
	c.of[route]++
}

// Take is how often each was asked since the start, or since the last call with
// reset.
func (c *Counts) Take(reset bool) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := maps.Clone(c.of)
	if reset {
		clear(c.of)
	}
	return taken
}

// Counted counts the requests by the routes of a mux before next gets them.
func (c *Counts) Counted(mux *http.ServeMux, next http.Handler) http.Handler {
	mux.HandleFunc(RequestsPath, func(w http.ResponseWriter, r *http.Request) {
		Answer(w, http.StatusOK, c.Take(r.Method == http.MethodDelete))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != RequestsPath {
			_, route := mux.Handler(r)
			c.Add(route)
		}
		next.ServeHTTP(w, r)
	})
}
