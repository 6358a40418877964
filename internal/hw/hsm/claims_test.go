package hsm_test

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestWhatSomebodyElseGotInsteadIsNotTakenForOurs: that it was asked for is no claim.
func TestWhatSomebodyElseGotInsteadIsNotTakenForOurs(t *testing.T) {
	c, _ := start(t, map[string]answer{
		reservationsPath:              {200, `{"Success":[{"ID":"x9c0s1b0","ReservationKey":"b"}],"Failure":[{"ID":"x9c0s1b0n0","Reason":"Reserved"}]}`},
		reservationsPath + "/release": {200, `{}`},
		lockStatusPath:                {200, `{"Components":[{"ID":"x9c0s1b0n0","Reserved":true},{"ID":"x9c0s1b0"}]}`},
	})
	kept, release, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"})
	if err != nil || kept["x9c0s1b0n0"].Cause != bos.CauseReserved {
		t.Fatalf("%v, %v", kept, err)
	}
	release()
	if holds, err := c.Holds(t.Context(), []string{"x9c0s1b0n0"}); err != nil || holds["x9c0s1b0n0"].Cause != bos.CauseReserved {
		t.Errorf("%v, %v", holds, err)
	}
}

// TestABMCOfSeveralNodesIsGivenBackOnce, also where none of them is got.
func TestABMCOfSeveralNodesIsGivenBackOnce(t *testing.T) {
	c, s := start(t, map[string]answer{
		reservationsPath: {200, `{"Success":[{"ID":"x9c0s1b0","ReservationKey":"b"}],"Failure":[
			{"ID":"x9c0s1b0n0","Reason":"Reserved"},{"ID":"x9c0s1b0n1","Reason":"Reserved"}]}`},
		reservationsPath + "/release": {200, `{}`},
	})
	kept, release, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0", "x9c0s1b0n1"})
	if err != nil || len(kept) != 2 {
		t.Fatalf("%v, %v", kept, err)
	}
	release()
	if n := strings.Count(strings.Join(s.asked, ","), "/release"); n != 1 {
		t.Errorf("asked %v", s.asked)
	}
}

// TestWhatHSMDidNotEvenTryToReserveIsNotTakenForOurs: an HSM that refuses the question has
// reserved nothing for this service.
func TestWhatHSMDidNotEvenTryToReserveIsNotTakenForOurs(t *testing.T) {
	c, _ := start(t, map[string]answer{
		reservationsPath: {400, `{"title":"Bad Request","detail":"not now","status":400}`},
		lockStatusPath:   {200, `{"Components":[{"ID":"x9c0s1b0n0","Reserved":true},{"ID":"x9c0s1b0"}]}`},
	})
	if _, _, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"}); err == nil {
		t.Fatal("nothing was refused")
	}
	if holds, err := c.Holds(t.Context(), []string{"x9c0s1b0n0"}); err != nil || holds["x9c0s1b0n0"].Cause != bos.CauseReserved {
		t.Errorf("%v, %v", holds, err)
	}
}
