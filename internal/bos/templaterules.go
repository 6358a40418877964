package bos

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Limits on session templates, in characters or entries (bos-contract
// section 2).
const (
	maxDescription      = 1023
	maxKernelParameters = 4096
	maxBootPath         = 4095
	maxETag             = 65536
	maxBootSetType      = 127
	maxRootfsProvider   = 511
	maxPassthrough      = 4096
	maxConfiguration    = 127
	maxNodeGroups       = 4095
	maxNodeRoles        = 1023
	maxListEntry        = 127
)

// MaxNodeList and MaxBootSets bound the entries of a node_list, the longest of a
// template's lists, and the boot sets of a template.
const (
	MaxNodeList = 65535
	MaxBootSets = 127
)

// Archs lists the architectures a boot set may name.
func Archs() []Arch { return []Arch{ArchX86, ArchARM, ArchOther, ArchUnknown} }

// ValidateTemplate checks a template against every limit of the contract and
// against the options that forbid something. The error is an *Invalid that
// names the first offending field; boot sets are checked in name order. It
// does not look at images, nodes or groups.
func ValidateTemplate(t SessionTemplate, o Options) error {
	if !ValidName(t.Name) {
		return Invalidf("name", "%q cannot name a session template; use %s", clip(t.Name), NameRule)
	}
	if err := checkLength("description", t.Description, maxDescription); err != nil {
		return err
	}
	if err := checkCFS("cfs", t.CFS); err != nil {
		return err
	}
	if n := len(t.BootSets); n == 0 || n > MaxBootSets {
		return Invalidf("boot_sets", "has %d boot sets; a template needs 1 to %d", n, MaxBootSets)
	}
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		if !ValidName(name) {
			return Invalidf("boot_sets", "%q cannot name a boot set; use %s", clip(name), NameRule)
		}
		if err := validateBootSet("boot_sets."+name, name, t.BootSets[name], o); err != nil {
			return err
		}
	}
	return nil
}

func validateBootSet(field, key string, b BootSet, o Options) error {
	if b.Name != "" && b.Name != key {
		return Invalidf(field+".name", "%q differs from the boot set's key %q; leave the name out", clip(b.Name), key)
	}
	if b.Path == "" {
		return Invalidf(field+".path", "is missing; give the path of the image's manifest, such as s3://boot-images/ID/manifest.json")
	}
	if b.Type == "" {
		return Invalidf(field+".type", "is missing; images come from type s3")
	}
	if b.Arch != "" && !slices.Contains(Archs(), b.Arch) {
		return Invalidf(field+".arch", "%q is no architecture; use X86, ARM, Other or Unknown", clip(string(b.Arch)))
	}
	for _, text := range []struct {
		name, value string
		limit       int
	}{
		{"path", b.Path, maxBootPath},
		{"type", b.Type, maxBootSetType},
		{"etag", b.ETag, maxETag},
		{"kernel_parameters", b.KernelParameters, maxKernelParameters},
		{"rootfs_provider", b.RootfsProvider, maxRootfsProvider},
		{"rootfs_provider_passthrough", b.RootfsProviderPassthrough, maxPassthrough},
	} {
		if err := checkLength(field+"."+text.name, text.value, text.limit); err != nil {
			return err
		}
	}
	for _, text := range []struct{ name, value string }{
		{"kernel_parameters", b.KernelParameters},
		{"rootfs_provider_passthrough", b.RootfsProviderPassthrough}, // a part of root=
	} {
		if err := CheckKernelParameters(text.value); err != nil {
			return Invalidf(field+"."+text.name, "%s", err)
		}
	}
	if err := checkCFS(field+".cfs", b.CFS); err != nil {
		return err
	}
	return validateSelectors(field, b, o)
}

func validateSelectors(field string, b BootSet, o Options) error {
	if b.NodeList == nil && b.NodeGroups == nil && b.NodeRolesGroups == nil {
		return Invalidf(field, "selects no nodes; give at least one of node_list, node_groups and node_roles_groups")
	}
	for _, list := range []struct {
		name    string
		entries []string
		limit   int
	}{
		{"node_list", b.NodeList, MaxNodeList},
		{"node_groups", b.NodeGroups, maxNodeGroups},
		{"node_roles_groups", b.NodeRolesGroups, maxNodeRoles},
	} {
		if err := checkList(field+"."+list.name, list.entries, list.limit); err != nil {
			return err
		}
	}
	if !o.RejectNIDs {
		return nil
	}
	for _, node := range b.NodeList {
		if IsNID(node) {
			return Invalidf(field+".node_list", "%q is a NID and the option reject_nids is on; name the node by its xname", clip(node))
		}
	}
	return nil
}

// checkList allows nil, but no empty list: a list that is given names something.
func checkList(field string, entries []string, limit int) error {
	if entries == nil {
		return nil
	}
	if n := len(entries); n == 0 || n > limit {
		return Invalidf(field, "has %d entries, 1 to %d are allowed; leave the list out if it shall select nothing", n, limit)
	}
	for _, entry := range entries {
		if entry == "" {
			return Invalidf(field, "has an empty entry")
		}
		if err := checkLength(field, entry, maxListEntry); err != nil {
			return err
		}
	}
	return nil
}

func checkCFS(field string, c *CFS) error {
	if c == nil {
		return nil
	}
	return checkLength(field+".configuration", c.Configuration, maxConfiguration)
}

func checkLength(field, value string, limit int) error {
	return at(field, tooLong(value, limit))
}

// at puts the field into an *Invalid that has none.
func at(field string, err error) error {
	var invalid *Invalid
	if errors.As(err, &invalid) && invalid.Field == "" {
		return &Invalid{Field: field, Detail: invalid.Detail}
	}
	return err
}

// SanitizeTemplate brings a valid template into the form in which it is stored:
// boot sets without a name of their own and with an architecture, no empty
// cfs, xnames in canonical form. Duplicate nodes stay.
func SanitizeTemplate(t *SessionTemplate) {
	t.CFS = orNoCFS(t.CFS)
	sets := make(map[string]BootSet, len(t.BootSets))
	for name, b := range t.BootSets {
		b.Name = ""
		if b.Arch == "" {
			b.Arch = ArchX86
		}
		b.CFS = orNoCFS(b.CFS)
		b.NodeList = canonicalNodes(b.NodeList)
		sets[name] = b
	}
	t.BootSets = sets
}

func orNoCFS(c *CFS) *CFS {
	if c == nil || c.Configuration == "" {
		return nil
	}
	return c
}

func canonicalNodes(nodes []string) []string {
	if nodes == nil {
		return nil
	}
	canonical := make([]string, len(nodes))
	for i, node := range nodes {
		canonical[i] = CanonicalXname(node)
	}
	return canonical
}

// TemplateNIDs names the nodes of a template that are NIDs instead of xnames,
// in boot set order; a template is stored with them unless reject_nids is on,
// but HSM knows no node of that name.
func TemplateNIDs(t SessionTemplate) []string {
	var nids []string
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		for _, node := range t.BootSets[name].NodeList {
			if IsNID(node) {
				nids = append(nids, node)
			}
		}
	}
	return nids
}

// LimitNID is the first term of a limit that is a NID, empty if there is none.
func LimitNID(limit string) string {
	for term := range strings.SplitSeq(limit, ",") {
		if name := strings.TrimLeft(strings.TrimSpace(term), "&!"); IsNID(name) {
			return name
		}
	}
	return ""
}
