package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// sessionBody is the body of POST /v2/sessions.
type sessionBody struct {
	Name            *string          `json:"name"`
	Operation       *bos.Operation   `json:"operation"`
	TemplateName    *string          `json:"template_name"`
	Limit           nullable[string] `json:"limit"`
	Stage           bool             `json:"stage"`
	IncludeDisabled bool             `json:"include_disabled"`
}

// pinnedBody is the body of POST /x/v1/sessions.
type pinnedBody struct {
	Session sessionBody `json:",embed"`
	Pin     string      `json:"pin"`
	Reason  string      `json:"reason"`
	Receipt string      `json:"receipt"`
	RunKey  string      `json:"run_key"`
	Guards  *guardsBody `json:"guards"`
	// RetryOf is the session whose failed nodes are tried again.
	RetryOf string      `json:"retry_of"`
	Overlap bos.Overlap `json:"overlap"`
	// Replaces are the sessions that this one may take nodes from in any case.
	Replaces []string `json:"replaces"`
	// Rollout is how the session goes through its nodes; nil is all at once.
	Rollout *bos.Rollout `json:"rollout"`
	// StagedBoot has the boot service given what is staged.
	StagedBoot bool `json:"write_staged_boot_parameters"`
}

func (b sessionBody) check() error {
	if b.Name != nil && !bos.ValidName(*b.Name) {
		return bos.Invalidf("name", "%q cannot name a session; use %s, or leave it out", clip(*b.Name), bos.NameRule)
	}
	if b.TemplateName == nil {
		return bos.Invalidf("template_name", "is missing; name the session template")
	}
	if !bos.ValidName(*b.TemplateName) {
		return bos.Invalidf("template_name", "%q cannot name a session template; use %s", clip(*b.TemplateName), bos.NameRule)
	}
	return nil
}

func (s *server) postSession(w http.ResponseWriter, r *http.Request) error {
	var body sessionBody
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	if err := checkOperation(body.Operation, bos.Operations()); err != nil {
		return err
	}
	return s.createSession(w, r, pinnedBody{Session: body})
}

func (s *server) postPinnedSession(w http.ResponseWriter, r *http.Request) error {
	var body pinnedBody
	if err := decode(w, r, maxBody, &body); err != nil {
		return err
	}
	if err := checkGiven(body.Session.Limit); err != nil {
		return err
	}
	body.Reason = strings.TrimSpace(body.Reason)
	if err := checkText("reason", &body.Reason, bos.MaxReason); err != nil {
		return err
	}
	if err := checkRule(body.Overlap, body.Replaces); err != nil {
		return err
	}
	if err := checkAsked(body.Receipt, body.RunKey, body.Guards); err != nil {
		return err
	}
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	if err := s.asRetry(r.Context(), tenant, &body); err != nil {
		return err
	}
	if err := body.Session.check(); err != nil {
		return err
	}
	if err := checkOperation(body.Session.Operation, bos.AllOperations()); err != nil {
		return err
	}
	if err := bos.CheckRollout(body.Rollout, body.Session.Stage); err != nil {
		return err
	}
	if err := body.checkStagedBoot(); err != nil {
		return err
	}
	return s.createSession(w, r, body)
}

// checkStagedBoot refuses staged boot parameters where there are none: nothing is left
// undone without a word.
func (b pinnedBody) checkStagedBoot() error {
	switch op := *b.Session.Operation; {
	case !b.StagedBoot:
		return nil
	case !b.Session.Stage:
		return bos.Invalidf("write_staged_boot_parameters", "is about what a session stages, and stage is not true; stage, or leave it out: a session that does not stage writes boot parameters in any case")
	case !op.NeedsImage():
		return bos.Invalidf("write_staged_boot_parameters", "a %s has no boot parameters to write; leave it out", op)
	}
	return nil
}

// createSession accepts a session and answers it.
func (s *server) createSession(w http.ResponseWriter, r *http.Request, pinned pinnedBody) error {
	rec, again, err := s.newSession(r, pinned)
	switch {
	case err != nil:
		return err
	case again != nil:
		return s.answerRepeated(w, r, pinned, again)
	default:
		return s.answer(w, http.StatusCreated, rec.Session)
	}
}

// newSession accepts a session, with the template as it is now, or finds the one that
// was asked for before. Whatever can be known to be wrong is refused here, where it
// touches nothing yet.
func (s *server) newSession(r *http.Request, pinned pinnedBody) (rec bos.SessionRecord, again *bos.Repeated, err error) {
	body, pin := pinned.Session, pinned.Pin
	tenant, err := tenantOf(r)
	if err != nil {
		return rec, nil, err
	}
	key := bos.SessionKey{Tenant: tenant, Name: uuid.NewString()}
	set(&key.Name, body.Name)
	asked := bos.Asked{By: access.Actor(r), Reason: pinned.Reason, Receipt: pinned.Receipt, RunKey: pinned.RunKey, Guards: pinned.Guards.guards(), Overlap: pinned.Overlap, Replaces: pinned.Replaces, StagedBoot: pinned.StagedBoot}
	asked.Workspace, asked.Run = origin(r)
	if asked.Replaces, err = s.replaced(r.Context(), tenant, pin, asked); err != nil {
		return rec, nil, err
	}
	if again, err = s.askedBefore(r.Context(), tenant, pin, asked); again != nil || err != nil {
		return rec, again, err
	}
	q, inventory, err := s.accept(r.Context(), pinned, key, asked)
	if err != nil {
		return rec, nil, err
	}
	if err := s.checkQueue(r.Context(), tenant, asked.Overlap); err != nil {
		return rec, nil, err
	}
	now := s.Now()
	rec = bos.SessionRecord{
		Session: bos.Session{
			Name: key.Name, Tenant: bos.TenantRef(tenant),
			Operation: q.operation, TemplateName: *body.TemplateName, Limit: q.limit,
			Stage: q.stage, IncludeDisabled: q.includeDisabled,
			Status: bos.SessionStatus{Status: bos.SessionPending, StartTime: bos.At(now)},
		},
		Template: q.template, Pin: pin, Asked: asked, Created: now.UTC(),
	}
	if q.rollout != nil {
		rec.Rollout = bos.NewRollout(*q.rollout)
	}
	detail := string(rec.Operation) + " with template " + rec.TemplateName
	if pinned.Reason != "" {
		detail += ": " + pinned.Reason
	}
	created := s.note(r, eventSessionCreated, detail)
	created.Plan = pin
	if err := s.Store.CreateSession(r.Context(), rec, created); errors.As(err, &again) {
		return rec, again, nil
	} else if err != nil {
		return rec, nil, orTaken(err, key)
	}
	s.Changed(Change{Sessions: []bos.SessionKey{key}, Inventory: inventory})
	return rec, nil, nil
}

// askedBefore finds the session that the same asked for before; nil if there is none.
func (s *server) askedBefore(ctx context.Context, tenant, pin string, asked bos.Asked) (*bos.Repeated, error) {
	if asked.Receipt != "" || asked.RunKey != "" {
		again, err := s.Store.RepeatedSession(ctx, bos.SessionRecord{Session: bos.Session{Tenant: bos.TenantRef(tenant)}, Pin: pin, Asked: asked})
		if again != nil || err != nil {
			return again, err
		}
	}
	return s.foretold(ctx, tenant, asked)
}

// answerRepeated answers with the session that was asked for before by the same:
// whoever asks, after a kill or an answer that was lost, goes on with that one.
func (s *server) answerRepeated(w http.ResponseWriter, r *http.Request, asked pinnedBody, again *bos.Repeated) error {
	if again.Record == nil {
		return problemf(http.StatusConflict, titleCarriedOut,
			"this preview was carried out by session '%s', whose record is gone; nothing was started now, and a new preview starts another session", clip(again.Name))
	}
	if !asked.sameAs(*again.Record) {
		return problemf(http.StatusConflict, titleCarriedOut,
			"this preview was carried out by session '%s', and that is not what is asked for now; nothing was started now, and a preview of it starts another session", clip(again.Name))
	}
	return s.answerSession(w, r, *again.Record)
}

// sameAs reports whether a session is what is asked for: of the same pin or, without
// one, asked for in the same words.
func (b pinnedBody) sameAs(rec bos.SessionRecord) bool {
	if b.StagedBoot != rec.Asked.StagedBoot {
		return false
	}
	if b.Pin != "" && rec.Pin != "" {
		return b.Pin == rec.Pin
	}
	s := b.Session
	asked := question{template: rec.Template, operation: rec.Operation, stage: rec.Stage, rollout: b.Rollout}
	if !reflect.DeepEqual(asked.sequenced().rollout, rec.RolloutSpec()) {
		return false
	}
	return *s.Operation == rec.Operation && *s.TemplateName == rec.TemplateName && s.Limit.orZero() == rec.Limit &&
		s.Stage == rec.Stage && s.IncludeDisabled == rec.IncludeDisabled && b.Overlap.Rule() == rec.Asked.Overlap.Rule()
}

func orTaken(err error, key bos.SessionKey) error {
	if !errors.Is(err, bos.ErrExists) {
		return err
	}
	ofTenant := ""
	if key.Tenant != "" {
		ofTenant = fmt.Sprintf(" for tenant '%s'", clip(key.Tenant))
	}
	return problemf(http.StatusConflict, titleExists, "Session '%s' already exists%s", key.Name, ofTenant)
}

// accept checks a session against everything known now: its template, the
// images, the nodes, and the plan it was reviewed by. It returns the inventory
// that it read, nil if that could not be read.
func (s *server) accept(ctx context.Context, pinned pinnedBody, key bos.SessionKey, asked bos.Asked) (q question, known *bos.Inventory, err error) {
	body, pin, guards := pinned.Session, pinned.Pin, asked.Guards
	q = question{
		tenant: key.Tenant, operation: *body.Operation, limit: body.Limit.orZero(),
		stage: body.Stage, includeDisabled: body.IncludeDisabled, rollout: pinned.Rollout,
	}
	options, err := s.Store.Options(ctx)
	if err != nil {
		return q, nil, err
	}
	req, err := s.request(ctx, q)
	if err != nil {
		return q, nil, err
	}
	if q.template, err = s.storedTemplate(ctx, q.tenant, *body.TemplateName); err != nil {
		return q, nil, err
	}
	if err := s.check(q, options); err != nil {
		return q, nil, err
	}
	q = q.sequenced()
	req.Template, req.Rollout = q.template, q.rollout
	if _, err := s.Store.Session(ctx, key); err == nil {
		return q, nil, orTaken(bos.ErrExists, key)
	} else if !errors.Is(err, bos.ErrNotFound) {
		return q, nil, err
	}
	found := s.examine(ctx, q, options)
	if err := found.refuse(q.template.Name); err != nil {
		return q, nil, err
	}
	for _, text := range found.warnings(q.template.Name) {
		s.Log.Warn("a session is accepted with a warning", "session", key.Name, "warning", text)
	}
	sel, inventory, err := s.selection(ctx, req)
	if passing(err) && pin == "" && !guards.Set() {
		s.Log.Warn("a session is accepted without a check of its nodes; its setup checks them", "session", key.Name, "error", err)
		return q, nil, nil
	}
	if err == nil {
		err = s.checkOverlap(ctx, q, key, asked, sel)
	}
	var batches []bos.RolloutBatch
	if err == nil {
		batches, err = decide.RolloutBatches(req, sel)
	}
	if err != nil || pin == "" && !guards.Set() {
		return q, &inventory, err
	}
	current := decide.MakePreview(req, sel, found.images, options, s.Now(), receiptTTL)
	current.Batches = batches
	if pin != "" {
		if err := s.comparePin(ctx, q.tenant, pin, current); err != nil {
			return q, &inventory, err
		}
	}
	if guards.MaxReboots != nil {
		records, err := s.recordsOf(ctx, sel)
		if err != nil {
			return q, &inventory, err
		}
		current.Effects = decide.Effects(req, sel, inventory, found.images, records, options)
	}
	return q, &inventory, guarded(guards, current, inventory)
}

// comparePin refuses a session whose nodes, roles or boots are no longer those
// that were reviewed. What another tenant reviewed is not known here.
func (s *server) comparePin(ctx context.Context, tenant, pin string, current bos.Preview) error {
	if current.Pin == pin {
		return nil
	}
	receipt, err := s.Store.ReceiptByPin(ctx, scopeOf(tenant), pin)
	switch {
	case errors.Is(err, bos.ErrNotFound):
		return problemf(http.StatusConflict, titlePlanOutdated,
			"the plan with pin %q is not what a session would do now, and it is not kept here to say what changed; nothing was touched, plan again", clip(pin))
	case err != nil:
		return err
	}
	return problemf(http.StatusConflict, titlePlanOutdated,
		"%s; nothing was touched, plan again and review", decide.PreviewDiff(receipt.Preview, current))
}
