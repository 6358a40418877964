package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// writers write at the same time to a service that is killed again and again. Each reads
// before it writes what it has written, so that a write which was acknowledged and lost is
// seen before the next one hides it.
type writers struct {
	t     *testing.T
	room  *emulator.Server
	nodes []string
	url   atomic.Value
	// acked counts the writes that were acknowledged; news says that there is one more.
	acked atomic.Int64
	news  chan struct{}
	// unheard are those who are to have a write acknowledged, and have none yet.
	unheard sync.WaitGroup
	group   sync.WaitGroup
	stop    context.CancelFunc
}

// answer is what became of a request: its status, 0 if there was no answer.
func (w *writers) ask(ctx context.Context, method, path string, body, into any) (status int) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0
	}
	req, err := http.NewRequestWithContext(ctx, method, w.url.Load().(string)+path, bytes.NewReader(encoded))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	authorize(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || into != nil && res.StatusCode == http.StatusOK && json.Unmarshal(text, into) != nil {
		return 0
	}
	return res.StatusCode
}

// write reports whether a request was acknowledged.
func (w *writers) write(ctx context.Context, method, path string, body any, want int) bool {
	if w.ask(ctx, method, path, body, nil) != want {
		return false
	}
	w.acked.Add(1)
	select {
	case w.news <- struct{}{}:
	default:
	}
	return true
}

// counter is a number that one writer counts up. What is stored is what was acknowledged
// last, or what was sent since and not answered.
type counter struct {
	acked, sent int
	what        string
}

func (w *writers) count(ctx context.Context, c *counter, read func() (int, bool), write func(n int) bool) {
	for ctx.Err() == nil {
		stored, ok := read()
		if !ok {
			continue // it is being killed
		}
		if stored != c.acked && stored != c.sent {
			w.t.Errorf("%s is %d; %d was acknowledged and %d sent last", c.what, stored, c.acked, c.sent)
			return
		}
		c.sent = max(c.sent, c.acked) + 1
		if write(c.sent) {
			c.acked = c.sent
		} else if again, ok := read(); ok && again == c.sent {
			c.acked = c.sent // it was stored, and is to stay
		}
	}
}

// patches counts in a record of nodes, all of them in one request.
func (w *writers) patches(ctx context.Context, nodes ...string) func() {
	c := &counter{what: "the retry policy of " + bos.Fold(nodes)}
	read := func() (int, bool) {
		var list []bos.Component
		if w.ask(ctx, http.MethodGet, "/v2/components?ids="+join(nodes), nil, &list) != http.StatusOK {
			return 0, false
		}
		for _, component := range list {
			if policy(component) != policy(list[0]) {
				w.t.Errorf("of one request a part was written: %d and %d", policy(component), policy(list[0]))
			}
		}
		return policy(list[0]), len(list) == len(nodes)
	}
	c.acked = first
	c.sent = first
	return func() {
		w.count(ctx, c, read, func(n int) bool {
			patches := make([]map[string]any, len(nodes))
			for i, id := range nodes {
				patches[i] = map[string]any{"id": id, "retry_policy": n}
			}
			if len(nodes) == 1 {
				return w.write(ctx, http.MethodPatch, "/v2/components/"+nodes[0], patches[0], http.StatusOK)
			}
			return w.write(ctx, http.MethodPatch, "/v2/components", patches, http.StatusOK)
		})
	}
}

// first is the number that each counter begins with.
const first = 1000

func policy(c bos.Component) int {
	if c.RetryPolicy == nil {
		return 0
	}
	return *c.RetryPolicy
}

func join(nodes []string) string {
	var b bytes.Buffer
	for i, id := range nodes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(id)
	}
	return b.String()
}

// options counts in an option.
func (w *writers) options(ctx context.Context, name string) func() {
	c := &counter{what: "the option " + name, acked: first, sent: first}
	read := func() (int, bool) {
		var all map[string]any
		if w.ask(ctx, http.MethodGet, "/v2/options", nil, &all) != http.StatusOK {
			return 0, false
		}
		n, ok := all[name].(float64)
		return int(n), ok
	}
	return func() {
		w.count(ctx, c, read, func(n int) bool {
			return w.write(ctx, http.MethodPatch, "/v2/options", map[string]any{name: n}, http.StatusOK)
		})
	}
}

// templates writes one after the other, and looks whether the one before is there.
func (w *writers) templates(ctx context.Context, mark string) (run func(), kept func()) {
	var acked []string
	w.unheard.Add(1)
	run = func() {
		for n := 0; ctx.Err() == nil; n++ {
			name := fmt.Sprintf("%s-%d", mark, n)
			if w.write(ctx, http.MethodPut, "/v2/sessiontemplates/"+name, computeTemplate, http.StatusOK) {
				if acked = append(acked, name); len(acked) == 1 {
					w.unheard.Done()
				}
			}
		}
	}
	return run, func() {
		var stored []bos.SessionTemplate
		call(w.t, http.MethodGet, w.url.Load().(string)+"/v2/sessiontemplates", nil, &stored)
		for _, name := range acked {
			if !slices.ContainsFunc(stored, func(s bos.SessionTemplate) bool { return s.Name == name }) {
				w.t.Errorf("template %s was acknowledged, and is lost", name)
			}
		}
		if len(acked) == 0 {
			w.t.Errorf("no template of %s was acknowledged", mark)
		}
	}
}

// sessions reboots a node, and again once that is over: each session that was
// acknowledged, or stored without that, is a power-off and a power-on.
func (w *writers) sessions(ctx context.Context, node string) (run func(), kept func()) {
	acked, stored, inDoubt := 0, 0, ""
	w.unheard.Add(1)
	run = func() {
		for n := 0; ; n++ {
			name := fmt.Sprintf("reboot-%s-%d", node, n)
			body := map[string]any{"name": name, "template_name": "compute", "operation": "reboot", "limit": node}
			if ctx.Err() != nil {
				return
			}
			if w.write(ctx, http.MethodPost, "/v2/sessions", body, http.StatusCreated) {
				if acked++; acked == 1 {
					w.unheard.Done()
				}
				inDoubt = ""
			} else {
				inDoubt = name
			}
			// The test's own deadline ends the wait for what was acknowledged and is not done.
			if w.over(name, inDoubt == "") {
				stored++
			}
		}
	}
	return run, func() {
		kinds := make([]string, 0)
		for _, r := range w.room.Room().Resets(node) {
			kinds = append(kinds, r.Type)
		}
		if len(kinds) != 1+2*stored || kinds[len(kinds)-1] != machineroom.ResetOn {
			w.t.Errorf("%s was reset by %v; want On, and two resets for each of %d sessions", node, kinds, stored)
		}
		if acked == 0 {
			w.t.Errorf("no session of %s was acknowledged", node)
		}
	}
}

// over waits until a session is complete and reports whether there is one; one that was
// acknowledged is to be there.
func (w *writers) over(name string, acknowledged bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var s bos.ExtendedStatus
		switch w.ask(w.t.Context(), http.MethodGet, "/v2/sessions/"+name+"/status", nil, &s) {
		case http.StatusOK:
			if s.Status == bos.SessionComplete {
				if s.PercentSuccessful != 100 {
					w.t.Errorf("%s ended as %+v", name, s)
				}
				return true
			}
		case http.StatusNotFound:
			if acknowledged {
				w.t.Errorf("session %s was acknowledged, and is lost", name)
			}
			return false
		}
		if w.t.Context().Err() != nil {
			return false
		}
	}
	return false
}

// write begins the writing, by so many at the same time, each of which has nodes of its own.
func (w *writers) begin(count int) (kept []func()) {
	ctx, stop := context.WithCancel(w.t.Context())
	w.stop = stop
	options := []string{"max_component_batch_size", "max_boot_wait_time"}
	for i := range count {
		nodes := w.nodes[4*i : 4*i+4]
		var run, check func()
		switch i % 8 {
		case 0, 4:
			run, check = w.templates(ctx, fmt.Sprintf("writer-%d", i))
		case 1, 5:
			run, check = w.sessions(ctx, nodes[0])
		case 2:
			run = w.patches(ctx, nodes[0])
		case 6:
			run = w.patches(ctx, nodes...)
		default: // one option of each
			run = w.options(ctx, options[i/4%2])
		}
		if check != nil {
			kept = append(kept, check)
		}
		w.group.Go(run)
	}
	return kept
}

// TestKillingTheServiceUnderManyWritersLosesNoAcknowledgedWrite kills the process while
// templates, sessions, records and options are written; CRASH_WRITERS, at most 8, and
// CRASH_WRITERS_KILLS make it larger.
func TestKillingTheServiceUnderManyWritersLosesNoAcknowledgedWrite(t *testing.T) {
	t.Parallel()
	count, kills := setting(t, "CRASH_WRITERS", 8), setting(t, "CRASH_WRITERS_KILLS", 3)
	room, service := site(t, 4*count)
	session(t, service, "boot", "boot")
	complete(t, service.url, "boot")
	w := &writers{t: t, room: room, news: make(chan struct{}, 1)}
	w.url.Store(service.url)
	patches := []map[string]any{}
	for _, n := range room.Room().Inventory().Nodes {
		w.nodes = append(w.nodes, n.ID)
		patches = append(patches, map[string]any{"id": n.ID, "retry_policy": first})
	}
	call(t, http.MethodPatch, service.url+"/v2/components", patches, nil)
	call(t, http.MethodPatch, service.url+"/v2/options", map[string]any{"max_component_batch_size": first, "max_boot_wait_time": first}, nil)
	kept := w.begin(count)
	for kill := range kills {
		for more := rand.IntN(40); more > 0; more-- {
			<-w.news
		}
		if kill == kills-1 {
			w.unheard.Wait() // a slow service may have been killed each time before it answered
		}
		service.kill()
		service.start()
		w.url.Store(service.url)
		room.SetBOS(service.url)
	}
	w.stop()
	w.group.Wait()
	for _, check := range kept {
		check()
	}
	ordered(t, service.url, room.Room())
	t.Logf("%d writes were acknowledged between %d kills", w.acked.Load(), kills)
}
