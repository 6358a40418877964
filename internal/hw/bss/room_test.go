package bss_test

import (
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
