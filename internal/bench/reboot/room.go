package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// room is what the nodes are driven with.
type room struct {
	// power is pcs or redfish.
	power string
	// configures says that there is a configuration service, configuration is what
	// the sessions want of it, empty for nothing.
	configures    bool
	configuration string
	// onePace says that all nodes change and report at the same moment.
	onePace bool
}

// cases are ways to reboot beside the plain one, all through PCS.
var cases = map[string]room{
	"cfs":        {power: powerPCS, configures: true},
	"configured": {power: powerPCS, configures: true, configuration: "bench"},
	"one-pace":   {power: powerPCS, onePace: true},
}

const powerPCS = "pcs"

func caseNames() []string { return slices.Sorted(maps.Keys(cases)) }

func (r room) String() string {
	text := "reboot through " + r.power
	switch {
	case r.configuration != "":
		text += " with a configuration"
	case r.configures:
		text += " with CFS, nothing wanted"
	}
	if r.onePace {
		text += ", nodes of one pace"
	}
	return text
}

// template is that of a session; each run is told from the one before.
func (r room) template(run int) string {
	return fmt.Sprintf(`{"enable_cfs":%t,"cfs":{"configuration":%q},"boot_sets":{"compute":{"path":%q,"type":"s3","kernel_parameters":"run=%d","node_roles_groups":["Compute"]}}}`,
		r.configuration != "", r.configuration, image, run)
}

// flags are those of the emulator beside what all rooms have.
func (r room) flags() (args []string) {
	if r.power != "redfish" {
		args = append(args, "--power", r.power)
	}
	if r.configures {
		args = append(args, "--also", "cfs")
	}
	if r.onePace {
		args = append(args, "--emulate-one-pace")
	}
	return args
}

// physicalNeed is what the slowest node of the room takes from the reset that
// powers it off to its report, or to its configuration if one is wanted, when its
// power-on comes the moment it is off.
func physicalNeed(f flags, r room, size int) (time.Duration, error) {
	emulated, err := machineroom.New(machineroom.Config{
		Nodes: size, NodesPerBMC: f.perBMC, Seed: f.seed, PowerTime: f.powerTime, BootTime: f.bootTime, ConfigTime: f.configTime, OnePace: r.onePace,
	})
	if err != nil {
		return 0, err
	}
	began := time.Unix(0, 0)
	nodes := emulated.Inventory().Nodes
	ids := make([]string, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID
	}
	emulated.SetBootParameters(ids, bos.BootArtifacts{Kernel: "k"}, "t")
	emulated.PatchCFS(machineroom.CFSFilter{IDs: ids}, machineroom.CFSPatch{Desired: &r.configuration}, began)
	for _, id := range ids {
		emulated.Reset(id, machineroom.ResetOn, began)
	}
	booted := drive(emulated, began)
	for _, id := range ids {
		emulated.Reset(id, machineroom.ResetForceRestart, booted)
	}
	return drive(emulated, booted).Sub(booted), nil
}

// drive lets a room's time pass until nothing happens any more.
func drive(room *machineroom.Room, now time.Time) time.Time {
	for {
		at, ok := room.Next()
		if !ok {
			return now
		}
		now = at
		room.Advance(now)
	}
}

// The pace of nodes that are rebooted a hundred times.
const (
	quickPower = 200 * time.Millisecond
	quickBoot  = 500 * time.Millisecond
	// some is how many reboots are taken together, so that one that was late for
	// another reason decides nothing.
	some = 5
)

// hundred compares the first reboots of a process with those after it has done a
// hundred: what it learns from one must not make the next ones slower.
func hundred(ctx context.Context, f flags, server string) ([]figures.Row, error) {
	f.powerTime, f.bootTime = quickPower, quickBoot
	r, size := room{power: powerPCS}, f.hundred
	need, err := physicalNeed(f, r, size)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, f, r, size, server)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := s.waitForNodes(ctx, size); err != nil {
		return nil, err
	}
	if _, err := s.session(ctx, bos.OperationBoot, size, need, f.patience); err != nil {
		return nil, err
	}
	took := make([]time.Duration, 100)
	for i := range took {
		one, err := s.session(ctx, bos.OperationReboot, size, need, f.patience)
		if err != nil {
			return nil, err
		}
		took[i] = one.session
	}
	median := func(list []time.Duration) float64 {
		list = slices.Clone(list)
		slices.SortFunc(list, cmp.Compare[time.Duration])
		return list[len(list)/2].Seconds()
	}
	first, last := median(took[:some]), median(took[len(took)-some:])
	return []figures.Row{
		{What: "first of a hundred reboots through pcs: session", Nodes: size, Values: []float64{first}, Unit: figures.Seconds, Most: databases.Most},
		{What: "hundredth reboot through pcs: session", Nodes: size, Values: []float64{last}, Unit: figures.Seconds, Aim: figures.AtMost(1.1 * first), Most: databases.Most},
	}, nil
}
