package provider

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// shared is what one configured provider, that is one walk of Terraform, has in
// common.
type shared struct {
	// client is nil while the provider's settings are unknown.
	client        *client.Client
	tenant        string
	tenantUnknown bool
	applying      bool
	applyingSet   bool
	// tellsPlan says that Terraform tells in an apply by which plan.
	tellsPlan bool
	// requirePreview is null where the user said nothing about it.
	requirePreview types.Bool
	planned        *plannedTemplates
	plannedHolds   *plannedHolds
	plannedOnce    *plannedOnce
	previews       *previewCache
	// guards bound every session of this provider block, and reason goes along with
	// those that have none.
	guards   bos.Guards
	reason   string
	sessions *knownSessions
	// templates are those in state, and those that this walk took over, known by tenant
	// and name as sessions are.
	templates *knownSessions
	// writing lets one resource at a time take over or delete a template.
	writing *turns
	// running lets one resource at a time go on with a session, or let go of it.
	running *turns
	staged  *stagedReceipts
	// embedded is nil where the service runs by itself.
	embedded   *embedded
	components *componentCache
}

// configured takes what Configure handed out; nil before Configure ran.
func configured(data any, diags *diag.Diagnostics) *shared {
	if data == nil {
		return nil
	}
	s, ok := data.(*shared)
	if !ok {
		diags.AddError("Unable to configure BOS provider", "The provider handed out data of another type. Please report this.")
	}
	return s
}

// reach is the client for a tenant; an error where the provider's settings are
// not known yet.
func (s *shared) reach(tenant types.String, diags *diag.Diagnostics) *client.Client {
	if s == nil || s.client == nil {
		diags.AddError("BOS provider settings are not known yet",
			"Reading or changing BOS needs the provider's settings, and one of them comes from a resource that does not exist yet. "+
				"Create that first with -target, or give the setting as a value that is known at plan.")
		return nil
	}
	if tenant.IsNull() || tenant.IsUnknown() {
		return s.client
	}
	return s.client.ForTenant(tenant.ValueString())
}

// reachStored is the client for the tenant that state has. Null is none there,
// whatever tenant the provider has been given since.
func (s *shared) reachStored(tenant types.String, diags *diag.Diagnostics) *client.Client {
	c := s.reach(tenant, diags)
	if c != nil && tenant.IsNull() {
		return c.ForTenant("")
	}
	return c
}

// defaultTenant is the tenant of a resource that does not name one.
func (s *shared) defaultTenant() types.String {
	switch {
	case s == nil || s.tenantUnknown:
		return types.StringUnknown()
	case s.tenant == "":
		return types.StringNull()
	default:
		return types.StringValue(s.tenant)
	}
}

// plannedTenant is the tenant of a resource that does not name one. Of one that exists it
// has to be known: a session whose tenant might be another one would be planned to be run
// again, and nobody could say on which nodes.
func (s *shared) plannedTenant(exists bool, diags *diag.Diagnostics) types.String {
	tenant := s.defaultTenant()
	if exists && tenant.IsUnknown() {
		diags.AddError("BOS provider settings are not known yet",
			"The tenant of this resource comes from the provider's settings, and one of them comes from a resource that does not exist yet or is replaced. "+
				"Another tenant would replace it, which runs a session again. "+
				"Apply what the setting comes from first with -target, or give the setting as a value that is known at plan.")
	}
	return tenant
}

// plannedTemplates are the templates that this run is going to write. A session
// that boots one of them is previewed with its planned content. Terraform plans
// what is referred to first.
type plannedTemplates struct {
	mu sync.Mutex
	// content is nil for a template whose content is not known yet.
	content map[bos.SessionKey]*bos.SessionTemplate
}

func newPlannedTemplates() *plannedTemplates {
	return &plannedTemplates{content: make(map[bos.SessionKey]*bos.SessionTemplate)}
}

func (p *plannedTemplates) put(tenant, name string, t *bos.SessionTemplate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.content[bos.SessionKey{Tenant: tenant, Name: name}] = t
}

// get returns the planned content; found is false for a template that this run
// does not write, the template nil if its content is not known yet.
func (p *plannedTemplates) get(tenant, name string) (t *bos.SessionTemplate, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t, found = p.content[bos.SessionKey{Tenant: tenant, Name: name}]
	return t, found
}
