package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

type sessionResource struct {
	shared *shared
	after  func(time.Duration) <-chan time.Time
	now    func() time.Time
	// tell gets the status of a session that is waited for, now and then;
	// it may be nil.
	tell func(bos.ExtendedStatus)
	// kind tells the sessions of actions from those of resources; empty for the
	// latter.
	kind string
}

var (
	_ resource.ResourceWithConfigure      = (*sessionResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*sessionResource)(nil)
	_ resource.ResourceWithImportState    = (*sessionResource)(nil)
	_ resource.ResourceWithIdentity       = (*sessionResource)(nil)
	_ resource.ResourceWithValidateConfig = (*sessionResource)(nil)
)

// kindSessionRun is the kind of the sessions that the action runs.
const kindSessionRun = "bos_session_run"

// privateImported marks a component that was imported and not changed since, and a
// session that was imported and had no triggers since.
const (
	privateImported = "imported"
	isImported      = "true"
	notImported     = "false"
)

func newSessionResource() resource.Resource {
	return &sessionResource{after: time.After, now: time.Now}
}

func (r *sessionResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_session"
}

// IdentitySchema is name and tenant.
func (r *sessionResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = namedIdentitySchema("session")
}

func (r *sessionResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	r.shared = configured(req.ProviderData, &resp.Diagnostics)
}

// Create returns an error only as long as no session was accepted. From then on
// an error would taint the resource, and the next apply would run the session
// again for every node: trouble becomes a warning, and state is saved.
func (r *sessionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m sessionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	limit, diags := m.Timeouts.Create(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	c := r.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if m.Name.IsUnknown() {
		m.Name = types.StringValue("terraform-" + uuid.NewString())
	}
	if m.Tenant.IsUnknown() {
		m.Tenant = r.shared.defaultTenant()
	}
	m.ID = joinID(m.Tenant, m.Name)
	m.nullPlanned()
	m.noResults()
	m.locate(ctx, c)
	defer r.shared.embedded.drive(ctx)()
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateOffered, offeredAt(r.now()))...)
	var configured types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("name"), &configured)...)
	if resp.Diagnostics.HasError() {
		return
	}
	created, err := r.create(ctx, c, &m, configured, reviewed(ctx), &resp.Diagnostics)
	var unconfirmed *client.Unconfirmed
	switch {
	case errors.As(err, &unconfirmed):
		m.Status = types.StringValue(statusUnconfirmed)
		m.knownEffect()
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
		resp.Diagnostics.AddWarning("BOS session may or may not run", capital(err.Error())+". The next plan looks it up by its name.")
		return
	case err != nil:
		refused(&resp.Diagnostics, m, err)
		return
	}
	m.observe(created)
	early := m
	early.knownEffect()
	resp.Diagnostics.Append(resp.State.Set(ctx, &early)...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
	if unlessFalse(m.WaitForCompletion) {
		r.await(ctx, c, &m, limit, false, &resp.Diagnostics)
	}
	r.suspend(&m)
	m.knownEffect()
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *sessionModel) request() bos.PinnedSession {
	s := bos.PinnedSession{
		SessionCreate: bos.SessionCreate{
			Name: m.Name.ValueString(), Operation: bos.Operation(m.Operation.ValueString()), TemplateName: m.TemplateName.ValueString(),
			Stage: m.Stage.ValueBool(), IncludeDisabled: m.IncludeDisabled.ValueBool(),
		},
		Pin: m.Pin.ValueString(), StagedBoot: m.StagedBoot.ValueBool(),
	}
	if !m.Limit.IsNull() {
		// Also an empty one: it is not the same as none, and is refused.
		limit := m.Limit.ValueString()
		s.Limit = &limit
	}
	return s
}

// refused reports a session that BOS did not accept; nothing was touched.
func refused(diags *diag.Diagnostics, m sessionModel, err error) {
	var answer *client.Error
	var taken *client.Taken
	var done *carriedOut
	pinned := m.Pin.ValueString() != ""
	switch {
	case errors.As(err, &taken):
		diags.AddAttributeError(path.Root("name"), "Unable to create BOS session",
			fmt.Sprintf("%s.\n\nThis session touched no node. Choose another name, leave name out to have a unique one chosen, or import "+
				"the session.", capital(err.Error())))
	case errors.As(err, &done):
		diags.AddAttributeError(path.Root("name"), "This plan was carried out already", capital(err.Error())+". No node was touched.")
	case client.IsConflict(err) && errors.As(err, &answer) && answer.Title == titleCarriedOut:
		diags.AddError("This plan was carried out already", answer.Detail)
	case client.IsConflict(err) && errors.As(err, &answer) && answer.Title == titleGuarded:
		diags.AddError(titleGuarded+" of the provider block", capital(answer.Detail)+".")
	case client.IsConflict(err) && errors.As(err, &answer) && answer.Title == titleBusy:
		diags.AddAttributeError(path.Root("overlap"), titleBusy, capital(answer.Detail)+". With overlap = \"queue\" this one waits for it, and with overlap = \"take_over\" it takes the "+
			"nodes from it, wherever they stand.")
	case client.IsConflict(err) && errors.As(err, &answer) && pinned && answer.Title == titleOutdated:
		diags.AddError(titleOutdated, fmt.Sprintf("Since the plan was made, what this session would touch has changed: %s", answer.Detail))
	case client.IsConflict(err):
		diags.AddAttributeError(path.Root("name"), "Unable to create BOS session",
			fmt.Sprintf("%s\n\nNo node was touched. Choose another name, leave name out to have a unique one chosen, or import the session. With "+
				"create_before_destroy a session cannot be replaced under one and the same name.", explain(err)))
	default:
		diags.AddError("Unable to create BOS session", explain(err)+"\n\nNo node was touched.")
	}
}

// titleOutdated is the title of the service's refusal when a pin no longer
// fits, and of our diagnostic for it.
const titleOutdated = "Plan is out of date"

// titleCarriedOut is the title of the service's refusal of a preview that a session
// carried out whose record is gone.
const titleCarriedOut = "Carried out already"

// Read follows a session until it is over; from then on it is history, whatever
// happens to its nodes and to its record. A record that is gone never takes the
// resource out of state: Terraform would run the session again.
func (r *sessionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m sessionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
	c := r.shared.reachStored(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	r.shared.sessions.note(wasRead, m.Tenant, m.Name)
	if m.RecordExpired.ValueBool() {
		m.modernize()
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		return
	}
	adopting, unconfirmed := m.Status.IsNull(), m.Status.ValueString() == statusUnconfirmed
	over := m.over()
	s, err := c.Session(ctx, m.Name.ValueString())
	switch {
	case client.IsNotFound(err) && (adopting || unconfirmed):
		// It was never there.
		resp.State.RemoveResource(ctx)
		return
	case client.IsNotFound(err), err == nil && m.succeededBy(s):
		m.RecordExpired = types.BoolValue(true)
	case err != nil:
		unable(&resp.Diagnostics, "read BOS session", err)
		return
	case over:
	case m.isAnother(ctx, s, req.Private, &resp.Diagnostics):
		notAskedFor(&resp.Diagnostics, s, "the session is planned again")
		resp.State.RemoveResource(ctx)
		return
	default:
		if adopting {
			m.noResults()
			m.adopt(s)
		}
		m.observe(s)
		if adopting {
			err = m.adoptRollout(ctx, c)
		}
		if err != nil {
			unable(&resp.Diagnostics, "read the rollout of the BOS session", err)
			return
		}
		m.observeRollout(ctx, c)
		r.suspend(&m)
		r.catchUp(ctx, c, &m, &resp.Diagnostics)
	}
	if !m.RecordExpired.ValueBool() {
		m.locate(ctx, c)
	}
	m.modernize()
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// catchUp reads what became of the nodes of a session that completed while
// nobody waited for it. The plan reports failures, so this does not.
func (r *sessionResource) catchUp(ctx context.Context, c *client.Client, m *sessionModel, diags *diag.Diagnostics) {
	if !m.complete() {
		return
	}
	v, err := verdictOn(ctx, c, m)
	if err != nil {
		outcomeUnknown(diags, m, err)
		return
	}
	m.take(v)
}

// isAnother reports whether a session that BOS has under the name of this one is
// another: one that somebody ran later, or, where nobody knows whether BOS accepted
// ours, one that was not asked for like this.
func (m *sessionModel) isAnother(ctx context.Context, s bos.Session, private privateState, diags *diag.Diagnostics) bool {
	return m.succeededBy(s) || m.Status.ValueString() == statusUnconfirmed && !client.SameSession(s, m.request(), offered(ctx, private, diags))
}

func notAskedFor(diags *diag.Diagnostics, s bos.Session, so string) {
	diags.AddWarning(fmt.Sprintf("BOS session %s is not the one that was asked for", s.Name),
		fmt.Sprintf("The session that BOS has under the name %s is another one (%s of template %q, accepted at %s), so it does not tell what became of the one of "+
			"this resource; %s. Choose another name for this one, or import that session.",
			s.Name, s.Operation, s.TemplateName, s.Status.StartTime.String(), so))
}

// privateOffered is when the session was first offered to BOS: what BOS has
// under its name from before then is another one.
const privateOffered = "offered"

func offeredAt(at time.Time) []byte {
	return fmt.Appendf(nil, "%q", at.UTC().Format(time.RFC3339))
}

// offered is when the session was offered, the zero time if that was not noted.
func offered(ctx context.Context, private privateState, diags *diag.Diagnostics) time.Time {
	noted, more := private.GetKey(ctx, privateOffered)
	diags.Append(more...)
	return notedTime(noted)
}

// Update resumes waiting, or takes over settings of Terraform's own. It never
// creates a session.
func (r *sessionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, state sessionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, diags := m.Timeouts.Update(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	c := r.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resume := m.Status.IsUnknown()
	if resume {
		m.keepResults(&state)
	}
	if resume && state.Status.ValueString() == statusUnconfirmed {
		// Only without a refresh, which finds it out.
		found, err := c.Session(ctx, m.Name.ValueString())
		if err == nil && state.isAnother(ctx, found, req.Private, &resp.Diagnostics) {
			notAskedFor(&resp.Diagnostics, found, "it is not waited for, and the next plan finds out more")
			resume = false
		}
	}
	if resume {
		defer r.shared.embedded.drive(ctx)()
		r.await(ctx, c, &m, limit, true, &resp.Diagnostics)
		r.suspend(&m)
	}
	if m.Succeeded.IsUnknown() {
		m.Succeeded = m.judged()
	}
	if !resume && m.OnFailure.ValueString() == onFailureError && m.over() && m.tooManyFailed() && (!m.OnFailure.Equal(state.OnFailure) || !m.MaxFailed.Equal(state.MaxFailed)) {
		resp.Diagnostics.AddError(m.failureSummary(), m.failureDetail(m.failures(ctx), m.wayOut()))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
	// Triggers that an imported session gets later count as those that it ran with,
	// whatever else was changed before.
	if !m.Triggers.IsNull() {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(notImported))...)
	}
}

// Delete deletes the record of a session that is over and forgets one that is
// not. Power is never touched. The same apply may go on with the session in another
// resource, as where this one was renamed without a moved block: that one keeps it.
func (r *sessionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m sessionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || m.RecordExpired.ValueBool() {
		return
	}
	removed, diags := req.Private.GetKey(ctx, privateRemoved)
	resp.Diagnostics.Append(diags...)
	c := r.shared.reachStored(m.Tenant, &resp.Diagnostics)
	if c == nil {
		return // unknown
	}
	name := m.Name.ValueString()
	defer r.shared.running.take(m.Tenant, m.Name)()
	if r.shared.sessions.has(goingOn, m.Tenant, name) {
		return // taken over by another resource in this very apply
	}
	replaced := string(removed) != isRemoved
	if replaced {
		r.shared.sessions.note(letGo, m.Tenant, m.Name)
	}
	s, err := c.Session(ctx, name)
	if client.IsNotFound(err) {
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "delete BOS session", err)
		return
	}
	if m.isAnother(ctx, s, req.Private, &resp.Diagnostics) {
		return // somebody else's session, which is not ours to end or delete
	}
	switch {
	case s.Status.Status != bos.SessionComplete:
		if !r.end(ctx, c, m, s, &resp.Diagnostics) {
			return
		}
		r.shared.sessions.note(letGo, m.Tenant, m.Name)
	case !replaced && !m.over():
		return // it ended since the plan, by which another resource may go on with it
	}
	switch err := c.DeleteSession(ctx, name); {
	case err == nil, client.IsNotFound(err):
	case client.IsForbidden(err):
		resp.Diagnostics.AddWarning("The record of BOS session "+name+" is kept", "It is over, and who uses this token may not delete records, as a tenant-admin may "+
			"not: "+explain(err)+"\n\nTerraform forgets it, and BOS removes it by itself after the option cleanup_completed_session_ttl.")
	default:
		unable(&resp.Diagnostics, "delete BOS session", err)
	}
}

// end is what destroying does with a session that is not over; it returns
// whether the record can be deleted then.
func (r *sessionResource) end(ctx context.Context, c *client.Client, m sessionModel, s bos.Session, diags *diag.Diagnostics) bool {
	if m.OnDestroy.ValueString() != onDestroyCancel {
		diags.AddWarning(fmt.Sprintf("BOS session %s runs on", s.Name), fmt.Sprintf("Session %s is %s. Terraform forgets it and leaves it and its "+
			"nodes alone. %s", s.Name, s.Status.Status, m.rolloutSaid()))
		return false
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		unable(diags, "cancel BOS session", err)
		return false
	}
	if !client.Has(caps, bos.ExtensionCancel) {
		diags.AddWarning(fmt.Sprintf("BOS session %s runs on", s.Name), fmt.Sprintf("Session %s is %s, and this BOS cannot cancel sessions. Terraform forgets it "+
			"and leaves it and its nodes alone.", s.Name, s.Status.Status))
		return false
	}
	if _, err := c.CancelSession(ctx, s.Name, "destroyed by Terraform"); err != nil && !client.IsNotFound(err) {
		unable(diags, "cancel BOS session", err)
		return false
	}
	r.shared.components.forget()
	diags.AddWarning("BOS session cancelled", fmt.Sprintf("Session %s was %s. BOS lets go of its nodes where they stand: what they were doing finishes, and "+
		"nothing comes after it.", s.Name, s.Status.Status))
	return true
}

func (r *sessionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByName(ctx, r.shared, req, resp)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(isImported))...)
}
