package machineroom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	image = bos.BootArtifacts{Kernel: "s3://boot-images/a/kernel", Initrd: "s3://boot-images/a/initrd", KernelParameters: "quiet"}
)

const (
	first  = "x1000c0s0b0n0"
	second = "x1000c0s0b0n1"
	third  = "x1000c0s0b1n0"
)

func newTestRoom(t *testing.T, c Config) *Room {
	t.Helper()
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func power(t *testing.T, r *Room, id string, now time.Time) bos.PowerState {
	t.Helper()
	s, err := r.Power(id, now)
	if err != nil {
		t.Fatalf("power of %s: %v", id, err)
	}
	return s
}

// settle lets the room run until nothing happens any more.
func settle(r *Room) (reports []Report, end time.Time) {
	for at, ok := r.Next(); ok; at, ok = r.Next() {
		end = at
		reports = append(reports, r.Advance(at)...)
	}
	return reports, end
}

func TestANodeBootsWhatBSSHasWhenItsPowerComesOn(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.SetBootParameters([]string{first}, image, "old")
	if got := power(t, r, first, epoch); got != bos.PowerStateOff {
		t.Fatalf("an invented node starts %q, want off", got)
	}
	if got := r.Reset(first, ResetOn, epoch); got != AnswerAccepted {
		t.Fatalf("On was answered %d", got)
	}
	if got := power(t, r, first, epoch); got != bos.PowerStatePoweringOn {
		t.Errorf("after On it is %q, want powering on", got)
	}
	r.SetBootParameters([]string{first}, image, "new")
	on, _ := r.Next()
	if got := r.Advance(on); len(got) != 0 {
		t.Errorf("it reported %v before it booted", got)
	}
	if s, _ := r.Node(first, on); s.Power != bos.PowerStateOn || s.Booted {
		t.Errorf("with power it is %q, booted %t; want on and still booting", s.Power, s.Booted)
	}
	r.SetBootParameters([]string{first}, image, "too late")
	reports, end := settle(r)
	want := []Report{{Node: first, Token: "new", Artifacts: image, Time: end}}
	if diff := cmp.Diff(want, reports, cmpopts.IgnoreUnexported(Report{})); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	if s, _ := r.Node(first, end); !s.Booted || s.Token != "new" || !r.Reporting(reports[0]) {
		t.Errorf("after its report the node is %+v", s)
	}
}

func TestANodeWithoutBootParametersNeverReports(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.Reset(first, ResetOn, epoch)
	reports, end := settle(r)
	if len(reports) != 0 || power(t, r, first, end) != bos.PowerStateOn {
		t.Errorf("it reported %v and is %q; want silence and power", reports, power(t, r, first, end))
	}
}

func TestNodesOfOneBMCHavePowerOfTheirOwn(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 2})
	r.Reset(first, ResetOn, epoch)
	if got := power(t, r, second, epoch.Add(time.Hour)); got != bos.PowerStateOff {
		t.Errorf("its neighbour is %q, want off", got)
	}
}

func TestAnswersToResets(t *testing.T) {
	for _, c := range []struct {
		name, before, kind string
		at                 time.Duration
		want               Answer
		changes            bool
	}{
		{"On turns a node on", "", ResetOn, time.Minute, AnswerAccepted, true},
		{"On of a node that is on changes nothing", ResetOn, ResetOn, time.Minute, AnswerAccepted, false},
		{"On while power comes on finds it locked", ResetOn, ResetOn, time.Millisecond, AnswerChanging, false},
		{"ForceOff while power comes on finds it locked", ResetOn, ResetForceOff, time.Millisecond, AnswerChanging, false},
		{"ForceOff turns a node off", ResetOn, ResetForceOff, time.Minute, AnswerAccepted, true},
		{"GracefulShutdown turns a node off", ResetOn, ResetGraceful, time.Minute, AnswerAccepted, true},
		{"ForceOff of a node that is off changes nothing", "", ResetForceOff, time.Minute, AnswerAccepted, false},
		{"ForceRestart of a node that is off changes nothing", "", ResetForceRestart, time.Minute, AnswerAccepted, false},
		{"a type that is not advertised is refused", "", "PowerCycle", time.Minute, AnswerUnsupported, false},
		{"types are told apart by case", "", "on", time.Minute, AnswerUnsupported, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newTestRoom(t, Config{Nodes: 1})
			if c.before != "" {
				r.Reset(first, c.before, epoch)
			}
			had := len(r.Resets(first))
			if got := r.Reset(first, c.kind, epoch.Add(c.at)); got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
			if got := len(r.Resets(first)) > had; got != c.changes {
				t.Errorf("changed something: %t, want %t", got, c.changes)
			}
		})
	}
}

func TestAResetIsRememberedWithWhatWasThereBefore(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.Reset(first, ResetOn, epoch)
	r.SetBootParameters([]string{first}, image, "token")
	later := epoch.Add(time.Minute)
	r.Reset(first, ResetForceOff, later)
	want := []ResetRecord{
		{Time: epoch, Type: ResetOn, Before: bos.PowerStateOff},
		{Time: later, Type: ResetForceOff, Before: bos.PowerStateOn, Artifacts: image, Token: "token"},
	}
	if diff := cmp.Diff(want, r.Resets(first)); diff != "" {
		t.Errorf("resets (-want +got):\n%s", diff)
	}
}

func TestARestartGoesThroughOffAndBootsAgain(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.SetBootParameters([]string{first}, image, "one")
	r.Reset(first, ResetOn, epoch)
	reports, end := settle(r)
	r.SetBootParameters([]string{first}, image, "two")
	if got := r.Reset(first, ResetForceRestart, end); got != AnswerAccepted {
		t.Fatalf("ForceRestart was answered %d", got)
	}
	if got := power(t, r, first, end); got != bos.PowerStatePoweringOff || r.Reporting(reports[0]) {
		t.Errorf("at the restart it is %q and still reports its old boot: %t", got, r.Reporting(reports[0]))
	}
	again, _ := settle(r)
	if len(again) != 1 || again[0].Token != "two" {
		t.Errorf("after the restart it reported %v, want token two", again)
	}
}

func TestAReportOfAnEarlierBootIsOver(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.SetBootParameters([]string{first}, image, "same")
	r.Reset(first, ResetOn, epoch)
	old, end := settle(r)
	r.Reset(first, ResetForceOff, end)
	_, end = settle(r)
	r.Reset(first, ResetOn, end)
	fresh, _ := settle(r)
	if r.Reporting(old[0]) || !r.Reporting(fresh[0]) {
		t.Errorf("the old boot is reported: %t, the new one: %t", r.Reporting(old[0]), r.Reporting(fresh[0]))
	}
}

func TestABootedNodeRepeatsItsReportAndALateReadIsOne(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1, ReportEvery: time.Hour})
	r.SetBootParameters([]string{first}, image, "token")
	r.Reset(first, ResetOn, epoch)
	if got := r.Advance(epoch.Add(time.Minute)); len(got) != 1 {
		t.Fatalf("after its boot it reported %d times", len(got))
	}
	if got := r.Advance(epoch.Add(90 * time.Minute)); len(got) != 1 {
		t.Errorf("after the interval it reported %d times", len(got))
	}
	if got := r.Advance(epoch.Add(1000 * time.Hour)); len(got) != 1 {
		t.Errorf("after a long time without a read it reported %d times", len(got))
	}
}

func TestReportsComeInOrderWhoeverAskedFirst(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 3, Seed: 5})
	r.SetBootParameters([]string{first, second, third}, image, "token")
	for _, id := range []string{third, second, first} {
		r.Reset(id, ResetOn, epoch)
	}
	power(t, r, third, epoch.Add(time.Hour)) // its boot ends here already
	reports := r.Advance(epoch.Add(time.Hour))
	if len(reports) != 3 {
		t.Fatalf("%d nodes reported", len(reports))
	}
	for i := 1; i < len(reports); i++ {
		if reports[i].Time.Before(reports[i-1].Time) {
			t.Errorf("report %d is older than the one before", i)
		}
	}
}

func TestSilenceIsOfOneBMCOrOfAll(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 4, Dead: []string{second}})
	if !r.Silent("x1000c0s0b0") || !r.Silent(first) || r.Silent("x1000c0s0b1") {
		t.Error("a dead node silences its BMC and no other")
	}
	addFaults(t, r, epoch, fault.Rule{Name: "outage", Fault: fault.Outage, Service: fault.BMCs})
	if !r.Silent(third) {
		t.Error("in an outage all are silent")
	}
	r.LiftFaults("outage")
	if r.Silent(third) || !r.Silent(first) {
		t.Error("after an outage only the dead stay silent")
	}
	r.LiftFaults("dead")
	if r.Silent(second) {
		t.Error("a BMC that answers again is silent")
	}
}

func TestUnknownNodesHaveNoPower(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	if _, err := r.Power("x9999c0s0b0n0", epoch); !errors.Is(err, ErrUnknownNode) {
		t.Errorf("power of an unknown node: %v", err)
	}
	if got := r.Reset("x9999c0s0b0n0", ResetOn, epoch); got != AnswerUnknown {
		t.Errorf("reset of an unknown node was answered %d", got)
	}
	if r.Resets("x9999c0s0b0n0") != nil {
		t.Error("an unknown node was reset")
	}
}

func TestImpossibleRoomsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"no nodes":            {Config{}, "0 nodes"},
		"too many nodes":      {Config{Nodes: MaxNodes + 1}, "131073 nodes"},
		"too many on a BMC":   {Config{Nodes: 1, NodesPerBMC: 9}, "9 nodes per BMC"},
		"a dead stranger":     {Config{Nodes: 1, Dead: []string{"x9000c0s0b0"}}, `"x9000c0s0b0"`},
		"time that runs back": {Config{Nodes: 1, BootTime: -time.Second}, "-1s"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(c.config); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not name %s", err, c.says)
			}
		})
	}
}

func TestFaultsHitTheirShareOfCalls(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1000})
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Drop, Probability: 0.2})
	changed := 0
	for _, n := range r.Inventory().Nodes {
		if r.Reset(n.ID, ResetOn, epoch) != AnswerAccepted {
			t.Fatal("a dropped reset is accepted all the same")
		}
		changed += len(r.Resets(n.ID))
	}
	if changed < 750 || changed > 850 {
		t.Errorf("%d of 1000 resets happened with a fifth dropped", changed)
	}
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Refuse})
	if got := r.Reset(first, ResetForceOff, epoch.Add(time.Hour)); got != AnswerBusy {
		t.Errorf("with all refused a reset is answered %d", got)
	}
}

func TestABootThatFailsEndsWithoutAReport(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Boot})
	r.SetBootParameters([]string{first}, image, "token")
	r.Reset(first, ResetOn, epoch)
	if reports, _ := settle(r); len(reports) != 0 {
		t.Errorf("a failed boot reported %v", reports)
	}
}

func TestAStaleBMCTellsThePowerFromBeforeTheReset(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Stale})
	r.Reset(first, ResetOn, epoch)
	if got := power(t, r, first, epoch.Add(30*time.Second)); got != bos.PowerStateOff {
		t.Errorf("it tells %q, want the outdated off", got)
	}
	if s, _ := r.Node(first, epoch.Add(30*time.Second)); s.Power != bos.PowerStateOn {
		t.Errorf("the truth is %q, want on", s.Power)
	}
	if got := power(t, r, first, epoch.Add(time.Minute)); got != bos.PowerStateOn {
		t.Errorf("after a minute it tells %q, want on", got)
	}
}

func TestARoomIsLaidOutLikeAMountainCabinet(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 260})
	nodes := r.States(epoch)
	for place, want := range map[int]string{0: first, 1: second, 2: third, 4: "x1000c0s1b0n0", 32: "x1000c1s0b0n0", 256: "x1001c0s0b0n0"} {
		if got := nodes[place]; got.ID != want || got.NID != place+1 || !bos.IsNodeXname(got.ID) {
			t.Errorf("node %d is %s with NID %d, want %s", place, got.ID, got.NID, want)
		}
	}
	for _, n := range r.Inventory().Nodes {
		if n.Role != "Compute" || !n.Enabled || n.Arch != "X86" {
			t.Fatalf("node %+v", n)
		}
	}
}

func TestARoomRepeatsFromItsSeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			Nodes: rapid.IntRange(1, 20).Draw(t, "nodes"), Seed: rapid.Uint64().Draw(t, "seed"), ReportEvery: time.Hour,
		}
		type call struct {
			node, kind int
			after      time.Duration
		}
		calls := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) call {
			return call{rapid.IntRange(0, c.Nodes-1).Draw(t, "node"), rapid.IntRange(0, 3).Draw(t, "kind"), time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond}
		}), 0, 60).Draw(t, "calls")
		run := func() (log []string) {
			r, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.AddFaults(epoch,
				fault.Rule{Fault: fault.Drop, Probability: 0.2}, fault.Rule{Fault: fault.Refuse, Probability: 0.2},
				fault.Rule{Fault: fault.Boot, Probability: 0.2}, fault.Rule{Fault: fault.Stale, Delay: 2 * time.Second}); err != nil {
				t.Fatal(err)
			}
			nodes := r.Inventory().Nodes
			now := epoch
			for i, do := range calls {
				id := nodes[do.node].ID
				now = now.Add(do.after)
				r.SetBootParameters([]string{id}, image, fmt.Sprint(i))
				answer := r.Reset(id, []string{ResetOn, ResetForceOff, ResetGraceful, ResetForceRestart}[do.kind], now)
				state, err := r.Power(id, now)
				log = append(log, fmt.Sprint(answer, state, err, r.Advance(now)))
			}
			return append(log, fmt.Sprint(r.States(now.Add(time.Hour))))
		}
		if diff := cmp.Diff(run(), run()); diff != "" {
			t.Fatalf("two runs differ:\n%s", diff)
		}
	})
}

func TestWhatHappensDoesNotDependOnHowOftenOneReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Nodes: 6, Seed: rapid.Uint64().Draw(t, "seed")}
		build := func() *Room {
			r, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			for i, n := range r.Inventory().Nodes {
				r.SetBootParameters([]string{n.ID}, image, n.ID)
				r.Reset(n.ID, ResetOn, epoch.Add(time.Duration(i)*time.Second))
			}
			return r
		}
		end := epoch.Add(time.Minute)
		watched, alone := build(), build()
		for _, ms := range rapid.SliceOfN(rapid.IntRange(5001, 59_000), 0, 20).Draw(t, "reads") {
			if _, err := watched.Power(first, epoch.Add(time.Duration(ms)*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(alone.Advance(end), watched.Advance(end), cmpopts.IgnoreUnexported(Report{})); diff != "" {
			t.Fatalf("reports differ (-alone +watched):\n%s", diff)
		}
	})
}

func TestARoomComesBackAsItWasSaved(t *testing.T) {
	c := Config{Nodes: 4}
	r := newTestRoom(t, c)
	r.SetBootParameters([]string{first, second}, image, "token")
	r.Reset(first, ResetOn, epoch)
	r.Reset(third, ResetOn, epoch)
	later := epoch.Add(time.Minute)
	r.Advance(later)
	back := newTestRoom(t, c)
	back.Restore(r.Save(later), later)
	if reports := back.Advance(later); len(reports) != 1 || reports[0].Node != first || reports[0].Token != "token" || !back.Reporting(reports[0]) {
		t.Errorf("after the restart %v reported, want %s", reports, first)
	}
	if diff := cmp.Diff(r.States(later), back.States(later)); diff != "" {
		t.Errorf("nodes (-saved +restored):\n%s", diff)
	}
	if a, token, ok := back.BootParameters(second); !ok || a != image || token != "token" {
		t.Errorf("boot parameters of %s came back as %v %q", second, a, token)
	}
}
