package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/systemd"
)

// The waits between tries. The first few come soon, as BOS and the network may just
// be coming up; all nodes of a room try again when BOS is back, so none of the waits
// is the same for two of them.
const (
	firstRetry = 2 * time.Second
	lastRetry  = time.Minute
	// maxRetryAfter bounds what an answer may ask for.
	maxRetryAfter = 5 * time.Minute
)

// ratio of the frequency is the time between two reports, so that one may come late.
const ratio = 0.75

// sayAgain is how long one and the same failure is not said again.
const sayAgain = time.Hour

// Reporter reports one node.
type Reporter struct {
	Settings Settings
	// Once ends after the first report that was taken.
	Once bool
	// Log is told in lines what became of reports; nil discards them.
	Log io.Writer

	// notify tells the service manager, wait waits or is false as it was ended, and
	// random is from 0 to 1.
	notify func(state string)
	wait   func(ctx context.Context, d time.Duration) bool
	random func() float64
	// said is the last failure in the log, and quiet for how long it has not been said
	// again.
	said  string
	quiet time.Duration
}

// Run reports, and again before BOS forgets the report, until ctx ends: a node that
// shuts down says nothing, as BOS knows it by its power. It never gives up. The error is
// only of one that reports once: why its report was not taken until ctx ended.
func (r *Reporter) Run(ctx context.Context) error {
	r.defaults()
	defer r.notify("STOPPING=1")
	for first := true; ; first = false {
		if err := r.deliver(ctx); err != nil {
			if r.Once {
				return err
			}
			return nil
		}
		next := r.next(first)
		to := fmt.Sprintf("reported to %s that %s has booted", r.Settings.API, r.Settings.Xname)
		if r.Once {
			r.say("%s", to)
			return nil
		}
		r.say("%s; the next report is in %s", to, next.Round(time.Second))
		r.notify("READY=1\nSTATUS=" + to)
		if !r.wait(ctx, next) {
			return nil
		}
	}
}

func (r *Reporter) defaults() {
	if r.Log == nil {
		r.Log = io.Discard
	}
	if r.notify == nil {
		r.notify = systemd.Notify
	}
	if r.wait == nil {
		r.wait = wait
	}
	if r.random == nil {
		r.random = rand.Float64
	}
}

// next is when to report again: sooner after the first report, so that the nodes of a
// room that booted together do not report together for ever.
func (r *Reporter) next(first bool) time.Duration {
	most := time.Duration(ratio * float64(r.Settings.Frequency))
	if first {
		return max(time.Duration(r.random()*float64(most)), min(minFrequency, most))
	}
	return time.Duration((0.9 + 0.1*r.random()) * float64(most))
}

// deliver tries until BOS has taken the report. The error is the last cause, as ctx
// ended.
func (r *Reporter) deliver(ctx context.Context) error {
	failed := errors.New("it was ended before the first try")
	for tries := 1; ; tries++ {
		if ctx.Err() != nil {
			return r.notTaken(failed)
		}
		err := r.Settings.send(ctx)
		if err == nil {
			if tries > 1 {
				r.say("BOS took the report at the %d. try", tries)
			}
			r.said = ""
			return nil
		}
		if ctx.Err() == nil || tries == 1 {
			failed = err // else it is that it was ended
		}
		if ctx.Err() != nil {
			return r.notTaken(failed)
		}
		pause := r.pause(tries, err)
		r.tell(err, tries, pause)
		r.notify("STATUS=" + printable(r.notTaken(err).Error()))
		if !r.wait(ctx, pause) {
			return r.notTaken(failed)
		}
	}
}

func (r *Reporter) notTaken(err error) error {
	return fmt.Errorf("%s did not take the report of %s: %w", r.Settings.API, r.Settings.Xname, err)
}

// pause is how long to wait after so many tries.
func (r *Reporter) pause(tries int, err error) time.Duration {
	pause := lastRetry
	if tries < 6 {
		pause = min(firstRetry<<(tries-1), lastRetry)
	}
	pause = time.Duration((0.5 + 0.5*r.random()) * float64(pause))
	var refused *refusal
	if errors.As(err, &refused) && refused.after > pause {
		pause = refused.after + time.Duration(r.random()*float64(pause))
	}
	return pause
}

// tell says a failure when it is another one than before, and else now and then: a
// node whose BOS is away for a night shall not fill its log.
func (r *Reporter) tell(err error, tries int, pause time.Duration) {
	text := r.notTaken(err).Error()
	r.quiet += pause
	if text == r.said && tries > 3 && r.quiet < sayAgain {
		return
	}
	r.said, r.quiet = text, 0
	r.say("%s; try %d, again in %s", text, tries, pause.Round(100*time.Millisecond))
}

func (r *Reporter) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Log, "bos-report: "+format+"\n", args...) // nobody is there to tell
}

// wait waits, and is false if ctx ended meanwhile.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
