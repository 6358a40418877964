package doctor

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// clockWarning and clockError are from when on a clock that differs is worth a
	// word, and does harm: tokens and certificates are not good yet, and stores refuse
	// signatures that are a quarter of an hour off.
	clockWarning = 30 * time.Second
	clockError   = 5 * time.Minute
)

// clocks are those of services, by what they say with their answers.
type clocks struct {
	mu sync.Mutex
	// ahead is by how much a service's clock was ahead of this one when it
	// differed least.
	ahead map[string]time.Duration
}

func (c *clocks) hear(service string, h http.Header, now time.Time) {
	said, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ahead == nil {
		c.ahead = make(map[string]time.Duration)
	}
	ahead := said.Sub(now)
	if before, ok := c.ahead[service]; !ok || ahead.Abs() < before.Abs() {
		c.ahead[service] = ahead
	}
}

// heard is what the services said until now: a question that a check gave up may
// be answered while its clocks are judged.
func (c *clocks) heard() map[string]time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.ahead)
}

// tell judges the clocks.
func (c *clocks) tell(s *section) {
	var right []string
	heard := c.heard()
	for _, service := range slices.Sorted(maps.Keys(heard)) {
		ahead := heard[service].Round(time.Second)
		if ahead.Abs() < clockWarning {
			right = append(right, service)
			continue
		}
		than := "ahead of"
		if ahead < 0 {
			than = "behind"
		}
		l := LevelWarning
		if ahead.Abs() >= clockError {
			l = LevelError
		}
		s.add(Finding{
			l, "clock", "of " + service, fmt.Sprintf("it is %s %s the clock of this machine", ahead.Abs(), than),
			"set both by NTP (chronyc tracking, timedatectl): signatures, tokens and certificates are good for a time only",
		})
	}
	if len(right) > 0 {
		s.ok("clock", time.Now().UTC().Format(time.DateTime+" MST"), "it is that of %s", strings.Join(right, ", "))
	}
}
