package service

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// How long the world's machines take.
const (
	offTime  = 2 * time.Second
	onTime   = time.Second
	bootTime = 20 * time.Second
)

// world is the whole service, store and all, in virtual time, and a machine
// room that does what it is told, except where a test makes it do otherwise.
type world struct {
	t       *testing.T
	config  Config
	store   *sqlite.Store
	path    string
	handler http.Handler
	stop    context.CancelFunc
	ended   chan error

	mu     sync.Mutex
	nodes  map[string]*machine
	inv    bos.Inventory
	images map[string]bos.Image
	read   map[string]int // how often each image was read
	// inventories counts how often the inventory was read.
	inventories int
	tenants     map[string][]string
	tokens      map[string]bos.BootArtifacts
	calls       []powerCall

	// What a test makes go wrong; they are called without the lock.
	apply func(op bos.PowerOp, id string) (bos.CallResult, bool)
	probe func(id string) (bos.PowerReading, bool)
	// hang says that a question for power is answered by its own end.
	hang  func(id string) bool
	write func(ids []string, a bos.BootArtifacts) error
	// queue is where an action waits for its turn at its BMC.
	queue func(op bos.PowerOp, id string)
	// denied counts the actions whose turn came when they were not to be sent.
	denied int
	image  func(path string) error
	// boots is how long a node takes to boot; nil is bootTime.
	boots func(id string) time.Duration
	// unread is why the inventory cannot be read; nil if it can.
	unread error
}

type machine struct {
	on      bool
	script  bos.BootArtifacts // what the boot script service has for it
	token   string
	runs    bos.BootArtifacts
	changes int // counts power changes, so that an outdated one does nothing
	mute    bool
}

// powerCall is a power action that the room was asked for.
type powerCall struct {
	at time.Time
	op bos.PowerOp
	id string
}

// inWorld runs a test in virtual time with a room of nodes x1c0s0b0n0,
// x1c0s1b0n0, ... of role Compute, and a template t for all of them.
func inWorld(t *testing.T, nodes int, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{
			t: t, nodes: make(map[string]*machine), read: make(map[string]int), tokens: make(map[string]bos.BootArtifacts), tenants: make(map[string][]string),
			images: map[string]bos.Image{"s3://b/one": {Path: "s3://b/one", ETag: "e", Kernel: bos.Artifact{Path: "k1"}, Initrd: bos.Artifact{Path: "i1"}}},
		}
		for i := range nodes {
			w.add(nodeName(i), bos.Node{Role: "Compute", Enabled: true})
		}
		w.path = filepath.Join(t.TempDir(), "bos.db")
		store, err := sqlite.Open(t.Context(), w.path)
		if err != nil {
			t.Fatal(err)
		}
		w.store = store
		w.config = Config{Store: store, Inventory: w, Power: w, Boot: w, Artifacts: w, Tenants: w, Version: "1.2.3"}
		w.start()
		w.advance(time.Second) // discovery
		w.template("t", object{"compute": w.set(object{"node_roles_groups": []string{"Compute"}})})
		test(t, w)
		w.end()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func nodeName(i int) string { return fmt.Sprintf("x1c0s%db0n0", i) }

type object = map[string]any

func (w *world) add(id string, n bos.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n.ID = id
	w.nodes[id] = &machine{}
	w.inv.Nodes = append(w.inv.Nodes, n)
}

// start runs the service until end.
func (w *world) start() {
	w.t.Helper()
	s, err := New(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	w.handler, w.stop, w.ended = access.Open(s.Handler()), stop, make(chan error, 1)
	go func() { w.ended <- s.Run(ctx) }()
}

func (w *world) end() {
	w.t.Helper()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
	// What machines still do goes to nobody.
	w.mu.Lock()
	for _, m := range w.nodes {
		m.changes++
	}
	w.mu.Unlock()
}

func (w *world) now() string { return time.Now().UTC().Format(time.TimeOnly) }

func (w *world) advance(d time.Duration) { <-time.After(d) }

// Inventory is the room's.
func (w *world) Inventory(context.Context) (bos.Inventory, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inventories++
	if w.unread != nil {
		return bos.Inventory{}, w.unread
	}
	return bos.Inventory{Nodes: slices.Clone(w.inv.Nodes), Groups: maps.Clone(w.inv.Groups), Partitions: maps.Clone(w.inv.Partitions)}, nil
}

// Image counts how often each is read.
func (w *world) Image(_ context.Context, path string) (bos.Image, error) {
	if w.image != nil {
		if err := w.image(path); err != nil {
			return bos.Image{}, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.read[path]++
	image, ok := w.images[path]
	if !ok {
		return image, fmt.Errorf("%w: there is nothing at %s", bos.ErrImage, path)
	}
	return image, nil
}

// TenantNodes are those that a test gave the tenant.
func (w *world) TenantNodes(_ context.Context, tenant string) ([]string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	nodes, ok := w.tenants[tenant]
	if !ok {
		return nil, bos.ErrNotFound
	}
	return nodes, nil
}

// Write is the boot script service.
func (w *world) Write(_ context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	if w.write != nil {
		if err := w.write(ids, a); err != nil {
			return "", err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	token := fmt.Sprintf("token-%d", len(w.tokens)+1)
	w.tokens[token] = a
	for _, id := range ids {
		if m := w.nodes[id]; m != nil {
			m.script, m.token = a, token
		}
	}
	return token, nil
}

// Probe tells the machines' power.
func (w *world) Probe(ctx context.Context, ids []string, each func(bos.PowerReading)) {
	w.mu.Lock()
	probe, hang := w.probe, w.hang
	w.mu.Unlock()
	for _, id := range ids {
		if hang != nil && hang(id) {
			<-ctx.Done()
			each(bos.PowerReading{ID: id, Cause: bos.CauseBMCUnreachable})
			continue
		}
		if probe != nil {
			if reading, instead := probe(id); instead {
				reading.ID = id
				each(reading)
				continue
			}
		}
		w.mu.Lock()
		reading := bos.PowerReading{ID: id, Cause: bos.CauseUnknownToPower}
		if m := w.nodes[id]; m != nil {
			reading = bos.PowerReading{ID: id, State: bos.PowerStateOff}
			if m.on {
				reading.State = bos.PowerStateOn
			}
		}
		w.mu.Unlock()
		each(reading)
	}
}

// Apply does to the machines what it is told.
func (w *world) Apply(ctx context.Context, op bos.PowerOp, ids []string, each func(bos.CallResult)) {
	for _, id := range ids {
		if w.queue != nil {
			w.queue(op, id)
		}
		if !bos.MayAct(ctx, id) {
			w.mu.Lock()
			w.denied++
			w.mu.Unlock()
			each(bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Detail: bos.NotPermitted})
			continue
		}
		w.mu.Lock()
		w.calls = append(w.calls, powerCall{time.Now(), op, id})
		w.mu.Unlock()
		if w.apply != nil {
			if res, instead := w.apply(op, id); instead {
				res.ID = id
				each(res)
				continue
			}
		}
		w.press(op, id)
		each(bos.CallResult{ID: id})
	}
}

// press changes a machine's power, as its own button would.
func (w *world) press(op bos.PowerOp, id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.nodes[id]
	m.changes++
	change := m.changes
	then := func(d time.Duration, do func()) {
		time.AfterFunc(d, func() {
			w.mu.Lock()
			current := m.changes == change
			w.mu.Unlock()
			if current {
				do()
			}
		})
	}
	if op != bos.PowerOn {
		then(offTime, func() { w.mu.Lock(); m.on, m.runs = false, bos.BootArtifacts{}; w.mu.Unlock() })
		return
	}
	then(onTime, func() { w.mu.Lock(); m.on = true; w.mu.Unlock() })
	took := bootTime
	if w.boots != nil {
		took = w.boots(id)
	}
	then(onTime+took, func() {
		w.mu.Lock()
		m.runs = m.script
		token, mute := m.token, m.mute
		w.mu.Unlock()
		if !mute && token != "" {
			w.do("PATCH", "/v2/components/"+id, object{"id": id, "actual_state": object{"bss_token": token}})
		}
	})
}

// did lists the operations of a node's power calls, in their order.
func (w *world) did(id string) []bos.PowerOp {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ops []bos.PowerOp
	for _, c := range w.calls {
		if c.id == id {
			ops = append(ops, c.op)
		}
	}
	return ops
}

func (w *world) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = nil
}

// do asks the API; headers come in pairs.
func (w *world) do(method, target string, body any, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(string(encoded)))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

// must is do of what has to succeed.
func (w *world) must(method, target string, body any, headers ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := w.do(method, target, body, headers...)
	if rec.Code >= 300 {
		w.t.Fatalf("%s %s answered %d %s", method, target, rec.Code, rec.Body)
	}
	return rec
}

func (w *world) get(target string, into any, headers ...string) {
	w.t.Helper()
	if err := json.Unmarshal(w.must("GET", target, nil, headers...).Body.Bytes(), into); err != nil {
		w.t.Fatal(err)
	}
}

// set is a boot set of the one image, changed by members.
func (w *world) set(members object) object {
	set := object{"path": "s3://b/one", "type": "s3"}
	maps.Copy(set, members)
	return set
}

func (w *world) template(name string, sets object, headers ...string) {
	w.t.Helper()
	w.must("PUT", "/v2/sessiontemplates/"+name, object{"enable_cfs": false, "boot_sets": sets}, headers...)
}

// session starts an operation of a template; the limit may be empty.
func (w *world) session(name, operation, template, limit string, headers ...string) {
	w.t.Helper()
	w.must("POST", "/v2/sessions", object{"name": name, "operation": operation, "template_name": template, "limit": limit}, headers...)
}

func (w *world) options(members object) {
	w.t.Helper()
	w.must("PATCH", "/v2/options", members)
}

// complete lets time pass until a session is complete, a day at most.
func (w *world) complete(name string, headers ...string) bos.ExtendedStatus {
	w.t.Helper()
	for range 24 * 60 * 60 / 5 {
		var status bos.ExtendedStatus
		w.get("/v2/sessions/"+name+"/status", &status, headers...)
		if status.Status == bos.SessionComplete {
			return status
		}
		w.advance(5 * time.Second)
	}
	w.t.Fatalf("session %s does not end", name)
	return bos.ExtendedStatus{}
}

func (w *world) component(id string) bos.Component {
	w.t.Helper()
	var c bos.Component
	w.get("/v2/components/"+id, &c)
	return c
}

// cause is why a node failed, as the outcomes of a session say it.
func (w *world) cause(session, id string) bos.Cause {
	w.t.Helper()
	list, err := w.store.Components(context.Background(), bos.ComponentFilter{IDs: []string{id}, Session: session})
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%d records of %s in %s, %v", len(list), id, session, err)
	}
	return list[0].Work.Cause
}
