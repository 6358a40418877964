package assembly

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// reserving is a room in virtual time with two services that reserve its nodes, of which
// first and second have one BMC.
type reserving struct {
	t                  *testing.T
	room               *emulator.Server
	ours, others       *hsm.Client
	first, second, bmc string
}

func whileReserving(t *testing.T, test func(r *reserving)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		room, err := emulator.Unplugged(emulator.ServerConfig{Config: machineroom.Config{Nodes: 4, NodesPerBMC: 2, Seed: 1}, StateDir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		service := func() *hsm.Client { return hsm.New(transport.Upstream{URL: room.Endpoints().HSM, Dial: room.Dial}) }
		nodes := room.Room().Inventory().Nodes
		r := &reserving{t, room, service(), service(), nodes[0].ID, nodes[1].ID, bos.BMCOf(nodes[0].ID)}
		defer func() {
			<-time.After(time.Minute) // the last pause between questions
			if err := room.Close(); err != nil {
				t.Error(err)
			}
		}()
		test(r)
	})
}

// gets reserves a node and wants to get it.
func (r *reserving) gets(c *hsm.Client, id string) (release func()) {
	r.t.Helper()
	kept, release, err := c.Reserve(r.t.Context(), []string{id})
	if err != nil || len(kept) != 0 {
		r.t.Fatalf("%s: kept %v, %v", id, kept, err)
	}
	return release
}

// isKept reserves a node and wants not to get it.
func (r *reserving) isKept(c *hsm.Client, id string) bos.Hold {
	r.t.Helper()
	kept, release, err := c.Reserve(r.t.Context(), []string{id})
	defer release()
	if err != nil || kept[id].Cause != bos.CauseReserved {
		r.t.Errorf("%s: kept %v, %v", id, kept, err)
	}
	return kept[id]
}

// reserved is until when HSM keeps a component for somebody.
func (r *reserving) reserved(id string) time.Duration {
	for _, l := range r.room.Room().Locks(time.Now()) {
		if l.ID == id && l.Reserved {
			return time.Until(l.Until)
		}
	}
	return 0
}

func (r *reserving) fault(rule fault.Rule) (lift func()) {
	r.t.Helper()
	rule.Name = "it"
	if err := r.room.Room().AddFaults(time.Now(), rule); err != nil {
		r.t.Fatal(err)
	}
	return func() { r.room.Room().LiftFaults("it") }
}

// TestAReservationThatIsUsedForLongIsRenewedAndKeepsNobodyHereOut: HSM would refuse a new
// one, as the old one has not ended, and that would be told as somebody else's.
func TestAReservationThatIsUsedForLongIsRenewedAndKeepsNobodyHereOut(t *testing.T) {
	whileReserving(t, func(r *reserving) {
		releaseFirst := r.gets(r.ours, r.first)
		<-time.After(11 * time.Minute)
		releaseSecond := r.gets(r.ours, r.second)
		if left := r.reserved(r.bmc); left < 14*time.Minute {
			r.t.Errorf("the BMC is reserved for %v more, and is to be used", left)
		}
		holds, err := r.ours.Holds(r.t.Context(), []string{r.first, r.second})
		if err != nil || len(holds) != 0 {
			r.t.Errorf("its own reservations hold %v, %v", holds, err)
		}
		r.isKept(r.others, r.first)
		releaseFirst()
		if r.reserved(r.bmc) == 0 {
			r.t.Error("the BMC is free while it is used")
		}
		releaseSecond()
		if r.reserved(r.bmc) != 0 || r.reserved(r.second) != 0 {
			r.t.Error("it is reserved when all are done")
		}
	})
}

// TestAReservationThatHSMForgotIsMadeAnewUnlessSomebodyElseHasIt, whose own stays his
// when ours is given back.
func TestAReservationThatHSMForgotIsMadeAnewUnlessSomebodyElseHasIt(t *testing.T) {
	for _, taken := range []bool{false, true} {
		whileReserving(t, func(r *reserving) {
			releaseFirst := r.gets(r.ours, r.first)
			<-time.After(11 * time.Minute)
			r.fault(fault.Rule{Fault: fault.Forgets, Form: fault.FormReservations, Service: fault.HSM})
			if taken {
				r.gets(r.others, r.first)
				r.isKept(r.ours, r.second)
			} else {
				defer r.gets(r.ours, r.second)()
			}
			releaseFirst()
			if r.reserved(r.bmc) == 0 {
				r.t.Errorf("taken by another %t: the BMC is free while it is used", taken)
			}
		})
	}
}

// TestAReservationThatCouldNotBeGivenBackIsOursTheNextTime: HSM is away for a moment. It is
// given back when that is tried again.
func TestAReservationThatCouldNotBeGivenBackIsOursTheNextTime(t *testing.T) {
	for _, later := range []time.Duration{time.Second, 12 * time.Minute, 16 * time.Minute} {
		whileReserving(t, func(r *reserving) {
			release := r.gets(r.ours, r.first)
			lift := r.fault(fault.Rule{Fault: fault.Outage, Service: fault.HSM})
			release()
			lift()
			<-time.After(later)
			if kept, again := r.reserved(r.bmc) != 0, later > time.Minute; kept == again {
				r.t.Fatalf("%v later it is kept: %t", later, kept)
			}
			r.gets(r.ours, r.first)()
			if r.reserved(r.bmc) != 0 || r.reserved(r.first) != 0 {
				r.t.Errorf("%v later it is not given back", later)
			}
			r.gets(r.others, r.first)()
		})
	}
}

// TestAReservationWhoseAnswerWasLostIsNotToldAsSomebodyElses: it may be this service's
// own, and ends by itself.
func TestAReservationWhoseAnswerWasLostIsNotToldAsSomebodyElses(t *testing.T) {
	whileReserving(t, func(r *reserving) {
		lift := r.fault(fault.Rule{Fault: fault.Lost, Service: fault.HSM})
		if _, _, err := r.ours.Reserve(r.t.Context(), []string{r.first}); err == nil {
			r.t.Fatal("an answer that is lost is none")
		}
		lift()
		if r.reserved(r.bmc) == 0 {
			r.t.Fatal("HSM did not do it")
		}
		if hold := r.isKept(r.ours, r.first); !strings.Contains(hold.Detail, "may be this service's own") || strings.Contains(hold.Detail, "somebody works on it") {
			r.t.Errorf("it is told as %q", hold.Detail)
		}
		<-time.After(15 * time.Minute)
		r.gets(r.ours, r.first)()
		r.gets(r.others, r.first)
		if hold := r.isKept(r.ours, r.first); !strings.Contains(hold.Detail, "somebody works on it") {
			r.t.Errorf("somebody else's is told as %q", hold.Detail)
		}
	})
}
