package decide

import (
	"cmp"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// SkipNoComponent is why a selected node is left out by setup: the inventory
// has it, and discovery has not yet come by.
const SkipNoComponent = "BOS has no component for it yet; the next discovery makes one"

// Effects says what a session would do to each node that its template names, by
// effect and reason. records are the components of the selected nodes by id.
//
// It goes by the last reports of the nodes and by the power that the inventory
// last saw, so it is a forecast: the session itself probes first.
func Effects(req Request, sel Selection, inv bos.Inventory, images map[string]bos.Image, records map[string]bos.Record, o bos.Options) []bos.PreviewEffect {
	f := forecast{req: req, power: make(map[string]bos.PowerState, len(inv.Nodes)), groups: make(map[outlook][]string)}
	for _, n := range inv.Nodes {
		f.power[n.ID] = n.Seen
	}
	session := bos.SessionRecord{Session: bos.Session{Operation: req.Operation}, Template: req.Template}
	for _, set := range sel.BootSets {
		desired, err := desiredState(session, set.Name, req.Template.BootSets[set.Name], images, o)
		for _, id := range set.Nodes {
			r, known := records[id]
			switch {
			case !known:
				f.add(id, bos.NodeSkipped, SkipNoComponent)
			case err != nil:
				f.add(id, bos.NodeFails, err.Error())
			default:
				f.judge(r, desired.BootArtifacts)
			}
		}
	}
	for _, skip := range sel.Skipped {
		for _, id := range skip.Nodes {
			f.add(id, bos.NodeSkipped, skip.Reason)
		}
	}
	return f.folded()
}

// outlook is what awaits a node, and why.
type outlook struct {
	effect bos.NodeEffect
	reason string
}

type forecast struct {
	req    Request
	power  map[string]bos.PowerState
	groups map[outlook][]string
}

func (f *forecast) add(id string, effect bos.NodeEffect, reason string) {
	key := outlook{effect, reason}
	f.groups[key] = append(f.groups[key], id)
}

// judge forecasts what rules 3 to 7 of the status decision make of a node.
func (f *forecast) judge(r bos.Record, desired bos.BootArtifacts) {
	power := f.power[r.ID]
	off, known := power == bos.PowerStateOff, power != bos.PowerStateUnknown
	add := func(effect bos.NodeEffect, reason string) { f.add(r.ID, effect, reason) }
	switch {
	case f.req.Stage:
		add(bos.NodeStages, "nothing happens to it before the staged state is applied")
	case f.req.Operation == bos.OperationConfigure && off:
		add(bos.NodeSkipped, "it is off, and a configure session touches no power")
	case f.req.Operation == bos.OperationConfigure && !known:
		add(bos.NodeConfigures, "it is configured if it is on, which is not known here, and left out if it is off")
	case f.req.Operation == bos.OperationConfigure:
		add(bos.NodeConfigures, "it is on")
	case f.req.Operation == bos.OperationShutdown && off:
		add(bos.NodeStaysOff, "it is off")
	case f.req.Operation == bos.OperationShutdown && !known:
		add(bos.NodePowersOff, "its power is not known here; nothing happens to it if it is off")
	case f.req.Operation == bos.OperationShutdown:
		add(bos.NodePowersOff, "it is on")
	case off:
		add(bos.NodeBoots, "it is off")
	case f.req.Operation == bos.OperationReboot && known:
		add(bos.NodeReboots, "it is on and a reboot is asked for")
	case f.req.Operation == bos.OperationReboot:
		add(bos.NodeMayReboot, "a reboot is asked for, and its power is not known here")
	case Matches(r.ActualState.BootArtifacts, desired) && known:
		add(bos.NodeAlreadyThere, "it reported that it runs this already; only its configuration may change")
	case Matches(r.ActualState.BootArtifacts, desired):
		add(bos.NodeAlreadyThere, "it reported that it runs this already, and its power is not known here; it boots if it is off")
	case known:
		add(bos.NodeReboots, mismatch(r.ActualState.BootArtifacts, desired))
	default:
		add(bos.NodeMayReboot, mismatch(r.ActualState.BootArtifacts, desired)+", and its power is not known here")
	}
}

func mismatch(actual, desired bos.BootArtifacts) string {
	switch {
	case actual.Empty():
		return "it has not reported what it runs"
	case actual.Kernel != desired.Kernel || actual.Initrd != desired.Initrd:
		return "it runs another image"
	default:
		return "it runs this image with other kernel parameters"
	}
}

// folded lists the groups in the order of the effects, the largest first.
func (f *forecast) folded() []bos.PreviewEffect {
	list := make([]bos.PreviewEffect, 0, len(f.groups))
	for key, ids := range f.groups {
		list = append(list, bos.PreviewEffect{Effect: key.effect, Reason: key.reason, Count: len(ids), Nodes: bos.Fold(ids)})
	}
	order := bos.NodeEffects()
	slices.SortFunc(list, func(a, b bos.PreviewEffect) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Effect), slices.Index(order, b.Effect)),
			cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// PreviewNodes lists the nodes of a preview one by one, sorted.
func PreviewNodes(p bos.Preview) []bos.PreviewNode {
	sets := placed(p)
	var nodes []bos.PreviewNode
	for _, e := range p.Effects {
		// A preview's own folding expands.
		ids, _ := bos.Expand(e.Nodes, bos.MaxExpand)
		for _, id := range ids {
			nodes = append(nodes, bos.PreviewNode{ID: id, BootSet: sets[id], Effect: e.Effect, Reason: e.Reason})
		}
	}
	slices.SortFunc(nodes, func(a, b bos.PreviewNode) int { return bos.CompareXnames(a.ID, b.ID) })
	return nodes
}
