package bos

// Leftover is what is left with the workload manager of a component that was taken out of
// the work for which it was drained, as by a cancellation: its drain is ended, or is told
// that the node was rebooted meanwhile. It is stored with what takes the component out, and
// stays until it is done or given up, whoever drives by then. The zero value is nothing.
type Leftover struct {
	State LeftState `json:"state,omitempty"`
	// Session and Tenant are the session that had it drained, none for work of no session.
	Session string `json:"session,omitempty"`
	Tenant  string `json:"tenant,omitempty"`
	// Again says that another session had it drained before, which EarlierSession and
	// EarlierTenant are: whether the drain had become that of the last one is not known.
	Again          bool   `json:"again,omitempty"`
	EarlierSession string `json:"earlier_session,omitempty"`
	EarlierTenant  string `json:"earlier_tenant,omitempty"`
	// Booted says that this service did something to its power meanwhile: the node stays
	// drained.
	Booted bool `json:"booted,omitempty"`
	// Tries counts what was asked of the manager for it, and Detail is what stood in the
	// way last.
	Tries  int    `json:"tries,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// LeftState is how far a leftover is.
type LeftState string

// The states; one that is done with is none.
const (
	LeftNone  LeftState = ""
	LeftWaits LeftState = "waits"
	// LeftGivenUp: it is tried no more. That is kept for who asks why the node is drained.
	LeftGivenUp LeftState = "given_up"
)

// Key is that of the session that had it drained.
func (l Leftover) Key() SessionKey { return SessionKey{l.Tenant, l.Session} }

// Earlier is that of the session which had it drained before.
func (l Leftover) Earlier() SessionKey { return SessionKey{l.EarlierTenant, l.EarlierSession} }

// Waits reports whether something is still to be done.
func (l Leftover) Waits() bool { return l.State == LeftWaits }

// leaves is what is left of the component's drain if it is taken out of its work, or armed
// anew, now.
func (r *Record) leaves() Leftover {
	left := r.Work.Left
	if left.State == LeftGivenUp { // who takes the node up anew may be luckier
		left.State = LeftWaits
	}
	left.Tries, left.Detail = 0, ""
	if !r.Enabled {
		return left
	}
	if d := r.Work.Drain; d.Ours {
		earlier := left
		left = Leftover{}
		if !d.Told {
			left = Leftover{State: LeftWaits, Session: r.Session, Tenant: r.Tenant, Again: earlier.Waits(), EarlierSession: earlier.Session, EarlierTenant: earlier.Tenant}
		}
	}
	if left.Waits() && r.Work.Attempt.Kind != EffectNone {
		left.Booted = true
	}
	return left
}

// Rearmed is what is remembered of a component that is armed anew, or taken out of its
// work: what its drain leaves, and that which any work does.
func (r *Record) Rearmed() Work {
	kept := r.Work.Rearmed()
	kept.Left = r.leaves()
	return kept
}
