package service

import (
	"log/slog"
	"net/http"

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

// signs are the signs of life for the metrics.
func (s *Service) signs() metrics.Facts {
	v := s.shell.Vitals()
	return metrics.Facts{
		Drives: v.Drives, Acts: v.Acts, Fence: v.Fence, Pass: v.Pass, Engine: v.Engine, InFlight: s.shell.InFlight(), Position: v.Position,
		InventoryRead: v.InventoryRead, Inventory: v.Inventory, BMCs: v.BMCs.Known, Bad: v.BMCs.Bad,
	}
}

// Log is the log as the option logging_level filters it.
func (s *Service) Log() *slog.Logger { return s.config.Log }
