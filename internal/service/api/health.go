package api

import (
	"context"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
)

// healthz is how BOS v2 says that it works.
type healthz struct {
	DBStatus  string `json:"dbStatus"`
	APIStatus string `json:"apiStatus"`
}

// getHealth answers 200 when the service can work and 503 when its database cannot be
// used or its engine is stuck; the original answers 200 in all cases.
func (s *server) getHealth(w http.ResponseWriter, r *http.Request) error {
	f := s.facts(r.Context())
	switch {
	case f.Database != "":
		return unavailable("dbStatus is not_available, apiStatus is ok: the database cannot be used now; see the log of the service")
	case !health.Live(f).Well():
		return unavailable("dbStatus is ok, apiStatus is ok, but nothing is decided: see GET /livez with a token, and the log of the service")
	}
	return s.answer(w, http.StatusOK, healthz{DBStatus: health.OK, APIStatus: health.OK})
}

// getLive answers 503 where a restart may help: GET /livez. It asks nothing of the
// database: while that hangs, a restart helps nobody, and who waits for this answer restarts.
func (s *server) getLive(w http.ResponseWriter, r *http.Request) error {
	var f health.Facts
	if s.Health != nil {
		f = s.Health()
	}
	return s.tellHealth(w, r, health.Live(f))
}

// getReady answers 503 while what is written is not carried out: GET /readyz.
func (s *server) getReady(w http.ResponseWriter, r *http.Request) error {
	return s.tellHealth(w, r, health.Ready(s.facts(r.Context())))
}

// tellHealth says one word to everybody, and the parts to whom may read records.
func (s *server) tellHealth(w http.ResponseWriter, r *http.Request, found health.Report) error {
	status := http.StatusOK
	if !found.Well() {
		status = http.StatusServiceUnavailable
	}
	if access.Of(r.Context()).May(access.ReadRecords) != nil {
		found.Parts = nil
	}
	w.Header().Set("Cache-Control", "no-store")
	return s.answer(w, status, found)
}

// facts adds what the store says to what the service does.
func (s *server) facts(ctx context.Context) health.Facts {
	var f health.Facts
	if s.Health != nil {
		f = s.Health()
	}
	f.HasInventory = s.Inventory != nil
	if err := s.Store.Ping(ctx); err != nil {
		s.Log.Warn("the database cannot be used", "error", err)
		f.Database = err.Error()
		return f
	}
	if pause, err := s.Store.SitePause(ctx); err == nil {
		f.PausedOn, f.Paused = pause.On(), pause.Reason
	}
	return f
}

// getMetrics answers a scrape of Prometheus.
func (s *server) getMetrics(w http.ResponseWriter, r *http.Request) error {
	if s.Metrics == nil {
		return notFound("This service counts nothing; serve does")
	}
	w.Header().Set("Cache-Control", "no-store")
	s.Metrics.ServeHTTP(w, r)
	return nil
}
