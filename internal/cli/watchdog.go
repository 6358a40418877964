package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/health"
	"github.com/bootorch/terraform-provider-bos/internal/systemd"
)

// signsOfLife gives a service manager that wants them signs of life of the engine, until the
// context ends or what it returns is called.
func signsOfLife(ctx context.Context, live func() health.Report, log *slog.Logger) (stop func()) {
	every := systemd.Watchdog()
	if every == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ticker := time.NewTicker(every)
	go systemd.Live(ctx, ticker.C, func() bool { return well(live(), log) })
	return func() {
		cancel()
		ticker.Stop()
	}
}

// well says in the log why there is no sign of life: the restart that follows is
// otherwise one that nobody can explain.
func well(r health.Report, log *slog.Logger) bool {
	for _, p := range r.Parts {
		if !p.OK {
			log.Error("the service manager is given no sign of life, and restarts this service if that lasts", "part", p.Name, "says", p.Says)
		}
	}
	return r.Well()
}
