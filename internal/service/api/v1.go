package api

import (
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// The API of BOS v1 is a translation onto the same records: files v1*.go know its
// shapes, and nothing else does.

// v1Routes are the paths of BOS v1. Only its agent wrote to the status tree, and that
// is no more: who tries is told so by 405.
func (s *server) v1Routes() map[string]methods {
	return map[string]methods{
		"/v1":         {http.MethodGet: {s.getV1Version, access.Know}},
		"/v1/version": {http.MethodGet: {s.getV1Version, access.Know}},
		"/v1/healthz": {http.MethodGet: {s.getHealth, access.Public}},

		"/v1/sessiontemplatetemplate": {http.MethodGet: {s.getTemplateTemplate, access.Know}},
		"/v1/sessiontemplate":         {http.MethodGet: {untenanted(s.listV1Templates), access.ReadRecords}, http.MethodPost: {untenanted(s.postV1Template), access.WriteTemplates}},
		"/v1/sessiontemplate/{name}":  {http.MethodGet: {untenanted(s.getV1Template), access.ReadRecords}, http.MethodDelete: {untenanted(s.deleteTemplate), access.WriteTemplates}},

		"/v1/session":        {http.MethodGet: {untenanted(s.listV1Sessions), access.ReadRecords}, http.MethodPost: {untenanted(s.postV1Session), access.CreateV1Sessions}},
		"/v1/session/{name}": {http.MethodGet: {untenanted(s.getV1Session), access.ReadRecords}, http.MethodDelete: {untenanted(s.deleteSession), access.ChangeSessions}},

		"/v1/session/{name}/status":                          {http.MethodGet: {untenanted(s.getV1Status), access.ReadRecords}},
		"/v1/session/{name}/status/{set}":                    {http.MethodGet: {untenanted(s.getV1BootSet), access.ReadRecords}},
		"/v1/session/{name}/status/{set}/{phase}":            {http.MethodGet: {untenanted(s.getV1Phase), access.ReadRecords}},
		"/v1/session/{name}/status/{set}/{phase}/{category}": {http.MethodGet: {untenanted(s.getV1Category), access.ReadRecords}},
	}
}

const titleNoTenants = "Multi-tenancy not supported"

// untenanted refuses tenants, of which BOS v1 knows nothing.
func untenanted(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		tenant, err := tenantOf(r)
		if err != nil {
			return err
		}
		if tenant != "" {
			return problemf(http.StatusBadRequest, titleNoTenants, "BOS v1 knows no tenants, and this request is of tenant %q; use /v2, or leave out the header %s", clip(tenant), tenantHeader)
		}
		return h(w, r)
	}
}

func v1VersionOf(r *http.Request, details bool) version {
	v := version{Major: "1", Minor: "0", Patch: "0", Links: []link{{Href: rootOf(r) + "/", Rel: "self"}}}
	if details {
		v.Links = append(v.Links, link{Href: rootOf(r) + "/v1", Rel: "versions"})
	}
	return v
}

func (s *server) getV1Version(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, http.StatusOK, v1VersionOf(r, true))
}

// v1Time is a time as the agent of BOS v1 wrote it.
func v1Time(t bos.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Time.In(time.UTC).Format("2006-01-02 15:04:05.000000")
}
