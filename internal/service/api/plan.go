package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// question is what a session, or a preview of one, asks for.
type question struct {
	tenant          string
	template        bos.SessionTemplate
	operation       bos.Operation
	limit           string
	stage           bool
	includeDisabled bool
	rollout         *bos.Rollout
}

// sequenced is with the sequence of the template, which holds where the session gives
// none. What is staged is not started, so it has none.
func (q question) sequenced() question {
	if !q.stage {
		q.rollout = q.template.Rollout(q.operation, q.rollout)
	}
	return q
}

// checkOperation refuses what is no operation of BOS.
func checkOperation(op *bos.Operation, known []bos.Operation) error {
	switch {
	case op == nil:
		return bos.Invalidf("operation", "is missing; use one of %q", known)
	case !slices.Contains(known, *op):
		return bos.Invalidf("operation", "%q is no operation; use one of %q", clip(string(*op)), known)
	default:
		return nil
	}
}

// checkGiven refuses a limit that is given and names nobody: who computes the
// nodes to reboot and finds none does not mean all of them.
func checkGiven(limit nullable[string]) error {
	if limit.value != nil && strings.TrimSpace(*limit.value) == "" {
		return bos.Invalidf("limit", "is empty, which is read as nobody here; leave it out, or say all, for every node of the template")
	}
	return nil
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
	if err := checkConfigure(q); err != nil {
		return err
	}
	if err := bos.ValidateTemplate(q.template, o); err != nil {
		return badRequest("Session template fails check: %v", err)
	}
	return nil
}

// checkConfigure refuses to configure what cannot be.
func checkConfigure(q question) error {
	if q.operation != bos.OperationConfigure {
		return nil
	}
	if q.stage {
		return bos.Invalidf("stage", "does not go with the operation configure, which acts on the nodes that run now; leave stage out")
	}
	for _, set := range q.template.BootSets {
		if q.template.Configuration(set) != "" {
			return nil
		}
	}
	return bos.Invalidf("operation", "configure has nothing to do: session template %q names no configuration for any of its boot sets, or its enable_cfs is false", clip(q.template.Name))
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
	reach, err := s.tenantReach(ctx, q.tenant)
	return decide.Request{
		Template: q.template, Operation: q.operation, Limit: q.limit, Stage: q.stage,
		IncludeDisabled: q.includeDisabled, Reach: reach, Rollout: q.rollout,
	}, err
}

// inventory reads the inventory of now.
func (s *server) inventory(ctx context.Context) (bos.Inventory, error) {
	if s.Inventory == nil {
		return bos.Inventory{}, badRequest("this service has no inventory, so it cannot tell which nodes there are; configure inventory.hsm or inventory.file")
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	inventory, err := s.Inventory.Inventory(ctx)
	if err != nil {
		return bos.Inventory{}, unavailable("cannot read the inventory now: %v", err)
	}
	return inventory, nil
}

// selection asks the inventory of now which nodes a session touches.
func (s *server) selection(ctx context.Context, req decide.Request) (decide.Selection, bos.Inventory, error) {
	inventory, err := s.inventory(ctx)
	if err != nil {
		return decide.Selection{}, inventory, err
	}
	if names := decide.LimitNames(req.Limit, inventory); len(names) > 0 {
		if req.Components, err = s.Store.ComponentIDs(ctx, bos.ComponentFilter{IDs: names}); err != nil {
			return decide.Selection{}, inventory, err
		}
	}
	held, err := s.Store.Components(ctx, bos.ComponentFilter{Held: true, Readable: true})
	if err != nil {
		return decide.Selection{}, inventory, err
	}
	req.Held = decide.HeldBy(held)
	req.Foresee()
	sel, err := decide.Select(req, inventory)
	return sel, inventory, err
}

// passing reports whether an error is an outage that may end by itself.
func passing(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.Status == http.StatusServiceUnavailable
}
