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
}

var (
	_ resource.ResourceWithConfigure   = (*sessionResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*sessionResource)(nil)
	_ resource.ResourceWithImportState = (*sessionResource)(nil)
	_ resource.ResourceWithIdentity    = (*sessionResource)(nil)
)

// privateImported marks a resource that was imported and not changed since.
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
	defer r.shared.embedded.drive(ctx)()
	created, err := c.CreateSession(ctx, m.request())
	var unconfirmed *client.Unconfirmed
	switch {
	case errors.As(err, &unconfirmed):
		m.Status = types.StringValue(statusUnconfirmed)
		resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
		resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
		resp.Diagnostics.AddWarning("BOS session may or may not run", capital(err.Error())+". The next plan looks it up by its name.")
		return
	case err != nil:
		refused(&resp.Diagnostics, m, err)
		return
	}
	m.observe(created)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
	if unlessFalse(m.WaitForCompletion) {
		r.wait(ctx, c, &m, limit, &resp.Diagnostics)
		r.conclude(ctx, c, &m, false, &resp.Diagnostics)
	}
	r.suspend(&m)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *sessionModel) request() bos.PinnedSession {
	s := bos.PinnedSession{
		SessionCreate: bos.SessionCreate{
			Name: m.Name.ValueString(), Operation: bos.Operation(m.Operation.ValueString()), TemplateName: m.TemplateName.ValueString(),
			Stage: m.Stage.ValueBool(), IncludeDisabled: m.IncludeDisabled.ValueBool(),
		},
		Pin: m.Pin.ValueString(),
	}
	if limit := m.Limit.ValueString(); limit != "" {
		s.Limit = &limit
	}
	return s
}

// refused reports a session that BOS did not accept; nothing was touched.
func refused(diags *diag.Diagnostics, m sessionModel, err error) {
	var answer *client.Error
	pinned := m.Pin.ValueString() != ""
	switch {
	case client.IsConflict(err) && errors.As(err, &answer) && pinned && answer.Title == titleOutdated:
		diags.AddError(titleOutdated, fmt.Sprintf("Since the plan was made, what this session would touch has changed: %s", answer.Detail))
	case client.IsConflict(err):
		diags.AddAttributeError(path.Root("name"), "Unable to create BOS session",
			fmt.Sprintf("%s\n\nNo node was touched. Choose another name, leave name out to have a unique one chosen, or import the session.", explain(err)))
	default:
		diags.AddError("Unable to create BOS session", explain(err)+"\n\nNo node was touched.")
	}
}

// titleOutdated is the title of the service's refusal when a pin no longer
// fits, and of our diagnostic for it.
const titleOutdated = "Plan is out of date"

// wait looks at the session until there is nothing left to wait for, time is up
// or Terraform was interrupted. All trouble is a warning.
func (r *sessionResource) wait(ctx context.Context, c *client.Client, m *sessionModel, limit time.Duration, diags *diag.Diagnostics) {
	until, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var trouble error
	told := progress{now: r.now, tell: r.tell}
	news := follow(until, c, m.Name.ValueString(), r.after)
	done := newWaiter(r.after, durationOr(m.PollInterval, defaultPoll), news).until(until, func(ctx context.Context) bool {
		s, err := c.Session(ctx, m.Name.ValueString())
		switch {
		case err == nil:
			trouble = nil
			m.observe(s)
		case client.IsNotFound(err):
			m.RecordExpired = types.BoolValue(true)
			trouble = err
		case ctx.Err() == nil:
			trouble = err
		}
		if err := r.shared.embedded.trouble(); err != nil {
			trouble = err
			cancel()
		}
		if m.settled() {
			return true
		}
		told.report(ctx, c, m.Name.ValueString())
		return false
	})
	// Others that read components now want to see what became of them.
	r.shared.components.forget()
	switch {
	case done && m.RecordExpired.ValueBool():
		diags.AddWarning(fmt.Sprintf("Record of BOS session %s is gone", m.Name.ValueString()), fmt.Sprintf("BOS deleted its record of session %s while Terraform waited for it, so what became of its nodes is not known here. Look at the components, for example with the bos_components data source.", m.Name.ValueString()))
	case done:
	case ctx.Err() != nil:
		diags.AddWarning("Stopped waiting for BOS session "+m.Name.ValueString(), fmt.Sprintf("Terraform was interrupted. Session %s %s; the next apply goes on waiting for it and starts no new one.", m.Name.ValueString(), r.meanwhile()))
	case trouble != nil:
		diags.AddWarning("Stopped waiting for BOS session "+m.Name.ValueString(), fmt.Sprintf("After %s BOS still did not say how session %s is getting on: %s\n\nThe next apply goes on waiting for it and starts no new one.", limit, m.Name.ValueString(), explain(trouble)))
	default:
		diags.AddWarning("Stopped waiting for BOS session "+m.Name.ValueString(), fmt.Sprintf("Session %s is still %s after %s. It %s; the next apply goes on waiting for it and starts no new one. Raise timeouts to wait longer.", m.Name.ValueString(), m.Status.ValueString(), limit, r.meanwhile()))
	}
}

// meanwhile is what a session does while nobody waits for it.
func (r *sessionResource) meanwhile() string {
	if r.shared.embedded != nil {
		return "is suspended, since the embedded BOS acts during an apply only"
	}
	return "runs on"
}

// suspend says that nobody acts for a session that is not over: the embedded
// service does so only during an apply.
func (r *sessionResource) suspend(m *sessionModel) {
	if r.shared.embedded != nil && !m.settled() && m.Status.ValueString() != statusUnconfirmed {
		m.Status = types.StringValue(statusSuspended)
	}
}

// conclude takes over what became of the nodes of a complete session and
// reports failures: as an error only if mayFail and the user asked for it.
func (r *sessionResource) conclude(ctx context.Context, c *client.Client, m *sessionModel, mayFail bool, diags *diag.Diagnostics) {
	if !m.complete() || m.RecordExpired.ValueBool() {
		return
	}
	outcomes, err := c.Outcomes(ctx, m.Name.ValueString())
	if err != nil {
		outcomeUnknown(diags, m, err)
		return
	}
	failures := m.takeOutcomes(outcomes)
	switch {
	case len(failures) == 0 && m.Error.IsNull():
	case !m.tooManyFailed():
		diags.AddWarning(m.failureSummary(), "This is within max_failed. "+m.failureDetail(failures))
	case mayFail && m.OnFailure.ValueString() == onFailureError:
		diags.AddError(m.failureSummary(), m.failureDetail(failures))
	default:
		diags.AddWarning(m.failureSummary(), m.failureDetail(failures))
	}
}

func outcomeUnknown(diags *diag.Diagnostics, m *sessionModel, err error) {
	diags.AddWarning("Outcome of BOS session is not known",
		fmt.Sprintf("Session %s is complete, but what became of its nodes could not be read: %s\n\nThe next plan reads it.", m.Name.ValueString(), explain(err)))
}

// Read follows a session until it is over; from then on it is history, whatever
// happens to its nodes and to its record. A record that is gone never takes the
// resource out of state: Terraform would run the session again.
func (r *sessionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m sessionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
	c := r.shared.reach(m.Tenant, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || m.RecordExpired.ValueBool() {
		return
	}
	adopting := m.Status.IsNull()
	over := m.complete() && !m.FailedCount.IsNull()
	s, err := c.Session(ctx, m.Name.ValueString())
	switch {
	case client.IsNotFound(err) && (adopting || m.Status.ValueString() == statusUnconfirmed):
		// It was never there.
		resp.State.RemoveResource(ctx)
		return
	case client.IsNotFound(err):
		m.RecordExpired = types.BoolValue(true)
	case err != nil:
		unable(&resp.Diagnostics, "read BOS session", err)
		return
	case over:
	default:
		if adopting {
			m.noResults()
			m.adopt(s)
		}
		m.observe(s)
		r.suspend(&m)
		r.catchUp(ctx, c, &m, &resp.Diagnostics)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// catchUp reads what became of the nodes of a session that completed while
// nobody waited for it. The plan reports failures, so this does not.
func (r *sessionResource) catchUp(ctx context.Context, c *client.Client, m *sessionModel, diags *diag.Diagnostics) {
	if !m.complete() {
		return
	}
	outcomes, err := c.Outcomes(ctx, m.Name.ValueString())
	if err != nil {
		outcomeUnknown(diags, m, err)
		return
	}
	m.takeOutcomes(outcomes)
}

// Update goes on waiting, or takes over settings of Terraform's own. It never
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
		defer r.shared.embedded.drive(ctx)()
		r.wait(ctx, c, &m, limit, &resp.Diagnostics)
		r.conclude(ctx, c, &m, true, &resp.Diagnostics)
		r.suspend(&m)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	resp.Diagnostics.Append(identifyNamed(ctx, resp.Identity, m.Tenant, m.Name)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(notImported))...)
}

// Delete deletes the record of a session that is over and forgets one that is
// not. Power is never touched.
func (r *sessionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m sessionModel
	resp.Diagnostics.Append(req.State.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || m.RecordExpired.ValueBool() {
		return
	}
	c := r.shared.reach(m.Tenant, &resp.Diagnostics)
	if c == nil {
		return
	}
	name := m.Name.ValueString()
	s, err := c.Session(ctx, name)
	if client.IsNotFound(err) {
		return
	}
	if err != nil {
		unable(&resp.Diagnostics, "delete BOS session", err)
		return
	}
	if s.Status.Status != bos.SessionComplete && !r.end(ctx, c, m, s, &resp.Diagnostics) {
		return
	}
	if err := c.DeleteSession(ctx, name); err != nil && !client.IsNotFound(err) {
		unable(&resp.Diagnostics, "delete BOS session", err)
	}
}

// end is what destroying does with a session that is not over; it returns
// whether the record can be deleted then.
func (r *sessionResource) end(ctx context.Context, c *client.Client, m sessionModel, s bos.Session, diags *diag.Diagnostics) bool {
	if m.OnDestroy.ValueString() != onDestroyCancel {
		diags.AddWarning(fmt.Sprintf("BOS session %s runs on", s.Name), fmt.Sprintf("Session %s is %s. Terraform forgets it and leaves it and its nodes alone.", s.Name, s.Status.Status))
		return false
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		unable(diags, "cancel BOS session", err)
		return false
	}
	if !client.Has(caps, bos.ExtensionCancel) {
		diags.AddWarning(fmt.Sprintf("BOS session %s runs on", s.Name), fmt.Sprintf("Session %s is %s, and this BOS cannot cancel sessions. Terraform forgets it and leaves it and its nodes alone.", s.Name, s.Status.Status))
		return false
	}
	if _, err := c.CancelSession(ctx, s.Name, "destroyed by Terraform"); err != nil && !client.IsNotFound(err) {
		unable(diags, "cancel BOS session", err)
		return false
	}
	r.shared.components.forget()
	diags.AddWarning("BOS session cancelled", fmt.Sprintf("Session %s was %s. BOS lets go of its nodes where they stand: what they were doing finishes, and nothing comes after it.", s.Name, s.Status.Status))
	return true
}

func (r *sessionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	importByName(ctx, r.shared, req, resp)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, privateImported, []byte(isImported))...)
}
