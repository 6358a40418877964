package bos

import "time"

// Brake is a stop that somebody has put on the site, a session or a node, until it is
// taken off: a pause or a hold. The zero value is none.
type Brake struct {
	// Reason is why, for whoever finds it.
	Reason string `json:"reason"`
	// Actor is who put it on.
	Actor string    `json:"actor,omitempty"`
	Since time.Time `json:"since"`
	// Again is when somebody last asked for a hold that was on already, for the same
	// reason; zero if nobody did. Who put it on finds by it that others rely on it.
	Again time.Time `json:"again,omitzero"`
}

// On reports whether there is one.
func (b Brake) On() bool { return !b.Since.IsZero() }

// NewBrake is one that somebody puts on now.
func NewBrake(reason, actor string, now time.Time) Brake {
	return Brake{Reason: reason, Actor: actor, Since: now.UTC().Round(0)}
}

// SitePause is the pause of the whole site as it is stored. It lasts across restarts,
// and a copy of the database has it as well.
type SitePause struct {
	Brake
	// Revision is that of the last write to it, of all writes to the store.
	Revision int64
}

// PauseState is how a pause is shown: of the site, or of a session.
type PauseState struct {
	// Session and Tenant name the session; empty for the site.
	Session string     `json:"session,omitempty"`
	Tenant  string     `json:"tenant,omitempty"`
	Paused  bool       `json:"paused"`
	Reason  string     `json:"reason,omitempty"`
	Actor   string     `json:"actor,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
}

// State is the brake as clients read it.
func (b Brake) State() PauseState {
	if !b.On() {
		return PauseState{}
	}
	return PauseState{Paused: true, Reason: b.Reason, Actor: b.Actor, Since: &b.Since}
}

// HeldComponent is a hold as GET /x/v1/holds lists it.
type HeldComponent struct {
	ID string `json:"id"`
	Brake
}

// Holds is GET /x/v1/holds, ordered by id.
type Holds struct {
	Holds []HeldComponent `json:"holds"`
}
