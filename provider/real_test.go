package provider_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

// realBOS is the bundled service over an emulated room, on real sockets: the
// acceptance tests that matter most run against it as well as against the fake.
type realBOS struct {
	room     *emulator.Server
	url      string
	settings string
	// database is that of the service, or of all of them.
	database string
	t        *testing.T
	// plain makes it a v2 server without extensions.
	plain atomic.Bool
	// answers is who answers now, requests who waits for a request, and answered what is
	// done once after one.
	answers  atomic.Pointer[http.Handler]
	requests sync.Map
	answered atomic.Pointer[afterAnswer]
	// restart stops the service, does something and starts it again.
	restart func(meanwhile func())
}

// startRoom starts a room of four nodes and writes the settings of a service
// that drives it.
func startRoom(t *testing.T, boot time.Duration, bosURL string, dead ...string) *realBOS {
	t.Helper()
	dir := t.TempDir()
	room, err := emulator.Start(context.Background(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: 4, BootTime: boot, PowerTime: 20 * time.Millisecond, Dead: dead},
		Listen: "127.0.0.1:0", StateDir: dir, BOSURL: bosURL,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := room.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &realBOS{room: room, settings: filepath.Join(dir, "bos.yaml"), database: database(t, dir), t: t}
	if err := room.WriteConfig(r.settings); err != nil {
		t.Fatal(err)
	}
	return r
}

// startReal also starts the service.
func startReal(t *testing.T, boot time.Duration, dead ...string) *realBOS {
	t.Helper()
	r := startRoom(t, boot, "", dead...)
	stop := r.serve()
	server := httptest.NewServer(r)
	r.url = server.URL
	r.room.SetBOS(server.URL)
	r.restart = func(meanwhile func()) {
		stop()
		meanwhile()
		stop = r.serve()
	}
	t.Cleanup(func() {
		stop()
		server.Close()
	})
	r.discovered(t)
	return r
}

// discovered returns once BOS has found its nodes in the inventory, without which
// nothing can be asked of them.
func (r *realBOS) discovered(t *testing.T) {
	t.Helper()
	for strings.Count(request(t, http.MethodGet, r.url+"/v2/components"), `"actual_state"`) < len(r.nodes()) && t.Context().Err() == nil {
		continue
	}
}

// ServeHTTP lets the service that runs now answer.
func (r *realBOS) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.requests.Range(func(waiter, beginning any) bool {
		c, isWaiter := waiter.(chan struct{})
		text, isText := beginning.(string)
		if isWaiter && isText && strings.HasPrefix(req.Method+" "+req.URL.Path+"$", text) {
			if _, waits := r.requests.LoadAndDelete(c); waits {
				close(c)
			}
		}
		return true
	})
	if r.plain.Load() && strings.HasPrefix(req.URL.Path, "/x/") {
		http.NotFound(w, req)
		return
	}
	(*r.answers.Load()).ServeHTTP(w, req)
	if after := r.answered.Load(); after != nil && strings.HasPrefix(req.Method+" "+req.URL.Path+"$", after.beginning) && r.answered.CompareAndSwap(after, nil) {
		after.do()
	}
}

// afterAnswer is what is done after a request that begins so.
type afterAnswer struct {
	beginning string
	do        func()
}

// after does something once, when the next request that begins so was answered.
func (r *realBOS) after(beginning string, do func()) { r.answered.Store(&afterAnswer{beginning, do}) }

// inFlight keeps sessions from being over until it is let go of: nothing is sent to nodes.
func (r *realBOS) inFlight(t *testing.T) (letGo func()) {
	t.Helper()
	send(t, http.MethodPost, r.url+"/x/v1/pause", strings.NewReader(`{"reason":"a test"}`))
	return sync.OnceFunc(func() { send(t, http.MethodPost, r.url+"/x/v1/resume", strings.NewReader("{}")) })
}

// asked is closed at the next request that begins so; a path ends with $.
func (r *realBOS) asked(beginning string) <-chan struct{} {
	c := make(chan struct{})
	r.requests.Store(c, beginning)
	return c
}

// serve runs a service on the room's database until it is stopped, or several with the
// turn for each request; while none runs, a gateway says so.
func (r *realBOS) serve() (stop func()) {
	down := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
	}))
	var handlers []http.Handler
	var stops []func()
	for range replicas() {
		handler, stop := r.serveOne()
		if handler == nil {
			handler = down
		}
		handlers, stops = append(handlers, handler), append(stops, stop)
	}
	answers := inTurn(handlers)
	r.answers.Store(&answers)
	return func() {
		r.answers.Store(&down)
		var all sync.WaitGroup
		for _, stop := range stops {
			all.Go(stop)
		}
		all.Wait()
	}
}

// serveOne runs one service on the room's database until it is stopped.
func (r *realBOS) serveOne() (handler http.Handler, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	settings, err := assembly.Load(r.settings)
	if err != nil {
		r.t.Fatal(err)
	}
	settings.Database, settings.MaxUnreachable = r.database, 2*time.Second
	settings.Auth.Mode = "off"
	a, err := assembly.New(ctx, settings, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		cancel()
		r.t.Error(err)
		return nil, func() {}
	}
	handler = a.Handler()
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	return handler, func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
		if err := a.Close(); err != nil {
			r.t.Error(err)
		}
	}
}

// nodes are the nodes of the room.
func (r *realBOS) nodes() []string {
	var ids []string
	for _, n := range r.room.Room().States(time.Now()) {
		ids = append(ids, n.ID)
	}
	return ids
}

func (r *realBOS) block(more ...string) string {
	return "provider \"bos\" {\n  endpoint = \"" + r.url + "\"\n  " + strings.Join(more, "\n  ") + "\n}\n"
}

// whetherItAppliesIsToldOrNot runs a test with a provider block that says that Terraform
// applies, and with one that does not.
func whetherItAppliesIsToldOrNot(t *testing.T, test func(t *testing.T, applying string)) {
	t.Helper()
	for name, applying := range map[string]string{"the provider block says that it applies": "applying = terraform.applying", "it does not": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, applying)
		})
	}
}

func TestTheBundledServiceBootsChangesAndForgets(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	block := r.block("applying = terraform.applying")
	w.write(block, template("quiet"), session(rolling))
	apply := w.apply()
	apply.exits(t, 0)
	got := w.attributes("bos_session.boot")
	if got["status"] != "complete" || got["failed_count"] != 0.0 || got["node_count"] != 4.0 || got["planned_nodes"] != got["nodes"] {
		t.Errorf("the session is %v", got)
	}
	w.plan().exits(t, 0)
	w.write(block, template("quiet console=ttyS0"), session(rolling))
	w.plan("-out=reviewed").exits(t, 2)
	r.room.Room().SetEnabled(r.nodes()[0], false)
	refused := w.terraform("apply", "-no-color", "-input=false", "reviewed")
	refused.exits(t, 1)
	refused.says(t, "Error: Plan is out of date", "removed: "+r.nodes()[0])
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["node_count"] != 3.0 || got["failed_count"] != 0.0 {
		t.Errorf("the session acted on %v and %v failed", got["nodes"], got["failed_nodes"])
	}
	w.apply("-destroy").exits(t, 0)
}

// TestTheBundledServiceAsAPlainBOS keeps its extensions from the provider, which
// then has to do with what every BOS v2 has.
func TestTheBundledServiceAsAPlainBOS(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	r.plain.Store(true)
	w := newWorkspace(t)
	limit := "limit = \"" + bos.Fold(r.nodes()[:2]) + "\""
	w.write(r.block("applying = terraform.applying"), template("quiet"), session(rolling, limit))
	plan := w.plan("-out=reviewed")
	plan.exits(t, 2)
	plan.says(t, "Warning: Cannot say which nodes", "this BOS has no previews")
	w.terraform("apply", "-no-color", "-input=false", "reviewed").exits(t, 0)
	got := w.attributes("bos_session.boot")
	if got["status"] != "complete" || got["failed_count"] != 0.0 || got["node_count"] != 2.0 || got["planned_nodes"] != "" {
		t.Errorf("the session is %v", got)
	}
	w.plan().exits(t, 0)
	w.write(r.block(), template("quiet console=ttyS0"), session(rolling, limit))
	w.apply().says(t, "1 added, 1 changed, 1 destroyed")
	w.plan().exits(t, 0)
	w.apply("-destroy").exits(t, 0)
}

func TestAServiceThatIsRestartedDuringTheWaitGoesOnWithTheSession(t *testing.T) {
	t.Parallel()
	r := startReal(t, 2*time.Second)
	asked := r.asked("GET /v2/sessions/terraform-")
	restarted := make(chan struct{})
	go func() {
		defer close(restarted)
		<-asked
		// Terraform looks at it while it is down.
		r.restart(func() { <-r.asked("GET /v2/sessions/terraform-") })
	}()
	w := newWorkspace(t)
	w.write(r.block("max_retries = 0"), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	<-restarted
	got := w.attributes("bos_session.boot")
	if got["status"] != "complete" || got["failed_count"] != 0.0 || got["node_count"] != 4.0 {
		t.Errorf("the session is %v", got)
	}
	if n := resets(r); n != 4 {
		t.Errorf("the nodes were reset %d times", n)
	}
	w.plan().exits(t, 0)
}

func TestTheBundledServiceStagesAndAppliesWhatWasStaged(t *testing.T) {
	t.Parallel()
	r := startReal(t, 100*time.Millisecond)
	w := newWorkspace(t)
	w.write(r.block("applying = terraform.applying"), template("quiet"), session("stage = true", rolling), stagedApply())
	w.apply().exits(t, 0)
	got := w.attributes("bos_staged_apply.now")
	if got["status"] != "complete" || got["applied_count"] != 4.0 || got["failed_count"] != 0.0 || got["ignored_count"] != 0.0 {
		t.Errorf("state has %v", got)
	}
	for _, n := range r.room.Room().States(time.Now()) {
		if !n.Booted {
			t.Errorf("%s has not booted", n.ID)
		}
	}
	w.plan().exits(t, 0)
}

func TestASessionOfTheBundledServiceIsCancelledWhenItsDestroyIsToldSo(t *testing.T) {
	t.Parallel()
	r := startReal(t, time.Hour)
	w := newWorkspace(t)
	w.write(r.block(), template("quiet"), session(`on_destroy = "cancel"`, "wait_for_completion = false"))
	w.apply().exits(t, 0)
	destroy := w.apply("-destroy")
	destroy.exits(t, 0)
	destroy.says(t, "Warning: BOS session cancelled")
	if got := request(t, http.MethodGet, r.url+"/v2/sessions"); strings.TrimSpace(got) != "[]" {
		t.Errorf("the sessions are %s", got)
	}
}

func TestAnEmbeddedBOSBootsDuringTheApplyAndIsSuspendedByAnInterrupt(t *testing.T) {
	t.Parallel()
	r := startRoom(t, 2*time.Second, "http://"+freeAddress(t))
	block := "provider \"bos\" {\n  embedded = {\n    config   = \"" + r.settings + "\"\n    database = \"" + filepath.Join(filepath.Dir(r.settings), "tf.db") + "\"\n  }\n}\n"
	w := newProcessWorkspace(t)
	w.write(block, template("quiet"), session(rolling))
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "Warning: This will reboot 4 nodes")
	if n := resets(r); n != 0 {
		t.Errorf("planning reset nodes %d times", n)
	}
	powered := make(chan struct{})
	go func() {
		defer close(powered)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for resets(r) == 0 && t.Context().Err() == nil {
			<-tick.C
		}
	}()
	w.interrupted(powered).says(t, "is suspended")
	attributes, tainted := w.instance("bos_session.boot")
	if attributes["status"] != "suspended" || tainted {
		t.Fatalf("after the interrupt the session is %v (tainted: %t)", attributes["status"], tainted)
	}
	name := attributes["name"]
	w.plan().says(t, "0 to add, 1 to change, 0 to destroy")
	w.apply().exits(t, 0)
	attributes = w.attributes("bos_session.boot")
	if attributes["status"] != "complete" || attributes["name"] != name || attributes["failed_count"] != 0.0 {
		t.Errorf("after the second apply the session is %v", attributes)
	}
	w.plan().exits(t, 0)
}

func TestNodesThatAnotherSessionTakesFromTheBundledServiceAreNoSuccess(t *testing.T) {
	t.Parallel()
	r := startReal(t, 2*time.Second)
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for resets(r) == 0 && t.Context().Err() == nil {
			<-tick.C
		}
		send(t, http.MethodPost, r.url+"/v2/sessions", strings.NewReader(`{"template_name":"compute","operation":"shutdown","limit":"`+strings.Join(r.nodes()[:2], ",")+`"}`))
	}()
	w := newWorkspace(t)
	w.write(r.block(), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	<-taken
	got := w.attributes("bos_session.boot")
	if got["succeeded"] != false || got["unfinished_nodes"] != bos.Fold(r.nodes()[:2]) || got["failed_count"] != nil || got["node_count"] != 4.0 {
		t.Errorf("the session is %v", got)
	}
	w.plan().says(t, "2 nodes not done by the session to reboot")
}

func TestAnEmbeddedBOSTakesItsSettingsInline(t *testing.T) {
	t.Parallel()
	r := startRoom(t, 100*time.Millisecond, "http://"+freeAddress(t))
	w := newProcessWorkspace(t)
	w.write("provider \"bos\" {\n  embedded = {\n    settings = yamlencode(yamldecode(file(\""+r.settings+"\")))\n    database = \""+filepath.Join(t.TempDir(), "tf.db")+"\"\n  }\n}\n", template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	if got := w.attributes("bos_session.boot"); got["status"] != "complete" || got["node_count"] != 4.0 || got["failed_count"] != 0.0 {
		t.Errorf("the session is %v", got)
	}
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := porttest.Free()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("127.0.0.1:", port)
}

func resets(r *realBOS) (n int) {
	for _, id := range r.nodes() {
		n += len(r.room.Room().Resets(id))
	}
	return n
}
