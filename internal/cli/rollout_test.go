package cli

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// tool runs a command that talks to a service, and wants it to succeed.
func tool(t *testing.T, url string, args ...string) string {
	t.Helper()
	out, err := toolTried(t, url, args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return out
}

func toolTried(t *testing.T, url string, args ...string) (string, error) {
	t.Helper()
	c := &cobra.Command{Use: "test", SilenceUsage: true, SilenceErrors: true}
	c.AddCommand(rolloutCommand(), retryCommand(), watchCommand(), historyCommand(), whyCommand())
	var out bytes.Buffer
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(append(args, "--endpoint", url))
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// refuses has the BMCs of nodes refuse to power them on, until it is lifted.
func refuses(t *testing.T, room *emulator.Server, nodes ...string) (lift func()) {
	t.Helper()
	rule := fault.Rule{Name: "refuses", Fault: fault.Refuse, Form: "400", Resets: "on", Nodes: strings.Join(nodes, ",")}
	if err := room.Room().AddFaults(time.Now(), rule); err != nil {
		t.Fatal(err)
	}
	return func() { room.Room().LiftFaults("refuses") }
}

func nodesOf(room *emulator.Server) (ids []string) {
	for _, n := range room.Room().Inventory().Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

// rolledTo returns the rollout of a session once it is so.
func rolledTo(t *testing.T, url, session string, so func(bos.RolloutStatus) bool) bos.RolloutStatus {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		var s bos.RolloutStatus
		call(t, http.MethodGet, url+"/x/v1/sessions/"+session+"/rollout", nil, &s)
		if so(s) {
			return s
		}
	}
	return bos.RolloutStatus{}
}

func TestARolloutIsPromotedResumedAndEndedByCommands(t *testing.T) {
	t.Parallel()
	room, service := site(t, 8)
	ids := nodesOf(room)
	lift := refuses(t, room, ids[1])
	body := map[string]any{"name": "s", "template_name": "compute", "operation": "boot", "rollout": map[string]any{"canary": 2, "batches": []any{3}}}
	if status := call(t, http.MethodPost, service.url+"/x/v1/sessions", body, nil); status != http.StatusCreated {
		t.Fatalf("it answered %d", status)
	}
	rolledTo(t, service.url, "s", func(s bos.RolloutStatus) bool { return s.Phase == bos.RolloutHalted && s.AwaitsDecision() })
	said := tool(t, service.url, "rollout", "status", "s")
	for _, text := range []string{
		"session s is halted: batch 1 of 3 (canary); 6 waiting, 0 in work, 1 done, 1 failed; held by halted",
		"1 of the 2 nodes of the canary failed", "terraform-provider-bos rollout resume s   #", "rollout resume s --skip-failed",
		"canary   0 waiting  0 in work  1 done  1 failed  " + bos.Fold(ids[:2]), "batch 2  3 waiting",
	} {
		if !strings.Contains(said, text) {
			t.Errorf("it does not say %q, but\n%s", text, said)
		}
	}
	if out, err := toolTried(t, service.url, "rollout", "promote", "s"); err == nil || !strings.Contains(err.Error(), "not healthy") {
		t.Errorf("a canary that is not healthy was promoted: %s, %v", out, err)
	}
	lift()
	tool(t, service.url, "rollout", "resume", "s", "--reason", "the BMC was reset")
	rolledTo(t, service.url, "s", func(s bos.RolloutStatus) bool { return s.HeldBy == bos.HoldPromotion })
	if said := tool(t, service.url, "rollout", "status", "s"); !strings.Contains(said, "terraform-provider-bos rollout promote s   # the other batches follow") {
		t.Errorf("it says %s", said)
	}
	refuses(t, room, ids[2:5]...)
	tool(t, service.url, "rollout", "promote", "s")
	rolledTo(t, service.url, "s", func(s bos.RolloutStatus) bool { return s.Phase == bos.RolloutHalted && s.AwaitsDecision() })
	if said := tool(t, service.url, "rollout", "fail", "s", "--reason", "another image comes"); !strings.Contains(said, "session s is failed") {
		t.Errorf("it says %s", said)
	}
	complete(t, service.url, "s")
	if n := len(room.Room().Resets(ids[0])); n != 1 {
		t.Errorf("a node that was done was reset %d times", n)
	}
	for _, id := range ids[5:] {
		if n := len(room.Room().Resets(id)); n != 0 {
			t.Errorf("%s, whose turn had not come, was reset %d times", id, n)
		}
	}
}

func TestARetryTriesJustTheNodesThatFailed(t *testing.T) {
	room, service := site(t, 4)
	ids := nodesOf(room)
	lift := refuses(t, room, ids[1:3]...)
	call(t, http.MethodPost, service.url+"/v2/sessions", map[string]any{"name": "s", "template_name": "compute", "operation": "boot"}, nil)
	complete(t, service.url, "s")
	lift()
	said := tool(t, service.url, "retry", "s")
	words := strings.Fields(said)
	if want := "boot of " + bos.Fold(ids[1:3]); len(words) < 2 || !strings.Contains(said, want) {
		t.Fatalf("it says %q, want %q", said, want)
	}
	if s := complete(t, service.url, strings.TrimSuffix(words[1], ":")); s.ManagedComponentsCount != 2 || s.PercentSuccessful != 100 {
		t.Errorf("the retry ended as %+v", s)
	}
	for _, id := range []string{ids[0], ids[3]} {
		if n := len(room.Room().Resets(id)); n != 1 {
			t.Errorf("%s, which had not failed, was reset %d times", id, n)
		}
	}
	if out, err := toolTried(t, service.url, "retry", "s"); err == nil || !strings.Contains(err.Error(), "no failed node that is still its own") {
		t.Errorf("what failed in a session and is another's now was tried again: %s, %v", out, err)
	}
	if out, err := toolTried(t, service.url, "retry", "gone"); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a session that is not there was tried again: %s, %v", out, err)
	}
}
