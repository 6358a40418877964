package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// planned starts a session by what a preview of it says.
func planned(t *testing.T, service, name, operation string) (pin string) {
	t.Helper()
	body := map[string]any{"template_name": "compute", "operation": operation}
	var preview struct {
		Pin string `json:"pin"`
	}
	if status := call(t, http.MethodPost, service+"/x/v1/previews", body, &preview); status != http.StatusOK {
		t.Fatalf("the preview is answered by %d", status)
	}
	body["name"], body["pin"], body["reason"] = name, preview.Pin, "new kernel"
	if status := call(t, http.MethodPost, service+"/x/v1/sessions", body, nil); status != http.StatusCreated {
		t.Fatalf("the session is answered by %d", status)
	}
	return preview.Pin
}

func TestASessionIsWatchedInLinesAndItsOutcomeIsTheStatus(t *testing.T) {
	t.Parallel()
	room, service := site(t, 6)
	ids := nodesOf(room)
	refuses(t, room, ids[2])
	planned(t, service.url, "s", "boot")
	said, err := toolTried(t, service.url, "watch", "s")
	var exit *Exit
	if !errors.As(err, &exit) || exit.Status != statusSomeFailed {
		t.Errorf("it ended with %v", err)
	}
	for _, want := range []string{"complete: 5 of 6 done, 1 failed", "1 failed: " + ids[2], "retry: terraform-provider-bos retry s"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q, but\n%s", want, said)
		}
	}
	said, err = toolTried(t, service.url, "watch", "s", "--json")
	if !errors.As(err, &exit) || exit.Status != statusSomeFailed {
		t.Errorf("with --json it ended with %v", err)
	}
	var last bos.StreamSession
	for lines := bufio.NewScanner(strings.NewReader(said)); lines.Scan(); {
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
	}
	if last.Counts["done"] != 5 || last.Retry == nil || last.Retry.Limit != ids[2] {
		t.Errorf("the last line is %+v", last)
	}
	if said := tool(t, service.url, "why", ids[2]); !strings.Contains(said, "given up") || !strings.Contains(said, "type: terraform-provider-bos retry s") {
		t.Errorf("why it is not up is said so:\n%s", said)
	}
	if out, err := toolTried(t, service.url, "watch", "none"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("of a session that there is not it says %v\n%s", err, out)
	}
}

func TestEachResetNamesItsSessionReasonActorAndPlan(t *testing.T) {
	t.Parallel()
	room, service := site(t, setting(t, "NAMED_NODES", 500))
	ids := nodesOf(room)
	pins := map[string]string{"first": planned(t, service.url, "first", "boot")}
	complete(t, service.url, "first")
	refuses(t, room, ids[1:6]...)
	pins["again"] = planned(t, service.url, "again", "reboot")
	complete(t, service.url, "again")

	query := url.Values{"reason": {strings.Join(powerKinds(), ",")}, "limit": {"10000"}}
	var page bos.EventPage
	call(t, http.MethodGet, service.url+"/x/v1/events?"+query.Encode(), nil, &page)
	named := make(map[string]int)
	for _, e := range page.Events {
		if e.Actor == "" || e.Plan == "" || e.Plan != pins[e.Session] || e.Attempt < 1 || e.ToState == "" {
			t.Fatalf("a reset is in the history as %+v", e)
		}
		named[e.Component]++
	}
	total := 0
	for _, id := range ids {
		n := len(room.Room().Resets(id))
		total += n
		if named[id] < n {
			t.Errorf("%s was reset %d times, and the history has %d", id, n, named[id])
		}
	}
	if total < 2*len(ids) {
		t.Fatalf("%d nodes were reset %d times in all", len(ids), total)
	}
	for _, id := range []string{ids[0], ids[1], ids[len(ids)-1]} {
		said := tool(t, service.url, "history", id)
		lines := strings.Split(strings.TrimSpace(said), "\n")
		if len(lines) != named[id] {
			t.Errorf("of %s with %d resets it says\n%s", id, named[id], said)
		}
		for _, line := range lines {
			for _, want := range []string{"power_o", "session ", "by ", "plan ", fmt.Sprintf("(attempt %d)", 1)} {
				if !strings.Contains(line, want) && want != "(attempt 1)" {
					t.Errorf("%q does not say %q", line, want)
				}
			}
		}
	}
}
