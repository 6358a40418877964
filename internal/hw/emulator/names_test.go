package emulator

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// What most tests name.
const (
	first  = "x1000c0s0b0n0"
	second = "x1000c0s0b0n1"
	third  = "x1000c0s0b1n0"
)

var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	image = bos.BootArtifacts{Kernel: "s3://boot-images/a/kernel", Initrd: "s3://boot-images/a/initrd", KernelParameters: "quiet"}
)

func desire(config string, enabled bool) machineroom.CFSPatch {
	return machineroom.CFSPatch{Desired: &config, Enabled: &enabled, State: &[]machineroom.CFSLayer{}}
}

func order(operation string, ids ...string) machineroom.TransitionOrder {
	o := machineroom.TransitionOrder{Operation: operation}
	for _, id := range ids {
		o.Location = append(o.Location, machineroom.TransitionOf{Xname: id})
	}
	return o
}
