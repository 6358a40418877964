package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// notifier is somebody who tells this service of nodes that may have changed.
type notifier struct {
	// path is where it sends, here is this service as it reaches it.
	path, here string
	// receive passes on what it sends, keep sees to it that it does, until its
	// context ends.
	receive func(hint func(nodes ...string)) http.Handler
	keep    func(ctx context.Context, here string, log *slog.Logger)
}

// notifiers are those that the settings ask for.
func notifiers(settings config.Config, inventory, power any) (all []notifier) {
	if h, ok := inventory.(*hsm.Client); ok && settings.Inventory.Notifications != "" {
		all = append(all, notifier{hsm.NotificationsPath, settings.Inventory.Notifications, hsm.Notifications, h.KeepSubscribed})
	}
	if bmcs, ok := power.(*redfish.Client); ok && settings.Power.Redfish.Events != "" {
		all = append(all, notifier{redfish.EventsPath, settings.Power.Redfish.Events, bmcs.Events, bmcs.KeepSubscribed})
	}
	return all
}

// withNotifiers serves what they send beside the API.
func withNotifiers(api http.Handler, all []notifier, hint func(nodes ...string)) http.Handler {
	if len(all) == 0 {
		return api
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	for _, n := range all {
		mux.Handle(n.path, n.receive(hint))
	}
	return mux
}

// keep keeps the subscriptions until ctx ends or the function is called, which
// waits for the end.
func keep(ctx context.Context, all []notifier, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	for _, n := range all {
		kept.Go(func() { n.keep(ctx, n.here, log) })
	}
	return func() {
		cancel()
		kept.Wait()
	}
}
