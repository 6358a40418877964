package machineroom

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

func addFaults(t *testing.T, r *Room, now time.Time, rules ...fault.Rule) {
	t.Helper()
	if err := r.AddFaults(now, rules...); err != nil {
		t.Fatal(err)
	}
}

func TestARuleHoldsForItsNodesAndItsTime(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 4})
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Dead, Nodes: "x1000c0s0b0n[0-1]", From: time.Minute, For: time.Hour})
	for _, c := range []struct {
		bmc    string
		at     time.Duration
		silent bool
	}{
		{"x1000c0s0b0", 0, false},
		{"x1000c0s0b0", time.Minute, true},
		{"x1000c0s0b1", time.Minute, false},
		{"x1000c0s0b0", 61*time.Minute - 1, true},
		{"x1000c0s0b0", 61 * time.Minute, false},
	} {
		if got := r.SilentAt(c.bmc, epoch.Add(c.at)); got != c.silent {
			t.Errorf("%s is silent after %s: %t", c.bmc, c.at, got)
		}
	}
	r.Advance(epoch.Add(2 * time.Minute))
	if !r.Silent(first) || r.Silent(third) {
		t.Error("Silent does not go by the latest time the room has heard of")
	}
}

// TestThreeNodesNeverPowerOffUntilTheFaultIsLifted is a reboot that three nodes
// do not take part in.
func TestThreeNodesNeverPowerOffUntilTheFaultIsLifted(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 8})
	now := epoch
	everyone := func(kind string) (changed int) {
		for _, n := range r.Inventory().Nodes {
			before := len(r.Resets(n.ID))
			if got := r.Reset(n.ID, kind, now); got != AnswerAccepted {
				t.Fatalf("%s of %s was answered %d", kind, n.ID, got)
			}
			changed += len(r.Resets(n.ID)) - before
		}
		now = now.Add(time.Minute)
		return changed
	}
	addFaults(t, r, now, fault.Rule{Name: "stuck", Fault: fault.Drop, Resets: "off", Nodes: "x1000c0s0b0,x1000c0s1b0n0"})
	if got := everyone(ResetOn); got != 8 {
		t.Errorf("%d came on, want all 8", got)
	}
	if got := everyone(ResetForceOff); got != 5 {
		t.Errorf("%d went off, want 5", got)
	}
	if hits := r.ListFaults()[0].Hits; hits != 3 {
		t.Errorf("the rule says it hit %d times", hits)
	}
	if got := r.LiftFaults("stuck"); got != 1 {
		t.Errorf("%d rules lifted", got)
	}
	if got := everyone(ResetForceOff); got != 3 {
		t.Errorf("%d went off after it was lifted, want 3", got)
	}
}

func TestARuleHitsItsShareOfNodesAndOfCalls(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1000, NodesPerBMC: 1})
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Drop, Share: 0.1}, fault.Rule{Fault: fault.Busy, Probability: 0.2}, fault.Rule{Fault: fault.Stale, Times: 1})
	busy, dropped := 0, 0
	for _, n := range r.Inventory().Nodes {
		switch r.Reset(n.ID, ResetOn, epoch) {
		case AnswerBusy:
			busy++
		case AnswerAccepted:
			if len(r.Resets(n.ID)) == 0 {
				dropped++
			}
		default:
			t.Fatal("neither busy nor accepted")
		}
	}
	if busy < 150 || busy > 250 || dropped < 50 || dropped > 110 {
		t.Errorf("%d were busy and %d dropped of 1000", busy, dropped)
	}
}

func TestTimesIsForEachNode(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 2})
	addFaults(t, r, epoch, fault.Rule{Fault: fault.Drop, Times: 2})
	for i, want := range []int{0, 0, 1} {
		for _, id := range []string{first, second} {
			r.Reset(id, ResetOn, epoch)
			if got := len(r.Resets(id)); got != want {
				t.Errorf("after %d resets of %s, %d happened", i+1, id, got)
			}
		}
	}
}

// TestWhatNodesDoUnderAFault boots one node under each fault.
func TestWhatNodesDoUnderAFault(t *testing.T) {
	other := bos.BootArtifacts{Kernel: "s3://boot-images/b/kernel"}
	boot := func(r *Room) (reports []Report, s NodeState) {
		r.SetBootParameters([]string{first}, image, "token")
		r.Reset(first, ResetOn, epoch)
		reports, _ = settle(r)
		s, _ = r.Node(first, epoch.Add(time.Hour))
		return reports, s
	}
	for _, c := range []struct {
		name      string
		rule      fault.Rule
		before    bos.BootArtifacts
		token     string
		reports   int
		boots     bool
		artifacts bos.BootArtifacts
	}{
		{"no fault", fault.Rule{Fault: fault.Drop, Nodes: first, Resets: "off"}, other, "token", 1, true, image},
		{"boot", fault.Rule{Fault: fault.Boot}, other, "", 0, false, bos.BootArtifacts{}},
		{"no-report", fault.Rule{Fault: fault.NoReport}, other, "token", 0, true, image},
		{"wrong-image is what was before", fault.Rule{Fault: fault.WrongImage}, other, "old", 1, true, other},
		{"wrong-image is nobody's", fault.Rule{Fault: fault.WrongImage}, bos.BootArtifacts{}, "", 1, true, wrongImage},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newTestRoom(t, Config{Nodes: 1})
			if !c.before.Empty() {
				r.SetBootParameters([]string{first}, c.before, "old")
			}
			addFaults(t, r, epoch, c.rule)
			reports, s := boot(r)
			if len(reports) != c.reports || s.Booted != c.boots || s.Token != c.token || s.Artifacts != c.artifacts || s.Power != bos.PowerStateOn {
				t.Errorf("%d reports, %+v", len(reports), s)
			}
		})
	}
}

func TestARoomWithRulesRepeatsFromItsSeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) fault.Rule {
			return fault.Rule{
				Fault: rapid.SampledFrom(fault.Kinds(fault.BMC|fault.Node)).Draw(t, "fault"), Share: rapid.Float64Range(0, 1).Draw(t, "share"),
				Probability: rapid.Float64Range(0, 1).Draw(t, "probability"), Times: rapid.IntRange(0, 2).Draw(t, "times"),
				From: time.Duration(rapid.IntRange(0, 5).Draw(t, "from")) * time.Second,
			}
		}), 0, 5).Draw(t, "rules")
		forward := rapid.Permutation([]string{first, second, third}).Draw(t, "order")
		run := func(order []string) map[string]string {
			r, err := New(Config{Nodes: 6, Seed: seed, NodesPerBMC: 1})
			if err != nil {
				t.Fatal(err)
			}
			nodes := r.Inventory().Nodes
			if err := r.AddFaults(epoch, rules...); err != nil {
				t.Fatal(err)
			}
			log := make(map[string]string)
			for i := range 6 {
				now := epoch.Add(time.Duration(i) * 2 * time.Second)
				for at := range order {
					id := nodes[slices.Index([]string{first, second, third}, order[at])].ID
					r.SetBootParameters([]string{id}, image, fmt.Sprint(i))
					state, _ := r.Power(id, now)
					log[id] += fmt.Sprint(r.BMCTrouble(bos.BMCOf(id), now), r.Reset(id, []string{ResetOn, ResetForceOff}[i%2], now), state, " ")
				}
			}
			for _, rep := range r.Advance(epoch.Add(time.Hour)) {
				log[rep.Node] += fmt.Sprint(rep.Token, rep.Time)
			}
			return log
		}
		if diff := cmp.Diff(run([]string{first, second, third}), run(forward)); diff != "" {
			t.Fatalf("another order of nodes, another outcome:\n%s", diff)
		}
	})
}

func TestAFaultScriptIsReadStrictly(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"no list", "fault: drop", ""},
		{"an unknown field", "- fault: drop\n  node: x1", "node"},
		{"no fault", "- nodes: x1000c0s0b0n0", `""`},
		{"an unknown fault", "- fault: explode", `"explode"`},
		{"an unknown service", "- {fault: outage, service: dns}", `"dns"`},
		{"a fault that no service has", "- {fault: drop, service: hsm}", `"drop"`},
		{"a fault that no node has", "- {fault: outage}", `"outage"`},
		{"nodes and a service", "- {fault: slow, service: hsm, nodes: x1000c0s0b0n0}", "keep one"},
		{"an unknown node", "- {fault: drop, nodes: x9c0s0b0n0}", `"x9c0s0b0n0"`},
		{"a folded name without an end", "- {fault: drop, nodes: 'x1000c0s[0'}", "x1000c0s[0"},
		{"more than all", "- {fault: drop, probability: 1.5}", "1.5"},
		{"a duration that runs back", "- {fault: drop, from: -1s}", "negative"},
		{"resets of another fault", "- {fault: stale, resets: off}", `"off"`},
		{"a delay of another fault", "- {fault: drop, delay: 1s}", "delay"},
		{"retry_after of another fault", "- {fault: drop, retry_after: 1s}", "retry_after"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, err := fault.Read("faults", strings.NewReader(c.text))
			if err == nil {
				err = newTestRoom(t, Config{Nodes: 1}).AddFaults(epoch, rules...)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v does not say %s", err, c.says)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "faults.yaml")
	text := "# two\n- {name: a, fault: slow, nodes: 'x1000c0s0b[0-1]', from: 10s, for: 5m, delay: 2s, share: 0.5}\n- fault: outage\n  service: hsm\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rules, err := fault.Load(path)
	want := []fault.Rule{
		{Name: "a", Fault: fault.Slow, Nodes: "x1000c0s0b[0-1]", From: 10 * time.Second, For: 5 * time.Minute, Delay: 2 * time.Second, Share: 0.5},
		{Fault: fault.Outage, Service: fault.HSM},
	}
	if diff := cmp.Diff(want, rules); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
