package emulator

import (
	"maps"
	"net/http"
	"sync"
)

// requestsPath answers how often each route was asked, as a JSON object; that
// of the BMCs is counted by method alone. DELETE begins anew.
const requestsPath = "/emulator/requests"

// counts is how often each route was asked.
type counts struct {
	mu sync.Mutex
	of map[string]int
}

func (c *counts) add(route string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = make(map[string]int)
	}
	c.of[route]++
}

func (c *counts) take(reset bool) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := maps.Clone(c.of)
	if reset {
		clear(c.of)
	}
	return taken
}

// counted counts the requests by the routes of a mux before next gets them.
func (c *counts) counted(mux *http.ServeMux, next http.Handler) http.Handler {
	mux.HandleFunc(requestsPath, func(w http.ResponseWriter, r *http.Request) {
		answer(w, http.StatusOK, c.take(r.Method == http.MethodDelete))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != requestsPath {
			_, route := mux.Handler(r)
			c.add(route)
		}
		next.ServeHTTP(w, r)
	})
}

// Requests is how often each route of the services was asked, and each method
// of the BMCs, since the start or since the last call with reset.
func (s *Server) Requests(reset bool) map[string]int { return s.counts.take(reset) }
