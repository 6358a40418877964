package transfer_test

import (
	"context"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// tenants are blue and red.
type tenants struct{}

func (tenants) TenantNodes(_ context.Context, tenant string) ([]string, error) {
	if tenant != "blue" && tenant != "red" {
		return nil, bos.ErrNotFound
	}
	return []string{"x1c0s1b0n0"}, nil
}
