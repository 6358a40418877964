package bos

import (
	"context"
	"time"
)

// InventorySource reads the inventory (HSM or a file). An error means that it could
// not be read as a whole; there is no half inventory.
type InventorySource interface {
	Inventory(ctx context.Context) (Inventory, error)
}

// Power reads and changes the power of nodes.
type Power interface {
	// Look asks for the power state of each node and calls each exactly
	// once per node, as answers come in, never concurrently. A dead target
	// does not hold up the others.
	Look(ctx context.Context, ids []string, each func(PowerReading))
	// Apply asks for op on each node and calls each exactly once per node,
	// as answers come in, never concurrently. It reports CallDone when the
	// target accepted, or when the node already is where op leads.
	Apply(ctx context.Context, op PowerOp, ids []string, each func(CallResult))
}

// BootParameters stores what nodes boot (BSS).
type BootParameters interface {
	// Write stores the artifacts for all ids in one call and returns the
	// token that identifies this write; the token is empty where the
	// service has none. The error is a *CallError where the service said no.
	Write(ctx context.Context, ids []string, artifacts BootArtifacts) (token string, err error)
}

// Artifacts reads boot images.
type Artifacts interface {
	// Image reads the manifest at path and what it names. An error that
	// wraps ErrImage means the image is missing or broken, any other that
	// it could not be read now.
	Image(ctx context.Context, path string) (Image, error)
}

// Tenants says which nodes a tenant has.
type Tenants interface {
	// TenantNodes returns the tenant's xnames; ErrNotFound for an unknown tenant.
	TenantNodes(ctx context.Context, tenant string) ([]string, error)
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
	// After and Limit page through the list ordered by id; 0 is no limit.
	After string
	Limit int
}

// SessionKey names a session: names are unique per tenant.
type SessionKey struct{ Tenant, Name string }

// Key is the session's key.
func (s Session) Key() SessionKey { return SessionKey{TenantOf(s.Tenant), s.Name} }

// SessionFilter selects sessions. A nil Tenant means those of everyone.
type SessionFilter struct {
	Tenant *string
	Status SessionPhase
	// MinAge and MaxAge bound the time since start_time; 0 is no bound.
	MinAge, MaxAge time.Duration
}

// Event is one line of the append-only history.
type Event struct {
	ID        int64     `json:"id"`
	Time      time.Time `json:"time"`
	Component string    `json:"component,omitempty"`
	Session   string    `json:"session,omitempty"`
	// Kind is a reason of decide, or what an API client did.
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
}

// Commit is everything one pass of the engine writes: one transaction.
type Commit struct {
	// Components are written where the stored revision is still the one
	// given here, with the revision one higher; the others are left alone
	// and returned as conflicts. A revision of 0 creates the record where
	// none exists.
	Components []Record
	// Sessions likewise.
	Sessions []SessionRecord
	// AllOrNothing makes the commit all or nothing: any conflict among
	// Components or Sessions then undoes it whole.
	AllOrNothing bool
	// Tokens maps each new BSS token to what it stands for. They are
	// durable before the caller goes on.
	Tokens map[string]BootArtifacts
	Events []Event
	// Fence is the number of the lease the writer holds; a commit under an
	// older one fails with ErrFenced.
	Fence int64
}

// Conflicts names what a Commit left alone because it had changed meanwhile.
type Conflicts struct {
	Components []string
	Sessions   []SessionKey
}

// None reports whether there were no conflicts.
func (c Conflicts) None() bool { return len(c.Components) == 0 && len(c.Sessions) == 0 }

// Store keeps the records. Its signature knows no database. Methods that
// change something return only after the change is durable.
type Store interface {
	// Templates lists templates ordered by tenant and name, those of one
	// tenant, or of everyone for nil.
	Templates(ctx context.Context, tenant *string) ([]SessionTemplate, error)
	Template(ctx context.Context, tenant, name string) (SessionTemplate, error)
	PutTemplate(ctx context.Context, t SessionTemplate) error
	DeleteTemplate(ctx context.Context, tenant, name string) error

	// CreateSession stores a new session; ErrExists if the name is taken.
	CreateSession(ctx context.Context, s SessionRecord) error
	Session(ctx context.Context, key SessionKey) (SessionRecord, error)
	// Sessions lists by start time and then name; now is what ages count to.
	Sessions(ctx context.Context, f SessionFilter, now time.Time) ([]SessionRecord, error)
	// MutateSession changes one session by read, fn, write in one transaction.
	MutateSession(ctx context.Context, key SessionKey, fn func(*SessionRecord) error) (SessionRecord, error)
	DeleteSession(ctx context.Context, key SessionKey) error

	// Components lists records ordered by id. Unknown ids are left out.
	Components(ctx context.Context, f ComponentFilter) ([]Record, error)
	// MutateComponents runs fn on each named record in one transaction, in
	// order; exists is false for an id without a record (fn then works on
	// an empty one with that ID). Any error of fn undoes everything and is
	// returned. Unchanged records are not written. It returns the records.
	MutateComponents(ctx context.Context, ids []string, fn func(r *Record, exists bool) error) ([]Record, error)
	DeleteComponent(ctx context.Context, id string) error

	// Token returns the artifacts recorded for a BSS token.
	Token(ctx context.Context, token string) (BootArtifacts, bool, error)

	Options(ctx context.Context) (Options, error)
	MutateOptions(ctx context.Context, fn func(*Options) error) (Options, error)

	// PutReceipt stores a preview; Receipt returns the newest unexpired one
	// for the key, ReceiptByPin the newest with the pin.
	PutReceipt(ctx context.Context, r Receipt) error
	Receipt(ctx context.Context, key string, now time.Time) (Receipt, error)
	ReceiptByPin(ctx context.Context, pin string) (Receipt, error)

	// Commit writes a pass of the engine.
	Commit(ctx context.Context, c Commit) (Conflicts, error)
	// Events lists history after the given id, oldest first.
	Events(ctx context.Context, after int64, session, component string, limit int) ([]Event, error)

	// Lease takes or renews the engine's lease for holder until now+ttl and
	// returns its fencing number; ErrLeaseHeld while another holds it.
	Lease(ctx context.Context, holder string, now time.Time, ttl time.Duration) (fence int64, err error)
	// Release gives the lease up if holder has it.
	Release(ctx context.Context, holder string) error

	// Ping reports whether the database can be used.
	Ping(ctx context.Context) error
	Close() error
}
