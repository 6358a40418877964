package machineroom

import (
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// LockStatus is what HSM says of the lock of a node or of a BMC.
type LockStatus struct {
	ID, Type         string
	Locked, Reserved bool
	// Since and Until are those of a reservation.
	Since, Until time.Time
}

// reservation is from when until when a service has a component to itself.
type reservation struct {
	since, until time.Time
	// key is what its service gives it back with.
	key string
}

// Reserve reserves a node or a BMC for a service. The key is empty if it does not get
// it, and why says it in HSM's word.
func (r *Room) Reserve(id string, now time.Time, d time.Duration) (key, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id = bos.CanonicalXname(id)
	n, isNode := r.nodes[id]
	switch _, reserved := r.reservationOf(id, now); {
	case !isNode && r.bmcs[id] == nil:
		return "", "NotFound"
	case r.lockOf(id, "", isNode && n.Locked || r.lockedBMCs[id], now).Locked:
		return "", "Locked"
	case reserved || r.lockOf(id, "", false, now).Reserved:
		return "", "Reserved"
	}
	r.keys++
	key = fmt.Sprintf("%s:rk:%d", id, r.keys)
	r.reserved[id] = reservation{now, now.Add(d), key}
	return key, ""
}

// Release ends a reservation by its key; it reports whether there was one.
func (r *Room) Release(id, key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	id = bos.CanonicalXname(id)
	if held, ok := r.reservationOf(id, now); !ok || held.key != "" && held.key != key {
		return false
	}
	delete(r.reserved, id)
	return true
}

// Renew makes a reservation last for a time from now on, by its key; it reports whether
// there was one.
func (r *Room) Renew(id, key string, now time.Time, d time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	id = bos.CanonicalXname(id)
	held, ok := r.reservationOf(id, now)
	if !ok || held.key == "" || held.key != key {
		return false
	}
	held.until = now.Add(d)
	r.reserved[id] = held
	return true
}

// reservationOf is the reservation of a component that has not ended, unless HSM has
// forgotten it.
func (r *Room) reservationOf(id string, now time.Time) (held reservation, ok bool) {
	held, ok = r.reserved[id]
	if !ok || !now.Before(held.until) {
		return reservation{}, false
	}
	for _, one := range r.rules {
		if one.Form == fault.FormReservations && r.applies(one, fault.Forgets, fault.HSM, now) && held.since.Before(one.start) {
			return reservation{}, false
		}
	}
	return held, true
}

// Locks are those of all nodes, in their order, each after those of its BMC.
func (r *Room) Locks(now time.Time) []LockStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]LockStatus, 0, 2*len(r.order))
	told := make(map[string]bool, len(r.bmcs))
	for _, n := range r.order {
		if bmc := n.endpoint.BMC; bmc != "" && !told[bmc] {
			told[bmc] = true
			list = append(list, r.lockOf(bmc, "NodeBMC", r.lockedBMCs[bmc], now))
		}
		list = append(list, r.lockOf(n.ID, "Node", n.Locked, now))
	}
	return list
}

func (r *Room) lockOf(id, kind string, locked bool, now time.Time) LockStatus {
	l := LockStatus{ID: id, Type: kind, Locked: locked}
	if _, shows := r.shows(fault.Locked, id, now); shows {
		l.Locked = true
	}
	if _, shows := r.shows(fault.Reserved, id, now); shows {
		l.Reserved, l.Since, l.Until = true, now, now.Add(defaultReservation)
	}
	if held, ok := r.reservationOf(id, now); ok {
		l.Reserved, l.Since, l.Until = true, held.since, held.until
	}
	return l
}

// defaultReservation is how long a reservation lasts that a fault has made.
const defaultReservation = time.Minute

// kept reports whether a node is locked or reserved.
func (r *Room) kept(n *node, now time.Time) bool {
	l := r.lockOf(n.ID, "", n.Locked, now)
	return l.Locked || l.Reserved
}

// SetReserved reserves a node or a BMC in HSM until a time, which is the zero one to
// end it; it reports whether it exists.
func (r *Room) SetReserved(id string, since, until time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	id = bos.CanonicalXname(id)
	if _, isNode := r.nodes[id]; !isNode && r.bmcs[id] == nil {
		return false
	}
	if until.IsZero() {
		delete(r.reserved, id)
	} else {
		r.reserved[id] = reservation{since: since, until: until}
	}
	return true
}

// SetLocked locks or unlocks a node or a BMC in HSM; it reports whether it exists.
func (r *Room) SetLocked(id string, locked bool) bool {
	if r.change(id, func(n *node) { n.Locked = locked }) {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id = bos.CanonicalXname(id)
	if r.bmcs[id] == nil {
		return false
	}
	r.lockedBMCs[id] = locked
	return true
}
