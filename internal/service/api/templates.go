package api

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const kindTemplate = "Session template"

// readTemplates are those that a request may list.
func (s *server) readTemplates(r *http.Request) ([]bos.SessionTemplate, error) {
	of, err := tenantsOf(r)
	if err != nil {
		return nil, err
	}
	return s.Store.Templates(r.Context(), of)
}

// readTemplate is the one that a request names.
func (s *server) readTemplate(r *http.Request) (bos.SessionTemplate, error) {
	tenant, name, err := templateKey(r)
	if err != nil {
		return bos.SessionTemplate{}, err
	}
	t, err := s.Store.Template(r.Context(), tenant, name)
	if err != nil {
		return t, orMissing(err, kindTemplate, tenant, name)
	}
	return t, nil
}

func (s *server) listTemplates(w http.ResponseWriter, r *http.Request) error {
	templates, err := s.readTemplates(r)
	if err != nil {
		return err
	}
	return answerList(s, w, templates, asVersion2)
}

// asVersion2 is a template as version 2 shows it: strict clients of it take what they
// know and nothing else.
func asVersion2(t bos.SessionTemplate) bos.SessionTemplate {
	t.Sequence = nil
	return t
}

// templateKey is the tenant and the name that a request is about.
func templateKey(r *http.Request) (tenant, name string, err error) {
	name = r.PathValue("name")
	if !bos.ValidName(name) {
		return "", "", bos.Invalidf("name", "%q cannot name a session template; use %s", clip(name), bos.NameRule)
	}
	tenant, err = tenantOf(r)
	return tenant, name, err
}

func (s *server) getTemplate(w http.ResponseWriter, r *http.Request) error {
	t, err := s.readTemplate(r)
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, asVersion2(t))
}

func (s *server) putTemplate(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	if _, err := s.tenantReach(r.Context(), tenant); err != nil {
		return err
	}
	var body templateBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	t := bos.SessionTemplate{Name: name, Tenant: bos.TenantRef(tenant)}
	body.apply(&t)
	if t, err = s.readyToStore(r.Context(), t); err != nil {
		return err
	}
	return s.storeTemplate(w, r, t, func(stored bos.SessionTemplate, _ bool) (bos.SessionTemplate, error) {
		t.Sequence = stored.Sequence.Among(t.BootSets) // as keptSequence says
		return t, nil
	})
}

// patchTries is how often a patch is merged anew because somebody else changed the
// template meanwhile, through this service or another; after eagerTries the patches of
// this service wait for it, also while it asks upstreams.
const (
	patchTries = 20
	eagerTries = 3
)

// errChanged says that a template is not any more what was patched.
var errChanged = errors.New("the template was changed meanwhile")

func (s *server) patchTemplate(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	var body templateBody
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	if err := body.check(); err != nil {
		return err
	}
	for try := range patchTries {
		if try == eagerTries {
			if err := s.patches.Take(r.Context()); err != nil {
				return unavailable("session template '%s' is being changed by others, and this change of it had to wait for theirs until its client left or its time was over (%v); nothing was changed: try again", clip(name), err)
			}
			defer s.patches.Give()
		}
		before, after, err := s.patched(r.Context(), tenant, name, body)
		if err != nil {
			return err
		}
		err = s.storeTemplate(w, r, after, func(stored bos.SessionTemplate, exists bool) (bos.SessionTemplate, error) {
			if !exists || !reflect.DeepEqual(stored, before) {
				return stored, errChanged
			}
			return after, nil
		})
		if !errors.Is(err, errChanged) {
			return err
		}
	}
	return unavailable("session template '%s' was changed by others %d times while this change of it was checked; nothing was changed: try again", clip(name), patchTries)
}

// patched is a template before and after a patch, checked.
func (s *server) patched(ctx context.Context, tenant, name string, body templateBody) (before, after bos.SessionTemplate, err error) {
	before, err = s.Store.Template(ctx, tenant, name)
	if err != nil {
		return before, after, orMissing(err, kindTemplate, tenant, name)
	}
	after = before
	body.apply(&after)
	after, err = s.readyToStore(ctx, after)
	return before, after, err
}

// readyToStore checks the whole template and brings it into its stored form.
// Nodes, groups and roles are not looked at. It may wait for upstreams.
func (s *server) readyToStore(ctx context.Context, t bos.SessionTemplate) (bos.SessionTemplate, error) {
	options, err := s.Store.Options(ctx)
	if err != nil {
		return t, err
	}
	if err := bos.ValidateTemplate(t, options); err != nil {
		return t, err
	}
	bos.SanitizeTemplate(&t)
	return t, s.adviseOnTemplate(ctx, t, options)
}

// storeTemplate stores what becomes of the stored template, whoever changed it last, and
// answers it.
func (s *server) storeTemplate(w http.ResponseWriter, r *http.Request, t bos.SessionTemplate, become func(stored bos.SessionTemplate, exists bool) (bos.SessionTemplate, error)) error {
	tenant := bos.TenantOf(t.Tenant)
	t, err := s.Store.MutateTemplate(r.Context(), tenant, t.Name, func(stored *bos.SessionTemplate, exists bool) (err error) {
		*stored, err = become(*stored, exists)
		return err
	}, s.noteTemplate(r, eventTemplateStored, tenant, t.Name))
	if err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, asVersion2(t))
}

func (s *server) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	if err := s.Store.DeleteTemplate(r.Context(), tenant, name, s.noteTemplate(r, eventTemplateDeleted, tenant, name)); err != nil {
		return orMissing(err, kindTemplate, tenant, name)
	}
	return s.noContent(w)
}

// getTemplateTemplate answers a template to begin with: a client edits it and
// puts it under a name of its own.
func (s *server) getTemplateTemplate(w http.ResponseWriter, _ *http.Request) error {
	yes := true
	return s.answer(w, http.StatusOK, exampleTemplate{
		Description: "Boots all compute nodes; replace what is written in capitals, and PUT it to /v2/sessiontemplates/NAME",
		EnableCFS:   &yes,
		CFS:         bos.CFS{Configuration: "CONFIGURATION"},
		BootSets: map[string]bos.BootSet{"compute": {
			Path:                      "s3://boot-images/IMAGE-ID/manifest.json",
			Type:                      "s3",
			ETag:                      "ETAG-OF-THE-MANIFEST",
			KernelParameters:          "console=ttyS0,115200",
			RootfsProvider:            "sbps",
			RootfsProviderPassthrough: "PASSTHROUGH",
			NodeRolesGroups:           []string{"Compute"},
			Arch:                      bos.ArchX86,
		}},
	})
}

// exampleTemplate is a template as a client sends it: without name and tenant.
type exampleTemplate struct {
	Description string                 `json:"description"`
	EnableCFS   *bool                  `json:"enable_cfs"`
	CFS         bos.CFS                `json:"cfs"`
	BootSets    map[string]bos.BootSet `json:"boot_sets"`
}
