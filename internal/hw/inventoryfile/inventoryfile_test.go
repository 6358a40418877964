package inventoryfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/inventoryfile"
)

const pin = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

var whole = `
credentials:
  cray: { user: root, password_env: CRAY }
  gigabyte: { user: admin, password_command: [print, it] }
groups:
  canary: x3000c0s1b0n0,x1000c0s0b0n1
  blue: x3000c0s2b0n0
partitions:
  p1: x1000c0s0b[0-1]n[0-1]
nodes:
  - xnames: x1000c0s0b[0-1]n[0-1]
    arch: X86
    nids: "[1-4]"
    ips: 10.1.0.[1-4]
    bmc:
      address: "{bmc}.bmc.example:8443"
      system: /redfish/v1/Systems/Node{node}
      reset_target: /redfish/v1/Systems/Node{node}/Actions/ComputerSystem.Reset
      reset_types: [On, ForceOff, "Off"]
      credentials: cray
  - xnames: x3000c0s[1-2]b0n0
    role: Application
    sub_role: UAN
    enabled: false
    locked: true
    groups: [blue]
    macs: [A4-BF-01-28-90-A8, "a4:bf:01:28:90:a9"]
    bmc: { address: "10.2.0.[1-2]", system: /redfish/v1/Systems/Self, credentials: gigabyte, certificate_sha256: "` + strings.ToUpper(pin) + `" }
  - xnames: x3000c0s3b0n0
    macs: ["a4:bf:01:28:90:aa", "a4:bf:01:28:90:ab"]
    bmc: { address: bmc3, system: /redfish/v1/Systems/1, insecure: true }
  - xnames: x3000c0s4b0n0
`

func open(s inventoryfile.Secret) func() (string, error) {
	return func() (string, error) {
		if s.Env == "NOT_THERE" {
			return "", errors.New(s.What + "_env is not set")
		}
		return "of " + s.Env + strings.Join(s.Command, " "), nil
	}
}

func file(t *testing.T, text string) *inventoryfile.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "nodes.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return inventoryfile.New(name, open)
}

func TestAFileIsAnInventory(t *testing.T) {
	f := file(t, whole)
	inv, err := f.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	compute := func(id, arch string) bos.Node { return bos.Node{ID: id, Role: "Compute", Arch: arch, Enabled: true} }
	uan := func(id string) bos.Node { return bos.Node{ID: id, Role: "Application", SubRole: "UAN", Locked: true} }
	want := bos.Inventory{
		Nodes: []bos.Node{
			compute("x1000c0s0b0n0", "X86"), compute("x1000c0s0b0n1", "X86"), compute("x1000c0s0b1n0", "X86"), compute("x1000c0s0b1n1", "X86"),
			uan("x3000c0s1b0n0"), uan("x3000c0s2b0n0"), compute("x3000c0s3b0n0", ""), compute("x3000c0s4b0n0", ""),
		},
		Groups: map[string][]string{
			"canary": {"x1000c0s0b0n1", "x3000c0s1b0n0"},
			"blue":   {"x3000c0s1b0n0", "x3000c0s2b0n0"},
		},
		Partitions: map[string][]string{"p1": {"x1000c0s0b0n0", "x1000c0s0b0n1", "x1000c0s0b1n0", "x1000c0s0b1n1"}},
	}
	if diff := cmp.Diff(want, inv); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAFileSaysWhereTheBMCsAre(t *testing.T) {
	got, err := file(t, whole).Endpoints(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cray := func(address, node string) inventoryfile.Endpoint {
		return inventoryfile.Endpoint{
			Address: address + ".bmc.example:8443", System: "/redfish/v1/Systems/Node" + node,
			Target: "/redfish/v1/Systems/Node" + node + "/Actions/ComputerSystem.Reset", ResetTypes: []string{"On", "ForceOff", "Off"},
			User: "root", Password: "of CRAY",
		}
	}
	gigabyte := func(address string) inventoryfile.Endpoint {
		return inventoryfile.Endpoint{Address: address, System: "/redfish/v1/Systems/Self", User: "admin", Password: "of print it", Pin: pin}
	}
	want := map[string]inventoryfile.Endpoint{
		"x1000c0s0b0n0": cray("x1000c0s0b0", "0"), "x1000c0s0b0n1": cray("x1000c0s0b0", "1"),
		"x1000c0s0b1n0": cray("x1000c0s0b1", "0"), "x1000c0s0b1n1": cray("x1000c0s0b1", "1"),
		"x3000c0s1b0n0": gigabyte("10.2.0.1"), "x3000c0s2b0n0": gigabyte("10.2.0.2"),
		"x3000c0s3b0n0": {Address: "bmc3", System: "/redfish/v1/Systems/1", Insecure: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAFileSaysWhatNodesAreKnownByWhenTheyBoot(t *testing.T) {
	got, err := file(t, whole).NodeNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []bos.NodeName{
		{ID: "x1000c0s0b0n0", NID: 1, Addresses: []string{"10.1.0.1"}},
		{ID: "x1000c0s0b0n1", NID: 2, Addresses: []string{"10.1.0.2"}},
		{ID: "x1000c0s0b1n0", NID: 3, Addresses: []string{"10.1.0.3"}},
		{ID: "x1000c0s0b1n1", NID: 4, Addresses: []string{"10.1.0.4"}},
		{ID: "x3000c0s1b0n0", MACs: []string{"a4:bf:01:28:90:a8"}},
		{ID: "x3000c0s2b0n0", MACs: []string{"a4:bf:01:28:90:a9"}},
		{ID: "x3000c0s3b0n0", MACs: []string{"a4:bf:01:28:90:aa", "a4:bf:01:28:90:ab"}},
		{ID: "x3000c0s4b0n0"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOneAddressForEachBMCOfSeveralNodes(t *testing.T) {
	f := file(t, "nodes: [{ xnames: 'x1c0s0b[0-1]n[0-1]', bmc: { address: 'bmc[7-8]', system: '/Systems/{node}' } }]")
	got, err := f.Endpoints(t.Context())
	if err != nil || got["x1c0s0b0n1"].Address != "bmc7" || got["x1c0s0b1n0"].Address != "bmc8" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsWrongIsNamedWithItsLine(t *testing.T) {
	node := func(more string) string { return "nodes:\n  - xnames: x1c0s[0-1]b0n0\n    " + more + "\n" }
	bmc := func(more string) string { return node("bmc:\n      " + more) }
	for text, want := range map[string]string{
		"nodse: []":                                                  "nodes.yaml:1: ",
		node("rol: Compute"):                                         "nodes.yaml:3: ",
		node("bmc: { where: a }"):                                    "nodes.yaml:3: ",
		"nodes:\n  - role: Compute":                                  "nodes.yaml:2: xnames is missing",
		"nodes:\n  - xnames: x1c0s[1-0]b0n0":                         "nodes.yaml:2: ",
		"nodes:\n  - xnames: x1c0s1b0":                               `nodes.yaml:2: "x1c0s1b0" is no xname`,
		"nodes:\n  - xnames: x1c0s1b0n0\n  - xnames: X1c0s01b0n0":    "nodes.yaml:3: x1c0s1b0n0 is listed twice",
		node("nids: '[1-3]'"):                                        "nodes.yaml:3: \"[1-3]\" is 3 values for 2 nodes",
		node("nids: 'a[1-2]'"):                                       "nodes.yaml:3: \"a1\" is no NID",
		node("ips: '10.1.0.[255-256]'"):                              "nodes.yaml:3: \"10.1.0.256\" is no IP address",
		node("macs: [a4]"):                                           "nodes.yaml:3: 1 addresses are for 2 nodes",
		node("macs: [a4, b5]"):                                       "nodes.yaml:3: \"a4\" is no MAC",
		bmc("system: /s"):                                            "nodes.yaml:4: address is missing",
		bmc("address: '{bmc}'\n      reset_target: /r"):              "nodes.yaml:5: reset_target \"/r\" is that of no system",
		"nodes: [{ xnames: 'x1c0s0b0n[0-1]', bmc: { address: a } }]": "x1c0s0b0n0 and x1c0s0b0n1 are on the BMC a, and system is missing",
		"nodes: [{ xnames: x1c0s0b0n0, bmc: { address: a } }, { xnames: x1c0s0b0n1, bmc: { address: a, system: /s } }]": "are on the BMC a, and system is missing",
		bmc("address: one\n      system: /s"):                                                             "nodes.yaml:4: \"one\" is 1 addresses for 2 nodes on 2 BMCs",
		bmc("address: '{slot}'\n      system: /s"):                                                        "nodes.yaml:4: \"{slot}\" has the placeholder {slot}",
		bmc("address: 'http://{bmc}'\n      system: /s"):                                                  "the BMC of x1c0s0b0n0 is no host",
		bmc("address: 'u:secret@{bmc}'\n      system: /s"):                                                "the BMC of x1c0s0b0n0 is no host",
		bmc("address: '[fd00::xyz]'\n      system: /s"):                                                   "nodes.yaml:4: ",
		"nodes: [{ xnames: 'x1c0s0b0n[0-1]', bmc: { address: a, system: /Systems/Node{node} } }]":         "quote a value that holds braces",
		bmc("address: '{bmc}'\n      system: s"):                                                          "nodes.yaml:5: system \"s\"",
		bmc("address: '{bmc}'\n      system: /s\n      credentials: other"):                               `nodes.yaml:6: "other" is none of the credentials`,
		bmc("address: '{bmc}'\n      system: /s\n      certificate_sha256: abc"):                          `nodes.yaml:6: "abc" is no SHA-256`,
		bmc("address: '{bmc}'\n      system: /s\n      insecure: true\n      certificate_sha256: " + pin): "are both set",
		"nodes: [{ xnames: 'x1c0s0b0n[0-1]', bmc: { address: a, system: /s } }]":                          "x1c0s0b0n0 and x1c0s0b0n1 are both the system /s of the BMC a",
		"groups:\n  blue: x1c0s9b0n0\n":                                                                   "nodes.yaml:2: \"blue\" has the member x1c0s9b0n0, which is none",
		"credentials:\n  a: { user: root }\n":                                                             `nodes.yaml:2: credentials "a" need user and one of`,
		"credentials:\n  a: { password_env: A }\n":                                                        `nodes.yaml:2: credentials "a" need user and one of`,
		"credentials:\n  a: { user: r, password: s }\n":                                                   "nodes.yaml:2: ",
	} {
		f := file(t, text)
		_, err := f.Inventory(t.Context())
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("a password is in %v", err)
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "inventory.file") || f.Check() == nil {
			t.Errorf("%s\ngot %v\nwant %s", text, err, want)
		}
	}
}

func TestAPasswordThatCannotBeReadIsTheFaultOfItsNodesAlone(t *testing.T) {
	f := file(t, "credentials:\n  a: { user: root, password_env: NOT_THERE }\n  b: { user: root, password_env: THERE }\n"+
		"nodes: [{ xnames: x1c0s0b0n0, bmc: { address: a, system: /s, credentials: a } }, { xnames: x1c0s1b0n0, bmc: { address: b, system: /s, credentials: b } }]")
	got, err := f.Endpoints(t.Context())
	if bad, good := got["x1c0s0b0n0"], got["x1c0s1b0n0"]; err != nil || !strings.Contains(bad.Fault, "credentials.a.password_env") || bad.Password != "" || good.Fault != "" || good.Password != "of THERE" {
		t.Errorf("%+v, %v", got, err)
	}
	if faults := f.Faults(); len(faults) != 1 || !strings.Contains(faults[0].Error(), "credentials.a.password_env") {
		t.Errorf("told at the start: %v", faults)
	}
	if inv, err := f.Inventory(t.Context()); err != nil || len(inv.Nodes) != 2 {
		t.Errorf("the inventory needs no password: %+v, %v", inv, err)
	}
}

// TestBMCsMayHaveIPv6Addresses: brackets around them are no folding.
func TestBMCsMayHaveIPv6Addresses(t *testing.T) {
	for text, want := range map[string][2]string{
		"[fd00::1]:8443,[fd00::2]:8443": {"[fd00::1]:8443", "[fd00::2]:8443"},
		"[fd00::ab],fd00::ac":           {"[fd00::ab]", "[fd00::ac]"},
		"fd00::[1-2]":                   {"[fd00::1]", "[fd00::2]"},
		"[2001:db8::10.1.0.1],bmc2":     {"[2001:db8::10.1.0.1]", "bmc2"},
	} {
		f := file(t, "nodes:\n  - { xnames: 'x1c0s[1-2]b0n0', bmc: { address: '"+text+"' } }\n")
		got, err := f.Endpoints(t.Context())
		if has := [2]string{got["x1c0s1b0n0"].Address, got["x1c0s2b0n0"].Address}; err != nil || has != want {
			t.Errorf("%s: %v, %v", text, has, err)
		}
	}
}

// TestBMCsOfAFileMayHaveSettingsOfTheirOwn: old ones and slow ones beside others.
func TestBMCsOfAFileMayHaveSettingsOfTheirOwn(t *testing.T) {
	f := file(t, "nodes: [{ xnames: x1c0s1b0n0, bmc: { address: a, tls: legacy, sessions: false, read_timeout: 40s, reset_timeout: 2m } }]")
	got, err := f.Endpoints(t.Context())
	no := false
	want := map[string]inventoryfile.Endpoint{"x1c0s1b0n0": {Address: "a", Legacy: true, Sessions: &no, Read: 40 * time.Second, Reset: 2 * time.Minute}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, wrong := range []string{"tls: new", "read_timeout: 6m", "reset_timeout: -1s"} {
		f := file(t, "nodes: [{ xnames: x1c0s1b0n0, bmc: { address: a, "+wrong+" } }]")
		name, _, _ := strings.Cut(wrong, ":")
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("nodes: [{ xnames: 'x1c0s[0-9]b0n0', bmc: { address: '{', system: '/{node}' } }]")
	f.Fuzz(func(t *testing.T, text string) {
		s := file(t, text)
		inv, err := s.Inventory(t.Context())
		if err != nil {
			return
		}
		seen := make(map[string]bool)
		for _, n := range inv.Nodes {
			if seen[n.ID] || !bos.IsNodeXname(n.ID) {
				t.Errorf("node %q", n.ID)
			}
			seen[n.ID] = true
		}
		for name, ids := range inv.Groups {
			for _, id := range ids {
				if !seen[id] {
					t.Errorf("group %q has %q", name, id)
				}
			}
		}
	})
}
