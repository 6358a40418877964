package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// The tests here are of the cases in docs/field-cases.md that take the whole
// service to show.

func TestASessionBootsRebootsAndShutsDown(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		for _, c := range []struct {
			operation string
			want      []bos.PowerOp
		}{
			{"boot", []bos.PowerOp{bos.PowerOn}},
			{"boot", nil},
			{"reboot", []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}},
			{"shutdown", []bos.PowerOp{bos.PowerSoftOff}},
		} {
			w.forget()
			name := c.operation + time.Now().Format("-150405")
			w.session(name, c.operation, "t", "")
			if s := w.complete(name); s.PercentSuccessful != 100 {
				t.Errorf("%s: %+v", c.operation, s)
			}
			for i := range 3 {
				if got := w.did(nodeName(i)); !slices.Equal(got, c.want) {
					t.Errorf("%s of %s did %v, want %v", c.operation, nodeName(i), got, c.want)
				}
			}
		}
	})
}

func TestNodesWhoseBootParametersWereRefusedStayOffAndTheOthersBoot(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.images["s3://b/two"] = bos.Image{Path: "s3://b/two", Kernel: bos.Artifact{Path: "k2"}, Initrd: bos.Artifact{Path: "i2"}}
		w.template("two", object{
			"a": w.set(object{"node_list": []string{nodeName(0), nodeName(1)}}),
			"b": w.set(object{"node_list": []string{nodeName(2), nodeName(3)}, "path": "s3://b/two"}),
		})
		w.write = func(_ []string, a bos.BootArtifacts) error {
			if a.Kernel == "k2" {
				return &bos.CallError{Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: "BSS says no"}
			}
			return nil
		}
		w.session("s", "boot", "two", "")
		if s := w.complete("s"); s.PercentSuccessful != 50 || s.PercentFailed != 50 {
			t.Errorf("%+v", s)
		}
		for i := range 4 {
			id := nodeName(i)
			if got, want := len(w.did(id)) > 0, i < 2; got != want {
				t.Errorf("%s was powered on: %t, want %t", id, got, want)
			}
			if i >= 2 && (w.cause("s", id) != bos.CauseBootParameters || !strings.Contains(w.component(id).Error, "BSS says no")) {
				t.Errorf("%s failed with %q: %s", id, w.cause("s", id), w.component(id).Error)
			}
		}
	})
}

func TestANodeThatPowerControlLeavesOutOnceIsNotGivenUp(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		left := 2 // probes in which it is missing
		w.probe = func(id string) (bos.PowerReading, bool) {
			if id != nodeName(1) || left == 0 {
				return bos.PowerReading{}, false
			}
			left--
			return bos.PowerReading{Cause: bos.CauseUnknownToPower}, true
		}
		w.session("s", "boot", "t", "")
		if s := w.complete("s"); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
		if got := w.did(nodeName(1)); !slices.Equal(got, []bos.PowerOp{bos.PowerOn}) {
			t.Errorf("it was %v", got)
		}
	})
}

func TestAGracefulOffThatNeverReachedTheNodeIsNotFollowedByForce(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		id := nodeName(0)
		w.session("first", "boot", "t", "")
		w.complete("first")
		w.forget()
		back := time.Now().Add(20 * time.Minute)
		w.apply = func(bos.PowerOp, string) (bos.CallResult, bool) {
			return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseUpstreamOutage, Detail: "no connection"}, time.Now().Before(back)
		}
		w.session("s", "shutdown", "t", "")
		if s := w.complete("s"); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
		if ops := w.did(id); slices.Contains(ops, bos.PowerForceOff) || len(ops) < 2 {
			t.Errorf("in an outage of twice max_power_off_wait_time and more it was %v", ops)
		}
		if n := w.component(id).EventStats.PowerOffGracefulAttempts; n > 1 {
			t.Errorf("%d attempts are counted", n)
		}
	})
}

func TestANodeThatVanishesFromTheInventoryDoesNotKeepItsSessionOpen(t *testing.T) {
	inWorld(t, 6, func(t *testing.T, w *world) {
		w.session("s", "boot", "t", "")
		w.advance(100 * time.Millisecond)
		w.mu.Lock()
		delete(w.nodes, nodeName(2))
		w.inv.Nodes = slices.DeleteFunc(w.inv.Nodes, func(n bos.Node) bool { return n.ID == nodeName(2) })
		w.mu.Unlock()
		w.apply = func(_ bos.PowerOp, id string) (bos.CallResult, bool) {
			return bos.CallResult{Outcome: bos.CallNotAttempted, Cause: bos.CauseUnknownToPower}, id == nodeName(2)
		}
		s := w.complete("s")
		if s.ManagedComponentsCount != 6 || s.PercentFailed != 16.67 {
			t.Errorf("%+v", s)
		}
		if c := w.component(nodeName(2)); c.Enabled || c.Error == "" || w.cause("s", nodeName(2)) == bos.CauseNone {
			t.Errorf("the node that vanished is %+v", c)
		}
	})
}

func TestEachNodeThatIsRefusedFailsWithItsOwnCause(t *testing.T) {
	inWorld(t, 12, func(t *testing.T, w *world) {
		w.apply = func(_ bos.PowerOp, id string) (bos.CallResult, bool) {
			return bos.CallResult{Outcome: bos.CallRefused, Cause: bos.CauseResetRefused, Detail: "refused for " + id}, id != nodeName(7)
		}
		w.session("s", "boot", "t", "")
		if s := w.complete("s"); s.PercentFailed != 91.67 || s.PercentSuccessful != 8.33 {
			t.Errorf("%+v", s)
		}
		for i := range 12 {
			if c := w.component(nodeName(i)); i != 7 && (!strings.Contains(c.Error, nodeName(i)) || w.cause("s", nodeName(i)) == bos.CauseNone || c.Enabled) {
				t.Errorf("%s: %+v", nodeName(i), c)
			}
		}
	})
}

func TestWithoutRetriesAllNodesFailAndTheSessionEnds(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.options(object{"default_retry_policy": 0})
		w.session("s", "boot", "t", "")
		s := w.complete("s")
		if s.PercentFailed != 100 || len(s.ErrorSummary) == 0 {
			t.Errorf("%+v", s)
		}
		if len(w.calls) != 0 {
			t.Errorf("without attempts there were %v", w.calls)
		}
	})
}

func TestABMCThatIgnoresResetsForAMinuteIsAskedAgain(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.session("first", "boot", "t", "")
		w.complete("first")
		w.forget()
		last := make(map[string]time.Time)
		w.apply = func(_ bos.PowerOp, id string) (bos.CallResult, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			since := time.Since(last[id])
			if since < time.Minute {
				return bos.CallResult{}, true // accepted, and nothing is done
			}
			last[id] = time.Now()
			return bos.CallResult{}, false
		}
		w.session("s", "reboot", "t", "")
		if s := w.complete("s"); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAnImageWithoutAReporterFailsAfterItsRetriesAndIsNotRebootedForEver(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.nodes[nodeName(1)].mute = true
		w.session("s", "boot", "t", "")
		if s := w.complete("s"); s.PercentSuccessful != 50 || s.PercentFailed != 50 {
			t.Errorf("%+v", s)
		}
		on := 0
		for _, op := range w.did(nodeName(1)) {
			if op == bos.PowerOn {
				on++
			}
		}
		if want := bos.DefaultOptions().DefaultRetryPolicy; on != want {
			t.Errorf("it was powered on %d times, want %d", on, want)
		}
		if c := w.component(nodeName(1)); w.cause("s", nodeName(1)) == bos.CauseNone || c.Error == "" || c.Enabled {
			t.Errorf("it ends as %+v", c)
		}
		calls := len(w.calls)
		w.advance(2 * time.Hour)
		if len(w.calls) != calls {
			t.Errorf("two hours later there are %d more power calls", len(w.calls)-calls)
		}
	})
}

func TestSessionsOfOneNameInTwoTenantsEndEachForItself(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.tenants["red"] = []string{nodeName(0), nodeName(1)}
		red := []string{"Cray-Tenant-Name", "red"}
		w.template("t", object{"compute": w.set(object{"node_roles_groups": []string{"Compute"}})}, red...)
		w.template("rest", object{"rest": w.set(object{"node_list": []string{nodeName(2), nodeName(3)}})})
		w.nodes[nodeName(3)].mute = true // so that the other session goes on for long
		w.session("same", "boot", "t", "", red...)
		w.session("same", "boot", "rest", "")
		began := time.Now()
		if s := w.complete("same", red...); s.ManagedComponentsCount != 2 || s.PercentSuccessful != 100 {
			t.Errorf("the tenant's: %+v", s)
		}
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("the tenant's session waited %s for foreign nodes", took)
		}
		if s := w.complete("same"); s.ManagedComponentsCount != 2 || s.PercentSuccessful != 50 {
			t.Errorf("that of nobody: %+v", s)
		}
	})
}

func TestANewerSessionTakesNodesAndTheOlderEndsTruthfully(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.session("old", "boot", "t", "")
		w.advance(3 * time.Second)
		w.session("new", "shutdown", "t", nodeName(1))
		if s := w.complete("new"); s.ManagedComponentsCount != 1 || s.PercentSuccessful != 100 {
			t.Errorf("new: %+v", s)
		}
		if s := w.complete("old"); s.ManagedComponentsCount != 3 || s.GoneComponentsCount != 1 || s.PercentSuccessful != 66.67 || s.Phases.PercentComplete != 100 {
			t.Errorf("old: %+v", s)
		}
		if m := w.nodes[nodeName(1)]; m.on {
			t.Error("the node that the newer session shut down is on")
		}
		if w.component(nodeName(1)).Session != "new" {
			t.Errorf("it belongs to %q", w.component(nodeName(1)).Session)
		}
	})
}

func TestDeletingARunningSessionSaysWhatBecomesOfItsNodes(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.session("s", "boot", "t", "")
		w.advance(3 * time.Second)
		w.must("DELETE", "/v2/sessions/s", nil)
		w.advance(30 * time.Minute)
		for i := range 2 {
			// As with the original, nodes go on to their desired state; the
			// way to stop them is to cancel.
			if c := w.component(nodeName(i)); c.Enabled || c.Status.Status != bos.StatusStable || !w.nodes[nodeName(i)].on {
				t.Errorf("%s is %+v", nodeName(i), c)
			}
		}
	})
}

func TestANodeRebootedOutsideBOSKeepsItsStageAndBootsWhatItShouldRun(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		id := nodeName(0)
		w.session("first", "boot", "t", "")
		w.complete("first")
		w.images["s3://b/two"] = bos.Image{Path: "s3://b/two", Kernel: bos.Artifact{Path: "k2"}, Initrd: bos.Artifact{Path: "i2"}}
		w.template("two", object{"compute": w.set(object{"node_list": []string{id}, "path": "s3://b/two"})})
		w.must("POST", "/v2/sessions", object{"name": "staged", "operation": "reboot", "template_name": "two", "stage": true})
		w.advance(time.Minute)
		w.press(bos.PowerForceOff, id)
		w.advance(time.Minute)
		w.press(bos.PowerOn, id)
		w.advance(time.Minute)
		c := w.component(id)
		if c.ActualState.BootArtifacts.Kernel != "k1" || c.StagedState.BootArtifacts.Kernel != "k2" || c.StagedState.Session != "staged" {
			t.Errorf("after a reboot by hand: %+v", c)
		}
		w.must("POST", "/v2/applystaged", object{"xnames": []string{id}})
		if s := w.complete("staged"); s.PercentSuccessful != 100 {
			t.Errorf("%+v", s)
		}
		if got := w.component(id).ActualState.BootArtifacts.Kernel; got != "k2" {
			t.Errorf("it runs %q", got)
		}
	})
}

func TestAStagedShutdownAndAStagedRebootWork(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		w.session("first", "boot", "t", "")
		w.complete("first")
		for _, c := range []struct {
			operation string
			want      []bos.PowerOp
		}{{"reboot", []bos.PowerOp{bos.PowerSoftOff, bos.PowerOn}}, {"shutdown", []bos.PowerOp{bos.PowerSoftOff}}} {
			w.forget()
			w.must("POST", "/v2/sessions", object{"name": c.operation, "operation": c.operation, "template_name": "t", "stage": true})
			w.advance(time.Minute)
			if len(w.calls) != 0 {
				t.Fatalf("staging alone did %v", w.calls)
			}
			w.must("POST", "/v2/applystaged", object{"xnames": []string{nodeName(0), nodeName(1)}})
			if s := w.complete(c.operation); s.PercentSuccessful != 100 {
				t.Errorf("%s: %+v", c.operation, s)
			}
			if got := w.did(nodeName(1)); !slices.Equal(got, c.want) {
				t.Errorf("%s did %v, want %v", c.operation, got, c.want)
			}
		}
	})
}

func TestAReporterThatLostItsTokenDoesNotHideWhatTheNodeRuns(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		id := nodeName(0)
		w.session("first", "boot", "t", "")
		w.complete("first")
		before := w.component(id)
		for _, report := range []object{{"bss_token": ""}, {"bss_token": "nobody gave this one"}, {}} {
			w.must("PATCH", "/v2/components/"+id, object{"id": id, "actual_state": report})
			if got := w.component(id).ActualState.BootArtifacts; got != before.ActualState.BootArtifacts {
				t.Errorf("after the report %v it counts as running %+v", report, got)
			}
		}
		w.session("again", "boot", "t", "")
		w.complete("again")
		if got := w.did(id); !slices.Equal(got, []bos.PowerOp{bos.PowerOn}) {
			t.Errorf("a node that runs what it should was %v", got)
		}
	})
}

func TestAManifestIsReadOncePerSessionHoweverManyBootSetsNameIt(t *testing.T) {
	inWorld(t, 4, func(t *testing.T, w *world) {
		w.template("many", object{
			"a": w.set(object{"node_list": []string{nodeName(0)}}), "b": w.set(object{"node_list": []string{nodeName(1)}, "kernel_parameters": "quiet"}),
			"c": w.set(object{"node_list": []string{nodeName(2)}}), "d": w.set(object{"node_list": []string{nodeName(3)}}),
		})
		clear(w.read)
		w.session("s", "boot", "many", "")
		w.complete("s")
		// Once when the session is created, and once when it is set up.
		if got := w.read["s3://b/one"]; got > 2 {
			t.Errorf("the manifest was read %d times", got)
		}
	})
}

func TestFiltersThatLeaveNobodyEndTheSessionAndSaySo(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		for i := range w.inv.Nodes {
			w.inv.Nodes[i].Enabled = false
		}
		w.session("s", "boot", "t", "")
		w.complete("s")
		var s bos.Session
		w.get("/v2/sessions/s", &s)
		if s.Status.Error == nil || *s.Status.Error != "No nodes were found to act upon." || s.Components != "" {
			t.Errorf("%+v", s)
		}
		w.must("POST", "/v2/sessions", object{"name": "all", "operation": "boot", "template_name": "t", "include_disabled": true})
		if s := w.complete("all"); s.ManagedComponentsCount != 2 || s.PercentSuccessful != 100 {
			t.Errorf("with disabled nodes: %+v", s)
		}
	})
}

// again replaces a component in one instant, as terraform apply -replace does.
func (w *world) again(id, kernel string) {
	w.t.Helper()
	w.must("DELETE", "/v2/components/"+id, nil)
	w.must("PUT", "/v2/components/"+id, object{"enabled": true, "desired_state": object{
		"boot_artifacts": object{"kernel": kernel, "kernel_parameters": "p", "initrd": "i"},
	}})
}

func TestAComponentThatIsDeletedAndMadeAnewWithinAPassBootsWhatItNowShall(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		id := nodeName(0)
		// Written often, so that the new record is younger than the old one in
		// everything but its revision.
		var held atomic.Bool
		held.Store(true)
		w.probe = func(string) (bos.PowerReading, bool) {
			return bos.PowerReading{Symptom: bos.SymptomSilent}, held.Load()
		}
		w.again(id, "old")
		for range 30 {
			w.must("PATCH", "/v2/components/"+id, object{"retry_policy": 3, "error": fmt.Sprint(w.now())})
			w.advance(time.Second)
		}
		w.again(id, "new")
		held.Store(false)
		w.advance(10 * time.Minute)
		w.mu.Lock()
		script := w.nodes[id].script.Kernel
		w.mu.Unlock()
		if c := w.component(id); script != "new" || c.ActualState.BootArtifacts.Kernel != "new" || c.Enabled || c.Error != "" {
			t.Errorf("the boot script says %q, the component is %+v", script, c)
		}
	})
}

func TestASessionThatIsDeletedAndMadeAnewWithinAPassIsSetUp(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		var down atomic.Bool
		w.image = func(string) error {
			if down.Load() {
				return fmt.Errorf("the image store does not answer at %s", w.now())
			}
			return nil
		}
		w.session("s", "boot", "t", "")
		down.Store(true)
		w.advance(10 * time.Second) // it is put off, and written, a few times
		w.must("DELETE", "/v2/sessions/s", nil)
		w.session("s", "shutdown", "t", "")
		made := time.Now()
		if status, took := w.complete("s"), time.Since(made); status.PercentSuccessful != 100 || took > time.Minute {
			t.Errorf("after %s: %+v", took, status)
		}
		if c := w.component(nodeName(0)); c.DesiredState.BootArtifacts.Kernel != "" {
			t.Errorf("the node is worked on for the session before: %+v", c)
		}
	})
}

// reporting is a store whose components report whenever somebody has read them to
// plan with: no two reads of them are the same.
type reporting struct {
	*sqlite.Store
	reports int
}

func (s *reporting) Components(ctx context.Context, f bos.ComponentFilter) ([]bos.Record, error) {
	list, err := s.Store.Components(ctx, f)
	if len(f.IDs) > 0 && err == nil {
		s.reports++
		_, err = s.MutateComponents(ctx, f.IDs[:1], func(r *bos.Record, _ bool) error {
			r.ActualState.BSSToken = fmt.Sprint(s.reports)
			return nil
		})
	}
	return list, err
}

func TestASessionIsSetUpAlthoughItsNodesReportAllTheTime(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		w.end()
		store := &reporting{Store: w.store}
		w.config.Store = store
		w.start()
		w.advance(time.Second)
		reads := w.read["s3://b/one"]
		w.session("s", "boot", "t", "")
		if status := w.complete("s"); status.PercentSuccessful != 100 || status.ManagedComponentsCount != 3 {
			t.Errorf("%+v", status)
		}
		if n := w.read["s3://b/one"] - reads; n > 2 {
			t.Errorf("its image was read %d times, once to accept it and once to set it up is enough", n)
		}
	})
}

func TestManySessionsOnOneNodeAreSetUpTogether(t *testing.T) {
	const sessions = 60
	inWorld(t, 3, func(t *testing.T, w *world) {
		reads, images := w.inventories, w.read["s3://b/one"]
		for i := range sessions {
			w.must("POST", "/v2/sessions", object{"name": fmt.Sprint("s", i), "operation": "reboot", "template_name": "t", "limit": nodeName(0), "stage": true})
		}
		w.session("other", "boot", "t", nodeName(1))
		w.advance(time.Second)
		for _, name := range []string{"s0", fmt.Sprint("s", sessions-1), "other"} {
			var s bos.Session
			w.get("/v2/sessions/"+name, &s)
			if s.Status.Status == bos.SessionPending {
				t.Errorf("session %s is pending after a second", name)
			}
		}
		// Each is read once to be accepted; what is set up together is read for
		// all of it.
		if n := w.inventories - reads; n > sessions+10 {
			t.Errorf("the inventory was read %d times for %d sessions", n, sessions)
		}
		if n := w.read["s3://b/one"] - images; n > sessions+20 {
			t.Errorf("the image was read %d times for %d sessions", n, sessions)
		}
	})
}

func TestWhatAnotherProcessWritesIsWorkedOn(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		other, err := sqlite.Open(t.Context(), w.path)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close() //nolint:errcheck // the test is over
		yes := true
		boots := bos.BootArtifacts{Kernel: "k9", KernelParameters: "p", Initrd: "i"}
		arm := func(ids ...string) {
			t.Helper()
			_, err := other.MutateComponents(t.Context(), ids, func(r *bos.Record, _ bool) error {
				bos.ComponentPatch{Enabled: &yes, DesiredState: &bos.DesiredPatch{BootArtifacts: &bos.ArtifactsPatch{Kernel: &boots.Kernel, KernelParameters: &boots.KernelParameters, Initrd: &boots.Initrd}}}.Apply(r, nil, time.Now())
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		arm(nodeName(0))
		w.advance(time.Minute)
		if c := w.component(nodeName(0)); c.ActualState.BootArtifacts != boots || c.Enabled {
			t.Errorf("the component became %+v", c)
		}
		rec := bos.SessionRecord{
			Session:  bos.Session{Name: "s", Operation: bos.OperationShutdown, Limit: nodeName(1), Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(time.Now())}},
			Template: bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{"compute": {Path: "s3://b/one", Type: "s3", NodeRolesGroups: []string{"Compute"}}}},
			Created:  time.Now(),
		}
		if err := other.CreateSession(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		w.complete("s")
		// More than the feed keeps: all is loaded anew, and what is gone is let go.
		w.probe = func(id string) (bos.PowerReading, bool) {
			return bos.PowerReading{Symptom: bos.SymptomSilent}, id == nodeName(2)
		}
		arm(nodeName(2))
		w.advance(5 * time.Second)
		if err := other.DeleteComponent(t.Context(), nodeName(2)); err != nil {
			t.Fatal(err)
		}
		many := make([]string, 30_000)
		for i := range many {
			many[i] = fmt.Sprintf("z%05d", i)
		}
		rounds := 8
		if raced {
			rounds = 1 // the feed keeps that; make test has all of them without the race detector
		}
		for i := range rounds {
			if _, err := other.MutateComponents(t.Context(), many, func(r *bos.Record, _ bool) error { r.Error = fmt.Sprint(i); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		arm(nodeName(1))
		w.advance(time.Minute)
		if c := w.component(nodeName(1)); c.ActualState.BootArtifacts != boots || c.Enabled {
			t.Errorf("after so much was written the component became %+v", c)
		}
	})
}
