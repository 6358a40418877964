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

// tenantNodes lists the nodes of a tenant: nil without a tenant, never nil with
// one. A tenant that is not known is a 400.
func (s *server) tenantNodes(ctx context.Context, tenant string) ([]string, error) {
	if tenant == "" {
		return nil, nil
	}
	if s.Tenants == nil {
		return nil, problemf(http.StatusBadRequest, titleInvalidTenant,
			"tenant %q: this service knows no tenants; configure tenants.tapms or tenants.file, or leave out the header %s", clip(tenant), tenantHeader)
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTimeout)
	defer cancel()
	nodes, err := s.Tenants.TenantNodes(ctx, tenant)
	switch {
	case errors.Is(err, bos.ErrNotFound):
		return nil, problemf(http.StatusBadRequest, titleInvalidTenant, "tenant %q does not exist", clip(tenant))
	case err != nil:
		return nil, unavailable("cannot read the nodes of tenant %q: %v", clip(tenant), err)
	}
	return append([]string{}, nodes...), nil
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

// scope is what a request may touch.
type scope struct {
	tenant string
	nodes  []string
	// only is nil where everything may be touched.
	only map[string]bool
}

// scopeOf is the components that a request may see and write.
func (s *server) scopeOf(r *http.Request) (scope, error) {
	tenant, err := tenantOf(r)
	if err != nil {
		return scope{}, err
	}
	ctx := r.Context()
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		ctx = bos.Aged(ctx)
	}
	nodes, err := s.tenantNodes(ctx, tenant)
	if err != nil || nodes == nil {
		return scope{}, err
	}
	sc := scope{tenant: tenant, nodes: nodes, only: make(map[string]bool, len(nodes))}
	for _, id := range nodes {
		sc.only[id] = true
	}
	return sc, nil
}

func (sc scope) has(id string) bool { return sc.only == nil || sc.only[id] }
