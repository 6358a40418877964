package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// imageReads bounds the images that one request reads at a time.
const imageReads = 8

// question is what a session, or a preview of one, asks for.
type question struct {
	tenant          string
	template        bos.SessionTemplate
	operation       bos.Operation
	limit           string
	stage           bool
	includeDisabled bool
}

// checkOperation refuses what is no operation of BOS.
func checkOperation(op *bos.Operation) error {
	switch {
	case op == nil:
		return bos.Invalidf("operation", "is missing; use one of %q", bos.Operations())
	case !slices.Contains(bos.Operations(), *op):
		return bos.Invalidf("operation", "%q is no operation; use one of %q", clip(string(*op)), bos.Operations())
	default:
		return nil
	}
}

// storedTemplate is the template that a session names.
func (s *server) storedTemplate(ctx context.Context, tenant, name string) (bos.SessionTemplate, error) {
	t, err := s.Store.Template(ctx, tenant, name)
	if errors.Is(err, bos.ErrNotFound) {
		return t, badRequest("Session Template Name invalid: %s", clip(name))
	}
	return withDefaults(t), err
}

// withDefaults writes out the default of enable_cfs, so that a template is the
// same question however it was given.
func withDefaults(t bos.SessionTemplate) bos.SessionTemplate {
	if t.EnableCFS == nil {
		yes := true
		t.EnableCFS = &yes
	}
	return t
}

// check refuses what no image and no inventory could make right.
func (s *server) check(q question, o bos.Options) error {
	if err := checkLimit(q.limit, o); err != nil {
		return err
	}
	if err := bos.ValidateTemplate(q.template, o); err != nil {
		return badRequest("Session template fails check: %v", err)
	}
	if q.operation == bos.OperationShutdown {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(q.template.BootSets)) {
		set := q.template.BootSets[name]
		if set.Type != "s3" {
			return failsCheck(q, name, "its type is %q; only images of type s3 can be booted", clip(set.Type))
		}
		if wanted := q.template.Configuration(set); wanted != "" && !s.Configuration {
			return failsCheck(q, name, "it wants the configuration %q and this service has no configuration service; set enable_cfs to false in the template, or configure configuration.cfs in the service", wanted)
		}
	}
	return nil
}

// failsCheck is the 400 for a template that cannot be booted.
func failsCheck(q question, bootSet, format string, args ...any) error {
	return badRequest("Session template fails check: Session template: '%s' boot set: '%s': "+format, append([]any{q.template.Name, bootSet}, args...)...)
}

func checkLimit(limit string, o bos.Options) error {
	if n := utf8.RuneCountInString(limit); n > bos.MaxLimit {
		return bos.Invalidf("limit", "has %d characters, at most %d are allowed", n, bos.MaxLimit)
	}
	if o.SessionLimitRequired && strings.TrimSpace(limit) == "" {
		return bos.Invalidf("limit", "is missing and the option session_limit_required is on; name nodes, groups or roles, or * for all")
	}
	if nid := bos.LimitNID(limit); nid != "" && o.RejectNIDs {
		return bos.Invalidf("limit", "%q is a NID and the option reject_nids is on; name the node by its xname", clip(nid))
	}
	_, err := bos.ParseLimit(limit)
	return err
}

// request is the question as decide takes it.
func (s *server) request(ctx context.Context, q question) (decide.Request, error) {
	nodes, err := s.tenantNodes(ctx, q.tenant)
	return decide.Request{
		Template: q.template, Operation: q.operation, Limit: q.limit, Stage: q.stage,
		IncludeDisabled: q.includeDisabled, TenantNodes: nodes,
	}, err
}

// images reads every image of the template once, by path. A missing image is a
// 400, one that cannot be read now a 503; a shutdown needs none.
func (s *server) images(ctx context.Context, q question) (map[string]bos.Image, error) {
	images := make(map[string]bos.Image)
	if q.operation == bos.OperationShutdown {
		return images, nil
	}
	if s.Artifacts == nil {
		return nil, badRequest("Session template fails check: this service reads no images; configure artifacts.s3")
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	sets := setsByPath(q.template)
	paths := slices.Sorted(maps.Keys(sets))
	read := make([]bos.Image, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(imageReads)
	for i, path := range paths {
		group.Go(func() (err error) {
			read[i], err = s.Artifacts.Image(ctx, path)
			switch {
			case errors.Is(err, bos.ErrImage):
				return failsCheck(q, sets[path], "%v", err)
			case err != nil:
				return unavailable("cannot read the image of boot set %q now: %v", sets[path], err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, path := range paths {
		images[path] = read[i]
	}
	return images, nil
}

// setsByPath names for each image the first boot set that uses it.
func setsByPath(t bos.SessionTemplate) map[string]string {
	sets := make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		path := t.BootSets[name].Path
		if _, have := sets[path]; !have {
			sets[path] = name
		}
	}
	return sets
}

// selection asks the inventory of now which nodes a session touches.
func (s *server) selection(ctx context.Context, req decide.Request) (decide.Selection, error) {
	if s.Inventory == nil {
		return decide.Selection{}, badRequest("this service has no inventory, so it cannot tell which nodes a session touches; configure inventory.hsm or inventory.file")
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	inventory, err := s.Inventory.Inventory(ctx)
	if err != nil {
		return decide.Selection{}, unavailable("cannot read the inventory now: %v", err)
	}
	return decide.Select(req, inventory)
}

// passing reports whether an error is an outage that may end by itself.
func passing(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.Status == http.StatusServiceUnavailable
}
