package bos

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Overlap is what a session does about nodes that another one is at work on.
type Overlap string

// The rules. None given is OverlapTakeOver, as in BOS v2.
const (
	OverlapTakeOver Overlap = "take_over"
	// OverlapReject: it is refused, or its setup ends it, and no node is touched.
	OverlapReject Overlap = "reject"
	// OverlapQueue: its setup waits until nobody is at work on them, in the order in
	// which sessions were created.
	OverlapQueue Overlap = "queue"
)

// Overlaps lists the rules.
func Overlaps() []Overlap { return []Overlap{OverlapReject, OverlapQueue, OverlapTakeOver} }

// Rule is the rule that holds.
func (o Overlap) Rule() Overlap { return cmp.Or(o, OverlapTakeOver) }

// Spares reports whether a session of this rule takes no node from another.
func (o Overlap) Spares() bool { return o == OverlapReject || o == OverlapQueue }

// MaxReplaces bounds the sessions that one stands in for.
const MaxReplaces = 100

// MayTakeFrom reports whether a session that was asked for like this stands in for
// another one, of its own tenant, and takes nodes from it whatever the rule.
func (a Asked) MayTakeFrom(s Session, other SessionKey) bool {
	return other.Tenant == TenantOf(s.Tenant) && slices.Contains(a.Replaces, other.Name)
}

// Spares reports whether the session does not take the node, as another one is at work on
// it that it does not stand in for.
func (a Asked) Spares(s Session, node *Record) bool {
	return a.Overlap.Spares() && node.WorkedOnByOther(s.Key()) && !a.MayTakeFrom(s, node.Key())
}

// Spared says which of the nodes a session does not take, sorted as they are given, and
// which session is at work on the first of them; none if it takes all.
func (a Asked) Spared(s Session, nodes []Record) (ids []string, other SessionKey) {
	for i := range nodes {
		r := &nodes[i]
		if !a.Spares(s, r) {
			continue
		}
		if len(ids) == 0 {
			other = r.Key()
		}
		ids = append(ids, r.ID)
	}
	return ids, other
}

// WorkedOnByOther reports whether a session other than this one is at work on the node.
func (r *Record) WorkedOnByOther(session SessionKey) bool {
	return r.Enabled && r.Session != "" && r.Key() != session
}

// Ahead is a session that another one waits for with its setup; without a name to who does
// not reach it.
type Ahead struct {
	Session string  `json:"session"`
	Tenant  *string `json:"tenant"`
	Why     AheadBy `json:"why"`
}

// AheadBy is why a session is waited for.
type AheadBy string

// Why sessions are waited for.
const (
	// AheadAtWork: it is at work on nodes of the one that waits; AheadPaused: it would
	// be, and is paused.
	AheadAtWork AheadBy = "at_work"
	AheadPaused AheadBy = "paused"
	// AheadBefore: it was created before, selects nodes of the one that waits, and is not
	// set up itself.
	AheadBefore AheadBy = "created_before"
	// AheadUnknown: it was created before and is not set up, and which nodes it selects
	// could not be found out yet.
	AheadUnknown AheadBy = "created_before_nodes_unknown"
)

// Sentence says it of the session.
func (a Ahead) Sentence() string {
	name := "session " + a.Session
	if tenant := TenantOf(a.Tenant); tenant != "" {
		name += " of tenant " + tenant
	}
	if a.Session == "" {
		name = OtherTenants
	}
	switch a.Why {
	case AheadPaused:
		return name + ", which has nodes of it and is paused"
	case AheadBefore:
		return name + ", which was created before it for some of its nodes"
	case AheadUnknown:
		return name + ", which was created before it and whose nodes are not known yet"
	case AheadAtWork:
		return name + ", which is at work on nodes of it"
	default:
		return name
	}
}

// Queued is what a session says to a tenant, or to none, that waits for others with its setup.
func Queued(ahead []Ahead, tenant string) string {
	const most = 5
	parts := make([]string, 0, most)
	for _, a := range ahead[:min(len(ahead), most)] {
		parts = append(parts, a.SaidTo(tenant).Sentence())
	}
	if more := len(ahead) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return "waiting for " + strings.Join(parts, "; ") + " (overlap is queue); it is set up once they are done with its nodes: to have it go first, cancel them, or create it with overlap take_over"
}

// Before reports whether a session was created before another. No two are before each
// other, and none is before itself.
func (r *SessionRecord) Before(o *SessionRecord) bool {
	return cmp.Or(cmp.Compare(r.Born, o.Born), r.Created.Compare(o.Created), cmp.Compare(TenantOf(r.Tenant), TenantOf(o.Tenant)), cmp.Compare(r.Name, o.Name)) < 0
}

// SessionWait is why a session does not go on: one of a closed list, with a sentence.
type SessionWait struct {
	Reason   SessionWaitReason `json:"reason"`
	Sentence string            `json:"sentence"`
	// Ahead are the sessions that it waits for.
	Ahead []Ahead `json:"ahead,omitempty"`
}

// SessionWaitReason is why a session does not go on.
type SessionWaitReason string

// The reasons.
const (
	// SessionWaitsQueue: it waits with its setup for other sessions.
	SessionWaitsQueue SessionWaitReason = "queue"
	// SessionWaitsSetup: what its setup depends on does not answer.
	SessionWaitsSetup SessionWaitReason = "setup"
	// SessionWaitsPaused: somebody has paused it.
	SessionWaitsPaused SessionWaitReason = "paused"
	// SessionWaitsHalted: its rollout, or the order of its boot sets, has halted, and
	// nothing goes on before somebody decides.
	SessionWaitsHalted SessionWaitReason = "rollout_halted"
	// SessionWaitsRollout: its rollout is held, for what its sentence says.
	SessionWaitsRollout SessionWaitReason = "rollout_held"
)

// SessionWaitReasons lists them.
func SessionWaitReasons() []SessionWaitReason {
	return []SessionWaitReason{SessionWaitsQueue, SessionWaitsSetup, SessionWaitsPaused, SessionWaitsHalted, SessionWaitsRollout}
}

// Wait is why the session does not go on, as a tenant or, without one, the whole site is
// told; nil if it does, or is over.
func (r *SessionRecord) Wait(tenant string) *SessionWait {
	path := "POST /x/v1/sessions/" + r.Name
	resume := "; " + path + "/resume lets work go on"
	is := func(reason SessionWaitReason, sentence string) *SessionWait {
		return &SessionWait{Reason: reason, Sentence: sentence}
	}
	switch state := r.Rollout; {
	case r.Status.Status == SessionComplete:
		return nil
	case r.Status.Status == SessionPending && len(r.Ahead) > 0:
		wait := &SessionWait{Reason: SessionWaitsQueue, Sentence: Queued(r.Ahead, tenant), Ahead: slices.Clone(r.Ahead)}
		for i := range wait.Ahead {
			wait.Ahead[i] = wait.Ahead[i].SaidTo(tenant)
		}
		return wait
	case r.Status.Status == SessionPending && r.Status.Error != nil:
		return &SessionWait{Reason: SessionWaitsSetup, Sentence: *r.Status.Error}
	case r.Paused.On():
		return is(SessionWaitsPaused, "it is paused"+because(r.Paused.Reason)+resume)
	case !state.Open() || state.Phase == RolloutPlanned && state.Held == HoldNone:
		return nil
	case state.Phase == RolloutHalted:
		return is(SessionWaitsHalted, "it has halted: "+state.Detail+resume+", "+path+"/fail ends it with the nodes that were started")
	case state.Held == HoldPromotion:
		return is(SessionWaitsRollout, AwaitsPromotion(r.Name))
	case state.Held != HoldNone:
		return is(SessionWaitsRollout, "its rollout is held by "+string(state.Held)+because(state.Detail))
	default:
		return nil
	}
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
