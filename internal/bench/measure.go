package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const (
	sessionName = "everything"
	token       = "e4b1c0de-0000-4000-8000-000000000001" //nolint:gosec // what a node reports, no secret
)

// room is a service with its records, reached over loopback.
type room struct {
	ctx    context.Context //nolint:containedctx // the whole measurement has one
	url    string
	client *http.Client
	ids    []string
	// called is how many calls were made: each writes another number.
	called int
	store  *store
	dir    string
	// handler answers at url.
	handler http.Handler
	flags   flags
	// loaded is what an engine has in memory, before the memory that was in use with it,
	// and peak the most that was since.
	loaded []bos.Record
	before int64
	peak   func() int64
	// newest is the last revision, waited the longest wait for a report.
	newest int64
	waited time.Duration
	// tokens are what nodes prove by who they are; nil where nobody is asked.
	tokens map[string]string
}

// The figures that have aims, beside the calls.
const (
	listed     = "GET all components"
	patched    = "PATCH all components"
	counted    = "GET a session's status"
	created    = "POST a session"
	reported   = "reports, each durable before its answer"
	proven     = "fewer of them, if each node has a token of its own"
	peakMemory = "memory, highest"
)

// aims are what the service is meant to reach on 2 cores, by size.
var aims = map[int]map[string]figures.Aim{
	10_000: {
		listed: figures.AtMost(60), patched: figures.AtMost(250), counted: figures.AtMost(5), created: figures.AtMost(10),
		reported: figures.AtLeast(8000), proven: figures.AtMost(10),
	},
	// A setup is one transaction, which reports wait for: less than their agent waits.
	100_000: {peakMemory: figures.AtMost(1024), setUp: figures.AtMost(60), waited: figures.AtMost(30_000)},
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// calls are what is asked of the API. In a body %d is another number each time
// and ID a node; list is a patch of each component.
var calls = []struct{ what, method, path, body string }{
	{listed, "GET", "/v2/components", ""},
	{"GET the components of a session", "GET", "/v2/components?enabled=true&session=" + sessionName, ""},
	{"GET one component", "GET", "/v2/components/ID", ""},
	{patched, "PATCH", "/v2/components", "list"},
	{"PATCH the components of a session", "PATCH", "/v2/components", `{"patch":{"retry_policy":%d},"filters":{"session":"` + sessionName + `"}}`},
	{counted, "GET", "/v2/sessions/" + sessionName + "/status", ""},
	{created, "POST", "/v2/sessions", `{"name":"s%d","operation":"boot","template_name":"t","limit":"ID"}`},
}

// call makes one of the calls and returns how long it took.
func (m *room) call(i int) (time.Duration, error) {
	m.called++
	call, id := calls[i], m.ids[len(m.ids)/2]
	path, body := strings.Replace(call.path, "ID", id, 1), strings.Replace(call.body, "ID", id, 1)
	switch {
	case body == "list":
		body = patchOf(m.ids, m.called)
	case strings.Contains(body, "%d"):
		body = fmt.Sprintf(body, m.called)
	}
	runtime.GC()
	start := time.Now()
	err := m.do(call.method, path, body)
	return time.Since(start), err
}

func patchOf(ids []string, n int) string {
	var b strings.Builder
	for i, id := range ids {
		b.WriteString([]string{"[", ","}[min(i, 1)])
		fmt.Fprintf(&b, `{"id":%q,"retry_policy":%d}`, id, n)
	}
	return b.String() + "]"
}

// reports counts the single-node reports per second that were answered, each
// after its commit.
func (m *room) reports(clients int, how time.Duration) (float64, error) {
	var done atomic.Int64
	var group sync.WaitGroup
	failed := make(chan error, clients)
	start := time.Now()
	for c := range clients {
		group.Go(func() {
			for i := c; time.Since(start) < how; i += clients {
				// The counter makes each report a write, also the second
				// of one node within a second.
				body := fmt.Sprintf(`{"actual_state":{"bss_token":%q},"event_stats":{"power_on_attempts":%d}}`, token, i)
				if err := m.send("PATCH", "/v2/components/"+m.ids[i%len(m.ids)], body, m.tokens[m.ids[i%len(m.ids)]]); err != nil {
					failed <- err
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	took := time.Since(start)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(done.Load()) / took.Seconds(), nil
	}
}

func (m *room) do(method, path, body string) error { return m.send(method, path, body, "") }

// send sends a request, with a token if there is one.
func (m *room) send(method, path, body, token string) error {
	r, err := http.NewRequestWithContext(m.ctx, method, m.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := m.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
		return &refusal{resp.StatusCode, fmt.Sprintf("%s %s answered %s: %s", method, path, resp.Status, text)}
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// refusal is an answer that is an error.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// fsyncTime is the median time of an append of one page and its fsync.
func fsyncTime(file string) (time.Duration, error) {
	f, err := os.Create(file) //nolint:gosec // in a folder made above
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // a probe
	page := make([]byte, 4096)
	times := make([]time.Duration, 200)
	for i := range times {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// memory is what the process has in memory, the database's share included;
// where the system does not say, what the Go runtime holds. watchMemory returns
// a function that ends the watch and returns the most that was seen.
func memory() int64 {
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		var total, resident int64
		if _, err := fmt.Sscan(string(text), &total, &resident); err == nil {
			return resident * int64(os.Getpagesize())
		}
	}
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}

func watchMemory() func() int64 {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		highest := memory()
		for {
			select {
			case <-tick.C:
				highest = max(highest, memory())
			case <-stop:
				most <- highest
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-most }
}

func names(size int) []string {
	ids := make([]string, size)
	for i := range ids {
		ids[i] = fmt.Sprintf("x%dc%ds%db%dn%d", 1000+i/256, i/32%8, i/4%8, i/2%2, i%2)
	}
	return ids
}

func parameters() string {
	const text = "ip=dhcp quiet spire_join_token=${SPIRE_JOIN_TOKEN} ksocklnd.skip_mr_route_setup=1 cxi_core.disable_default_svc=0 "
	return strings.Repeat(text, 900/len(text))
}

// fill makes the records of a site on which one session boots every node, or has booted
// it: about 2.25 KB each.
func fill(ctx context.Context, store bos.Store, ids []string, enabled bool) error {
	artifacts := bos.BootArtifacts{Kernel: "s3://boot-images/8f4a/kernel", Initrd: "s3://boot-images/8f4a/initrd", KernelParameters: parameters()}
	now := time.Now()
	template := bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{"compute": {
		Path: "s3://boot-images/8f4a/manifest.json", Type: "s3", NodeRolesGroups: []string{"Compute"},
	}}}
	if err := store.PutTemplate(ctx, template); err != nil {
		return err
	}
	session := bos.SessionRecord{Session: bos.Session{
		Name: sessionName, TemplateName: "t", Operation: bos.OperationBoot, Components: strings.Join(ids, ","),
		Status: bos.SessionStatus{Status: bos.SessionRunning, StartTime: bos.At(now)},
	}, Template: template, Created: now}
	if err := store.CreateSession(ctx, session); err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, 5000) {
		commit := bos.Commit{Tokens: map[string]bos.BootArtifacts{token: artifacts}}
		for _, id := range chunk {
			commit.Components = append(commit.Components, bos.Record{Component: bos.Component{
				ID: id, Enabled: enabled, Session: sessionName,
				ActualState:  bos.ActualState{BootArtifacts: artifacts, BSSToken: token, LastUpdated: bos.At(now)},
				DesiredState: bos.DesiredState{BootArtifacts: artifacts, BSSToken: token, LastUpdated: bos.At(now)},
				LastAction:   bos.LastAction{Action: bos.ActionPoweringOn, LastUpdated: bos.At(now)},
				Status:       bos.ComponentStatus{Phase: bos.PhasePoweringOn},
			}, Goal: bos.GoalBoot})
		}
		if _, err := store.Commit(ctx, commit); err != nil {
			return err
		}
	}
	return nil
}

type inventory bos.Inventory

func inventoryOf(ids []string) inventory {
	nodes := make([]bos.Node, len(ids))
	for i, id := range ids {
		nodes[i] = bos.Node{ID: id, Role: "Compute", Enabled: true}
	}
	return inventory{Nodes: nodes}
}

// Inventory answers the same nodes each time; what an inventory service takes
// is not measured.
func (i inventory) Inventory(context.Context) (bos.Inventory, error) { return bos.Inventory(i), nil }

type images struct{}

// Image answers an image for every path.
func (images) Image(_ context.Context, path string) (bos.Image, error) {
	return bos.Image{Path: path, ETag: "e", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}, nil
}

// order is an order with a number.
func order(what string, n int) string { return fmt.Sprint(what, " ", n) }
