package redfish_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
)

// atRoom runs a test with a room in virtual time, one BMC for each node, and a
// client that has the password of secret.
func atRoom(t *testing.T, nodes int, rc redfish.Config, test func(t *testing.T, s *emulator.Server, c *redfish.Client, secret *atomic.Value)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := emulator.Unplugged(emulator.ServerConfig{Config: machineroom.Config{Nodes: nodes, NodesPerBMC: 1, Seed: 1}, StateDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		e := s.Endpoints()
		var secret atomic.Value
		secret.Store(e.Password)
		endpoints := make(map[string]redfish.Endpoint)
		for _, n := range s.Room().States(time.Now()) {
			at := n.Endpoint
			endpoints[n.ID] = redfish.Endpoint{Address: s.BMCAddress(at.BMC), System: at.System, Target: at.Target, ResetTypes: at.Listed}
		}
		rc.Endpoints, rc.CA, rc.User, rc.Dial = fixed(endpoints), trusted(e.CA), e.User, s.Dial
		rc.PasswordFrom = func() (string, error) { return secret.Load().(string), nil }
		c := redfish.New(rc)
		test(t, s, c, &secret)
		c.Close()
		<-time.After(time.Minute)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// nodesOf are the nodes of a room.
func nodesOf(s *emulator.Server) (ids []string) {
	for _, n := range s.Room().Inventory().Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

// unread probes all nodes and counts those whose power is not told, by cause.
func unread(t *testing.T, s *emulator.Server, c *redfish.Client) map[bos.Cause]int {
	t.Helper()
	causes := make(map[bos.Cause]int)
	for _, r := range probe(t.Context(), t, c, nodesOf(s)...).results {
		if r.State == bos.PowerStateUnknown {
			causes[r.Cause]++
		}
	}
	return causes
}

// locked is how many BMCs have locked their account.
func locked(s *emulator.Server) (n int) {
	for _, rule := range s.Room().ListFaults() {
		if rule.Fault == fault.Lockout {
			n += rule.Hits
		}
	}
	return n
}

// TestAPasswordThatBMCsRefuseLocksNoAccountAndACorrectedOneWorksWithinAMinute: the
// BMCs of a site get another password, and the service is told an hour later.
func TestAPasswordThatBMCsRefuseLocksNoAccountAndACorrectedOneWorksWithinAMinute(t *testing.T) {
	for _, tc := range []struct {
		nodes, rounds int
		sessions      bool
	}{{100, 240, false}, {100, 240, true}, {1000, 40, false}, {1000, 40, true}} {
		sessions := tc.sessions
		t.Run(fmt.Sprintf("%d BMCs with sessions %t", tc.nodes, sessions), func(t *testing.T) {
			if tc.nodes > 100 && testing.Short() {
				t.Skip("a thousand BMCs take their time")
			}
			atRoom(t, tc.nodes, redfish.Config{Sessions: sessions}, func(t *testing.T, s *emulator.Server, c *redfish.Client, secret *atomic.Value) {
				if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Lockout, Tries: 5}); err != nil {
					t.Fatal(err)
				}
				if left := unread(t, s, c); !sessions && len(left) != 0 {
					t.Fatalf("before the change: %v", left)
				}
				s.BMCs().SetPassword("the new one")
				s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Restart, Times: 1}) //nolint:errcheck // it is right
				for range tc.rounds {
					left := unread(t, s, c)
					if left[bos.CauseCredentialsHeld]+left[bos.CauseBMCAuth] == 0 {
						t.Fatalf("with a wrong password: %v", left)
					}
					<-time.After(15 * time.Second)
				}
				// A second wrong one first, as people are.
				secret.Store("a typo")
				for range 20 {
					unread(t, s, c)
					<-time.After(time.Second)
				}
				secret.Store("the new one")
				changed := time.Now()
				for left := unread(t, s, c); len(left) > 0; left = unread(t, s, c) {
					if time.Since(changed) > time.Minute {
						t.Fatalf("a minute after the change: %v", left)
					}
					<-time.After(time.Second)
				}
				if n := locked(s); n != 0 {
					t.Errorf("%d accounts were locked", n)
				}
			})
		})
	}
}

// TestWhileASiteChangesItsPasswordBothAreTaken: BMC by BMC gets the new one, and no
// node waits for it.
func TestWhileASiteChangesItsPasswordBothAreTaken(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		t.Run(fmt.Sprintf("with sessions %t", sessions), func(t *testing.T) {
			next := func() (string, error) { return "the new one", nil }
			atRoom(t, 60, redfish.Config{Sessions: sessions, NextFrom: next}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
				if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Lockout, Tries: 3}); err != nil {
					t.Fatal(err)
				}
				unread(t, s, c)
				for _, ids := range [][]string{nodesOf(s)[:20], nodesOf(s)[20:21], nodesOf(s)[21:]} {
					for _, id := range ids {
						s.BMCs().SetPasswordOf(bos.BMCOf(id), "the new one")
					}
					changed := time.Now()
					for left := unread(t, s, c); len(left) > 0; left = unread(t, s, c) {
						if time.Since(changed) > time.Minute {
							t.Fatalf("a minute after %d BMCs were changed: %v", len(ids), left)
						}
						<-time.After(time.Second)
					}
				}
				if n := locked(s); n != 0 {
					t.Errorf("%d accounts were locked", n)
				}
			})
		})
	}
}

// TestOneBMCWithAnotherPasswordIsTriedTwiceAndHoldsUpNobody: it is asked again when
// the time is over, without a change.
func TestOneBMCWithAnotherPasswordIsTriedTwiceAndHoldsUpNobody(t *testing.T) {
	atRoom(t, 20, redfish.Config{}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
		odd := nodesOf(s)[7]
		rule := fault.Rule{Name: "odd", Fault: fault.Credentials, Nodes: odd}
		if err := s.Room().AddFaults(time.Now(), rule); err != nil {
			t.Fatal(err)
		}
		var causes []bos.Cause
		for range 5 {
			got := probe(t.Context(), t, c, nodesOf(s)...).results
			for id, r := range got {
				if id != odd && r.State == bos.PowerStateUnknown {
					t.Errorf("%s: %+v", id, r)
				}
			}
			causes = append(causes, got[odd].Cause)
			<-time.After(time.Second)
		}
		if want := []bos.Cause{bos.CauseBMCAuth, bos.CauseBMCAuth, bos.CauseCredentialsHeld, bos.CauseCredentialsHeld, bos.CauseCredentialsHeld}; !slices.Equal(causes, want) {
			t.Errorf("it was %v, want %v", causes, want)
		}
		s.Room().LiftFaults("odd")
		<-time.After(15 * time.Minute)
		if left := unread(t, s, c); len(left) != 0 {
			t.Errorf("after 15 minutes: %v", left)
		}
	})
}

// TestABMCThatRefusedFourTriesOfWhateverPasswordsIsGivenNoOtherUntilTheyAreForgotten:
// a fifth locks the account at many.
func TestABMCThatRefusedFourTriesOfWhateverPasswordsIsGivenNoOtherUntilTheyAreForgotten(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		t.Run(fmt.Sprintf("with sessions %t", sessions), func(t *testing.T) {
			atRoom(t, 1, redfish.Config{Sessions: sessions}, func(t *testing.T, s *emulator.Server, c *redfish.Client, secret *atomic.Value) {
				if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Lockout, Tries: 5}); err != nil {
					t.Fatal(err)
				}
				right, id := secret.Load(), nodesOf(s)[0]
				var causes []bos.Cause
				for i := range 6 {
					secret.Store(fmt.Sprintf("wrong %d", i))
					causes = append(causes, probe(t.Context(), t, c, id).results[id].Cause)
					<-time.After(time.Second)
				}
				if want := []bos.Cause{
					bos.CauseBMCAuth, bos.CauseBMCAuth, bos.CauseBMCAuth, bos.CauseBMCAuth, bos.CauseCredentialsHeld, bos.CauseCredentialsHeld,
				}; !slices.Equal(causes, want) {
					t.Errorf("it was %v, want %v", causes, want)
				}
				secret.Store(right)
				if got := probe(t.Context(), t, c, id).results[id]; got.Cause != bos.CauseCredentialsHeld {
					t.Errorf("a fifth at once: %+v", got)
				}
				<-time.After(15 * time.Minute)
				probeAt(t, c, id)
				if n := locked(s); n != 0 {
					t.Errorf("%d accounts were locked", n)
				}
			})
		})
	}
}

// TestThreeBMCsWithAnotherPasswordHoldUpNobody: others accept it.
func TestThreeBMCsWithAnotherPasswordHoldUpNobody(t *testing.T) {
	atRoom(t, 50, redfish.Config{Concurrency: 1}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
		odd := nodesOf(s)[:3]
		for _, id := range odd {
			if err := s.Room().AddFaults(time.Now(), fault.Rule{Fault: fault.Credentials, Nodes: id}); err != nil {
				t.Fatal(err)
			}
		}
		// The three come first, in a row: then one is tried that accepts.
		for i := range 3 {
			left := unread(t, s, c)
			if n := left[bos.CauseBMCAuth] + left[bos.CauseCredentialsHeld]; i > 0 && n != len(odd) {
				t.Errorf("round %d: %v", i, left)
			}
			<-time.After(canaryPause)
		}
	})
}

// canaryPause is a little more than that of the client.
const canaryPause = 16 * time.Second

// TestSessionsAreTriedAgainWhereThereWereNone: one login that the BMC refused does not
// leave it without sessions for good, also where it takes no Basic credentials.
func TestSessionsAreTriedAgainWhereThereWereNone(t *testing.T) {
	for _, noBasic := range []bool{false, true} {
		t.Run(fmt.Sprintf("no Basic credentials %t", noBasic), func(t *testing.T) {
			atRoom(t, 1, redfish.Config{Sessions: true}, func(t *testing.T, s *emulator.Server, c *redfish.Client, _ *atomic.Value) {
				rules := []fault.Rule{{Name: "full", Fault: fault.SessionsFull}, {Fault: fault.Lockout, Tries: 3}}
				if noBasic {
					rules = append(rules, fault.Rule{Fault: fault.NoBasic})
				}
				if err := s.Room().AddFaults(time.Now(), rules...); err != nil {
					t.Fatal(err)
				}
				id := nodesOf(s)[0]
				for range 10 {
					probe(t.Context(), t, c, id)
					<-time.After(time.Second)
				}
				s.Room().LiftFaults("full")
				if noBasic {
					// It is asked for a session all the time.
					probeAt(t, c, id)
				} else {
					<-time.After(5 * time.Minute)
					probeAt(t, c, id)
				}
				if n := s.BMCs().Sessions(bos.BMCOf(id)); n != 1 {
					t.Errorf("%d sessions, want one", n)
				}
				if n := locked(s); n != 0 {
					t.Errorf("%d accounts were locked", n)
				}
			})
		})
	}
}

func probeAt(t *testing.T, c *redfish.Client, id string) {
	t.Helper()
	wantReading(t, probe(t.Context(), t, c, id).results[id], bos.PowerStateOff, bos.SymptomNone, bos.CauseNone)
}
