package machineroom

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestHowEachMakeAnswers sends resets to a node of a profile, one after the
// other, at times from the first.
func TestHowEachMakeAnswers(t *testing.T) {
	type call struct {
		after time.Duration
		kind  string
		want  Answer
	}
	for _, c := range []struct {
		profile string
		calls   []call
		resets  []string
	}{
		{ProfileCray, []call{
			{0, ResetOn, 200}, {0, ResetOn, 409}, {time.Minute, ResetOn, 200}, {time.Minute, ResetGraceful, 400}, {time.Minute, ResetPowerCycle, 400}, {time.Minute, ResetOff, 200},
		}, []string{ResetOn, ResetOff}},
		{ProfileILO, []call{
			{0, ResetForceOff, 400}, {0, ResetOn, 200}, {time.Minute, ResetOn, 400}, {time.Minute, ResetPowerCycle, 400}, {time.Minute, resetNMI, 200}, {time.Minute, resetButton, 200},
		}, []string{ResetOn, resetButton}},
		{ProfileIDRAC, []call{
			{0, ResetForceOff, 409}, {0, ResetOn, 200}, {time.Minute, ResetOn, 409}, {time.Minute, ResetPowerCycle, 200},
		}, []string{ResetOn, ResetPowerCycle}},
		{ProfileOpenBMC, []call{{0, resetForceOn, 200}, {time.Minute, ResetOn, 200}, {time.Minute, ResetGraceful, 200}}, []string{resetForceOn, ResetGraceful}},
		{ProfileGigabyte, []call{
			{0, ResetOn, 200}, {0, ResetForceOff, 200}, {59 * time.Second, ResetForceOff, 200}, {time.Minute, ResetForceOff, 200},
		}, []string{ResetOn, ResetForceOff}},
		{ProfileSupermicro, []call{{0, ResetOn, 200}, {time.Minute, resetForceOn, 501}, {time.Minute, ResetPowerCycle, 400}, {time.Minute, ResetForceOff, 200}}, []string{ResetOn, ResetForceOff}},
	} {
		t.Run(c.profile, func(t *testing.T) {
			r := newTestRoom(t, Config{Nodes: 1, Profiles: []ProfileOf{{Profile: c.profile}}})
			for _, do := range c.calls {
				if got := r.Reset(first, do.kind, epoch.Add(do.after)); got != do.want {
					t.Errorf("%s after %s was answered %d, want %d", do.kind, do.after, got, do.want)
				}
			}
			var resets []string
			for _, reset := range r.Resets(first) {
				resets = append(resets, reset.Type)
			}
			if diff := cmp.Diff(c.resets, resets); diff != "" {
				t.Errorf("resets that happened (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMakesWithoutWordsForChangingTellWhatWasBefore(t *testing.T) {
	for name, want := range map[string]bos.PowerState{ProfileILO: bos.PowerStateOff, ProfileCray: bos.PowerStatePoweringOn} {
		r := newTestRoom(t, Config{Nodes: 1, Profiles: []ProfileOf{{Profile: name}}})
		r.Reset(first, ResetOn, epoch)
		if got := power(t, r, first, epoch); got != want {
			t.Errorf("%s tells %q while power comes on, want %q", name, got, want)
		}
		if got := power(t, r, first, epoch.Add(time.Minute)); got != bos.PowerStateOn {
			t.Errorf("%s tells %q afterwards", name, got)
		}
	}
}

func TestProfilesAreForNodeSets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profiles.yaml")
	text := "- {profile: ilo}\n- {profile: gigabyte, nodes: 'x1000c0s0b1n0', ignore_for: 5s}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := LoadProfiles(path)
	if err != nil {
		t.Fatal(err)
	}
	r := newTestRoom(t, Config{Nodes: 4, Profiles: list})
	want := map[string]string{first: "Systems/1", second: "Systems/2", third: "Systems/Self", "x1000c0s0b1n1": "Systems/Self1"}
	for _, n := range r.States(epoch) {
		if !strings.HasSuffix(n.Endpoint.System, want[n.ID]) {
			t.Errorf("%s has %s, want %s", n.ID, n.Endpoint.System, want[n.ID])
		}
	}
	if got := r.nodes[third].profile.IgnoreFor; got != 5*time.Second {
		t.Errorf("resets are ignored for %s", got)
	}
}

func TestProfilesThatCannotBeAreRefused(t *testing.T) {
	for says, list := range map[string][]ProfileOf{
		`"ibm"`: {{Profile: "ibm"}}, `"x9c0s0b0n0"`: {{Profile: ProfileILO, Nodes: "x9c0s0b0n0"}}, "x1[": {{Profile: ProfileILO, Nodes: "x1["}},
	} {
		if _, err := New(Config{Nodes: 1, Profiles: list}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v does not say %s", err, says)
		}
	}
	if _, err := LoadProfiles("no-such-make"); err == nil || !strings.Contains(err.Error(), "supermicro") {
		t.Errorf("an unknown name: %v", err)
	}
}
