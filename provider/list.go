package provider

import (
	"context"
	"iter"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The list resources answer `terraform query`: what there is to import.

// noTimeouts is timeouts that are not configured.
func noTimeouts() timeouts.Value {
	return timeouts.Value{Object: types.ObjectNull(map[string]attr.Type{"create": types.StringType, "update": types.StringType})}
}

// results makes a result of each record until the consumer has enough.
func results[T any](ctx context.Context, req list.ListRequest, records []T, fill func(T, *list.ListResult)) iter.Seq[list.ListResult] {
	return func(push func(list.ListResult) bool) {
		for i, record := range records {
			if req.Limit > 0 && int64(i) >= req.Limit {
				return
			}
			result := req.NewListResult(ctx)
			fill(record, &result)
			if !push(result) {
				return
			}
		}
	}
}

func listTenant(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: textBetween(1, bos.MaxTenantName), MarkdownDescription: description}
}
