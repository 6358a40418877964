package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// revisionVersion is the version of the text that is hashed.
const revisionVersion = "r1"

// revision is a hash of what a template makes nodes boot. What is stored and what
// is planned have the same one if they mean the same.
//
// It is a compatibility promise. States hold it among the triggers of sessions,
// and where it changes without the template, the next plan reboots everything.
// So the hashed text is written out by hand here, by no type of ours and no
// encoder, and tests pin hashes of it. What is empty is not in it: a new member of
// a boot set adds its line where it is used, and nothing elsewhere. A text that
// cannot be kept needs a version of its own, and templates whose state has a
// revision of this one keep being hashed by it.
func revision(t bos.SessionTemplate) string {
	sum := sha256.Sum256([]byte(revisionText(t)))
	return revisionVersion + ":" + hex.EncodeToString(sum[:16])
}

// revisionText is a line for each thing that counts: its name, the length of its
// value in bytes, and the value.
func revisionText(t bos.SessionTemplate) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s %d:%s\n", name, len(value), value)
		}
	}
	lines := func(name string, values []string) {
		for _, value := range values {
			line(name, value)
		}
	}
	configuration := func(c *bos.CFS) {
		if c != nil {
			line("cfs", c.Configuration)
		}
	}
	if t.EnableCFS == nil || *t.EnableCFS {
		line("enable_cfs", "true")
	}
	configuration(t.CFS)
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		set := t.BootSets[name]
		line("boot_set", name)
		line("path", set.Path)
		line("type", set.Type)
		line("etag", set.ETag)
		line("kernel_parameters", set.KernelParameters)
		line("rootfs_provider", set.RootfsProvider)
		line("rootfs_provider_passthrough", set.RootfsProviderPassthrough)
		lines("node_list", canonical(set.NodeList))
		lines("node_groups", canonical(set.NodeGroups))
		lines("node_roles_groups", canonical(set.NodeRolesGroups))
		configuration(set.CFS)
		arch := set.Arch
		if arch == "" {
			arch = bos.ArchX86
		}
		line("arch", string(arch))
	}
	return b.String()
}
