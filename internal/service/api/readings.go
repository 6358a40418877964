package api

import (
	"net/http"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// Each who reads the history to audit others has so many readings at once, and so many a
// second: each is an event, and events beyond a number push out the oldest. Who may only
// read shall not empty the history by it.
const (
	readingsAtOnce    = 100
	readingsPerSecond = 5
	readersRemembered = 1024
)

// readings are how often each reads.
type readings struct {
	of *lru.Cache[string, *rate.Limiter]
}

func newReadings() readings {
	of, _ := lru.New[string, *rate.Limiter](readersRemembered) // it fails for no size alone
	return readings{of}
}

// noteReading leaves an event of who reads the history, and refuses who reads it more often
// than can be noted.
func (s *server) noteReading(w http.ResponseWriter, r *http.Request, detail string) error {
	note := s.note(r, eventHistoryRead, clip(detail))
	of, known := s.readings.of.Get(note.Actor)
	if !known {
		of = rate.NewLimiter(readingsPerSecond, readingsAtOnce)
		if before, raced, _ := s.readings.of.PeekOrAdd(note.Actor, of); raced {
			of = before
		}
	}
	if !of.AllowN(s.Now(), 1) {
		w.Header().Set("Retry-After", retryUnavailable)
		return unavailable("%s reads the history more often than is noted, which is %d times a second; read more of it at a time, or come again in a moment", clip(note.Actor), readingsPerSecond)
	}
	return s.Store.Note(r.Context(), note)
}

// auditing reports whether who asks reads the history to audit others.
func auditing(r *http.Request) bool { return access.Of(r.Context()).Is(access.Auditor) }
