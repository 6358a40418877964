// Package tenantsfile says which nodes tenants have by a file, for sites without
// TAPMS. What a tenant may see and do is decided elsewhere.
package tenantsfile

import (
	"context"
	"fmt"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// maxNodes bounds the nodes of one tenant.
const maxNodes = 100_000

// File is a file of tenants. It is safe for concurrent use.
type File struct {
	file *yamlfile.File[map[string][]string]
}

var _ bos.Tenants = (*File)(nil)

// New reads the file at path, which is looked at again for every question:
//
//	tenants:
//	  blue: x1000c0s[0-3]b0n0,x1000c1s0b0n0
func New(path string) *File { return &File{yamlfile.New(path, parse)} }

// Check reads the file and says what is wrong with it.
func (f *File) Check() error {
	_, err := f.file.Read()
	return err
}

// TenantNodes are the nodes of a tenant. An unknown tenant is bos.ErrNotFound.
func (f *File) TenantNodes(_ context.Context, tenant string) ([]string, error) {
	all, err := f.file.Read()
	if err != nil {
		return nil, fmt.Errorf("tenants.file: %w", err)
	}
	nodes, ok := all[tenant]
	if !ok {
		return nil, fmt.Errorf("tenant %q: %w", tenant, bos.ErrNotFound)
	}
	return slices.Clone(nodes), nil
}

func parse(d yamlfile.Document) (map[string][]string, error) {
	var body struct {
		Tenants map[string]string `yaml:"tenants"`
	}
	if err := d.Decode(&body); err != nil {
		return nil, err
	}
	all := make(map[string][]string, len(body.Tenants))
	for name, folded := range body.Tenants {
		place := "$.tenants." + name
		ids, err := bos.Expand(folded, maxNodes)
		if err != nil {
			return nil, d.Errorf(place, "tenant %q: %w", name, err)
		}
		for i, id := range ids {
			if ids[i] = bos.CanonicalXname(id); !bos.IsNodeXname(ids[i]) {
				return nil, d.Errorf(place, "tenant %q: %q is no xname of a node, such as x3000c0s1b0n0", name, id)
			}
		}
		slices.SortFunc(ids, bos.CompareXnames)
		all[name] = slices.Compact(ids)
	}
	return all, nil
}
