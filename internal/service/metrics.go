package service

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
	"github.com/bootorch/terraform-provider-bos/internal/service/shell"
)

// observer counts what the shell does; nil where nobody counts.
func (s *Service) observer() shell.Observer {
	if s.config.Metrics == nil {
		return nil
	}
	s.config.Metrics.Watch(s.signs)
	return s.config.Metrics
}

// scraped answers GET /metrics; nil where nobody counts.
func (s *Service) scraped() http.Handler {
	if s.config.Metrics == nil {
		return nil
	}
	return s.config.Metrics
}

// sessionsPatience is how long a scrape waits until it is known how far sessions are: a
// database that does not answer keeps no other figure back.
const sessionsPatience = time.Second

// sessionFacts are those of the sessions that are not over. They are left out where that
// takes too long, and no second question is asked before the first is answered.
func (s *Service) sessionFacts(into *metrics.Facts) {
	if !s.asking.CompareAndSwap(false, true) {
		return
	}
	type answer struct {
		list []bos.StreamSession
		all  int
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		defer s.asking.Store(false)
		list, all, err := s.board.Running(context.Background(), metrics.MostSessions)
		answered <- answer{list, all, err}
	}()
	late := time.NewTimer(sessionsPatience)
	defer late.Stop()
	select {
	case <-late.C:
	case is := <-answered:
		into.SessionsRead, into.Open = is.err == nil, is.all
		for i := range is.list {
			one := metrics.Session{Tenant: is.list[i].Tenant, Name: is.list[i].Name, Stragglers: is.list[i].Stragglers.Count}
			if eta := is.list[i].ETA; eta > 0 {
				one.Over = time.Unix(eta, 0)
			}
			into.Sessions = append(into.Sessions, one)
		}
	}
}

// drives notes whether this service drives its database.
func (s *Service) drives(is bool) {
	s.driving.set(is)
	if !is && s.config.Metrics != nil {
		s.config.Metrics.Left()
	}
}

// signs are the signs of life for the metrics. How far sessions are says the service that
// drives them, and no other on its database.
func (s *Service) signs() metrics.Facts {
	v := s.shell.Vitals()
	is := metrics.Facts{
		Drives: v.Drives, Acts: v.Acts, Fence: v.Fence, Pass: v.Pass, Engine: v.Engine, InFlight: s.shell.InFlight(), Position: v.Position,
		InventoryRead: v.InventoryRead, Inventory: v.Inventory, BMCs: v.BMCs.Known, Bad: v.BMCs.Bad,
	}
	if v.Drives {
		s.sessionFacts(&is)
	}
	return is
}

// Log is the log as the option logging_level filters it.
func (s *Service) Log() *slog.Logger { return s.config.Log }
