package cli

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// logLines is what a process says, to be waited for.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

// Write takes some of it.
func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return len(b), nil
}

// all is what it has said so far.
func (l *logLines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the last of what it said.
func (l *logLines) tail() string {
	const most = 4000
	text := l.all()
	return text[max(0, len(text)-most):]
}

// count is how often it has said something, and a channel that is closed when it says more.
func (l *logLines) count(what string) (int, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more == nil {
		l.more = make(chan struct{})
	}
	return bytes.Count(l.text.Bytes(), []byte(what)), l.more
}

// wait reports whether it says something more than so often before all is over.
func (l *logLines) wait(what string, more int, over func() bool) bool {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		n, news := l.count(what)
		if n > more {
			return true
		}
		select {
		case <-news:
		case <-tick.C:
			if over() {
				return false
			}
		}
	}
}

// author writes templates all the time, one after the other, to the service at url,
// and remembers those that were acknowledged.
type author struct {
	url   atomic.Value
	acked []string
	stop  context.CancelFunc
	ended chan struct{}
}

func writes(t *testing.T, url string) *author {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &author{stop: stop, ended: make(chan struct{})}
	c.url.Store(url)
	go func() {
		defer close(c.ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ctx.Err() == nil; n++ {
			if name := fmt.Sprintf("written-%d", n); put(ctx, c.url.Load().(string), name) {
				c.acked = append(c.acked, name)
			}
			<-tick.C
		}
	}()
	return c
}

// put stores a template and reports whether that was acknowledged.
func put(ctx context.Context, url, name string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	body := `{"enable_cfs": false, "boot_sets": {"compute": {"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": ["Compute"]}}}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/v2/sessiontemplates/"+name, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	authorize(req)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}

// kept ends the writing and fails for each write that was acknowledged and is not there.
func (c *author) kept(t *testing.T, url string, more ...string) {
	t.Helper()
	c.stop()
	<-c.ended
	var stored []bos.SessionTemplate
	call(t, http.MethodGet, url+"/v2/sessiontemplates", nil, &stored)
	there := make(map[string]bool)
	for _, template := range stored {
		there[template.Name] = true
	}
	acked := slices.Concat(c.acked, more)
	if len(acked) == 0 {
		t.Error("no write was acknowledged all the time")
	}
	for _, name := range acked {
		if !there[name] {
			t.Errorf("the write of %s was acknowledged, and is lost", name)
		}
	}
	t.Logf("%d writes were acknowledged", len(acked))
}

// history reads all of it.
func history(t *testing.T, url string) []bos.Event {
	t.Helper()
	var all []bos.Event
	for after := int64(0); ; {
		var page struct {
			Events []bos.Event `json:"events"`
		}
		call(t, http.MethodGet, fmt.Sprintf("%s/x/v1/events?limit=10000&after=%d", url, after), nil, &page)
		if len(page.Events) == 0 {
			return all
		}
		all = append(all, page.Events...)
		after = all[len(all)-1].ID
	}
}

// orders are the reasons that each type of reset is sent for.
var orders = map[string][]decide.Reason{
	machineroom.ResetOn:       {decide.ReasonPowerOn, decide.ReasonPowerOnAgain},
	machineroom.ResetGraceful: {decide.ReasonPowerOff},
	machineroom.ResetForceOff: {decide.ReasonPowerOffForce, decide.ReasonPowerOffForceAgain},
	machineroom.ResetOff:      {decide.ReasonPowerOff, decide.ReasonPowerOffForce, decide.ReasonPowerOffForceAgain},
}

// ordered fails for each reset that nothing ordered.
func ordered(t *testing.T, url string, room *machineroom.Room) {
	t.Helper()
	if resets(room) == 0 {
		t.Error("the room had no resets")
	}
	for _, reset := range unordered(t, url, room) {
		t.Error(reset)
	}
}

// unordered holds the room's own record of resets against the history: each is to be
// ordered by a line of its own that was written before. It tells those that are not.
func unordered(t *testing.T, url string, room *machineroom.Room) []string {
	t.Helper()
	var found []string
	lines := make(map[string][]bos.Event)
	for _, e := range history(t, url) {
		if decide.Reason(e.Kind).Acts() {
			lines[e.Component] = append(lines[e.Component], e)
		}
	}
	for _, n := range room.Inventory().Nodes {
		for _, reset := range room.Resets(n.ID) {
			i := slices.IndexFunc(lines[n.ID], func(e bos.Event) bool {
				return slices.Contains(orders[reset.Type], decide.Reason(e.Kind)) && !e.Time.After(reset.Time)
			})
			if i < 0 {
				found = append(found, fmt.Sprintf("%s got %s at %s, which nothing ordered: %+v", n.ID, reset.Type, reset.Time, lines[n.ID]))
				continue
			}
			lines[n.ID] = slices.Delete(lines[n.ID], i, i+1)
		}
	}
	return found
}

func TestAResetThatNothingOrderedIsFound(t *testing.T) {
	t.Parallel()
	room, service := site(t, 4)
	booted(t, room, service)
	complete(t, service.url, "reboot")
	ordered(t, service.url, room.Room())
	node := room.Room().Inventory().Nodes[2].ID
	if answer := room.Room().Reset(node, machineroom.ResetForceOff, time.Now()); answer != machineroom.AnswerAccepted {
		t.Fatal(answer)
	}
	if found := unordered(t, service.url, room.Room()); len(found) != 1 || !strings.HasPrefix(found[0], node+" got ForceOff") {
		t.Errorf("found %q, want the one of %s", found, node)
	}
}

// rebooted holds the end of a reboot, the last of so many, against the room: all nodes
// booted, by one power-off and one power-on in each.
func rebooted(t *testing.T, s bos.ExtendedStatus, room *machineroom.Room, rounds int) {
	t.Helper()
	nodes := room.Inventory().Nodes
	if s.PercentSuccessful != 100 || s.ManagedComponentsCount != len(nodes) {
		t.Errorf("%+v, want all %d successful", s, len(nodes))
	}
	for _, n := range nodes {
		var kinds []string
		for _, r := range room.Resets(n.ID) {
			kinds = append(kinds, r.Type)
		}
		if len(kinds) != 1+2*rounds || kinds[2*rounds] != machineroom.ResetOn {
			t.Errorf("%s was reset by %v; want On, and one power-off and On in each of %d reboots", n.ID, kinds, rounds)
		}
		if truth, _ := room.Node(n.ID, time.Now()); !truth.Booted {
			t.Errorf("%s counts as booted, and is not", n.ID)
		}
	}
}

// session creates one.
func session(t *testing.T, service *process, name, op string) {
	t.Helper()
	body := map[string]any{"name": name, "template_name": "compute", "operation": op}
	if status := call(t, http.MethodPost, service.url+"/v2/sessions", body, nil); status != http.StatusCreated {
		t.Fatalf("POST %s answered %d", name, status)
	}
}

// booted boots all nodes and begins to reboot them.
func booted(t *testing.T, room *emulator.Server, service *process) {
	t.Helper()
	for _, op := range []string{"boot", "reboot"} {
		session(t, service, op, op)
		if op == "boot" {
			complete(t, service.url, op)
		}
	}
	if got, nodes := resets(room.Room()), len(room.Room().Inventory().Nodes); got < nodes {
		t.Fatalf("%d resets to boot %d nodes", got, nodes)
	}
}

// after waits until the room has had so many resets.
func after(room *emulator.Server, count int) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for resets(room.Room()) < count {
		<-tick.C
	}
}

// sabotages make writes of the engine fail, and let those of clients and nodes pass: of
// a record that it works on, of its history, of its lease.
var sabotages = []string{
	"CREATE TRIGGER sabotage BEFORE UPDATE ON components WHEN NEW.work IS NOT OLD.work BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
	"CREATE TRIGGER sabotage BEFORE INSERT ON events WHEN NEW.kind IN ('power_on', 'power_off_graceful', 'desired_state_reached') BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
	"CREATE TRIGGER sabotage BEFORE INSERT ON lease BEGIN SELECT RAISE(ABORT, 'the disk is full'); END",
}

// restarted is what the log says of a commit that failed.
const restarted = "the engine starts afresh"

// TestCommitsThatFailInMidRebootResetNobodyWithoutAnOrderAndLoseNothing has the database
// refuse what the engine writes, at random moments of a reboot, while its calls are
// under way; FAULTS_NODES and FAULTS_COMMITS make it larger.
func TestCommitsThatFailInMidRebootResetNobodyWithoutAnOrderAndLoseNothing(t *testing.T) {
	t.Parallel()
	nodes, failures := setting(t, "FAULTS_NODES", 40), setting(t, "FAULTS_COMMITS", 3)
	room, service := site(t, nodes)
	booted(t, room, service)
	db := openDatabase(t, service.database)
	author := writes(t, service.url)
	rounds, failed := 1, 0
	for name := "reboot"; ; name = fmt.Sprintf("reboot-%d", rounds) {
		if rounds > 1 {
			session(t, service, name, "reboot")
		}
		over := func() bool {
			var s bos.ExtendedStatus
			call(t, http.MethodGet, service.url+"/v2/sessions/"+name+"/status", nil, &s)
			return s.Status == bos.SessionComplete
		}
		for failed < failures && !over() {
			before, _ := service.log.count(restarted)
			execute(t, db, sabotages[failed%len(sabotages)])
			if service.log.wait(restarted, before, over) {
				failed++
			}
			execute(t, db, "DROP TRIGGER sabotage")
			after(room, min(resets(room.Room())+1+rand.IntN(nodes/4), nodes+2*nodes*rounds))
		}
		rebooted(t, complete(t, service.url, name), room.Room(), rounds)
		if failed == failures {
			break
		}
		rounds++
	}
	t.Logf("%d commits failed in %d reboots of %d nodes", failed, rounds, nodes)
	ordered(t, service.url, room.Room())
	author.kept(t, service.url)
}

// openDatabase opens a service's database beside it.
func openDatabase(t *testing.T, path string) *sql.DB {
	t.Helper()
	driver := "sqlite3"
	if !slices.Contains(sql.Drivers(), driver) {
		driver = "sqlite"
	}
	db, err := sql.Open(driver, "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // the test is over
	db.SetMaxOpenConns(1)
	execute(t, db, "PRAGMA busy_timeout = 60000")
	return db
}

func execute(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %s", statement, err)
	}
}

// some is a few resets more, of those that are still to come.
func some(nodes, moment int) int { return min(nodes+moment+rand.IntN(10), 3*nodes) }
