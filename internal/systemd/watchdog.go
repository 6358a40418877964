package systemd

import (
	"context"
	"os"
	"strconv"
	"time"
)

// pings are those that fall into the time after which the service manager ends a program
// that is silent: one that is late, or lost, ends nobody.
const pings = 3

// maxWatchdog bounds what is read as a time; the longest of systemd is "infinity",
// which is not told to a program at all.
const maxWatchdog = 365 * 24 * time.Hour

// Watchdog is how often the service manager wants a sign of life from this process, with
// room for one that is lost, and 0 if it wants none (sd_watchdog_enabled(3)).
func Watchdog() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0 // it is meant for the process that started this one
	}
	micros, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || micros < pings || micros > maxWatchdog.Microseconds() {
		return 0
	}
	return time.Duration(micros) * time.Microsecond / pings
}

// Live gives the service manager a sign of life at each tick at which the program is
// well, until the context ends. Once it is silent for long enough it is ended and started
// afresh, so what is asked has to be the work, and not whether a process is there.
func Live(ctx context.Context, ticks <-chan time.Time, well func() bool) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
			if well() {
				Notify(alive)
			}
		}
	}
}
