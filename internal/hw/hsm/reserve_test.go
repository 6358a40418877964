package hsm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const reservationsPath = "/hsm/v2/locks/service/reservations"

// TestAReservationThatMayRunOutWhileItIsUsedIsMadeToLast: HSM keeps one for 15 minutes, and
// who shares it after ten may need it for longer than that. An HSM that makes nothing
// last is asked anew.
func TestAReservationThatMayRunOutWhileItIsUsedIsMadeToLast(t *testing.T) {
	const counts = 10 * time.Minute
	const all = "POST " + reservationsPath + ", POST " + reservationsPath + "/renew"
	for name, c := range map[string]struct {
		renewed answer
		asked   string
	}{
		"it lasts": {answer{200, `{"Counts":{"Total":2,"Success":2,"Failure":0},"Success":{"ComponentIDs":["X9c0s1b0","x9c0s1b0n0"]},"Failure":[]}`}, all},
		"one of them has ended": {
			answer{200, `{"Counts":{"Total":2,"Success":1,"Failure":1},"Success":{"ComponentIDs":["x9c0s1b0"]},"Failure":[{"ID":"x9c0s1b0n0","Reason":"NotFound"}]}`},
			all + ", POST " + reservationsPath,
		},
		"an HSM without": {answer{404, `{"title":"Not Found","detail":"no such path"}`}, all + ", POST " + reservationsPath},
	} {
		t.Run(name, func(t *testing.T) {
			answers := map[string]answer{
				reservationsPath: {200, `{"Counts":{"Total":2,"Success":2,"Failure":0},"Success":[
					{"ID":"x9c0s1b0n0","ReservationKey":"n"},{"ID":"x9c0s1b0","ReservationKey":"b"}],"Failure":[]}`},
				reservationsPath + "/renew":   c.renewed,
				reservationsPath + "/release": {200, `{}`},
			}
			client, s := start(t, answers)
			now := time.Now()
			client.SetClock(func() time.Time { return now })
			reserve := func() map[string]bos.Hold {
				t.Helper()
				kept, release, err := client.Reserve(t.Context(), []string{"x9c0s1b0n0"})
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
			if c.renewed.status == 200 && !strings.Contains(c.asked, all+", ") {
				s.says(reservationsPath, answer{200, `{"Success":[],"Failure":[{"ID":"x9c0s1b0n0","Reason":"Reserved"},{"ID":"x9c0s1b0","Reason":"Reserved"}]}`})
			}
			now = now.Add(time.Second)
			if kept := reserve(); len(kept) != 0 || asked() != c.asked {
				t.Errorf("when it may run out: kept %v, asked %s", kept, asked())
			}
		})
	}
}

// TestWhoTookAReservationThatEndedKeepsTheNode, and is told as who he is.
func TestWhoTookAReservationThatEndedKeepsTheNode(t *testing.T) {
	refused := answer{200, `{"Counts":{"Total":2,"Success":0,"Failure":2},"Success":[],"Failure":[
		{"ID":"x9c0s1b0n0","Reason":"Reserved"},{"ID":"x9c0s1b0","Reason":"Reserved"}]}`}
	answers := map[string]answer{
		reservationsPath: {200, `{"Success":[{"ID":"x9c0s1b0n0","ReservationKey":"n"},{"ID":"x9c0s1b0","ReservationKey":"b"}],"Failure":[]}`},
		reservationsPath + "/renew": {200, `{"Success":{"ComponentIDs":[]},"Failure":[
			{"ID":"x9c0s1b0n0","Reason":"NotFound"},{"ID":"x9c0s1b0","Reason":"NotFound"}]}`},
		reservationsPath + "/release": {200, `{}`},
	}
	c, s := start(t, answers)
	now := time.Now()
	c.SetClock(func() time.Time { return now })
	if kept, _, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"}); err != nil || len(kept) != 0 {
		t.Fatalf("%v, %v", kept, err)
	}
	now = now.Add(11 * time.Minute)
	s.says(reservationsPath, refused)
	if kept, _, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"}); err != nil || kept["x9c0s1b0n0"].Cause != bos.CauseReserved || !strings.Contains(kept["x9c0s1b0n0"].Detail, "somebody works on it") {
		t.Errorf("%v, %v", kept, err)
	}
}

// TestWhereAReservationCannotBeMadeToLastNothingIsReserved: nothing is sent to nodes then.
func TestWhereAReservationCannotBeMadeToLastNothingIsReserved(t *testing.T) {
	answers := map[string]answer{
		reservationsPath:            {200, `{"Success":[{"ID":"x9c0s1b0n0","ReservationKey":"n"},{"ID":"x9c0s1b0","ReservationKey":"b"}],"Failure":[]}`},
		reservationsPath + "/renew": {503, `{"title":"no","detail":"busy"}`},
	}
	c, _ := start(t, answers)
	now := time.Now()
	c.SetClock(func() time.Time { return now })
	if _, _, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(11 * time.Minute)
	if kept, release, err := c.Reserve(t.Context(), []string{"x9c0s1b0n0"}); err == nil || release == nil || len(kept) != 0 {
		t.Errorf("%v, %v", kept, err)
	}
}
