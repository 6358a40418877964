package emulator

import "github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"

// What most tests name.
const (
	first  = "x1000c0s0b0n0"
	second = "x1000c0s0b0n1"
	third  = "x1000c0s0b1n0"
)

func order(operation string, ids ...string) machineroom.TransitionOrder {
	o := machineroom.TransitionOrder{Operation: operation}
	for _, id := range ids {
		o.Location = append(o.Location, machineroom.TransitionOf{Xname: id})
	}
	return o
}
