package hsm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const reservationsPath = "/hsm/v2/locks/service/reservations"

// TestAReservationThatMayRunOutWhileItIsUsedIsAskedForAgain: HSM keeps one for 15
// minutes, and who shares it after ten may need it for longer than that.
func TestAReservationThatMayRunOutWhileItIsUsedIsAskedForAgain(t *testing.T) {
	const counts = 10 * time.Minute
	answers := map[string]answer{
		reservationsPath: {200, `{"Counts":{"Total":2,"Success":2,"Failure":0},"Success":[
			{"ID":"x9c0s1b0n0","ReservationKey":"n"},{"ID":"x9c0s1b0","ReservationKey":"b"}],"Failure":[]}`},
		reservationsPath + "/release": {200, `{}`},
	}
	c, s := start(t, answers)
	now := time.Now()
	c.SetClock(func() time.Time { return now })
	reserve := func() map[string]bos.Hold {
		t.Helper()
		kept, release, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		return kept
	}
	asked := func() string { return strings.Join(s.asked, ", ") }
	if kept := reserve(); len(kept) != 0 || asked() != "POST "+reservationsPath {
		t.Fatalf("at first: kept %v, asked %s", kept, asked())
	}
	now = now.Add(counts - time.Second)
	if kept := reserve(); len(kept) != 0 || asked() != "POST "+reservationsPath {
		t.Errorf("while it is ours: kept %v, asked %s", kept, asked())
	}
	// Somebody else has the node in the meantime.
	answers[reservationsPath] = answer{200, `{"Counts":{"Total":2,"Success":0,"Failure":2},"Success":[],"Failure":[
		{"ID":"x9c0s1b0n0","Reason":"Reserved"},{"ID":"x9c0s1b0","Reason":"Reserved"}]}`}
	now = now.Add(time.Second)
	if kept := reserve(); kept["x9c0s1b0n0"].Cause != bos.CauseReserved || asked() != "POST "+reservationsPath+", POST "+reservationsPath {
		t.Errorf("when it may run out: kept %v, asked %s", kept, asked())
	}
}
