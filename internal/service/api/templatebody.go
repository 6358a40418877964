package api

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// templateBody is a session template as a client sends it, whole or in part.
// The name and the tenant come from the path and the header.
type templateBody struct {
	Description *string       `json:"description"`
	EnableCFS   *bool         `json:"enable_cfs"`
	CFS         *cfsBody      `json:"cfs"`
	BootSets    bootSetBodies `json:"boot_sets"`
}

// bootSetBodies are boot sets by name, as many as a template may have.
type bootSetBodies map[string]bootSetBody

// UnmarshalJSONFrom reads no more than that.
func (b *bootSetBodies) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*b = make(bootSetBodies)
	return edge.ReadObject(dec, bos.MaxBootSets, func(name string, set bootSetBody) error {
		(*b)[name] = set
		return nil
	})
}

// nodeNames is a list of nodes, groups or roles: no longer than the longest of them
// may be, what each may is checked with the whole template.
type nodeNames []string

// UnmarshalJSONFrom reads no more than that.
func (n *nodeNames) UnmarshalJSONFrom(dec *jsontext.Decoder) (err error) {
	*n, err = edge.Texts(dec, bos.MaxNodeList)
	return err
}

type cfsBody struct {
	Configuration *string `json:"configuration"`
}

type bootSetBody struct {
	Name                      *string   `json:"name"`
	Path                      *string   `json:"path"`
	Type                      *string   `json:"type"`
	ETag                      *string   `json:"etag"`
	KernelParameters          *string   `json:"kernel_parameters"`
	RootfsProvider            *string   `json:"rootfs_provider"`
	RootfsProviderPassthrough *string   `json:"rootfs_provider_passthrough"`
	NodeList                  nodeNames `json:"node_list"`
	NodeGroups                nodeNames `json:"node_groups"`
	NodeRolesGroups           nodeNames `json:"node_roles_groups"`
	CFS                       *cfsBody  `json:"cfs"`
	Arch                      *bos.Arch `json:"arch"`
}

// check is what ValidateTemplate cannot see any more: members that are given
// and empty, and members that even a partial boot set needs.
func (b templateBody) check() error {
	if b.Description != nil && *b.Description == "" {
		return bos.Invalidf("description", "is empty; leave it out instead")
	}
	if b.BootSets != nil && len(b.BootSets) == 0 {
		return bos.Invalidf("boot_sets", "is empty; a template needs at least one boot set")
	}
	for _, name := range slices.Sorted(maps.Keys(b.BootSets)) {
		set := b.BootSets[name]
		field := "boot_sets." + clip(name)
		for _, member := range []struct {
			name   string
			value  *string
			needed bool
		}{
			{"path", set.Path, true},
			{"type", set.Type, true},
			{"name", set.Name, false},
			{"rootfs_provider", set.RootfsProvider, false},
			{"arch", (*string)(set.Arch), false},
		} {
			switch {
			case member.value == nil && member.needed:
				return bos.Invalidf(field+"."+member.name, "is missing; every boot set needs path and type, also where only other members change")
			case member.value != nil && *member.value == "":
				return bos.Invalidf(field+"."+member.name, "is empty")
			}
		}
	}
	return nil
}

// apply merges the body into a template: members that are given replace what
// is there, lists as a whole; boot sets are added or merged, never removed.
func (b templateBody) apply(t *bos.SessionTemplate) {
	set(&t.Description, b.Description)
	if b.EnableCFS != nil {
		t.EnableCFS = b.EnableCFS
	}
	b.CFS.apply(&t.CFS)
	sets := make(map[string]bos.BootSet, len(t.BootSets)+len(b.BootSets))
	maps.Copy(sets, t.BootSets)
	for name, body := range b.BootSets {
		merged := sets[name]
		body.apply(&merged)
		sets[name] = merged
	}
	t.BootSets = sets
}

func (b bootSetBody) apply(to *bos.BootSet) {
	set(&to.Name, b.Name)
	set(&to.Path, b.Path)
	set(&to.Type, b.Type)
	set(&to.ETag, b.ETag)
	set(&to.KernelParameters, b.KernelParameters)
	set(&to.RootfsProvider, b.RootfsProvider)
	set(&to.RootfsProviderPassthrough, b.RootfsProviderPassthrough)
	set(&to.Arch, b.Arch)
	*to = to.Written(b.written())
	b.CFS.apply(&to.CFS)
	if b.NodeList != nil {
		to.NodeList = b.NodeList
	}
	if b.NodeGroups != nil {
		to.NodeGroups = b.NodeGroups
	}
	if b.NodeRolesGroups != nil {
		to.NodeRolesGroups = b.NodeRolesGroups
	}
}

func (c *cfsBody) apply(to **bos.CFS) {
	if c == nil || c.Configuration == nil {
		return
	}
	*to = &bos.CFS{Configuration: *c.Configuration}
}

// set copies a value that is given.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// written is the members that were given and may be empty.
func (b bootSetBody) written() bos.BlankMembers {
	var members bos.BlankMembers
	if b.ETag != nil {
		members |= bos.BlankETag
	}
	if b.KernelParameters != nil {
		members |= bos.BlankKernelParameters
	}
	if b.RootfsProviderPassthrough != nil {
		members |= bos.BlankPassthrough
	}
	return members
}
