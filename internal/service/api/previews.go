package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// receiptTTL is how long a preview can be referred to: longer than a review
// takes, shorter than anyone remembers.
const receiptTTL = 24 * time.Hour

// asked is a checked question about a session.
type asked struct {
	request decide.Request
	options bos.Options
	images  map[string]bos.Image
}

// ask checks operation, template, limit and images: what would be wrong with a
// session is wrong with its preview.
func (s *server) ask(r *http.Request, body bos.PreviewRequest) (asked, error) {
	var a asked
	tenantNodes, err := s.checkTenant(r)
	if err != nil {
		return a, err
	}
	if !slices.Contains(bos.Operations(), body.Operation) {
		return a, badRequest("operation %q is not one of %v", body.Operation, bos.Operations())
	}
	if a.options, err = s.Store.Options(r.Context()); err != nil {
		return a, err
	}
	template, err := s.templateFor(r, body, a.options)
	if err != nil {
		return a, err
	}
	if _, err := bos.ParseLimit(body.Limit); err != nil {
		return a, err
	}
	if nid := bos.LimitNID(body.Limit); nid != "" && a.options.RejectNIDs {
		return a, badRequest("limit names %q and this service rejects NIDs (reject_nids); use xnames", nid)
	}
	a.request = decide.Request{
		Template: template, Operation: body.Operation, Limit: body.Limit, Stage: body.Stage,
		IncludeDisabled: body.IncludeDisabled, TenantNodes: tenantNodes,
	}
	if body.Operation == bos.OperationShutdown {
		return a, nil
	}
	if err := s.checkConfiguration(template); err != nil {
		return a, err
	}
	a.images, err = s.readImages(r.Context(), template)
	return a, err
}

func (s *server) templateFor(r *http.Request, body bos.PreviewRequest, o bos.Options) (bos.SessionTemplate, error) {
	if body.Template != nil {
		t := *body.Template
		if t.Name == "" {
			t.Name = body.TemplateName
		}
		t.Tenant = bos.TenantRef(tenantOf(r))
		if err := bos.ValidateTemplate(t, o); err != nil {
			return t, err
		}
		bos.SanitizeTemplate(&t)
		if t.EnableCFS == nil {
			yes := true
			t.EnableCFS = &yes
		}
		return t, nil
	}
	t, err := s.Store.Template(r.Context(), tenantOf(r), body.TemplateName)
	if isNotFound(err) {
		return t, badRequest("Session Template Name invalid: %s", body.TemplateName)
	}
	return t, err
}

func (s *server) checkConfiguration(t bos.SessionTemplate) error {
	if s.Configuration {
		return nil
	}
	for name, set := range t.BootSets {
		if wanted := t.Configuration(set); wanted != "" {
			return badRequest("Session template fails check: boot set %q wants configuration %q, but this service has no configuration service; set enable_cfs to false or configure configuration.cfs", name, wanted)
		}
	}
	return nil
}

// readImages reads each image of the template once.
func (s *server) readImages(ctx context.Context, t bos.SessionTemplate) (map[string]bos.Image, error) {
	images := make(map[string]bos.Image)
	if s.Artifacts == nil {
		return nil, badRequest("Session template fails check: this service reads no images; configure artifacts.s3")
	}
	for name, set := range t.BootSets {
		if _, have := images[set.Path]; have {
			continue
		}
		image, err := s.Artifacts.Image(ctx, set.Path)
		if errors.Is(err, bos.ErrImage) {
			return nil, badRequest("Session template fails check: Session template: '%s' boot set: '%s': %s", t.Name, name, err)
		}
		if err != nil {
			return nil, unavailable("read the image of boot set "+name, err)
		}
		images[set.Path] = image
	}
	return images, nil
}

// preview is the answer to the question by the inventory of now.
func (s *server) preview(r *http.Request, a asked) (bos.Preview, error) {
	if s.Inventory == nil {
		return bos.Preview{}, badRequest("this service has no inventory, so nobody can say which nodes a session would touch; configure inventory.hsm or inventory.file")
	}
	inv, err := s.Inventory.Inventory(r.Context())
	if err != nil {
		return bos.Preview{}, unavailable("read the inventory", err)
	}
	sel, err := decide.Select(a.request, inv)
	if err != nil {
		return bos.Preview{}, err
	}
	return decide.MakePreview(a.request, sel, a.images, s.Now().UTC(), receiptTTL), nil
}

func (s *server) postPreview(r *http.Request) (*response, error) {
	var body bos.PreviewRequest
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	a, err := s.ask(r, body)
	if err != nil {
		return nil, err
	}
	key := decide.ReceiptKey(a.request, tenantOf(r))
	if body.Reuse {
		receipt, err := s.Store.Receipt(r.Context(), key, s.Now())
		if err == nil {
			return ok(receipt.Preview)
		}
		if !isNotFound(err) {
			return nil, err
		}
	}
	p, err := s.preview(r, a)
	if err != nil {
		return nil, err
	}
	if err := s.Store.PutReceipt(r.Context(), bos.Receipt{Key: key, Preview: p}); err != nil {
		return nil, err
	}
	return ok(p)
}

func (s *server) postPinnedSession(r *http.Request) (*response, error) {
	var body bos.PinnedSession
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	return s.create(r, body.SessionCreate, body.Pin)
}

// compare refuses a session whose nodes or images are no longer those that
// were reviewed. A node in two boot sets is refused with or without a pin.
func (s *server) compare(r *http.Request, a asked, pin string) error {
	if s.Inventory == nil && pin == "" {
		return nil
	}
	now, err := s.preview(r, a)
	if err != nil {
		var p *Problem
		if pin == "" && errors.As(err, &p) && p.Status == http.StatusServiceUnavailable {
			return nil // without a pin, setup waits for the inventory
		}
		return err
	}
	if pin == "" || now.Pin == pin {
		return nil
	}
	detail := "the nodes or images changed since the plan, whose receipt has expired"
	if receipt, err := s.Store.ReceiptByPin(r.Context(), pin); err == nil {
		detail = decide.PreviewDiff(receipt.Preview, now)
	}
	return problem(http.StatusConflict, "Plan is out of date", "%s; no node was touched; plan again and review", detail)
}
