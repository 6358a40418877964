package service

import "github.com/bootorch/terraform-provider-bos/internal/service/health"

// health is what is known of this service, but for its database.
func (s *Service) health() health.Facts {
	v := s.shell.Vitals()
	f := health.Facts{
		Runs: s.driving.runs.Load(), Drives: v.Drives, Follows: s.driving.follows.Load(), Pass: v.Pass, Engine: v.Engine,
		InventoryRead: v.InventoryRead, InventoryAge: v.Inventory, InventoryError: v.InventoryError,
		BMCs: v.BMCs.Known, Bad: v.BMCs.Bad,
	}
	if !f.Drives {
		f.Holder = errNotDriving.Error()
	}
	if s.config.Secrets != nil {
		f.Secrets = s.config.Secrets()
	}
	return f
}

// Live is whether this service works at all, as GET /livez says it.
func (s *Service) Live() health.Report { return health.Live(s.health()) }
