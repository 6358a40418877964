package transport

import (
	"errors"
	"log/slog"
	"sync"
	"time"
)

// outagePause keeps a service that answers every other time from filling the log.
const outagePause = time.Minute

// outages logs when a service stops answering and when it answers again: once for
// each outage, however many requests fail in it.
type outages struct {
	log  *slog.Logger
	name string
	now  func() time.Time

	mu    sync.Mutex
	since time.Time // of the outage that is logged; zero if there is none
	quiet time.Time // until when the next one is not
}

// note takes in how a request ended. Who gave up himself says nothing of the
// service, and neither does what it refuses.
func (o *outages) note(err error) {
	if o.log == nil {
		return
	}
	var failed *Error
	if err != nil && (!errors.As(err, &failed) || failed.Cancelled || failed.Kind == Withheld) {
		return
	}
	out := false
	switch ClassOf(err) {
	case ClassAway, ClassMaybe, ClassCaller, ClassGateway:
		out = true
	case ClassBusy:
		out = failed.Status >= 500
	case ClassNone, ClassUnsupported, ClassAbsent, ClassRefused:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch now := o.now(); {
	case out && o.since.IsZero() && !now.Before(o.quiet):
		o.since = now
		o.log.Warn(o.name+" does not answer as it should; what needs it waits", "error", err)
	case !out && !o.since.IsZero():
		o.log.Info(o.name+" answers again", "after", now.Sub(o.since).Round(time.Second))
		o.since, o.quiet = time.Time{}, now.Add(outagePause)
	}
}
