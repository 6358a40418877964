package bos

import (
	"context"
	"time"
)

// What a service stores, in ports; who uses it takes the ones it needs. Their
// signatures know no database. Every write gets a revision, higher than all before
// it in the store, which the records carry; none is used again, also not for what was
// deleted and made anew. Methods that change something return only after the change
// is durable. Those that take notes write each as an event in the transaction of the
// change, with what was changed filled in (Component, or Session and Tenant), once
// for every record that was written; a report that repeats what the record says of an
// idle node (Record.Repeats) leaves none, as such reports would wash the history out. A function that changes records may be run more
// than once for one write, each time on what is stored then.

// Store is all of them.
type Store interface {
	Records
	Sessions
	StagedReceipts
	Templates
	History
	Brakes
	Feed
	EngineStore
	Health

	Close() error
}

// Feed is what they follow who show the records as they change.
type Feed interface {
	// Changes tells what was written after a position: one that an earlier
	// answer named as the newest, or 0.
	Changes(ctx context.Context, after int64) (Changes, error)
	// Glimpses lists what is shown of components, ordered by id; unknown ids are left
	// out, and no ids are all components.
	Glimpses(ctx context.Context, ids []string) ([]Glimpse, error)
}

// Health tells whether the store can be used.
type Health interface {
	// Ping reports whether the database can be used.
	Ping(ctx context.Context) error
}

// Records are the components, and what the tokens stand for that they report.
type Records interface {
	// Components lists records ordered by id. Unknown ids are left out.
	Components(ctx context.Context, f ComponentFilter) ([]Record, error)
	// ComponentIDs lists the ids of the same records, without reading them.
	ComponentIDs(ctx context.Context, f ComponentFilter) ([]string, error)
	// ComponentDocuments lists the same records as the JSON documents that
	// the v2 API answers. document is valid until each returns; an error of
	// each ends the list and is returned. What changes while a long list
	// is read may appear in it as it was before or after.
	ComponentDocuments(ctx context.Context, f ComponentFilter, each func(document []byte) error) error
	// MutateComponents runs fn on each named record in one transaction, in
	// order; exists is false for an id without a record. fn then works on an
	// empty one with that ID, and nil creates it, also if fn left it empty.
	// ErrSkip leaves the record, or its absence, as it is. Any other error undoes
	// everything and is returned. An existing record that fn did not change is not
	// written. It returns the records, without those skipped.
	MutateComponents(ctx context.Context, ids []string, fn func(r *Record, exists bool) error, notes ...Event) ([]Record, error)
	// MutateReported likewise, by the BSS tokens that nodes report: booted is what those of
	// them stand for that are known, as it is stored when the records are written.
	MutateReported(ctx context.Context, ids, tokens []string, fn func(r *Record, exists bool, booted map[string]BootArtifacts) error, notes ...Event) ([]Record, error)
	DeleteComponent(ctx context.Context, id string, notes ...Event) error

	// Token returns the artifacts recorded for a BSS token.
	Token(ctx context.Context, token string) (BootArtifacts, bool, error)
}

// AllNodes is no bound on the nodes of a session that are read.
const AllNodes = -1

// Sessions are the sessions with the nodes that they have, and the previews that
// they were reviewed by.
type Sessions interface {
	// CreateSession stores a new session; ErrExists if the name is taken, and
	// *Repeated, whatever its name, if its receipt was carried out or if one in flight
	// has its pin and run key.
	CreateSession(ctx context.Context, s SessionRecord, notes ...Event) error
	Session(ctx context.Context, key SessionKey) (SessionRecord, error)
	// RepeatedSession is that which CreateSession would answer with *Repeated; nil
	// if it would not.
	RepeatedSession(ctx context.Context, s SessionRecord) (*Repeated, error)
	// LastRun is the newest session that is over and has the tenant, the pin and the
	// run key of this one; ErrNotFound if there is none.
	LastRun(ctx context.Context, s SessionRecord) (SessionRecord, error)
	// Sessions lists by start time and then name; now is what ages count to.
	Sessions(ctx context.Context, f SessionFilter, now time.Time) ([]SessionRecord, error)
	// MutateSession changes one session by read, fn, write in one transaction.
	MutateSession(ctx context.Context, key SessionKey, fn func(*SessionRecord) error, notes ...Event) (SessionRecord, error)
	// MutateOwned likewise changes one session together with its components:
	// those of its nodes that name it, as their session or the staged one. fn
	// gets them ordered by id and may change both; ids stay. left counts the
	// nodes that it had and has no more. It returns the session and the components that were written.
	// Each note is written once for the session and once per component, if
	// the session itself was written. ErrSkip of fn leaves all as it is.
	MutateOwned(ctx context.Context, key SessionKey, fn func(s *SessionRecord, owned []Record, left Tally) error, notes ...Event) (SessionRecord, []Record, error)
	// SessionTally counts the nodes of a session, in one snapshot. Its nodes are
	// those that it set up or staged, or that its list names, or that a client
	// gave it, if it has no tenant, by naming it in a component when it was no
	// longer pending. What becomes of them follows from every write of their
	// components, and is kept when they go elsewhere.
	SessionTally(ctx context.Context, key SessionKey) (Tally, error)
	// SessionComponents is the list of nodes that a session shows: those that it set up
	// or that were written as its list, ordered by id, with a comma between.
	SessionComponents(ctx context.Context, key SessionKey) (string, error)
	// SessionsOf says, of components that name a session, which of the sessions of that
	// name has them, as theirs or staged; those that none has are left out.
	SessionsOf(ctx context.Context, name string, components []string) (map[string]SessionKey, error)
	// SessionNodes lists what became of each of them after an id, ordered by
	// id, at most limit: AllNodes for no bound.
	SessionNodes(ctx context.Context, key SessionKey, after string, limit int) ([]NodeOutcome, error)
	DeleteSession(ctx context.Context, key SessionKey, notes ...Event) error

	// PutReceipt stores a preview; Receipt returns the newest unexpired one
	// for the key, ReceiptByPin the newest with the pin within a scope, and
	// ReceiptByNumber that of a number, of this tenant. Each
	// says which session carried it out.
	PutReceipt(ctx context.Context, r Receipt) error
	Receipt(ctx context.Context, key string, now time.Time) (Receipt, error)
	ReceiptByPin(ctx context.Context, of TenantScope, pin string) (Receipt, error)
	ReceiptByNumber(ctx context.Context, tenant, number string, now time.Time) (Receipt, error)
	// Replaced are the sessions that the newest unexpired preview of a tenant with the pin
	// and the run key, of those that were asked with any, was to stand in for; none
	// without a pin or a run key.
	Replaced(ctx context.Context, tenant, pin, runKey string, now time.Time) ([]string, error)
}

// StagedReceipts are the applications of staged state, each with what became of its
// nodes.
type StagedReceipts interface {
	// PutStagedReceipt stores a receipt; StagedReceipt returns the unexpired one of a
	// number, NewestStagedReceipt the newest of a run key, or with applied the one by
	// which something was applied last. All are of one tenant.
	PutStagedReceipt(ctx context.Context, run StagedRun) error
	StagedReceipt(ctx context.Context, tenant, number string, now time.Time) (StagedRun, error)
	NewestStagedReceipt(ctx context.Context, tenant, runKey string, applied bool, now time.Time) (StagedRun, error)
	// MutateStaged runs fn as MutateComponents does, with what became of nodes by this
	// receipt so far, and stores what fn makes of both in one transaction. The receipt
	// counts as applied since then.
	MutateStaged(ctx context.Context, tenant, number string, now time.Time, ids []string, fn func(nodes StagedNodes, r *Record, exists bool) error, notes ...Event) (StagedRun, []Record, error)
}

// Templates are the session templates and the options.
type Templates interface {
	// Templates lists the templates within a scope, ordered by tenant and name.
	Templates(ctx context.Context, of TenantScope) ([]SessionTemplate, error)
	Template(ctx context.Context, tenant, name string) (SessionTemplate, error)
	PutTemplate(ctx context.Context, t SessionTemplate, notes ...Event) error
	// MutateTemplate changes one by read, fn, write in one transaction, whichever process
	// writes beside it. exists is false where there is none; fn then works on an empty one
	// of that name, which is stored. An error of fn leaves all as it is.
	MutateTemplate(ctx context.Context, tenant, name string, fn func(t *SessionTemplate, exists bool) error, notes ...Event) (SessionTemplate, error)
	DeleteTemplate(ctx context.Context, tenant, name string, notes ...Event) error

	Options(ctx context.Context) (Options, error)
	MutateOptions(ctx context.Context, fn func(*Options) error, notes ...Event) (Options, error)
}

// Brakes are the stops that somebody has put on and that last until they are taken
// off. That of a session is in its record, and that of a component too.
type Brakes interface {
	// SitePause is the pause of the whole site.
	SitePause(ctx context.Context) (SitePause, error)
	// MutateSitePause changes it. ErrSkip of fn leaves it as it is, and is no error.
	MutateSitePause(ctx context.Context, fn func(*Brake) error, notes ...Event) (SitePause, error)
}

// History is what happened.
type History interface {
	// Events lists history, oldest first. The oldest is given up after a
	// time and beyond a number.
	Events(ctx context.Context, f EventFilter) ([]Event, error)
	// LastEvent is the id of the newest event that there was, 0 if there was none. All
	// up to it can be read that are kept.
	LastEvent(ctx context.Context) (int64, error)
	// NewEvents is closed by the next commit that writes an event. Who asks
	// for it before reading Events misses none.
	NewEvents() <-chan struct{}
	// Note writes events that are about no change, such as a request that was refused.
	Note(ctx context.Context, notes ...Event) error
}

// EngineStore is what the one engine of a store needs to drive it: the lease, the
// feed of what others write, and the writes that carry the fence of the lease.
type EngineStore interface {
	// Commit writes a pass of the engine.
	Commit(ctx context.Context, c Commit) (Committed, error)
	// SetUp sets a session up and returns it with the components that were
	// written; ErrChanged if the session is not the one any more.
	SetUp(ctx context.Context, s Setup) (SessionRecord, []Record, error)
	// Changes tells what was written after a position: one that an earlier
	// answer named as the newest, or 0.
	Changes(ctx context.Context, after int64) (Changes, error)

	// Tidy removes what nothing refers to any more: tokens that no node was given or
	// reported last, beyond the newest thousands, and what the store keeps once for
	// many records. It may be called often and while others write. Under another
	// fence it removes nothing and fails with ErrFenced, if there is anything.
	Tidy(ctx context.Context, fence int64) error
	// ForgetDeparted forgets what is remembered of deleted components where that is
	// nothing but power actions of before shown, which can show no more. Under another
	// fence it forgets nothing and fails with ErrFenced, if there is anything.
	ForgetDeparted(ctx context.Context, fence int64, shown time.Time) error

	// Lease takes the engine's lease for holder, unless it has it, and keeps the time of
	// its clock with it; a zero clock leaves the one that is kept. While
	// another holds the lease it returns theirs with ErrLeaseHeld, unless that is
	// dead: as whoever asks has seen it unchanged for longer than a holder
	// takes to renew it.
	Lease(ctx context.Context, holder string, clock time.Time, dead Lease) (Lease, error)
	// RenewLease keeps the time of the holder's clock with the lease that it has. With
	// ErrLeaseHeld it returns what the lease is by now if it was taken by another
	// meanwhile, also one who has given it up since: a holder that knows nothing of what
	// that one did may not go on.
	RenewLease(ctx context.Context, held Lease, clock time.Time) (Lease, error)
	// Release gives the lease up if holder has it. Its clock is kept.
	Release(ctx context.Context, holder string) error

	Hearing
}

// ComponentFilter selects components; empty fields do not filter, the others
// are ANDed.
type ComponentFilter struct {
	IDs           []string
	Session       string
	StagedSession string
	Enabled       *bool
	Phase         *Phase
	Status        []string
	// Held keeps those on which there is a hold.
	Held bool
	// Tended keeps those that are not enabled and that are seen to all the same: whose boot
	// parameters are, or are to be, those of what is staged, or whose drain is to be ended.
	Tended bool
	// Unconfirmed, if it is not zero, keeps those that are idle and say what they
	// booted, but have not said it since, to the minute.
	Unconfirmed time.Time
	// After and Limit page through the list ordered by id; 0 is no limit.
	After string
	Limit int
	// Readable leaves out what cannot be read, and the store's log has it: one
	// damaged record keeps nobody from the others. Without it that is an error.
	Readable bool
}

// SessionKey names a session: names are unique per tenant.
type SessionKey struct{ Tenant, Name string }

// Key is the session's key.
func (s Session) Key() SessionKey { return SessionKey{TenantOf(s.Tenant), s.Name} }

// SessionFilter selects sessions; but for Of, empty fields do not filter.
type SessionFilter struct {
	// Of is whose sessions they are; the zero value is nobody's.
	Of TenantScope
	// Name, if it is not empty, keeps the sessions of that name.
	Name   string
	Status SessionPhase
	// MinAge and MaxAge bound the time since start_time; 0 is no bound.
	MinAge, MaxAge time.Duration
	// Readable is as in a ComponentFilter.
	Readable bool
}

// Event is one line of the append-only history.
type Event struct {
	ID        int64     `json:"id"`
	Time      time.Time `json:"time"`
	Component string    `json:"component,omitempty"`
	Session   string    `json:"session,omitempty"`
	// Tenant is that of the session or template, empty for none.
	Tenant string `json:"tenant,omitempty"`
	// Kind is a reason of decide, or what an API client did.
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
	// Actor is who asked for it, empty for the service itself; From is the address that
	// the request came from, and Plan the pin of the plan that it carried out.
	Actor string `json:"actor,omitempty"`
	From  string `json:"from,omitempty"`
	Plan  string `json:"plan,omitempty"`
	// FromState and ToState are how far the component was before and is since, by the
	// names of states; Attempt is which try of a power action it is, from 1.
	FromState string `json:"from_state,omitempty"`
	ToState   string `json:"to_state,omitempty"`
	Attempt   int    `json:"attempt,omitempty"`
	// Answer is the word of an upstream that led to it.
	Answer string `json:"answer,omitempty"`
	// Request is the number of the request that caused it; Workspace and Run are where
	// Terraform, or what runs it, sent that from.
	Request   string `json:"request_id,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	Run       string `json:"run,omitempty"`
}

// EventPage is the answer of GET /x/v1/events.
type EventPage struct {
	Events []Event `json:"events"`
	// Last is what to give as after to read on.
	Last int64 `json:"last"`
}

// EventFilter selects history; but for Seen, empty fields do not filter, the others are
// ANDed.
type EventFilter struct {
	// After is the id of the last event already known.
	After     int64
	Session   string
	Component string
	// Seen bounds what may be seen: of a tenant the history of its nodes, sessions and
	// templates; by Session and Actor nothing is found of sessions of others on its nodes,
	// of which it is told neither. The zero value sees nothing.
	Seen Reach
	// Kinds keeps those of these kinds, Actor those of this actor.
	Kinds []string
	Actor string
	// Since, if it is not zero, leaves out what is older, and Until what is not.
	Since, Until time.Time
	// Newest turns the order round, and Before, if it is not 0, leaves out what is not
	// older than the event of this id.
	Newest bool
	Before int64
	// Limit bounds the answer; 0 is no limit.
	Limit int
}

// Commit is everything one pass of the engine writes: one transaction.
type Commit struct {
	// Components are written where the stored revision is still the one
	// given here; the others are left alone and returned as conflicts. A
	// revision of 0 creates the record where none exists.
	Components []Record
	// Sessions likewise.
	Sessions []SessionRecord
	// Expired are sessions to be deleted, where the stored revision is still this.
	Expired []ChangedSession
	// Tokens maps each new BSS token to what it stands for. They are
	// durable before the caller goes on.
	Tokens map[string]BootArtifacts
	// Events about a component, or about a session alone, that was left
	// alone are left out.
	Events []Event
	// Fence is the number of the lease the writer holds; a commit under another
	// one, which is older or was lost by the database, fails with ErrFenced.
	Fence int64
}

// Changes is what was written to a store since a position in its feed.
type Changes struct {
	// Newest is the position up to which this tells everything. It is good for
	// asking what comes after it, and for nothing else.
	Newest int64
	// All says that the feed does not reach back that far: the reader has to
	// load anew whatever it keeps. It is then all that is told.
	All bool
	// Foreign says, with All, that the position is none of what the store has: what was
	// written last was lost, as by a failover to a standby that had not received it. What
	// the reader keeps may be of writes that nobody has.
	Foreign bool
	// Components and Sessions were written or deleted, each once.
	Components []ChangedComponent
	Sessions   []ChangedSession
	// Templates, Options and SitePause say that one of them was written or deleted.
	Templates, Options, SitePause bool
}

// ChangedComponent names a component and the revision of the last write to it.
type ChangedComponent struct {
	ID       string
	Revision int64
}

// ChangedSession likewise.
type ChangedSession struct {
	Key      SessionKey
	Revision int64
}

// NoFence is the Fence of a commit that no engine makes.
const NoFence = -1

// Conflicts names what a Commit left alone because it had changed meanwhile.
type Conflicts struct {
	Components []string
	Sessions   []SessionKey
}

// Setup sets a session up: one transaction that changes it and its nodes as they
// are then, so that nothing that others write can be in its way.
type Setup struct {
	// Session is the session that was planned for. If it was written or
	// deleted since, nothing is done.
	Session  SessionKey
	Revision int64
	// Nodes are the components that it selects.
	Nodes []SelectedNode
	// Arm changes the session and its nodes in place; ids stay. It gets the
	// stored ones, by id, without those that have no record or one that cannot
	// be read (ComponentFilter.Readable). It decides by its arguments alone: it
	// may be run again.
	Arm func(s *SessionRecord, nodes []Record) Armed
	// Fence is as in a Commit.
	Fence int64
}

// SelectedNode is a component that a session selects, with its boot set.
type SelectedNode struct{ ID, BootSet string }

// Armed is what a setup did: the ids of the nodes that became the session's, and what
// the history says.
type Armed struct {
	Nodes  []string
	Events []Event
}

// Committed is what became of a Commit.
type Committed struct {
	// Revision is that of all records which it wrote; 0 if some were stored otherwise than
	// they were given, so that all are to be read again: the feed tells of them.
	Revision int64
	Conflicts
}

// None reports whether there were no conflicts.
func (c Conflicts) None() bool { return len(c.Components) == 0 && len(c.Sessions) == 0 }

// Lease is the right of one engine to work on the records.
type Lease struct {
	// Holder has it, empty for nobody. Fence is higher for each holder.
	Holder string
	Fence  int64
	// Clock is the service's clock when the lease was renewed last; zero if no
	// clock was kept. A holder's moves with each renewal.
	Clock time.Time
	// Asked is the newest position in the feed that the holder is asked to have heard
	// (Hearing). It is no part of what the lease is known by.
	Asked int64
}

// Same reports whether nothing was done to the lease since it was another.
func (l Lease) Same(other Lease) bool {
	l.Asked = other.Asked
	return l == other
}
