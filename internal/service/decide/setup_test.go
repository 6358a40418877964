package decide

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestKernelParametersAreJoinedInOrder(t *testing.T) {
	image := bos.Image{Parameters: "  console=tty0\n quiet ", Rootfs: bos.Artifact{Path: "s3://b/rootfs", ETag: "abc"}}
	options := bos.DefaultOptions()
	for name, c := range map[string]struct {
		set  bos.BootSet
		want string
	}{
		"no provider":                  {bos.BootSet{KernelParameters: "a=1  b"}, "console=tty0 quiet a=1  b bos_update_frequency=4h"},
		"passthrough alone":            {bos.BootSet{RootfsProviderPassthrough: "dvs:api"}, "console=tty0 quiet root=::dvs:api bos_update_frequency=4h"},
		"sbps":                         {bos.BootSet{RootfsProvider: "sbps"}, "console=tty0 quiet root=sbps-s3:s3://b/rootfs:abc nmd_data=url=s3://b/rootfs,etag=abc bos_update_frequency=4h"},
		"sbps with passthrough":        {bos.BootSet{RootfsProvider: "SBPS", RootfsProviderPassthrough: "v1:x"}, "console=tty0 quiet root=sbps-s3:s3://b/rootfs:abc:v1:x nmd_data=url=s3://b/rootfs,etag=abc bos_update_frequency=4h"},
		"cpss3 of older CSM releases":  {bos.BootSet{RootfsProvider: "cpss3"}, "console=tty0 quiet root=craycps-s3:s3://b/rootfs:abc nmd_data=url=s3://b/rootfs,etag=abc bos_update_frequency=4h"},
		"an image without its own":     {bos.BootSet{KernelParameters: "x"}, "console=tty0 quiet x bos_update_frequency=4h"},
		"verbatim from the boot set":   {bos.BootSet{KernelParameters: " x  y "}, "console=tty0 quiet  x  y  bos_update_frequency=4h"},
		"an empty parameter of a set ": {bos.BootSet{}, "console=tty0 quiet bos_update_frequency=4h"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := KernelParameters(c.set, image, options)
			if err != nil || got != c.want {
				t.Errorf("got %q (%v)\nwant %q", got, err, c.want)
			}
		})
	}
	if _, err := KernelParameters(bos.BootSet{RootfsProvider: "nfs"}, image, options); err == nil || !strings.Contains(err.Error(), "nfs") {
		t.Errorf("an unknown provider gave %v", err)
	}
}

func TestSetupWritesWhatTheOperationSays(t *testing.T) {
	const id = "x1c0s0b0n0"
	no := false
	running := bos.BootArtifacts{Kernel: "old", Initrd: "old"}
	before := bos.Record{Revision: 3, Component: bos.Component{
		ID: id, Error: "from before", Session: "old", EventStats: bos.EventStats{PowerOnAttempts: 2},
		ActualState: bos.ActualState{BootArtifacts: running, BSSToken: "t"}, DesiredState: bos.DesiredState{BootArtifacts: running},
	}, Work: bos.Work{Flight: bos.Flight{Kind: bos.EffectPowerOn}, Prepared: bos.Prepared{Boot: bos.PreparedBoot(running)}}}
	set := bos.BootSet{Path: "p", Type: "s3", NodeList: []string{id}, CFS: &bos.CFS{Configuration: "c"}}
	image := bos.Image{Path: "p", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}
	session := func(op bos.Operation, stage bool) bos.SessionRecord {
		return bos.SessionRecord{
			Session:  bos.Session{Name: "s", Operation: op, Stage: stage},
			Template: bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{"a": set}},
		}
	}
	armed := func(s bos.SessionRecord) bos.Record {
		result, err := setup(s, Selection{BootSets: []SelectedSet{{"a", []string{id}}}}, map[string]bos.Image{"p": image},
			map[string]bos.Record{id: before}, bos.DefaultOptions(), noon)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Join(result.Nodes, ",") != id || len(result.Writes) != 1 || result.Writes[0].Revision != 3 {
			t.Fatalf("%+v", result)
		}
		return *result.Writes[0]
	}
	boot := armed(session(bos.OperationBoot, false))
	if boot.DesiredState.BootArtifacts.Kernel != "k" || boot.DesiredState.Configuration != "c" || boot.ActualState.BootArtifacts != running {
		t.Errorf("boot wrote %+v", boot)
	}
	if !boot.Enabled || boot.Session != "s" || boot.Error != "" || boot.LastAction.Action != bos.ActionSessionSetup ||
		boot.EventStats != (bos.EventStats{}) || boot.DeriveStatus() != bos.StatusOnHold || boot.Work != (bos.Work{Flight: bos.Flight{Kind: bos.EffectPowerOn}}) {
		t.Errorf("boot armed %+v", boot)
	}
	if reboot := armed(session(bos.OperationReboot, false)); !reboot.ActualState.BootArtifacts.Empty() || reboot.ActualState.BSSToken != "" {
		t.Errorf("reboot keeps %+v", reboot.ActualState)
	}
	if down := armed(session(bos.OperationShutdown, false)); !down.DesiredState.BootArtifacts.Empty() || down.DesiredState.Configuration != "" || !down.Enabled {
		t.Errorf("shutdown wrote %+v", down)
	}
	staged := armed(session(bos.OperationReboot, true))
	if staged.StagedState.Session != "s" || staged.StagedState.BootArtifacts.Kernel != "k" || staged.Error != "" {
		t.Errorf("stage wrote %+v", staged.StagedState)
	}
	if staged.Enabled || staged.Session != "old" || staged.DesiredState.BootArtifacts != running || staged.Work != before.Work {
		t.Errorf("stage touched more than the staged state: %+v", staged)
	}
	plain := session(bos.OperationBoot, false)
	plain.Template.EnableCFS = &no
	if r := armed(plain); r.DesiredState.Configuration != "" {
		t.Errorf("configuration %q although enable_cfs is off", r.DesiredState.Configuration)
	}
}

func TestOneBrokenBootSetChangesNothing(t *testing.T) {
	good := bos.BootSet{Path: "p", Type: "s3"}
	records := map[string]bos.Record{"x1c0s0b0n0": {Component: bos.Component{ID: "x1c0s0b0n0"}}, "x1c0s1b0n0": {Component: bos.Component{ID: "x1c0s1b0n0"}}}
	sel := Selection{BootSets: []SelectedSet{{"a", []string{"x1c0s0b0n0"}}, {"b", []string{"x1c0s1b0n0"}}}}
	images := map[string]bos.Image{
		"p": {Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}, "nokernel": {Initrd: bos.Artifact{Path: "i"}}, "faulty": {Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}, Fault: "there is no initrd"},
		"wordy": {Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}, Parameters: strings.Repeat("i", bos.MaxCommandLine-100)},
	}
	for name, bad := range map[string]bos.BootSet{
		"a missing image": {Path: "gone", Type: "s3"}, "an image without kernel": {Path: "nokernel", Type: "s3"}, "an image with a fault": {Path: "faulty", Type: "s3"},
		"a provider and no rootfs": {Path: "p", Type: "s3", RootfsProvider: "sbps"},
		"another type":             {Path: "p", Type: "nbd"}, "an unknown provider": {Path: "p", Type: "s3", RootfsProvider: "nfs"},
		// As when the image was built anew since the session was created.
		"an image whose parameters leave no room": {Path: "wordy", Type: "s3", KernelParameters: "quiet"},
	} {
		s := bos.SessionRecord{Session: bos.Session{Operation: bos.OperationBoot}, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": good, "b": bad}}}
		result, err := setup(s, sel, images, records, bos.DefaultOptions(), noon)
		if err == nil || len(result.Writes) != 0 || !strings.Contains(err.Error(), "boot_sets.b") {
			t.Errorf("%s: %v with %d writes", name, err, len(result.Writes))
		}
	}
}

func TestASetupWhoseImageHasOutgrownTheCommandLineSaysWhatTakesTheRoom(t *testing.T) {
	image := bos.Image{Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}, Parameters: strings.Repeat("i", 1950)}
	s := bos.SessionRecord{Session: bos.Session{Operation: bos.OperationBoot}, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {Path: "p", Type: "s3", KernelParameters: "quiet"}}}}
	sel := Selection{BootSets: []SelectedSet{{"a", []string{"x1c0s0b0n0"}}}}
	_, err := setup(s, sel, map[string]bos.Image{"p": image}, map[string]bos.Record{"x1c0s0b0n0": {Component: bos.Component{ID: "x1c0s0b0n0"}}}, bos.DefaultOptions(), noon)
	if err == nil {
		t.Fatal("it is armed, and its kernel would drop the token")
	}
	for _, says := range []string{"boot_sets.a.kernel_parameters", "keeps 2047", "1950 bytes are of the image at p", "5 of the boot set"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%v does not say %q", err, says)
		}
	}
}

func TestNodesWithoutARecordAreLeftOutAndSaid(t *testing.T) {
	s := bos.SessionRecord{Session: bos.Session{Operation: bos.OperationShutdown}, Template: bos.SessionTemplate{BootSets: map[string]bos.BootSet{"a": {}}}}
	sel := Selection{BootSets: []SelectedSet{{"a", []string{"x1c0s0b0n0", "x1c0s1b0n0"}}}}
	one := map[string]bos.Record{"x1c0s0b0n0": {Component: bos.Component{ID: "x1c0s0b0n0"}}}
	result, err := setup(s, sel, nil, one, bos.DefaultOptions(), noon)
	if err != nil || strings.Join(result.Nodes, ",") != "x1c0s0b0n0" || len(result.Unknown) != 1 || !strings.Contains(strings.Join(result.Warnings, " "), "x1c0s1b0n0") {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := setup(s, sel, nil, nil, bos.DefaultOptions(), noon); err == nil || !strings.Contains(err.Error(), "next discovery") {
		t.Errorf("nobody known: %v", err)
	}
}

// setup plans a setup and carries it out on records.
func setup(s bos.SessionRecord, sel Selection, images map[string]bos.Image, records map[string]bos.Record, o bos.Options, now time.Time) (SetupResult, error) {
	plan, err := PlanSetup(s, sel, images, o)
	if err != nil {
		return SetupResult{}, err
	}
	return plan.Arm(slices.Collect(maps.Values(records)), now)
}
