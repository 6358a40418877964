package refusals_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/refusals"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

func TestRefusalsThatAreNotNotedAreSaidToBeMissingWhereTheyAre(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var history []bos.Event
	book := refusals.New(func(_ context.Context, notes ...bos.Event) error { history = append(history, notes...); return nil },
		func() time.Time { return now }, slog.New(slog.DiscardHandler))
	refused := func(times int) {
		h := edge.AccessLog{}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { book.Take(r, http.StatusForbidden, "may not") }))
		for range times {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/v2/options", http.NoBody)
			r.Header.Set(edge.RequestIDHeader, "run-7")
			h.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	refused(100)
	if len(history) != 100 || history[0].Kind != refusals.Kind || history[0].From != "192.0.2.1" || history[0].Request != "run-7" {
		t.Fatalf("%d events, of which the first is %+v", len(history), history[0])
	}
	refused(50)
	if len(history) != 101 || history[100].Kind != refusals.KindLeftOut || !strings.Contains(history[100].Detail, "some are missing") {
		t.Fatalf("after the bound there are %d events, and the last is %+v", len(history), history[len(history)-1])
	}
	now = now.Add(time.Second)
	refused(1)
	if len(history) != 103 || history[101].Kind != refusals.KindLeftOut || !strings.HasPrefix(history[101].Detail, "50 writes that were refused since 2026-03-01T12:00:00Z") || history[102].Kind != refusals.Kind {
		t.Fatalf("%+v", history[101:])
	}
	now = now.Add(time.Second)
	refused(1)
	if len(history) != 104 || history[103].Kind != refusals.Kind {
		t.Errorf("where none is missing it says %+v", history[103:])
	}
}
