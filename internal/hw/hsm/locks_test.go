package hsm_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const lockStatusPath = "/hsm/v2/locks/status"

func TestWhoIsKeptFromBeingTouchedIsToldWithWhatKeepsHim(t *testing.T) {
	c, s := start(t, map[string]answer{lockStatusPath: {200, `{"Components":[
		{"ID":"x9c0s1b0n0","Locked":true,"Reserved":true},
		{"ID":"x9c0s2b0n0","Locked":false,"Reserved":true,"CreationTime":"2026-11-23T07:01:49Z","ExpirationTime":"2026-11-23T07:02:49Z"},
		{"ID":"x9c0s3b0","Locked":true},{"ID":"x9c0s3b0n0","Locked":false},
		{"ID":"x9c0s4b0","Reserved":true},
		{"ID":"x9c0s5b0n0","Locked":false,"Reserved":false}],"NotFound":["x9c0s5b0"]}`}})
	holds, err := c.Holds(t.Context(), []string{"x9c0s1b0n0", "x9c0s2b0n0", "x9c0s3b0n0", "x9c0s4b0n1", "x9c0s5b0n0"})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]struct {
		cause bos.Cause
		says  string
	}{
		"x9c0s1b0n0": {bos.CauseLocked, "x9c0s1b0n0 is locked in HSM"},
		"x9c0s2b0n0": {bos.CauseReserved, "x9c0s2b0n0 is reserved in HSM since 2026-11-23 07:01:49 UTC until 2026-11-23 07:02:49 UTC"},
		"x9c0s3b0n0": {bos.CauseLocked, "its BMC x9c0s3b0 is locked"},
		"x9c0s4b0n1": {bos.CauseReserved, "its BMC x9c0s4b0 is reserved in HSM, by"},
	} {
		if got := holds[id]; got.Cause != want.cause || !strings.HasPrefix(got.Detail, want.says) {
			t.Errorf("%s: %+v", id, got)
		}
	}
	if len(holds) != 4 {
		t.Errorf("holds %v", holds)
	}
	if len(s.asked) != 1 || s.asked[0] != "POST "+lockStatusPath {
		t.Errorf("asked %v", s.asked)
	}
}

func TestWhereNobodyCanSayWhoIsLockedThatIsAnErrorAndWithoutLocksNobodyIs(t *testing.T) {
	for name, c := range map[string]struct {
		answer answer
		fails  bool
	}{
		"no such path":      {answer{http.StatusNotFound, `{"title":"Not Found","detail":"no such path"}`}, false},
		"no such method":    {answer{http.StatusMethodNotAllowed, `{"title":"no","detail":"GET only"}`}, false},
		"a gateway's page":  {answer{http.StatusNotFound, "<html>"}, true},
		"a page for reads":  {answer{http.StatusMethodNotAllowed, "<html>"}, true},
		"a page of another": {answer{http.StatusNotImplemented, "<html>"}, true},
		"an overload":       {answer{http.StatusServiceUnavailable, ""}, true},
		"a bad question":    {answer{http.StatusBadRequest, `{"title":"Bad Request","detail":"Component not found"}`}, true},
		"nothing":           {answer{http.StatusOK, `{}`}, true},
		"wrong credentials": {answer{http.StatusUnauthorized, `{"title":"no","detail":"token"}`}, true},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := start(t, map[string]answer{lockStatusPath: c.answer})
			holds, err := client.Holds(t.Context(), []string{"x9c0s1b0n0"})
			if (err != nil) != c.fails || len(holds) != 0 {
				t.Errorf("%v, %v", holds, err)
			}
		})
	}
}

func TestANodeOfWhichHSMSaysNothingMayBeLocked(t *testing.T) {
	for name, text := range map[string]string{
		"an empty list":      `{"Components":[]}`,
		"other nodes":        `{"Components":[{"ID":"x9c0s3b0n0","Locked":false}],"NotFound":["x9c0s2b0"]}`,
		"its BMC alone":      `{"Components":[{"ID":"x9c0s1b0","Locked":false}]}`,
		"a list cut in half": `{"Components":[{"ID":"x9c0s2b0n0","Locked":false}],"NotFound":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := start(t, map[string]answer{lockStatusPath: {200, text}})
			holds, err := c.Holds(t.Context(), []string{"X9c0s01b0n0", "x9c0s3b0n0"})
			hold := holds["X9c0s01b0n0"]
			if err != nil || hold.Cause != bos.CauseUpstreamOutage || !strings.Contains(hold.Detail, "HSM answered the question for its lock without naming it") {
				t.Errorf("%v, %v", holds, err)
			}
			// One that is odd holds up nobody else.
			if _, held := holds["x9c0s3b0n0"]; held != !strings.Contains(text, "x9c0s3b0n0") {
				t.Errorf("%v", holds)
			}
		})
	}
	// One that HSM does not have cannot be locked there.
	c, _ := start(t, map[string]answer{lockStatusPath: {200, `{"Components":[{"ID":"x9c0s2b0n0"}],"NotFound":["x9c0s01b0n0","x9c0s1b0"]}`}})
	if holds, err := c.Holds(t.Context(), []string{"x9c0s1b0n0", "x9c0s2b0n0"}); err != nil || len(holds) != 0 {
		t.Errorf("%v, %v", holds, err)
	}
}

func TestLocksOfBMCsAndReservationsAreInTheInventory(t *testing.T) {
	answers := healthy()
	answers[locksPath] = answer{200, `{"Components":[{"ID":"x9c0s3b0","Locked":true},{"ID":"x9c0s10b0","Reserved":true},{"ID":"x9c0s10b0n0","Reserved":true}]}`}
	for heeding := range 2 {
		c, _ := start(t, answers)
		if heeding == 1 {
			c.HeedingReservations()
		}
		inv, err := c.Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range inv.Nodes {
			reserved := n.ID == "x9c0s10b0n0" && heeding == 1
			if n.Reserved != reserved || n.BMCHeld != (n.ID == "x9c0s3b0n0" || reserved) {
				t.Errorf("heeding reservations %d: %+v", heeding, n)
			}
		}
	}
}
