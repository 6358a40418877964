// Package provider is the Terraform face of BOS: the provider block, one file
// per resource, data source and function, and what they share. It speaks to a
// BOS through internal/client and to nothing else; which nodes a session
// touches and what happens to them is the service's business.
package provider

import (
	"context"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// New makes the provider; version goes into the user agent.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &bosProvider{version: version} }
}

var (
	_ provider.ProviderWithFunctions      = (*bosProvider)(nil)
	_ provider.ProviderWithValidateConfig = (*bosProvider)(nil)
	_ provider.ProviderWithListResources  = (*bosProvider)(nil)
	_ provider.ProviderWithActions        = (*bosProvider)(nil)
)

type bosProvider struct {
	version string
	// tenant is that of the provider block, once it is configured.
	tenant atomic.Pointer[types.String]
	// planned is what the walk has planned that the provider was configured for last.
	planned atomic.Pointer[plannedOnce]
}

func (p *bosProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "bos"
	resp.Version = p.version
}

func (p *bosProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newTemplateResource, newSessionResource, newComponentResource, newOptionsResource, newStagedApplyResource}
}

func (p *bosProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newComponentDataSource, newComponentsDataSource, newEventsDataSource, newImageDataSource, newNodesDataSource, newSessionComponentsDataSource,
		newOptionsDataSource, newPreviewDataSource, newServiceDataSource,
		newSessionDataSource, newSessionsDataSource, newTemplateDataSource, newTemplatesDataSource,
	}
}

func (p *bosProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newXnameExpand, newXnameFold, newXnameParse, newXnameChunk, newXnameBy, newLimitParse, newLimitWithout, newKernelParametersMerge}
}

// ListResources are what `terraform query` can list.
func (p *bosProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{newTemplateList, newSessionList, newComponentList, newOptionsList}
}

// Actions are what Terraform can do without keeping state.
func (p *bosProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{newSessionRunAction, newStagedApplyAction, newSessionRetryAction, newSessionCancelAction}
}
