package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// privateReceipt is the number of the preview that a plan was made by, from the
// plan to its apply. A service carries a preview out once, so that an apply that is
// done again, after the first one was killed, finds the session that there is.
const privateReceipt = "receipt"

func notedReceipt(p *bos.Preview) []byte {
	if p == nil || p.Receipt == "" {
		return nil
	}
	return fmt.Appendf(nil, "%q", p.Receipt)
}

// receiptIn reads the number from private state; empty if there is none.
func receiptIn(noted []byte) string {
	var receipt string
	if json.Unmarshal(noted, &receipt) != nil {
		return ""
	}
	return receipt
}

type reviewedKey struct{}

// reviewedBy is the context of a call during an apply of which Terraform says what
// private data the plan had.
func reviewedBy(ctx context.Context, receipt string) context.Context {
	return context.WithValue(ctx, reviewedKey{}, receipt)
}

// reviewed is the preview that the plan was made by which is being applied; empty
// while planning, and where Terraform does not say it.
func reviewed(ctx context.Context) string {
	receipt, _ := ctx.Value(reviewedKey{}).(string)
	return receipt
}

// runKey stands for what a configuration asks for, with all that has it run again:
// while a session is in flight that it asked for, it is answered with that one. It is
// empty while something is not known, and of one that stages: that is in flight until
// what it staged is applied, also where another has staged something in its place.
func (m *sessionModel) runKey(kind string, name types.String) string {
	if m.unknownArgument() != "" || m.Stage.ValueBool() || name.IsUnknown() || m.Triggers.IsUnknown() {
		return ""
	}
	triggers := make(map[string]string, len(m.Triggers.Elements()))
	for key, value := range m.Triggers.Elements() {
		text, ok := value.(types.String)
		if !ok || text.IsUnknown() {
			return ""
		}
		triggers[key] = text.ValueString()
	}
	content, err := json.Marshal([]any{
		kind, name.ValueString(), m.Tenant.ValueString(), m.Operation.ValueString(), m.TemplateName.ValueString(),
		m.Limit.ValueString(), m.Stage.ValueBool(), m.IncludeDisabled.ValueBool(), triggers,
	})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// privateRemoved marks a session that leaves the configuration, from the plan to its
// apply. One that is replaced has no mark: that another is run is what was asked for.
// One that is removed may go on in a resource of another name.
const (
	privateRemoved = "removed"
	isRemoved      = "true"
	notRemoved     = "false"
)

// knownSessions are the sessions that Terraform has in state, and those that it let
// go of to have others run, goes on with or waits for in this walk, by tenant and name.
type knownSessions struct {
	mu               sync.Mutex
	inState, wasRead map[bos.SessionKey]bool
	letGo, goingOn   map[bos.SessionKey]bool
	waitedFor        map[bos.SessionKey]bool
}

func newKnownSessions() *knownSessions {
	return &knownSessions{inState: make(map[bos.SessionKey]bool), wasRead: make(map[bos.SessionKey]bool), letGo: make(map[bos.SessionKey]bool), goingOn: make(map[bos.SessionKey]bool), waitedFor: make(map[bos.SessionKey]bool)}
}

func (k *knownSessions) note(in func(*knownSessions) map[bos.SessionKey]bool, tenant, name types.String) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	in(k)[bos.SessionKey{Tenant: tenant.ValueString(), Name: name.ValueString()}] = true
}

func (k *knownSessions) has(in func(*knownSessions) map[bos.SessionKey]bool, tenant types.String, name string) bool {
	if k == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return in(k)[bos.SessionKey{Tenant: tenant.ValueString(), Name: name}]
}

// all are the names of a tenant.
func (k *knownSessions) all(in func(*knownSessions) map[bos.SessionKey]bool, tenant types.String) (names []string) {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for key := range in(k) {
		if key.Tenant == tenant.ValueString() {
			names = append(names, key.Name)
		}
	}
	return names
}

func inState(k *knownSessions) map[bos.SessionKey]bool { return k.inState }
func wasRead(k *knownSessions) map[bos.SessionKey]bool { return k.wasRead }
func letGo(k *knownSessions) map[bos.SessionKey]bool   { return k.letGo }
func goingOn(k *knownSessions) map[bos.SessionKey]bool { return k.goingOn }

// waitedFor are those for which the apply of this plan waits before it starts what depends on them.
func waitedFor(k *knownSessions) map[bos.SessionKey]bool { return k.waitedFor }

// create has BOS accept the session, or go on with the one that was asked for
// before by the same plan or the same configuration; that one is told of. configured
// is the name that the configuration has.
func (r *sessionResource) create(ctx context.Context, c *client.Client, m *sessionModel, configured types.String, receipt string, diags *diag.Diagnostics) (bos.Session, error) {
	wanted := m.request()
	rollout, err := rolloutOf(ctx, m.Rollout)
	if err != nil {
		return bos.Session{}, err
	}
	wanted.Rollout = rollout
	wanted.Reason, wanted.Guards = r.shared.reasonFor(m.Reason), r.shared.guardsToSend()
	wanted.Receipt, wanted.RunKey = receipt, m.runKey(r.kind, configured)
	if wanted.Overlap, err = overlapOf(ctx, c, m.Overlap); err != nil {
		return bos.Session{}, err
	}
	wanted.Replaces = r.replaces(ctx, m.Tenant)
	defer r.shared.components.forget() // also where nobody waits: the session writes to its nodes
	defer r.shared.running.take(m.Tenant, m.Name)()
	created, err := c.CreateSession(ctx, wanted)
	if err == nil && created.Name != wanted.Name && !r.goOn(m.Tenant, created.Name) {
		// It is the one that this replaces, or was cancelled: another run is what was
		// asked for.
		wanted.RunKey, wanted.Replaces = "", r.replaces(ctx, m.Tenant)
		created, err = c.CreateSession(ctx, wanted)
	}
	switch {
	case err != nil:
		return created, err
	case created.Name == wanted.Name:
		r.shared.sessions.note(goingOn, m.Tenant, m.Name)
		return created, nil
	case !configured.IsNull():
		return created, &carriedOut{found: created, wanted: wanted.Name}
	}
	m.Name = types.StringValue(created.Name)
	m.ID = joinID(m.Tenant, m.Name)
	diags.AddWarning(fmt.Sprintf("BOS session %s goes on, and no other was started", created.Name),
		fmt.Sprintf("Session %s (%s of template %q) was accepted at %s for this very plan, or for this configuration with the same nodes and images, and is %s. "+
			"An apply that was cut off leaves such a session behind; this one takes it over.",
			created.Name, created.Operation, created.TemplateName, created.Status.StartTime.String(), created.Status.Status))
	return created, nil
}

// goOn has this apply go on with a session; false if it has let go of it before.
func (r *sessionResource) goOn(tenant types.String, name string) bool {
	key := types.StringValue(name)
	defer r.shared.running.take(tenant, key)()
	if r.shared.sessions.has(letGo, tenant, name) {
		return false
	}
	r.shared.sessions.note(goingOn, tenant, key)
	return true
}

// carriedOut is a session with a name of its own that was asked for before under
// another name.
type carriedOut struct {
	found  bos.Session
	wanted string
}

// Error says which.
func (e *carriedOut) Error() string {
	return fmt.Sprintf("session %s, accepted at %s, has carried this plan out already, so session %s was not started; plan again to run another, or "+
		"import that one",
		e.found.Name, e.found.Status.StartTime.String(), e.wanted)
}

// refuseTakenName says at plan that the name of a new session is another's. One that
// the configuration itself left behind in flight is gone on with.
func (r *sessionResource) refuseTakenName(ctx context.Context, config, plan *sessionModel, preview *bos.Preview, diags *diag.Diagnostics) {
	if config.Name.IsNull() || config.Name.IsUnknown() || plan.Tenant.IsUnknown() || r.shared == nil || r.shared.client == nil {
		return
	}
	name := config.Name.ValueString()
	if r.shared.sessions.has(inState, plan.Tenant, name) || preview != nil && ownSession(preview, name) {
		return
	}
	found, err := r.shared.reach(plan.Tenant, diags).Session(ctx, name)
	if err != nil {
		return // not there, or for the apply to find out
	}
	diags.AddAttributeError(path.Root("name"), fmt.Sprintf("The name of BOS session %s is taken", name),
		fmt.Sprintf("BOS has a session of this name: %s of template %q, accepted at %s, %s. A name is used once as long as BOS keeps the record. Choose another "+
			"name, leave name out to have a unique one chosen, or import the session. "+
			"A resource with create_before_destroy cannot be replaced under one and the same name.",
			found.Operation, found.TemplateName, found.Status.StartTime.String(), found.Status.Status))
}

// ownSession reports whether the session of a name is the one that would be gone on
// with.
func ownSession(p *bos.Preview, name string) bool {
	if p.Session == name {
		return true
	}
	for _, b := range p.Busy {
		if b.Same && b.Session == name {
			return true
		}
	}
	return false
}

// ranBefore says that the same configuration has run; empty where it has not, or where
// that is usual, as of an action.
func (r *sessionResource) ranBefore(p *bos.Preview) string {
	ran := p.Ran
	if ran == nil || p.GoesOnWith() != "" || r.kind == kindSessionRun {
		return ""
	}
	by := ""
	if ran.By != "" {
		by = " for " + ran.By
	}
	return fmt.Sprintf("\nThis configuration has run session %s (accepted at %s%s) for the same nodes and images already, and it is over: the apply "+
		"runs another. "+
		"If it was of an apply that was cut off, import it instead.", ran.Session, ran.Accepted.String(), by)
}
