package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// tenantHeader scopes a request to a tenant.
const tenantHeader = edge.TenantHeader

// tenantOf names the tenant of a request, empty if it has none: that of its header,
// if who asks may, or the only one of who asks.
func tenantOf(r *http.Request) (string, error) {
	tenant, err := access.Of(r.Context()).Tenant(r.Header)
	if err != nil {
		return "", err
	}
	if tenant != "" && !bos.ValidTenantName(tenant) {
		return "", problemf(http.StatusBadRequest, titleInvalidTenant, "header %s: %q is too long, at most %d characters are allowed", tenantHeader, clip(tenant), bos.MaxTenantName)
	}
	return tenant, nil
}

// tenantsOf is whose sessions, templates and previews a request may list: those of its
// tenant, or without one everybody's.
func tenantsOf(r *http.Request) (bos.TenantScope, error) {
	tenant, err := tenantOf(r)
	if err != nil {
		return bos.TenantScope{}, err
	}
	return scopeOf(tenant), nil
}

// scopeOf is what who asks for a tenant, or with an empty name for the whole site, may
// list. Only tenantOf says which of both a request is about.
func scopeOf(tenant string) bos.TenantScope {
	if tenant == "" {
		return bos.AllTenants()
	}
	return bos.OneTenant(tenant)
}

// tenantReach is what a tenant has now, with an empty name the whole site. A tenant
// that is not known is a 400.
func (s *server) tenantReach(ctx context.Context, tenant string) (bos.Reach, error) {
	if tenant == "" {
		return bos.WholeSite(), nil
	}
	if s.Tenants == nil {
		return bos.Reach{}, problemf(http.StatusBadRequest, titleInvalidTenant,
			"tenant %q: this service knows no tenants; configure tenants.tapms or tenants.file, or leave out the header %s", clip(tenant), tenantHeader)
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	nodes, err := s.Tenants.TenantNodes(ctx, tenant)
	switch {
	case errors.Is(err, bos.ErrNotFound):
		return bos.Reach{}, problemf(http.StatusBadRequest, titleInvalidTenant, "tenant %q does not exist", clip(tenant))
	case err != nil:
		return bos.Reach{}, unavailable("cannot read the nodes of tenant %q: %v", clip(tenant), err)
	}
	return bos.TenantReach(tenant, nodes), nil
}

// untitled gives an invalid tenant the title of every other 400, as the original
// does in bulk writes and for applystaged.
func untitled(err error) error {
	var p *problem
	if errors.As(err, &p) && p.Title == titleInvalidTenant {
		plain := *p
		plain.Title = titleBadRequest
		return &plain
	}
	return err
}

// reachOf is the components that a request may see and write.
func (s *server) reachOf(r *http.Request) (bos.Reach, error) {
	tenant, err := tenantOf(r)
	if err != nil {
		return bos.Reach{}, err
	}
	ctx := r.Context()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		ctx = bos.Aged(ctx)
	}
	return s.tenantReach(ctx, tenant)
}
