package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// receiptTTL is how long a preview is kept: from a review until its apply.
const receiptTTL = 24 * time.Hour

// unnamed stands in for the name of a template that is given without one.
const unnamed = "preview"

// previewBody is bos.PreviewRequest as it arrives.
type previewBody struct {
	TemplateName    *string           `json:"template_name"`
	Template        *inlineTemplate   `json:"template"`
	Operation       *bos.Operation    `json:"operation"`
	Limit           nullable[string]  `json:"limit"`
	Stage           bool              `json:"stage"`
	IncludeDisabled bool              `json:"include_disabled"`
	Holds           map[string]string `json:"holds"`
	Reuse           bool              `json:"reuse"`
	Receipt         string            `json:"receipt"`
	RunKey          string            `json:"run_key"`
	Guards          *guardsBody       `json:"guards"`
	Rollout         *bos.Rollout      `json:"rollout"`
	Overlap         bos.Overlap       `json:"overlap"`
	Replaces        []string          `json:"replaces"`
}

// inlineTemplate is a template as it was read from the API or is about to be
// stored; its own name and tenant are taken and mean nothing, the request has
// them.
type inlineTemplate struct {
	Name   *string          `json:"name"`
	Tenant nullable[string] `json:"tenant"`
	Body   templateBody     `json:",embed"`
}

func (b previewBody) check() error {
	name := orZero(b.TemplateName)
	switch {
	case name == "" && b.Template == nil:
		return bos.Invalidf("template_name", "is missing; name a session template, or give one as template")
	case name != "" && !bos.ValidName(name):
		return bos.Invalidf("template_name", "%q cannot name a session template; use %s", clip(name), bos.NameRule)
	}
	if b.Template != nil {
		if err := b.Template.Body.check(); err != nil {
			return within("template", err)
		}
	}
	if err := checkGiven(b.Limit); err != nil {
		return err
	}
	if err := checkAsked(b.Receipt, b.RunKey, b.Guards); err != nil {
		return err
	}
	if err := checkPlannedHolds(b.Holds); err != nil {
		return err
	}
	if err := checkRule(b.Overlap, b.Replaces); err != nil {
		return err
	}
	if err := bos.CheckRollout(b.Rollout, b.Stage); err != nil {
		return err
	}
	return checkOperation(b.Operation, bos.AllOperations())
}

// postPreview says what a session would do and keeps the answer, so that the
// session can be held to it.
func (s *server) postPreview(w http.ResponseWriter, r *http.Request) error {
	var body previewBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	preview, err := s.preview(r.Context(), tenant, body)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, preview)
}

func (s *server) preview(ctx context.Context, tenant string, body previewBody) (bos.Preview, error) {
	if body.Receipt != "" {
		receipt, err := s.Store.ReceiptByNumber(ctx, tenant, body.Receipt, s.Now())
		if err == nil && receipt.Preview.Operation == *body.Operation {
			return receipt.Preview, nil
		}
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			return bos.Preview{}, err
		}
	}
	q := question{
		tenant: tenant, operation: *body.Operation, limit: body.Limit.orZero(),
		stage: body.Stage, includeDisabled: body.IncludeDisabled, rollout: body.Rollout,
	}
	options, err := s.Store.Options(ctx)
	if err != nil {
		return bos.Preview{}, err
	}
	req, err := s.request(ctx, q)
	if err != nil {
		return bos.Preview{}, err
	}
	if q.template, err = s.templateWithSequence(ctx, tenant, body, options); err != nil {
		return bos.Preview{}, err
	}
	if err := s.check(q, options); err != nil {
		return bos.Preview{}, err
	}
	q = q.sequenced()
	req.Template, req.Rollout = q.template, q.rollout
	req.PlannedHolds = canonicalHolds(body.Holds)
	key := decide.ReceiptKey(req, tenant)
	if body.Reuse {
		receipt, err := s.Store.Receipt(ctx, key, s.Now())
		// One from the future is of a wall clock that was set back since.
		if err == nil && !receipt.Preview.Created.After(s.Now()) {
			return receipt.Preview, nil
		}
		if err != nil && !errors.Is(err, bos.ErrNotFound) {
			return bos.Preview{}, err
		}
	}
	found := s.examine(ctx, q, options)
	if err := found.refusePlainly(q.template.Name); err != nil {
		return bos.Preview{}, err
	}
	sel, inventory, err := s.selection(ctx, req)
	if err != nil {
		return bos.Preview{}, err
	}
	sel = sel.SeenBy(req.Reach)
	records, err := s.recordsOf(ctx, sel)
	if err != nil {
		return bos.Preview{}, err
	}
	preview := decide.MakePreview(req, sel, found.images, options, s.Now().UTC(), receiptTTL)
	if preview.Batches, err = decide.RolloutBatches(req, sel); err != nil {
		return bos.Preview{}, err
	}
	if body.Reuse {
		if kept, err := s.reviewedAlike(ctx, tenant, preview.Pin); kept != nil || err != nil {
			return orZero(kept), err
		}
	}
	preview.Effects = decide.Effects(req, sel, inventory, found.images, records, options)
	preview.Warnings = append(preview.Warnings, found.warnings(q.template.Name)...)
	preview.Receipt = uuid.NewString()
	preview.Refused = against(body.Guards.guards(), preview, inventory)
	asked := bos.SessionRecord{Session: bos.Session{Tenant: bos.TenantRef(tenant)}, Pin: preview.Pin, Asked: bos.Asked{RunKey: body.RunKey, Overlap: body.Overlap, Replaces: body.Replaces}}
	if asked.Asked.Replaces, err = s.replaced(ctx, tenant, preview.Pin, asked.Asked); err != nil {
		return bos.Preview{}, err
	}
	preview.Replaces = asked.Asked.Replaces
	if preview.Busy, err = s.busy(ctx, asked, sel, inventory, records); err != nil {
		return bos.Preview{}, err
	}
	if err := s.happening(ctx, asked, &preview); err != nil {
		return bos.Preview{}, err
	}
	if err := s.Store.PutReceipt(ctx, bos.Receipt{Key: key, Tenant: tenant, RunKey: body.RunKey, Preview: preview}); err != nil {
		return bos.Preview{}, err
	}
	// Of this moment and this asker alone, so it is in no receipt.
	preview.Refused = append(preview.Refused, overlapping(body.Overlap, body.Stage, preview)...)
	preview.WaitsFor = waitsFor(body.Overlap, body.Stage, preview)
	return preview, nil
}

// happening adds what else there is to know now: whether the same ran already, and a
// pause of the site.
func (s *server) happening(ctx context.Context, asked bos.SessionRecord, preview *bos.Preview) (err error) {
	if preview.Ran, err = s.ran(ctx, asked); err != nil {
		return err
	}
	pause, err := s.Store.SitePause(ctx)
	if err == nil && pause.On() {
		preview.Warnings = append(preview.Warnings, pausedWarning(pause.Reason))
	}
	return err
}

// reviewedAlike is the newest preview of a tenant with a pin, nil if none is kept:
// where the template was written since, but to the same effect, it is still the one
// that was reviewed, and may have been carried out.
func (s *server) reviewedAlike(ctx context.Context, tenant, pin string) (*bos.Preview, error) {
	receipt, err := s.Store.ReceiptByPin(ctx, bos.OneTenant(tenant), pin)
	switch now := s.Now(); {
	case errors.Is(err, bos.ErrNotFound):
		return nil, nil //nolint:nilnil // that there is none is an answer
	case err != nil:
		return nil, err
	case receipt.Preview.Created.After(now), !receipt.Preview.Expires.After(now):
		return nil, nil //nolint:nilnil // as above
	}
	return &receipt.Preview, nil
}

// pausedWarning is what a reviewer should know of a site that is paused.
func pausedWarning(reason string) string {
	if reason != "" {
		reason = " (" + reason + ")"
	}
	return "the site is paused" + reason + ": a session that is created now is set up and touches no node until POST /x/v1/resume"
}

// recordsOf loads the components of the selected nodes.
func (s *server) recordsOf(ctx context.Context, sel decide.Selection) (map[string]bos.Record, error) {
	records := make(map[string]bos.Record)
	if len(sel.BootSets) == 0 {
		return records, nil
	}
	list, err := s.Store.Components(ctx, bos.ComponentFilter{IDs: sel.Nodes()})
	if err != nil {
		return nil, err
	}
	for i := range list {
		records[list[i].ID] = list[i]
	}
	return records, nil
}

const (
	defaultPreviewNodes = 1000
	maxPreviewNodes     = 10000
)

// listPreviewNodes says node by node what the newest preview with a pin said: GET
// /x/v1/previews/{pin}/nodes with page_size (1 to 10000, default 1000) and
// start_after_id, the id that an earlier page ended with. A tenant is answered
// its own previews, and of them the nodes that it still has.
func (s *server) listPreviewNodes(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	size, err := queryInt(q, "page_size", defaultPreviewNodes, 1, maxPreviewNodes)
	if err != nil {
		return err
	}
	after, err := queryText(q, "start_after_id", bos.MaxComponentID)
	if err != nil {
		return err
	}
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	pin := r.PathValue("pin")
	receipt, err := s.Store.ReceiptByPin(r.Context(), reach.Tenants(), pin)
	if err != nil {
		return orMissing(err, "Preview", reach.Tenant(), pin)
	}
	page := bos.PreviewNodes{Nodes: []bos.PreviewNode{}}
	for _, node := range decide.PreviewNodes(receipt.Preview) {
		if !reach.Has(node.ID) || after != "" && bos.CompareXnames(node.ID, after) <= 0 {
			continue
		}
		if len(page.Nodes) == size {
			page.Next = page.Nodes[size-1].ID
			break
		}
		page.Nodes = append(page.Nodes, node)
	}
	return s.answer(w, http.StatusOK, page)
}

// templateWithSequence is the template to preview with its sequence: stored in the place
// of another it keeps that one's.
func (s *server) templateWithSequence(ctx context.Context, tenant string, body previewBody, o bos.Options) (bos.SessionTemplate, error) {
	t, err := s.templateToPreview(ctx, tenant, body, o)
	if err == nil && body.Template != nil {
		t.Sequence, err = s.keptSequence(ctx, t)
	}
	return t, err
}

// templateToPreview is the template given, in the form it would be stored in,
// or the stored one.
func (s *server) templateToPreview(ctx context.Context, tenant string, body previewBody, o bos.Options) (bos.SessionTemplate, error) {
	name := orZero(body.TemplateName)
	if body.Template == nil {
		return s.storedTemplate(ctx, tenant, name)
	}
	t := bos.SessionTemplate{Name: unnamed, Tenant: bos.TenantRef(tenant)}
	for _, given := range []string{orZero(body.Template.Name), name} {
		if given != "" {
			t.Name = given
		}
	}
	body.Template.Body.apply(&t)
	if err := bos.ValidateTemplate(t, o); err != nil {
		return t, within("template", err)
	}
	bos.SanitizeTemplate(&t)
	return withDefaults(t), nil
}
