package redfish_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// makes are the BMCs that sites have, and what is odd about each.
var makes = []struct {
	name, profile string
	// accepted is how it says that it took a reset, there how it answers one
	// that leads where the node is.
	accepted, there int
	// ignores says that resets soon after one are accepted and ignored.
	ignores bool
}{
	{"Cray nC", machineroom.ProfileCray, 200, 200, false},
	{"HPE iLO", machineroom.ProfileILO, 200, 400, false},
	{"Dell iDRAC", machineroom.ProfileIDRAC, 204, 409, false},
	{"OpenBMC", machineroom.ProfileOpenBMC, 204, 204, false},
	{"Gigabyte", machineroom.ProfileGigabyte, 202, 202, true},
	{"Supermicro", machineroom.ProfileSupermicro, 200, 200, false},
}

// TestWhatBMCsOfEachMakeDoWrong breaks BMCs of each make over real sockets. What
// is told is what the BMC said, and never what a reset should have led to.
func TestWhatBMCsOfEachMakeDoWrong(t *testing.T) {
	for _, m := range makes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			ignores := time.Duration(0)
			if m.ignores {
				ignores = time.Hour
			}
			s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{
				Nodes: 12, NodesPerBMC: 1, Profiles: []machineroom.ProfileOf{{Profile: m.profile, IgnoreFor: &ignores}},
			}}, redfish.Config{})
			nodes := s.Room().Inventory().Nodes
			next := func() (id string) { id, nodes = nodes[0].ID, nodes[1:]; return id }
			broken := func(id string, r fault.Rule) string {
				t.Helper()
				r.Nodes = id
				if err := s.Room().AddFaults(time.Now(), r); err != nil {
					t.Fatal(err)
				}
				return id
			}
			sends := func(op bos.PowerOp, id string) bos.CallResult { return apply(t.Context(), t, c, op, id).results[id] }
			sees := func(id string) bos.PowerReading { return probe(t.Context(), t, c, id).results[id] }
			done := func(op bos.PowerOp, id string) {
				t.Helper()
				wantResult(t, sends(op, id), bos.CallDone, bos.CauseNone)
			}

			id := next()
			if got := rawReset(t, s, id); got != m.accepted {
				t.Errorf("a reset is answered %d, want %d", got, m.accepted)
			}
			becomes(t, c, id, bos.PowerStateOn)
			if got := rawReset(t, s, id); got != m.there {
				t.Errorf("a reset to where it is is answered %d, want %d", got, m.there)
			}
			done(bos.PowerOn, id) // whatever it is answered
			done(bos.PowerForceOff, id)
			if m.ignores {
				wantReading(t, sees(id), bos.PowerStateOn, bos.SymptomNone, bos.CauseNone)
			} else {
				becomes(t, c, id, bos.PowerStateOff)
			}

			id = broken(next(), fault.Rule{Fault: fault.Stale, Delay: time.Hour})
			done(bos.PowerOn, id)
			wantReading(t, sees(id), bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)

			id = broken(next(), fault.Rule{Fault: fault.Stale, Delay: 20 * time.Millisecond})
			done(bos.PowerOn, id)
			becomes(t, c, id, bos.PowerStateOn)

			id = broken(next(), fault.Rule{Fault: fault.Drop, Times: 1})
			done(bos.PowerOn, id)
			wantReading(t, sees(id), bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)
			done(bos.PowerOn, id)
			becomes(t, c, id, bos.PowerStateOn)

			id = broken(next(), fault.Rule{Fault: fault.Busy, Times: 2, RetryAfter: 7 * time.Second})
			busy := sends(bos.PowerOn, id)
			wantResult(t, busy, bos.CallBusy, bos.CauseBMCError, "503")
			if busy.RetryAfter != 7*time.Second {
				t.Errorf("asked to come back in %s", busy.RetryAfter)
			}
			wantReading(t, sees(id), bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "503")
			done(bos.PowerOn, id)

			id = broken(next(), fault.Rule{Fault: fault.Credentials, Times: 1})
			wantReading(t, sees(id), bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCAuth, "401")
			done(bos.PowerOn, id)

			id = broken(next(), fault.Rule{Fault: fault.Credentials, Times: 1})
			wantResult(t, sends(bos.PowerOn, id), bos.CallNotAttempted, bos.CauseBMCAuth, "401")
			done(bos.PowerOn, id)

			if got := len(s.Room().Resets(id)); got != 1 {
				t.Errorf("%d resets, want the last alone", got)
			}
		})
	}
}

// TestSessionsWithEachMake goes through the life of a session: begun once, lost in
// a restart, and not to be had.
func TestSessionsWithEachMake(t *testing.T) {
	for _, m := range makes {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s, c := startRoom(t, emulator.ServerConfig{Config: machineroom.Config{
				Nodes: 2, Profiles: []machineroom.ProfileOf{{Profile: m.profile}},
			}}, redfish.Config{Sessions: true})
			bmc := bos.BMCOf(first)
			wantSessions := func(want int) {
				t.Helper()
				if got := s.BMCs().Sessions(bmc); got != want {
					t.Errorf("%d sessions, want %d", got, want)
				}
			}
			becomes(t, c, first, bos.PowerStateOff)
			becomes(t, c, second, bos.PowerStateOff)
			wantSessions(1)
			if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Restart, Times: 1}); err != nil {
				t.Fatal(err)
			}
			wantResult(t, apply(t.Context(), t, c, bos.PowerOn, first).results[first], bos.CallDone, bos.CauseNone)
			becomes(t, c, first, bos.PowerStateOn)
			wantSessions(1)
			if got := resetsOf(s, first); len(got) != 1 {
				t.Errorf("resets %v", got)
			}
			c.Close()
			wantSessions(0)

			var others []*redfish.Client
			full := false
			for range 100 {
				other := connectRoom(t, s, redfish.Config{Sessions: true})
				before := s.BMCs().Sessions(bmc)
				if r := probe(t.Context(), t, other, first).results[first]; r.State == bos.PowerStateUnknown {
					// It may pass; then Basic credentials do.
					wantReading(t, r, bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseBMCError, "503")
				}
				becomes(t, other, first, bos.PowerStateOn)
				others = append(others, other)
				if full = s.BMCs().Sessions(bmc) == before; full {
					break // the last one got none, and was answered all the same
				}
			}
			if !full {
				t.Errorf("%d clients all have sessions", len(others))
			}
			for _, other := range others {
				other.Close()
			}
			wantSessions(0)
		})
	}
}

// TestPowerThatGoesBackIsTold is about BMCs that say PoweringOn of a node that
// then stays off.
func TestPowerThatGoesBackIsTold(t *testing.T) {
	states := []string{"Off", "PoweringOn", "Off", "PoweringOn", "On"}
	i := 0 // one request at a time
	b := startBMC(t, func(b *bmc, w http.ResponseWriter, r *http.Request, reset string) {
		powered(states[i])(b, w, r, reset)
		i++
	})
	c := connectTo(t, b.endpoint("1"))
	for _, want := range []bos.PowerState{bos.PowerStateOff, bos.PowerStatePoweringOn, bos.PowerStateOff, bos.PowerStatePoweringOn, bos.PowerStateOn} {
		wantReading(t, probe(t.Context(), t, c, node).results[node], want, bos.SymptomNone, bos.CauseNone)
	}
}

// rawReset sends On to the BMC of a node, not by the client that is tested, and
// returns how it is answered.
func rawReset(t *testing.T, s *emulator.Server, id string) int {
	t.Helper()
	n, _ := s.Room().Node(id, time.Now())
	e := s.Endpoints()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.BMCAddress(n.Endpoint.BMC)+n.Endpoint.Target, strings.NewReader(`{"ResetType":"On"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(e.User, e.Password)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: e.CA}}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
