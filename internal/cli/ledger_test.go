//go:build unix

package cli

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// ledger writes through the balancer all the time and keeps what was acknowledged, to be
// there for ever, and at once for the next request, which goes to another service.
type ledger struct {
	c     *cluster
	stop  context.CancelFunc
	group sync.WaitGroup
	// acked counts the writes that were acknowledged, unknown those of which nobody knows,
	// lost and late those that were acknowledged and are not there.
	acked, unknown, lost, late atomic.Int64

	mu        sync.Mutex
	templates []string
}

// ledgerPace is the pause between two writes of one writer.
const ledgerPace = 200 * time.Millisecond

// keepLedger begins to write.
func keepLedger(c *cluster, nodes []string) *ledger {
	c.t.Helper()
	ctx, stop := context.WithCancel(c.t.Context())
	l := &ledger{c: c, stop: stop}
	c.t.Cleanup(l.end)
	patches := make([]map[string]any, 0, len(nodes))
	for _, id := range nodes {
		patches = append(patches, map[string]any{"id": id, "retry_policy": first})
	}
	c.must(http.MethodPatch, "/v2/components", patches, http.StatusOK)
	c.must(http.MethodPatch, "/v2/options", map[string]any{"max_boot_wait_time": first}, http.StatusOK)
	l.group.Go(func() { l.writeTemplates(ctx) })
	l.group.Go(func() { l.count(ctx, "an option", l.option, l.setOption) })
	l.group.Go(func() { l.count(ctx, "a node", l.policies(nodes[:1]), l.setPolicies(nodes[:1])) })
	l.group.Go(func() { l.count(ctx, "several nodes", l.policies(nodes[1:]), l.setPolicies(nodes[1:])) })
	return l
}

func (l *ledger) end() {
	l.stop()
	l.group.Wait()
}

// writes notes how a write was answered.
func (l *ledger) wrote(status int) bool {
	if status == http.StatusOK {
		l.acked.Add(1)
		return true
	}
	l.unknown.Add(1)
	return false
}

// writeTemplates writes one after the other.
func (l *ledger) writeTemplates(ctx context.Context) {
	tick := time.NewTicker(ledgerPace)
	defer tick.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		path := fmt.Sprintf("/v2/sessiontemplates/written-%d", n)
		if l.wrote(l.c.ask(http.MethodPut, path, computeTemplate, nil)) {
			l.mu.Lock()
			l.templates = append(l.templates, fmt.Sprintf("written-%d", n))
			l.mu.Unlock()
			if l.c.ask(http.MethodGet, path, nil, nil) == http.StatusNotFound {
				l.late.Add(1)
				l.c.t.Errorf("%s was acknowledged, and is not there for the next request", path)
			}
		}
		<-tick.C
	}
}

// count counts a number up. What is stored is what was acknowledged last, or one of those
// since of which nobody knows what became of them: what a service got that was stopped or
// cut off may be written when it goes on.
func (l *ledger) count(ctx context.Context, what string, read func() (int, bool), write func(int) int) {
	tick := time.NewTicker(ledgerPace)
	defer tick.Stop()
	acked, next := first, first
	unknown := make(map[int]bool)
	for ; ctx.Err() == nil; <-tick.C {
		next++
		if l.wrote(write(next)) {
			acked = next
		} else {
			unknown[next] = true
		}
		stored, ok := read()
		if ok && stored != acked && !unknown[stored] {
			l.lost.Add(1)
			l.c.t.Errorf("%s has %d; %d was acknowledged last, and nobody knows of %v", what, stored, acked, unknown)
			return
		}
	}
}

func (l *ledger) option() (int, bool) {
	var all map[string]any
	ok := l.c.ask(http.MethodGet, "/v2/options", nil, &all) == http.StatusOK
	n, is := all["max_boot_wait_time"].(float64)
	return int(n), ok && is
}

func (l *ledger) setOption(n int) int {
	return l.c.ask(http.MethodPatch, "/v2/options", map[string]any{"max_boot_wait_time": n}, nil)
}

func (l *ledger) policies(nodes []string) func() (int, bool) {
	return func() (int, bool) {
		var list []bos.Component
		if l.c.ask(http.MethodGet, "/v2/components?ids="+join(nodes), nil, &list) != http.StatusOK || len(list) != len(nodes) {
			return 0, false
		}
		for _, component := range list {
			if policy(component) != policy(list[0]) {
				l.lost.Add(1)
				l.c.t.Errorf("of one request a part was written: %d and %d", policy(component), policy(list[0]))
			}
		}
		return policy(list[0]), true
	}
}

func (l *ledger) setPolicies(nodes []string) func(int) int {
	return func(n int) int {
		patches := make([]map[string]any, len(nodes))
		for i, id := range nodes {
			patches[i] = map[string]any{"id": id, "retry_policy": n}
		}
		return l.c.ask(http.MethodPatch, "/v2/components", patches, nil)
	}
}

// kept ends the writing and fails for each write that was acknowledged and is lost.
func (l *ledger) kept() {
	l.c.t.Helper()
	l.end()
	var stored []bos.SessionTemplate
	for tick := time.NewTicker(50 * time.Millisecond); l.c.ask(http.MethodGet, "/v2/sessiontemplates", nil, &stored) != http.StatusOK; {
		<-tick.C
	}
	for _, name := range l.templates {
		if !slices.ContainsFunc(stored, func(s bos.SessionTemplate) bool { return s.Name == name }) {
			l.lost.Add(1)
			l.c.t.Errorf("template %s was acknowledged, and is lost", name)
		}
	}
	if len(l.templates) == 0 {
		l.c.t.Error("no write was acknowledged all the time")
	}
}
