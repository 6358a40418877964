package bos

// CFS names the configuration a node shall get after it booted.
type CFS struct {
	Configuration string `json:"configuration,omitempty"`
}

// Arch is a processor architecture as templates write it.
type Arch string

// The architectures a boot set may name; ArchX86 is the default.
const (
	ArchX86     Arch = "X86"
	ArchARM     Arch = "ARM"
	ArchOther   Arch = "Other"
	ArchUnknown Arch = "Unknown"
)

// BootSet is the nodes of a template that boot one image one way.
type BootSet struct {
	Name                      string   `json:"name,omitempty"`
	Path                      string   `json:"path"`
	Type                      string   `json:"type"`
	ETag                      string   `json:"etag,omitempty"`
	KernelParameters          string   `json:"kernel_parameters,omitempty"`
	RootfsProvider            string   `json:"rootfs_provider,omitempty"`
	RootfsProviderPassthrough string   `json:"rootfs_provider_passthrough,omitempty"`
	NodeList                  []string `json:"node_list,omitempty"`
	NodeGroups                []string `json:"node_groups,omitempty"`
	NodeRolesGroups           []string `json:"node_roles_groups,omitempty"`
	CFS                       *CFS     `json:"cfs,omitempty"`
	Arch                      Arch     `json:"arch,omitempty"`
}

// SessionTemplate says which nodes boot which image with which kernel
// parameters and configuration.
type SessionTemplate struct {
	Name        string             `json:"name"`
	Tenant      *string            `json:"tenant"`
	Description string             `json:"description,omitempty"`
	EnableCFS   *bool              `json:"enable_cfs,omitempty"`
	CFS         *CFS               `json:"cfs,omitempty"`
	BootSets    map[string]BootSet `json:"boot_sets"`
}

// Configuration is the configuration the nodes of a boot set get: none when
// CFS is not enabled, else the boot set's, else the template's.
func (t SessionTemplate) Configuration(set BootSet) string {
	if t.EnableCFS != nil && !*t.EnableCFS {
		return ""
	}
	if set.CFS != nil && set.CFS.Configuration != "" {
		return set.CFS.Configuration
	}
	if t.CFS != nil {
		return t.CFS.Configuration
	}
	return ""
}
