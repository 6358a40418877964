package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func desired(kernel string) func(*bos.Record) {
	return func(r *bos.Record) {
		r.Session, r.DesiredState.BootArtifacts = "earlier", bos.BootArtifacts{Kernel: kernel, KernelParameters: "p", Initrd: "i"}
		r.ActualState = bos.ActualState{BootArtifacts: r.DesiredState.BootArtifacts, BSSToken: "old"}
		r.DesiredState.BSSToken, r.EventStats.PowerOnAttempts = "old", 3
	}
}

// rebootSite is a site whose inventory has four of five nodes, one of which it locks.
func rebootSite(t *testing.T) *site {
	t.Helper()
	s := newSite(t, func(c *Config) {
		c.NodesByName = func(_ context.Context, names []string) (map[string]string, error) {
			known := make(map[string]string)
			for _, name := range names {
				if n, ok := strings.CutPrefix(name, "nid00000"); ok {
					known[name] = "x1c0s" + n + "b0n0"
				}
			}
			return known, nil
		}
	})
	s.inv = bos.Inventory{Nodes: []bos.Node{
		{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true},
		{ID: "x1c0s1b0n0", Role: "Compute", Enabled: true},
		{ID: "x1c0s2b0n0", Role: "Compute", Enabled: true, Locked: true},
		{ID: "x1c0s3b0n0", Role: "Compute", Enabled: true},
	}}
	for _, id := range []string{"x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0", "x1c0s9b0n0"} {
		s.record(id, desired("k"))
	}
	return s
}

func (s *site) reboot(names ...string) bos.RebootAnswer {
	s.t.Helper()
	var got bos.RebootAnswer
	s.do("POST", "/x/v1/reboot", object{"nodes": names, "reason": "Slurm"}).ok(http.StatusOK, &got)
	return got
}

func TestAWorkloadManagerHasNodesRebootedToWhatIsStagedOrDesired(t *testing.T) {
	s := rebootSite(t)
	s.stagedSession("s1", bos.OperationBoot, "x1c0s1b0n0", "")
	s.record("x1c0s1b0n0", func(r *bos.Record) {
		desired("k")(r)
		r.StagedState = bos.StagedState{Session: "s1", BootArtifacts: bos.BootArtifacts{Kernel: "staged", KernelParameters: "p", Initrd: "i"}}
	})
	s.do("PUT", "/x/v1/components/x1c0s3b0n0/hold", object{"reason": "rack work"}).ok(http.StatusOK, nil)
	got := s.reboot("nid000000", "nid000001", "X1C0s2b0n0", "nid000003", "nid000009", "nid000007")
	if diff := cmp.Diff([]string{"x1c0s1b0n0"}, got.Applied); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"x1c0s0b0n0"}, got.Rebooting); diff != "" {
		t.Error(diff)
	}
	refused := make(map[string]string)
	for _, r := range got.Refused {
		refused[r.Node] = r.Reason
	}
	for node, word := range map[string]string{"X1C0s2b0n0": "locked", "nid000003": "rack work", "nid000009": "inventory has no such node", "nid000007": "BOS has no such node"} {
		if !strings.Contains(refused[node], word) {
			t.Errorf("%s is refused with %q, want %q", node, refused[node], word)
		}
	}
	r := s.stored("x1c0s0b0n0")
	if !r.Enabled || r.Goal != bos.GoalBoot || r.Session != "" || !r.ActualState.BootArtifacts.Empty() || r.Work.EndedBoot != "old" || r.DesiredState.BSSToken != "" || r.DesiredState.BootArtifacts.Kernel != "k" || r.EventStats.PowerOnAttempts != 0 {
		t.Errorf("%+v", r)
	}
	if a := s.stored("x1c0s1b0n0"); !a.Enabled || a.Session != "s1" || a.DesiredState.BootArtifacts.Kernel != "staged" {
		t.Errorf("%+v", a)
	}
	if left := s.stored("x1c0s2b0n0"); left.Enabled {
		t.Errorf("a locked node is in work: %+v", left)
	}
}

func TestARebootThatIsAskedForTwiceIsOne(t *testing.T) {
	s := rebootSite(t)
	first := s.reboot("nid000000")
	before := s.stored("x1c0s0b0n0")
	second := s.reboot("x1c0s0b0n0", "nid000000")
	if len(first.Rebooting) != 1 || len(second.Rebooting) != 0 || cmp.Diff([]string{"x1c0s0b0n0"}, second.UnderWay) != "" || s.stored("x1c0s0b0n0") != before {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

func TestANodeThatHasNothingToBootIsNotRebooted(t *testing.T) {
	s := rebootSite(t)
	s.record("x1c0s0b0n0", func(r *bos.Record) { r.DesiredState = bos.DesiredState{} })
	if got := s.reboot("nid000000"); len(got.Refused) != 1 || !strings.Contains(got.Refused[0].Reason, "nothing that it is to boot") || s.stored("x1c0s0b0n0").Enabled {
		t.Errorf("%+v", got)
	}
}
