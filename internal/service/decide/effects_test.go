package decide

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestEffectsSayWhatASessionDoesToEachNode(t *testing.T) {
	template := bos.SessionTemplate{Name: "t", BootSets: map[string]bos.BootSet{"c": {Path: "p", Type: "s3", NodeRolesGroups: []string{"Compute"}}}}
	image := bos.Image{Path: "p", Kernel: bos.Artifact{Path: "k"}, Initrd: bos.Artifact{Path: "i"}}
	o := bos.DefaultOptions()
	params, err := KernelParameters(template.BootSets["c"], image, o)
	if err != nil {
		t.Fatal(err)
	}
	same := bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: params}
	other := bos.BootArtifacts{Kernel: "old", Initrd: "i", KernelParameters: params}
	tuned := bos.BootArtifacts{Kernel: "k", Initrd: "i", KernelParameters: "quiet"}
	for _, c := range []struct {
		op     bos.Operation
		power  bos.PowerState
		actual bos.BootArtifacts
		want   bos.NodeEffect
		reason string
	}{
		{bos.OperationBoot, bos.PowerStateOff, same, bos.NodeBoots, "it is off"},
		{bos.OperationBoot, bos.PowerStateOn, same, bos.NodeAlreadyThere, "it reported that it runs this already; only its configuration may change"},
		{bos.OperationBoot, bos.PowerStateOn, other, bos.NodeReboots, "it runs another image"},
		{bos.OperationBoot, bos.PowerStateOn, tuned, bos.NodeReboots, "it runs this image with other kernel parameters"},
		{bos.OperationBoot, bos.PowerStateOn, bos.BootArtifacts{}, bos.NodeReboots, "it has not reported what it runs"},
		{bos.OperationBoot, bos.PowerStateUnknown, same, bos.NodeAlreadyThere, "it reported that it runs this already, and its power is not known here; it boots if it is off"},
		{bos.OperationBoot, bos.PowerStateUnknown, other, bos.NodeMayReboot, "it runs another image, and its power is not known here"},
		{bos.OperationReboot, bos.PowerStateOn, same, bos.NodeReboots, "it is on and a reboot is asked for"},
		{bos.OperationReboot, bos.PowerStateOff, same, bos.NodeBoots, "it is off"},
		{bos.OperationReboot, bos.PowerStateUnknown, same, bos.NodeMayReboot, "a reboot is asked for, and its power is not known here"},
		{bos.OperationShutdown, bos.PowerStateOn, same, bos.NodePowersOff, "it is on"},
		{bos.OperationShutdown, bos.PowerStateOff, same, bos.NodeStaysOff, "it is off"},
		{bos.OperationShutdown, bos.PowerStateUnknown, same, bos.NodePowersOff, "its power is not known here; nothing happens to it if it is off"},
	} {
		inv := bos.Inventory{Nodes: []bos.Node{{ID: "x1c0s0b0n0", Role: "Compute", Enabled: true, Seen: c.power}}}
		req := Request{Reach: bos.WholeSite(), Template: template, Operation: c.op}
		sel, err := Select(req, inv)
		if err != nil {
			t.Fatal(err)
		}
		rec := bos.Record{Component: bos.Component{ID: "x1c0s0b0n0", ActualState: bos.ActualState{BootArtifacts: c.actual}}}
		images, records := map[string]bos.Image{"p": image}, map[string]bos.Record{rec.ID: rec}
		want := []bos.PreviewEffect{{Effect: c.want, Reason: c.reason, Count: 1, Nodes: rec.ID}}
		if diff := cmp.Diff(want, Effects(req, sel, inv, images, records, o)); diff != "" {
			t.Errorf("%s of a node that is %q: %s", c.op, c.power, diff)
		}
		req.Stage = true
		if got := Effects(req, sel, inv, images, records, o); got[0].Effect != bos.NodeStages {
			t.Errorf("staged: %+v", got)
		}
		req.Stage = false
		if got := Effects(req, sel, inv, images, nil, o); got[0].Effect != bos.NodeSkipped || got[0].Reason != SkipNoComponent {
			t.Errorf("without a component: %+v", got)
		}
		if got := Effects(req, sel, inv, nil, records, o); c.op != bos.OperationShutdown && got[0].Effect != bos.NodeFails {
			t.Errorf("without an image: %+v", got)
		}
	}
}

func TestEveryNodeOfATemplateHasOneEffectAndThePowerOfTheMomentChangesNoPin(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inv := drawSite(rt)
		req := drawRequest(rt, inv)
		sel, err := Select(req, inv)
		if err != nil {
			return
		}
		images := imagesOf(req)
		before := MakePreview(req, sel, images, bos.DefaultOptions(), testNow, 0)
		for i := range inv.Nodes {
			inv.Nodes[i].Seen = rapid.SampledFrom([]bos.PowerState{bos.PowerStateUnknown, bos.PowerStateOn, bos.PowerStateOff}).Draw(rt, "power")
		}
		sel, err = Select(req, inv)
		if err != nil {
			rt.Fatal(err)
		}
		p := MakePreview(req, sel, images, bos.DefaultOptions(), testNow, 0)
		if diff := cmp.Diff(before, p); diff != "" {
			rt.Fatalf("what is known at plan depends on power: %s", diff)
		}
		records := make(map[string]bos.Record)
		for _, id := range sel.Nodes() {
			if rapid.Bool().Draw(rt, "known") {
				records[id] = bos.Record{Component: bos.Component{ID: id}}
			}
		}
		p.Effects = Effects(req, sel, inv, images, records, bos.DefaultOptions())
		var want, got []string
		want = append(want, sel.Nodes()...)
		for _, skip := range sel.Skipped {
			want = append(want, skip.Nodes...)
		}
		for _, node := range PreviewNodes(p) {
			got = append(got, node.ID)
			if node.Reason == "" || !slices.Contains(bos.NodeEffects(), node.Effect) {
				rt.Fatalf("%+v", node)
			}
		}
		slices.SortFunc(want, bos.CompareXnames)
		if !slices.Equal(want, got) {
			rt.Fatalf("effects on %v, want on %v", got, want)
		}
	})
}
