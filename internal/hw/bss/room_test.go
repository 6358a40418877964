package bss_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// TestNodesOfARoomWhoseBSSFindsThemByMACAddressBootWhatWasWritten with the token that
// was written, and nothing where nobody knows their addresses.
func TestNodesOfARoomWhoseBSSFindsThemByMACAddressBootWhatWasWritten(t *testing.T) {
	nodes := []string{"x1000c0s0b0n0", "x1000c0s0b0n1"}
	for name, c := range map[string]struct {
		more  []fault.Rule
		boots bool
	}{
		"addresses in HSM":  {nil, true},
		"no interfaces":     {[]fault.Rule{{Fault: fault.NoInterfaces, Service: fault.HSM}}, false},
		"a write forgotten": {[]fault.Rule{{Fault: fault.Forgets, Service: fault.BSS}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := emulator.Start(t.Context(), emulator.ServerConfig{Config: machineroom.Config{Nodes: 2}, Listen: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			if err := s.Room().AddFaults(time.Now(), append([]fault.Rule{{Fault: fault.ByMAC, Service: fault.BSS}}, c.more...)...); err != nil {
				t.Fatal(err)
			}
			e := s.Endpoints()
			client := bss.New(transport.Upstream{URL: e.BSS}).NamedBy(hsm.New(transport.Upstream{URL: e.HSM}))
			artifacts := bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: "quiet"}
			token, err := client.Write(t.Context(), nodes, artifacts)
			if forgets := len(c.more) > 0 && c.more[0].Fault == fault.Forgets; (err != nil) != forgets {
				t.Fatalf("wrote %q, %v", token, err)
			}
			for _, id := range nodes {
				found, told, ok := s.Room().BootParameters(id)
				if ok != c.boots || ok && (found.Kernel != "k" || told == "" || told != token) {
					t.Errorf("%s boots %+v with the token %q, want %q", id, found, told, token)
				}
			}
		})
	}
}

// TestParametersInWhichBSSWouldFindAnInitrdOfAnotherNameArriveWhole: it cuts from the
// first "initrd" to the next space, also in the middle of the path of a root.
func TestParametersInWhichBSSWouldFindAnInitrdOfAnotherNameArriveWhole(t *testing.T) {
	s, err := emulator.Start(t.Context(), emulator.ServerConfig{Config: machineroom.Config{Nodes: 1}, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	client := bss.New(transport.Upstream{URL: s.Endpoints().BSS})
	for parameters, want := range map[string]string{
		"quiet root=live:http://images/initrd-tools/rootfs rd.neednet=1": "quiet root=live:http://images/initrd-tools/rootfs rd.neednet=1",
		"noinitrd quiet":          "noinitrd quiet",
		"quiet initrdmem=0x1,0x2": "quiet initrdmem=0x1,0x2",
		"keep_initrd initrd=mine": "keep_initrd initrd=mine",
		"initrd=mine quiet":       "quiet", // which is what that is for
		"quiet":                   "quiet",
	} {
		if _, err := client.Write(t.Context(), []string{"x1000c0s0b0n0"}, bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: parameters}); err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoints().BSS+"/bootscript?name=x1000c0s0b0n0", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		script, err := io.ReadAll(res.Body)
		_ = res.Body.Close() // it is read
		_, line, _ := strings.Cut(string(script), "kernel --name kernel k initrd=initrd ")
		line, _, _ = strings.Cut(line, " xname=")
		if got := strings.Join(strings.Fields(line), " "); err != nil || got != want {
			t.Errorf("%q arrives as %q, want %q (%v)", parameters, got, want, err)
		}
	}
}
