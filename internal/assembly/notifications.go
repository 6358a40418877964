package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// notifier is somebody who tells this service of nodes that may have changed.
type notifier struct {
	// path is where it sends, here is this service as it reaches it.
	path, here string
	// most bounds one message, in bytes.
	most int64
	// receive passes on what it sends, keep sees to it that it does, until its
	// context ends.
	receive func(hint func(nodes ...string)) http.Handler
	keep    func(ctx context.Context, here string, shared bool, log *slog.Logger)
}

// notifiers are those that the settings ask for.
func notifiers(settings config.Config, inventory, power any) (all []notifier) {
	if h, ok := inventory.(*hsm.Client); ok && settings.Inventory.Notifications != "" {
		all = append(all, notifier{hsm.NotificationsPath, settings.Inventory.Notifications, hsm.MaxNotification, hsm.Notifications, h.KeepSubscribed})
	}
	if bmcs, ok := power.(*redfish.Client); ok && settings.Power.Redfish.Events != "" {
		all = append(all, notifier{redfish.EventsPath, settings.Power.Redfish.Events, redfish.MaxEvent, bmcs.Events, bmcs.KeepSubscribed})
	}
	return all
}

// How many notifications are taken, in a second and at once: two for each node of a
// large site that is rebooted. They come without credentials; those beyond are
// refused before they are read, and their senders try again or not.
const (
	notificationsPerSecond = 2_000
	notificationsAtOnce    = 20_000
	// notificationsInFlight are being read at the same time, each for
	// notificationTime at most: their senders may be slow, or nobody's friends.
	notificationsInFlight = 64
	notificationTime      = 5 * time.Second
)

// limited refuses what is beyond a limit, and what is larger than most before any
// of it is read.
func limited(h http.Handler, limit *rate.Limiter, most int64) http.Handler {
	places := make(chan struct{}, notificationsInFlight)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > most {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		default:
			turnAway(w)
			return
		}
		if !limit.Allow() {
			turnAway(w)
			return
		}
		// A writer without deadlines, as in a test, is never slow.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(notificationTime))
		r.Body = http.MaxBytesReader(w, r.Body, most)
		h.ServeHTTP(w, r)
	})
}

func turnAway(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusTooManyRequests)
}

// withNotifiers serves what they send beside the API.
func withNotifiers(api http.Handler, all []notifier, hint func(nodes ...string)) http.Handler {
	if len(all) == 0 {
		return api
	}
	mux := http.NewServeMux()
	mux.Handle("/", api)
	for _, n := range all {
		mux.Handle(n.path, limited(n.receive(hint), rate.NewLimiter(notificationsPerSecond, notificationsAtOnce), n.most))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Clean(r.URL.Path) != r.URL.Path { // a mux would say to anybody what its clean form is
			api.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// keep keeps the subscriptions until ctx ends or the function is called, which
// waits for the end. Where the database is shared they are those of all services on it,
// which are behind one address: one that stops leaves them to the others.
func keep(ctx context.Context, all []notifier, shared bool, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	for _, n := range all {
		kept.Go(func() { n.keep(ctx, n.here, shared, log) })
	}
	return func() {
		cancel()
		kept.Wait()
	}
}
