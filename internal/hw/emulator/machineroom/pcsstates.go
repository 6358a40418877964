package machineroom

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// PCSState is what PCS tells of the power of a node.
type PCSState struct {
	ID string
	// Known says that its component map has the node.
	Known bool
	// Power is on, off or undefined, Management available or unavailable,
	// Failure why it is the latter.
	Power, Management, Failure string
	// Operations are those that it offers.
	Operations []string
}

// PCSStates tells of the nodes named, or of all that PCS knows, one after the other.
func (r *Room) PCSStates(ids []string, now time.Time, tell func(PCSState)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(ids) == 0 {
		for _, n := range r.order {
			tell(r.pcsStateOf(n, now))
		}
	}
	form, forgets := r.shows(fault.Forgets, fault.PCS, now)
	forgets = forgets && form == fault.FormNodes
	for _, id := range ids {
		if n, ok := r.find(id); ok && !forgets {
			tell(r.pcsStateOf(n, now))
		} else {
			tell(PCSState{ID: id, Failure: "Component not found in component map."})
		}
	}
}

func (r *Room) pcsStateOf(n *node, now time.Time) PCSState {
	r.advance(n, now)
	s := PCSState{ID: n.ID, Known: true, Operations: n.operations}
	s.Power, s.Management, s.Failure = r.pcsState(n, now)
	return s
}

// pcsState is what PCS knows of a node: it has no words for power that is
// changing.
func (r *Room) pcsState(n *node, now time.Time) (power, management, failure string) {
	if n.endpoint.BMC == "" {
		return "undefined", "unavailable", "No response from target"
	}
	switch r.bmcTrouble(n.endpoint.BMC, now).Fault {
	case fault.Dead, fault.Hang:
		return "undefined", "unavailable", "No response from target"
	case fault.Busy:
		return "undefined", "unavailable", "503 Service Unavailable"
	case fault.Credentials:
		return "undefined", "unavailable", "401 Unauthorized"
	case fault.Forbidden:
		return "undefined", "unavailable", "403 Forbidden"
	default: // it is answered
	}
	_, odd := r.shows(fault.PowerWord, n.ID, now)
	on, off := "on", "off"
	if _, capitals := r.shows(fault.Capitals, fault.PCS, now); capitals {
		on, off = "On", "Off"
	}
	switch state := n.tells(now); {
	case state == bos.PowerStateOn && !odd:
		return on, "available", ""
	case state == bos.PowerStateOff && !odd:
		return off, "available", ""
	default:
		return "undefined", "available", ""
	}
}
