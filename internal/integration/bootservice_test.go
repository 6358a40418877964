//go:build linux

package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/bootservice"
)

// whatBoots are the lines of a script that say what is booted, or that nothing is.
var whatBoots = regexp.MustCompile(`(?m)^(set (?:kernel|initrd|params) .*|halt|boot)$`)

// TestTheEmulatedBootServiceBootsNodesAsTheRealOneDoes compares the scripts of both for
// configurations that are drawn: what the adapter is tested against is how the real one
// chooses, and what of it arrives.
func TestTheEmulatedBootServiceBootsNodesAsTheRealOneDoes(t *testing.T) {
	parts(t)
	service := startBootService(t, "")
	nodes := []bootservice.Node{
		{XName: "x1c0s0b0n0", NID: 1, BootMAC: "02:00:00:00:00:01", Groups: []string{"a"}},
		{XName: "x1c0s1b0n0", NID: 2, BootMAC: "02:00:00:00:00:0A", Hostname: "two", Groups: []string{"a", "b"}},
		{XName: "x1c0s2b0n0", BootMAC: "02:00:00:00:00:0b", Hostname: "x1c0s0b0n0"},
		{XName: "x1c0s3b0n0", NID: 2},
	}
	for _, n := range nodes {
		spec, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		must(t, http.MethodPost, service+"/nodes", fmt.Sprintf(`{"metadata":{"name":%q},"spec":%s}`, n.XName, spec))
	}
	hosts := rapid.SampledFrom([]string{"", "x1c0s0b0n0", "x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0", "default", "x1c0s*"})
	macs := rapid.SampledFrom([]string{"", "02:00:00:00:00:01", "02:00:00:00:00:0a", "02:00:00:00:00:0B", "02-00-00-00-00-01"})
	words := rapid.SampledFrom([]string{"quiet", `a="b c"`, "x=1&2", "c+d", "<e>", "it's", "BOOTIF=eth0", "${hostname}"})
	drawn := 0
	rapid.Check(t, func(r *rapid.T) {
		emulated := bootservice.New(bootservice.Config{Nodes: func() []bootservice.Node { return nodes }})
		var stored []string
		for i := range rapid.IntRange(1, 3).Draw(r, "configurations") {
			drawn++
			spec := bootservice.Spec{
				Hosts: rapid.SliceOfN(hosts, 0, 3).Draw(r, "hosts"), MACs: rapid.SliceOfN(macs, 0, 2).Draw(r, "macs"),
				NIDs: rapid.SliceOfN(rapid.Int32Range(0, 3), 0, 2).Draw(r, "nids"), Groups: rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b"}), 0, 2).Draw(r, "groups"),
				Kernel: fmt.Sprintf("http://s3/%d/kernel?a=1&b=2", i), Initrd: rapid.SampledFrom([]string{"", "/initrd"}).Draw(r, "initrd"),
				Params: strings.Join(rapid.SliceOfN(words, 0, 3).Draw(r, "params"), " "), Priority: rapid.IntRange(0, 2).Draw(r, "priority"),
			}
			name := fmt.Sprintf("c%d-%d", rapid.IntRange(0, 9).Draw(r, "name"), drawn)
			emulated.Add(name, nil, spec)
			body, err := json.Marshal(map[string]any{"metadata": map[string]string{"name": name}, "spec": spec})
			if err != nil {
				r.Fatal(err)
			}
			var made struct{ Metadata struct{ UID string } }
			decode(t, must(t, http.MethodPost, service+"/bootconfigurations", string(body)), &made)
			stored = append(stored, made.Metadata.UID)
		}
		for _, query := range []string{"mac=02:00:00:00:00:01", "mac=02:00:00:00:00:0a", "mac=02:00:00:00:00:0B", "mac=02:00:00:00:00:99", "host=x1c0s3b0n0", "nid=1"} {
			script := string(must(t, http.MethodGet, service+"/bootscript?"+query, ""))
			_, identifier, _ := strings.Cut(query, "=")
			want, got := whatBoots.FindAllString(script, -1), whatBoots.FindAllString(emulated.Script(identifier), -1)
			if fmt.Sprint(want) != fmt.Sprint(got) {
				r.Fatalf("%s: the emulated one has %q, the real one %q", query, got, want)
			}
		}
		for _, uid := range stored {
			must(t, http.MethodDelete, service+"/bootconfigurations/"+url.PathEscape(uid), "")
		}
	})
	if drawn == 0 {
		t.Error("nothing was drawn")
	}
}
