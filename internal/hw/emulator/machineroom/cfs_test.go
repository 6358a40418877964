package machineroom

import (
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// booted is a room whose first node has booted, at the time returned.
func booted(t *testing.T, c Config) (*Room, time.Time) {
	t.Helper()
	c.Nodes = max(c.Nodes, 1)
	r := newTestRoom(t, c)
	r.SetBootParameters([]string{first}, image, "token")
	r.Reset(first, ResetOn, epoch)
	now := epoch.Add(time.Minute)
	r.Advance(now)
	return r, now
}

func cfsOf(t *testing.T, r *Room, id string, now time.Time) CFSComponent {
	t.Helper()
	list, _ := r.CFSComponents(CFSFilter{IDs: []string{id}}, 10, "", true, now)
	if len(list) != 1 {
		t.Fatalf("CFS has %v for %s", list, id)
	}
	return list[0]
}

// firstReport lets the room run to the next report and says when that was.
func firstReport(t *testing.T, r *Room) time.Time {
	t.Helper()
	for at, ok := r.Next(); ok; at, ok = r.Next() {
		if reports := r.Advance(at); len(reports) > 0 {
			return reports[0].Time
		}
	}
	t.Fatal("no node reports")
	return time.Time{}
}

func desire(config string, enabled bool) CFSPatch {
	return CFSPatch{Desired: &config, Enabled: &enabled, State: &[]CFSLayer{}}
}

func TestCFSConfiguresANodeOnceItsAgentEnablesIt(t *testing.T) {
	r := newTestRoom(t, Config{Nodes: 1})
	r.SetBootParameters([]string{first}, image, "token")
	r.PatchCFS(CFSFilter{IDs: []string{first}}, desire("site", false), epoch)
	r.Advance(epoch.Add(time.Hour))
	if c := cfsOf(t, r, first, epoch.Add(time.Hour)); c.Status != CFSPending || c.Enabled {
		t.Errorf("while it is off: %+v", c)
	}
	on := epoch.Add(time.Hour)
	r.Reset(first, ResetOn, on)
	up := firstReport(t, r)
	if c := cfsOf(t, r, first, up); c.Status != CFSPending || !c.Enabled {
		t.Errorf("when it has booted: %+v", c)
	}
	c := cfsOf(t, r, first, up.Add(2*time.Second))
	if c.Status != CFSConfigured || c.ErrorCount != 0 || len(*c.State) != 1 || (*c.State)[0].Status != layerApplied {
		t.Errorf("after its configuration: %+v", c)
	}
}

// TestARebootDoesNotPassOnAnOldConfigured is why the agent clears the state.
func TestARebootDoesNotPassOnAnOldConfigured(t *testing.T) {
	r, now := booted(t, Config{})
	r.PatchCFS(CFSFilter{}, desire("site", true), now)
	now = now.Add(time.Minute)
	if c := cfsOf(t, r, first, now); c.Status != CFSConfigured {
		t.Fatalf("before: %+v", c)
	}
	r.Reset(first, ResetForceRestart, now)
	back := firstReport(t, r)
	if c := cfsOf(t, r, first, back); c.Status != CFSPending {
		t.Errorf("at its report it is %s, want pending", c.Status)
	}
	if c := cfsOf(t, r, first, back.Add(time.Minute)); c.Status != CFSConfigured {
		t.Errorf("later it is %s, want configured", c.Status)
	}
}

func TestCFSTriesAgainAndThenFails(t *testing.T) {
	r, now := booted(t, Config{})
	addFaults(t, r, now, fault.Rule{Fault: fault.Config})
	r.PatchCFS(CFSFilter{IDs: []string{first}}, desire("site", true), now)
	if c := cfsOf(t, r, first, now.Add(1500*time.Millisecond)); c.Status != CFSPending || c.ErrorCount != 1 {
		t.Errorf("after one error: %+v", c)
	}
	now = now.Add(time.Minute)
	if c := cfsOf(t, r, first, now); c.Status != CFSFailed || c.ErrorCount != cfsRetries {
		t.Errorf("after all tries: %+v", c)
	}
	r.LiftFaults("")
	none := 0
	r.PatchCFS(CFSFilter{}, CFSPatch{ErrorCount: &none}, now)
	if c := cfsOf(t, r, first, now.Add(time.Minute)); c.Status != CFSConfigured {
		t.Errorf("after another go: %+v", c)
	}
}

func TestConfigurationEndsWhereItHasNoObject(t *testing.T) {
	r, now := booted(t, Config{})
	filter := CFSFilter{IDs: []string{first}}
	off := false
	for name, stop := range map[string]func(){
		"disabled":    func() { r.PatchCFS(filter, CFSPatch{Enabled: &off}, now) },
		"powered off": func() { r.Reset(first, ResetForceOff, now) },
	} {
		r.PatchCFS(filter, desire("site", true), now)
		stop()
		now = now.Add(time.Minute)
		if c := cfsOf(t, r, first, now); c.Status != CFSPending {
			t.Errorf("%s in the middle it became %s", name, c.Status)
		}
	}
}

func TestANodeWithNothingDesiredIsUnconfigured(t *testing.T) {
	r, now := booted(t, Config{})
	if c := cfsOf(t, r, first, now); c.Status != CFSUnconfigured || !c.Enabled {
		t.Errorf("%+v", c)
	}
}

func TestCFSComesBackAfterARestart(t *testing.T) {
	r, now := booted(t, Config{Nodes: 2})
	r.PatchCFS(CFSFilter{IDs: []string{first}}, desire("site", true), now)
	r.PatchCFS(CFSFilter{IDs: []string{second}}, desire("other", false), now)
	back := newTestRoom(t, Config{Nodes: 2})
	back.Restore(r.Save(now), now)
	later := now.Add(time.Minute)
	for id, want := range map[string]string{first: CFSConfigured, second: CFSPending} {
		if c := cfsOf(t, back, id, later); c.Status != want {
			t.Errorf("%s is %+v, want %s", id, c, want)
		}
	}
}
