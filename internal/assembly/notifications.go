package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
)

// notificationsPath is where HSM sends its notifications.
const notificationsPath = "/x/v1/hsm-notifications"

// notifications makes HSM tell this service when nodes change their state.
type notifications struct {
	hsm *hsm.Client
	// url is this service as HSM reaches it.
	url string
	log *slog.Logger
}

// beside serves notifications beside the API.
func (n *notifications) beside(api http.Handler, hint func(nodes ...string)) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle(notificationsPath, hsm.Notifications(hint))
	return mux
}

// keep keeps the subscription until ctx ends or the function is called, which
// waits for the end.
func (n *notifications) keep(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var kept sync.WaitGroup
	kept.Go(func() { n.hsm.KeepSubscribed(ctx, strings.TrimRight(n.url, "/")+notificationsPath, n.log) })
	return func() {
		cancel()
		kept.Wait()
	}
}
