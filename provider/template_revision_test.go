package provider

import (
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// fullTemplate has all that a template can have.
func fullTemplate() bos.SessionTemplate {
	enable := false
	return bos.SessionTemplate{
		Name: "compute", Description: "all of it", EnableCFS: &enable, CFS: &bos.CFS{Configuration: "main"},
		BootSets: map[string]bos.BootSet{
			"x86": {
				Path: "s3://b/1/manifest.json", Type: "s3", ETag: "abc", KernelParameters: "quiet\nconsole=ttyS0", RootfsProvider: "sbps", RootfsProviderPassthrough: "sbps:v1:iqn:_sbps-hsn._tcp:300",
				NodeList: []string{"x1000c0s1b0n0", "X1000c0s00b0n0"}, NodeGroups: []string{"green", "blue"}, NodeRolesGroups: []string{"Compute", "Application_UAN"},
				CFS: &bos.CFS{Configuration: "other"}, Arch: bos.ArchX86,
			},
			"arm": {Path: "s3://b/2/manifest.json", Type: "s3", Arch: bos.ArchARM, NodeList: []string{"x1000c0s2b0n0"}},
		},
	}
}

// A revision that changes here changes in every state, and reboots what has it as
// a trigger: no new version of the provider may need another value in this test.
func TestARevisionIsTheSameInEveryVersionOfTheProvider(t *testing.T) {
	t.Parallel()
	const text = `cfs 4:main
boot_set 3:arm
path 22:s3://b/2/manifest.json
type 2:s3
node_list 13:x1000c0s2b0n0
arch 3:ARM
boot_set 3:x86
path 22:s3://b/1/manifest.json
type 2:s3
etag 3:abc
kernel_parameters 19:quiet
console=ttyS0
rootfs_provider 4:sbps
rootfs_provider_passthrough 30:sbps:v1:iqn:_sbps-hsn._tcp:300
node_list 13:x1000c0s0b0n0
node_list 13:x1000c0s1b0n0
node_groups 4:blue
node_groups 5:green
node_roles_groups 15:Application_UAN
node_roles_groups 7:Compute
cfs 5:other
arch 3:X86
`
	if got := revisionText(fullTemplate()); got != text {
		t.Errorf("what is hashed is\n%s\ninstead of\n%s", got, text)
	}
	smallest := bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {Path: "p", NodeRolesGroups: []string{"Compute"}}}}
	for want, template := range map[string]bos.SessionTemplate{
		"r1:58c4cf37ad757236284f822448626c70": fullTemplate(),
		"r1:71a0046434f0d905dd8e9bc2a20e2fdd": smallest,
		"r1:b51a2029980981159aa4ad6c821e9062": {},
	} {
		if got := revision(template); got != want {
			t.Errorf("the revision is %s instead of %s", got, want)
		}
	}
}

func TestARevisionChangesExactlyIfNodesBootSomethingElse(t *testing.T) {
	t.Parallel()
	set := func(change func(*bos.BootSet)) func(*bos.SessionTemplate) {
		return func(t *bos.SessionTemplate) {
			b := t.BootSets["x86"]
			change(&b)
			t.BootSets["x86"] = b
		}
	}
	same := map[string]func(*bos.SessionTemplate){
		"description": func(t *bos.SessionTemplate) { t.Description = "other" },
		"name":        func(t *bos.SessionTemplate) { t.Name = "other" },
		"tenant":      func(t *bos.SessionTemplate) { t.Tenant = bos.TenantRef("blue") },
		"order":       set(func(b *bos.BootSet) { b.NodeList = []string{"x1000c0s0b0n0", "x1000c0s1b0n0"} }),
		"spelling":    set(func(b *bos.BootSet) { b.NodeList = []string{"x1000c00s0b0n0", "X1000C0S1B0N0", "x1000c0s1b0n0"} }),
		"set's name":  set(func(b *bos.BootSet) { b.Name = "x86" }),
		"blank":       set(func(b *bos.BootSet) { b.Blank = bos.BlankETag }),
		"no arch":     set(func(b *bos.BootSet) { b.Arch = "" }),
	}
	other := map[string]func(*bos.SessionTemplate){
		"enable_cfs":           func(t *bos.SessionTemplate) { t.EnableCFS = nil },
		"cfs":                  func(t *bos.SessionTemplate) { t.CFS = nil },
		"another set":          func(t *bos.SessionTemplate) { t.BootSets["more"] = bos.BootSet{} },
		"a set's key":          func(t *bos.SessionTemplate) { t.BootSets["x87"] = t.BootSets["x86"]; delete(t.BootSets, "x86") },
		"path":                 set(func(b *bos.BootSet) { b.Path += "x" }),
		"type":                 set(func(b *bos.BootSet) { b.Type = "http" }),
		"etag":                 set(func(b *bos.BootSet) { b.ETag = "" }),
		"kernel parameters":    set(func(b *bos.BootSet) { b.KernelParameters += " more" }),
		"rootfs":               set(func(b *bos.BootSet) { b.RootfsProvider = "" }),
		"passthrough":          set(func(b *bos.BootSet) { b.RootfsProviderPassthrough = "" }),
		"a node":               set(func(b *bos.BootSet) { b.NodeList = b.NodeList[:1] }),
		"a group":              set(func(b *bos.BootSet) { b.NodeGroups = nil }),
		"a role":               set(func(b *bos.BootSet) { b.NodeRolesGroups = append(b.NodeRolesGroups, "UAN") }),
		"a group for a role":   set(func(b *bos.BootSet) { b.NodeGroups, b.NodeRolesGroups = b.NodeRolesGroups, b.NodeGroups }),
		"a set's cfs":          set(func(b *bos.BootSet) { b.CFS = nil }),
		"arch":                 set(func(b *bos.BootSet) { b.Arch = bos.ArchARM }),
		"text moved to a line": set(func(b *bos.BootSet) { b.ETag, b.KernelParameters = "abc\nkernel_parameters 1:x", "" }),
	}
	before := revision(fullTemplate())
	if !strings.HasPrefix(before, "r1:") {
		t.Errorf("the revision %s has no version", before)
	}
	for name, change := range same {
		changed := fullTemplate()
		if change(&changed); revision(changed) != before {
			t.Errorf("%s changes the revision", name)
		}
	}
	seen := map[string]string{before: "nothing"}
	for name, change := range other {
		changed := fullTemplate()
		change(&changed)
		if twin, found := seen[revision(changed)]; found {
			t.Errorf("%s has the revision of %s", name, twin)
		}
		seen[revision(changed)] = name
	}
}
