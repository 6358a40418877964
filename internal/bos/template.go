package bos

import "encoding/json"

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
	// Blank are the members that were written as empty texts: the API shows them as
	// they were sent, and they mean what leaving them out means.
	Blank BlankMembers `json:"-"`
}

// BlankMembers is a set of members of a boot set.
type BlankMembers uint8

// The members of a boot set that may be given as empty texts.
const (
	BlankETag BlankMembers = 1 << iota
	BlankKernelParameters
	BlankPassthrough
)

// Written is the boot set with members noted as written: those that are empty are
// shown from now on.
func (b BootSet) Written(members BlankMembers) BootSet {
	b.Blank |= members
	for member, value := range map[BlankMembers]string{
		BlankETag: b.ETag, BlankKernelParameters: b.KernelParameters, BlankPassthrough: b.RootfsProviderPassthrough,
	} {
		if value != "" {
			b.Blank &^= member
		}
	}
	return b
}

// MarshalJSON writes the members that have a value or were written as empty.
func (b BootSet) MarshalJSON() ([]byte, error) {
	type plain BootSet
	if b.Blank == 0 {
		return json.Marshal(plain(b))
	}
	text := func(value string, member BlankMembers) *string {
		if value == "" && b.Blank&member == 0 {
			return nil
		}
		return &value
	}
	// The outer members hide those of the same name.
	return json.Marshal(struct {
		plain
		ETag             *string `json:"etag,omitempty"`
		KernelParameters *string `json:"kernel_parameters,omitempty"`
		Passthrough      *string `json:"rootfs_provider_passthrough,omitempty"`
	}{plain(b), text(b.ETag, BlankETag), text(b.KernelParameters, BlankKernelParameters), text(b.RootfsProviderPassthrough, BlankPassthrough)})
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
	// Sequence is nil if it says nothing.
	Sequence *Sequence `json:"sequence,omitempty"`
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
