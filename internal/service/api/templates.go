package api

import (
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const kindTemplate = "Session template"

func itself[T any](v T) T { return v }

func (s *server) listTemplates(w http.ResponseWriter, r *http.Request) error {
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	templates, err := s.Store.Templates(r.Context(), bos.TenantRef(tenant))
	if err != nil {
		return err
	}
	return answerList(s, w, templates, itself)
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
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	t, err := s.Store.Template(r.Context(), tenant, name)
	if err != nil {
		return orMissing(err, kindTemplate, tenant, name)
	}
	return s.answer(w, http.StatusOK, t)
}

func (s *server) putTemplate(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	if _, err := s.tenantNodes(r.Context(), tenant); err != nil {
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
	s.templates.Lock()
	defer s.templates.Unlock()
	return s.storeTemplate(w, r, t)
}

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
	s.templates.Lock()
	defer s.templates.Unlock()
	t, err := s.Store.Template(r.Context(), tenant, name)
	if err != nil {
		return orMissing(err, kindTemplate, tenant, name)
	}
	body.apply(&t)
	return s.storeTemplate(w, r, t)
}

// storeTemplate checks the whole template, brings it into its stored form,
// stores it and answers it. Images are not looked at: a template may name one
// that is not built yet.
func (s *server) storeTemplate(w http.ResponseWriter, r *http.Request, t bos.SessionTemplate) error {
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	if err := bos.ValidateTemplate(t, options); err != nil {
		return err
	}
	bos.SanitizeTemplate(&t)
	if nids := bos.TemplateNIDs(t); len(nids) > 0 {
		s.Log.Warn("a session template names nodes by NID, which match no node", "template", t.Name, "count", len(nids), "first", nids[0])
	}
	if err := s.Store.PutTemplate(r.Context(), t, s.noteTemplate(r, eventTemplateStored, bos.TenantOf(t.Tenant), t.Name)); err != nil {
		return err
	}
	return s.answer(w, http.StatusOK, t)
}

func (s *server) deleteTemplate(w http.ResponseWriter, r *http.Request) error {
	tenant, name, err := templateKey(r)
	if err != nil {
		return err
	}
	s.templates.Lock()
	defer s.templates.Unlock()
	if err := s.Store.DeleteTemplate(r.Context(), tenant, name, s.noteTemplate(r, eventTemplateDeleted, tenant, name)); err != nil {
		return orMissing(err, kindTemplate, tenant, name)
	}
	return s.noContent(w)
}
