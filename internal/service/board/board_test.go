package board

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// testing.T and rapid.T alike.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func open(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// prompt is a board that looks whenever it is asked.
func prompt(store Store) *Board {
	b := New(Config{Store: store, Public: "https://bos"})
	b.pace, b.rest = 0, 0
	return b
}

// reader is a client of the stream.
type reader struct {
	t       *testing.T
	viewer  *Viewer
	known   bos.Watched
	last    string
	resets  int
	deltas  int
	bytes   int
	newest  []byte
	started bool
}

func watch(t *testing.T, b *Board, want Want, after string) *reader {
	t.Helper()
	v, err := b.Watch(t.Context(), want, after)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return &reader{t: t, viewer: v, started: after != ""}
}

// read takes in what there is.
func (r *reader) read(t tester) {
	t.Helper()
	frames, err := r.viewer.Next(r.t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		r.bytes += len(f)
		name, id, data := parts(t, f)
		r.last, r.newest = id, data
		switch name {
		case bos.StreamResetEvent:
			r.resets++
		case bos.StreamDeltaEvent:
			r.deltas++
		}
		if err := r.known.Take(name, data); err != nil {
			t.Fatal(err)
		}
	}
}

func parts(t tester, f []byte) (name, id string, data []byte) {
	t.Helper()
	lines := strings.SplitN(strings.TrimSuffix(string(f), "\n\n"), "\n", 3)
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "event: ") || !strings.HasPrefix(lines[1], "id: ") || !strings.HasPrefix(lines[2], "data: ") {
		t.Fatalf("this is no event: %.200q", f)
	}
	return lines[0][7:], lines[1][4:], []byte(lines[2][6:])
}

// shown is what a client knows, by names: numbers are of one stream.
func shown(w bos.Watched) string {
	var lines []string
	sessions := map[int]string{-1: ""}
	for n, s := range w.Sessions {
		sessions[n] = s.Tenant + "/" + s.Name
		s.N, s.ETA, s.ETAFrom, s.Rate, s.Stragglers = 0, 0, "", 0, bos.Stragglers{}
		if s.Status == bos.SessionComplete {
			s.Failures = nil // of one that was over before, they are read when its nodes are
		}
		text, _ := json.Marshal(s)
		lines = append(lines, string(text))
	}
	for _, n := range w.Nodes {
		if n.State == bos.StateLeft {
			n.Since = 0 // when it was noticed, by one or the other
		}
		lines = append(lines, fmt.Sprintf("%s %s since %d of %s wait %s cause %s attempts %d held %t", n.ID, n.State, n.Since, sessions[n.Session], n.Wait, n.Cause, n.Attempts, n.Held))
	}
	slices.Sort(lines)
	text, _ := json.Marshal(w.Pause)
	return strings.Join(append(lines, string(text)), "\n")
}

// room is a store that a test does things to at random.
type room struct {
	t     tester
	store *sqlite.Store
	ctx   *testing.T
}

func (r room) session(name, tenant string, nodes []string, stage bool) {
	r.t.Helper()
	if r.pending(name, tenant, stage) {
		r.setUp(name, tenant, nodes, stage)
	}
}

// pending creates a session, unless there is one of the name.
func (r room) pending(name, tenant string, stage bool) bool {
	r.t.Helper()
	rec := bos.SessionRecord{Session: bos.Session{
		Name: name, Tenant: bos.TenantRef(tenant), Operation: bos.OperationBoot, TemplateName: "t", Stage: stage,
		Status: bos.SessionStatus{Status: bos.SessionPending},
	}, Created: time.Now()}
	err := r.store.CreateSession(r.ctx.Context(), rec)
	if err != nil && !errors.Is(err, bos.ErrExists) {
		r.t.Fatal(err)
	}
	return err == nil
}

func (r room) setUp(name, tenant string, nodes []string, stage bool) {
	r.t.Helper()
	key := bos.SessionKey{Tenant: tenant, Name: name}
	stored, err := r.store.Session(r.ctx.Context(), key)
	if err != nil {
		r.t.Fatal(err)
	}
	selected := make([]bos.SelectedNode, len(nodes))
	for i, id := range nodes {
		selected[i] = bos.SelectedNode{ID: id, BootSet: "set"}
	}
	_, _, err = r.store.SetUp(r.ctx.Context(), bos.Setup{
		Session: key, Revision: stored.Revision, Nodes: selected, Fence: bos.NoFence,
		Arm: func(s *bos.SessionRecord, nodes []bos.Record) (armed bos.Armed) {
			s.Status.Status = bos.SessionRunning
			for i := range nodes {
				if n := &nodes[i]; stage {
					n.StagedState.Session = name
				} else {
					n.Session, n.Tenant, n.Enabled, n.Status, n.Work = name, tenant, true, bos.ComponentStatus{}, bos.Work{}
					n.Goal = bos.GoalBoot
				}
				armed.Nodes = append(armed.Nodes, nodes[i].ID)
			}
			return armed
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r room) change(id string, fn func(*bos.Record)) {
	r.t.Helper()
	if _, err := r.store.MutateComponents(r.ctx.Context(), []string{id}, func(n *bos.Record, _ bool) error { fn(n); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

func (r room) end(key bos.SessionKey) {
	r.t.Helper()
	owned, err := r.store.Components(r.ctx.Context(), bos.ComponentFilter{Session: key.Name})
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range owned {
		if owned[i].Enabled && owned[i].Key() == key { // a session ends when all of its nodes are over
			r.change(owned[i].ID, happens["done"])
		}
	}
	_, err = r.store.MutateSession(r.ctx.Context(), key, func(s *bos.SessionRecord) error { s.Status.Status = bos.SessionComplete; return nil })
	if err != nil && !errors.Is(err, bos.ErrNotFound) {
		r.t.Fatal(err)
	}
}

// happens are the things that may become of a node.
var happens = map[string]func(*bos.Record){
	"called on": func(n *bos.Record) {
		n.Status.Phase, n.LastAction.Action, n.EventStats.PowerOnAttempts = bos.PhasePoweringOn, bos.ActionPoweringOn, n.EventStats.PowerOnAttempts+1
	},
	"called off": func(n *bos.Record) {
		n.Status.Phase, n.LastAction.Action = bos.PhasePoweringOff, bos.ActionPowerOffGraceful
	},
	"waits": func(n *bos.Record) { n.Wait(bos.Waiting{For: bos.WaitBackOff, Cause: bos.CauseBMCError}) },
	"done":  func(n *bos.Record) { n.Enabled, n.Status, n.Work = false, bos.ComponentStatus{}, bos.Work{} },
	"failed": func(n *bos.Record) {
		n.Enabled, n.Status.StatusOverride, n.Work.Cause = false, bos.StatusFailed, bos.CauseBootTimeout
	},
	"held":  func(n *bos.Record) { n.Held.Reason, n.Held.Since = "look", n.Held.Since.AddDate(2000, 0, 0) },
	"freed": func(n *bos.Record) { n.Held = bos.Brake{} },
	"away":  func(n *bos.Record) { n.Session, n.Tenant, n.Enabled = "", "", false },
}

// works are those that happen to nodes in work alone.
var works = map[string]bool{"called on": true, "called off": true, "waits": true, "done": true, "failed": true}

func TestWhoFollowsKnowsTheSameAsWhoComesAnew(t *testing.T) {
	kinds := make([]string, 0, len(happens))
	for kind := range happens {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	rapid.Check(t, func(rt *rapid.T) {
		r := room{rt, open(t), t}
		all := make([]string, 12)
		for i := range all {
			all[i] = fmt.Sprintf("x1c0s%db0n0", i)
			r.change(all[i], func(*bos.Record) {})
		}
		names := []string{"a", "b", "c"}
		r.session("a", "", all[:6], false)
		b := prompt(r.store)
		wants := []Want{
			{Reach: bos.WholeSite(), Nodes: true},
			{Reach: bos.WholeSite()},
			{Reach: bos.WholeSite(), Session: bos.SessionKey{Name: "a"}, Nodes: true},
			{Reach: bos.TenantReach("red", all[3:7]), Nodes: true},
		}
		readers := make([]*reader, len(wants))
		for i, want := range wants {
			readers[i] = watch(t, b, want, "")
		}
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			id := rapid.SampledFrom(all).Draw(rt, "node")
			switch rapid.IntRange(0, 12).Draw(rt, "what") {
			case 0:
				from := rapid.IntRange(0, 8).Draw(rt, "from")
				name := rapid.SampledFrom([]string{"b", "c", "red"}).Draw(rt, "session")
				tenant := ""
				if name == "red" {
					tenant = "red"
				}
				r.session(name, tenant, all[from:from+4], rapid.Bool().Draw(rt, "stage"))
			case 1:
				r.end(bos.SessionKey{Name: rapid.SampledFrom(names).Draw(rt, "ends")})
			case 2:
				if err := r.store.DeleteComponent(t.Context(), id); err != nil && !errors.Is(err, bos.ErrNotFound) {
					rt.Fatal(err)
				}
			case 3:
				err := r.store.DeleteSession(t.Context(), bos.SessionKey{Name: rapid.SampledFrom(names[1:]).Draw(rt, "goes")})
				if err != nil && !errors.Is(err, bos.ErrNotFound) {
					rt.Fatal(err)
				}
			case 4:
				_, err := r.store.MutateSitePause(t.Context(), func(b *bos.Brake) error { b.Reason += "x"; return nil })
				if err != nil {
					rt.Fatal(err)
				}
			default:
				kind := rapid.SampledFrom(kinds).Draw(rt, "happens")
				r.change(id, func(n *bos.Record) {
					if n.Enabled || !works[kind] {
						happens[kind](n)
					}
				})
			}
			if rapid.Bool().Draw(rt, "looks") {
				readers[rapid.IntRange(0, len(readers)-1).Draw(rt, "who")].read(rt)
			}
		}
		for i, want := range wants {
			readers[i].read(rt)
			anew := watch(t, prompt(r.store), want, "")
			anew.read(rt)
			if got, fresh := shown(readers[i].known), shown(anew.known); got != fresh {
				rt.Fatalf("who followed %+v knows\n%s\nand who comes now\n%s", want, got, fresh)
			}
			if readers[i].resets > 0 {
				rt.Fatalf("the reader of %+v was reset", want)
			}
		}
	})
}

// thousand is a session of many nodes.
func thousand(t *testing.T, n int) (room, []string) {
	t.Helper()
	r := room{t, open(t), t}
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("x%dc%ds%db0n%d", 1000+i/256, i/64%8, i/2%32, i%2)
	}
	if _, err := r.store.MutateComponents(t.Context(), all, func(*bos.Record, bool) error { return nil }); err != nil {
		t.Fatal(err)
	}
	return r, all
}

func TestWhoIsTooFarBehindIsToldToForgetAndGetsEverythingAnew(t *testing.T) {
	r, all := thousand(t, 20)
	b := prompt(r.store)
	slow, quick := watch(t, b, Want{Reach: bos.WholeSite(), Nodes: true}, ""), watch(t, b, Want{Reach: bos.WholeSite(), Nodes: true}, "")
	slow.read(t)
	quick.read(t)
	for i := range keptFrames + 10 {
		r.change(all[i%20], func(n *bos.Record) { n.EventStats.PowerOnAttempts = i + 1 })
		quick.read(t)
	}
	slow.read(t)
	if slow.resets != 1 || quick.resets != 0 || quick.deltas != keptFrames+10 {
		t.Errorf("the slow one was reset %d times, the quick one %d times after %d deltas", slow.resets, quick.resets, quick.deltas)
	}
	if shown(slow.known) != shown(quick.known) {
		t.Errorf("they know\n%s\nand\n%s", shown(slow.known), shown(quick.known))
	}
}

func TestAllWhoWatchTheSameAreTheSameBytes(t *testing.T) {
	r, all := thousand(t, 200)
	b := prompt(r.store)
	want := Want{Reach: bos.WholeSite(), Nodes: true}
	one, two := watch(t, b, want, ""), watch(t, b, Want{Reach: bos.WholeSite(), Nodes: true}, "")
	next := func(r *reader) []byte {
		t.Helper()
		frames, err := r.viewer.Next(t.Context())
		if err != nil || len(frames) != 1 {
			t.Fatalf("%d frames, %v", len(frames), err)
		}
		return frames[0]
	}
	for step := range 2 {
		a, b := next(one), next(two)
		if &a[0] != &b[0] {
			t.Errorf("step %d is encoded for each of them", step)
		}
		r.change(all[0], func(n *bos.Record) { n.EventStats.PowerOnAttempts++ })
	}
	if len(b.scopes) != 1 {
		t.Errorf("they have %d scopes", len(b.scopes))
	}
}

func TestTenThousandNodesAreHalfAMegabyteAndAChangeIsABite(t *testing.T) {
	r, all := thousand(t, 10_000)
	r.session("a", "", all, false)
	b := prompt(r.store)
	w := watch(t, b, Want{Reach: bos.WholeSite(), Nodes: true}, "")
	w.read(t)
	if w.bytes > 512<<10 || len(w.known.Nodes) != len(all) {
		t.Errorf("the snapshot of %d nodes is %d bytes", len(w.known.Nodes), w.bytes)
	}
	w.bytes = 0
	r.change(all[0], happens["called on"])
	w.read(t)
	if w.bytes > 2<<10 {
		t.Errorf("one node more that boots is %d bytes", w.bytes)
	}
}

func TestASessionIsSummedUpAsItsNodesGoOn(t *testing.T) {
	r, all := thousand(t, 6)
	r.session("a", "", all, false)
	b := prompt(r.store)
	w := watch(t, b, Want{Reach: bos.WholeSite(), Session: bos.SessionKey{Name: "a"}, Nodes: true}, "")
	w.read(t)
	for i, what := range []string{"called on", "done", "failed", "failed", "waits"} {
		r.change(all[i], happens[what])
	}
	r.change(all[3], func(n *bos.Record) { n.Work.Cause = bos.CauseBMCUnreachable })
	w.read(t)
	got := w.known.Sessions[only(t, w.known.Sessions)]
	want := map[string]int{"pending": 2, "powering_off": 0, "powering_on": 0, "booting": 1, "configuring": 0, "done": 1, "failed": 2, "staged": 0, "left": 0}
	if !reflect.DeepEqual(got.Counts, want) || got.Total != 6 || got.Waiting[bos.WaitBackOff] != 1 {
		t.Errorf("it is counted as %v of %d, waiting %v", got.Counts, got.Total, got.Waiting)
	}
	if len(got.Failures) != 2 || got.Failures[0].Count != 1 || got.Failures[0].Sentence == "" {
		t.Errorf("the failures are %+v", got.Failures)
	}
	if got.Retry == nil || got.Retry.Limit != bos.Fold(all[2:4]) || got.URL != "https://bos/ui/#/sessions/a" {
		t.Errorf("retry %+v, page %s", got.Retry, got.URL)
	}
	// Another session takes a node that failed: it is not to be retried with this one.
	r.session("b", "", all[2:3], false)
	w.read(t)
	got = w.known.Sessions[only(t, w.known.Sessions)]
	if got.Counts["failed"] != 2 || got.Retry == nil || got.Retry.Limit != all[3] {
		t.Errorf("after another session took %s it is %v, retry %+v", all[2], got.Counts, got.Retry)
	}
}

func only(t *testing.T, sessions map[int]bos.StreamSession) int {
	t.Helper()
	if len(sessions) != 1 {
		t.Fatalf("%d sessions", len(sessions))
	}
	for n := range sessions {
		return n
	}
	return 0
}

func TestASessionThatWasOverBeforeIsShownWithItsNodesWhenSomebodyWantsThem(t *testing.T) {
	r, all := thousand(t, 4)
	r.session("a", "", all, false)
	for i, what := range []string{"done", "failed", "done", "failed"} {
		r.change(all[i], happens[what])
	}
	r.end(bos.SessionKey{Name: "a"})
	b := prompt(r.store)
	site := watch(t, b, Want{Reach: bos.WholeSite()}, "")
	site.read(t)
	if got := site.known.Sessions[only(t, site.known.Sessions)]; got.Counts["done"] != 2 || got.Counts["failed"] != 2 || got.Retry == nil ||
		len(got.Failures) != 1 || got.Failures[0].Count != 2 || got.Failures[0].Nodes != bos.Fold([]string{all[1], all[3]}) || got.Failures[0].Sentence == "" {
		t.Errorf("it is shown as %+v", got)
	}
	r.session("b", "", all[1:2], false)
	site.read(t)
	for _, s := range site.known.Sessions {
		if s.Name == "a" && (s.Retry == nil || s.Retry.Limit != all[3]) {
			t.Errorf("a node was taken from it, and its retry is %+v", s.Retry)
		}
	}
	one := watch(t, b, Want{Reach: bos.WholeSite(), Session: bos.SessionKey{Name: "a"}, Nodes: true}, "")
	one.read(t)
	states := make(map[string]bos.NodeState)
	for _, n := range one.known.Nodes {
		states[n.ID] = n.State
	}
	want := map[string]bos.NodeState{all[0]: bos.StateDone, all[1]: bos.StateFailed, all[2]: bos.StateDone, all[3]: bos.StateFailed}
	if !reflect.DeepEqual(states, want) {
		t.Errorf("its nodes are %v", states)
	}
	if got := one.known.Sessions[only(t, one.known.Sessions)]; len(got.Failures) != 1 || got.Failures[0].Count != 2 {
		t.Errorf("its failures are %+v", got.Failures)
	}
	if _, err := b.Watch(t.Context(), Want{Reach: bos.WholeSite(), Session: bos.SessionKey{Name: "none"}}, ""); !errors.Is(err, bos.ErrNotFound) {
		t.Errorf("a session that is not there is %v", err)
	}
}

func TestNumbersWithoutNodesAreGivenUpWhenTheyAreMany(t *testing.T) {
	r, all := thousand(t, 40)
	b := prompt(r.store)
	w := watch(t, b, Want{Reach: bos.WholeSite(), Nodes: true}, "")
	w.read(t)
	for _, id := range all[:30] {
		if err := r.store.DeleteComponent(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		w.read(t)
	}
	if len(w.known.Nodes) != 10 || w.resets == 0 {
		t.Errorf("it knows %d nodes after %d resets", len(w.known.Nodes), w.resets)
	}
	if text := string(w.newest); bytes.Count([]byte(text), []byte(`""`)) > 8 {
		t.Errorf("the newest event has many empty names: %.300s", text)
	}
}
