package bos

import (
	"maps"
	"slices"
)

// Step is a part of an operation through which a session takes its nodes: what BOS v1
// calls a phase of a boot set.
type Step string

// The steps.
const (
	StepShutdown  Step = "shutdown"
	StepBoot      Step = "boot"
	StepConfigure Step = "configure"
)

// Steps are those of an operation, in order.
func (o Operation) Steps() []Step {
	switch o {
	case OperationShutdown:
		return []Step{StepShutdown}
	case OperationBoot:
		return []Step{StepBoot, StepConfigure}
	case OperationReboot:
		return []Step{StepShutdown, StepBoot, StepConfigure}
	case OperationConfigure:
		return []Step{StepConfigure}
	default:
		return nil
	}
}

// Category is how far a node is in a step.
type Category string

// The categories. A node is in exactly one of each step.
const (
	CategoryNotStarted Category = "not_started"
	CategorySucceeded  Category = "succeeded"
	CategoryFailed     Category = "failed"
	// CategoryExcluded: it takes no part in the step, for a reason that is told.
	CategoryExcluded   Category = "excluded"
	CategoryInProgress Category = "in_progress"
)

// Categories lists them in the order in which BOS shows them.
func Categories() []Category {
	return []Category{CategoryNotStarted, CategorySucceeded, CategoryFailed, CategoryExcluded, CategoryInProgress}
}

// StepStatus is the nodes of a boot set in one step.
type StepStatus struct {
	Step Step
	// Nodes are sorted, by category.
	Nodes map[Category][]string
	// Reasons say why nodes failed or are excluded, each with its nodes, sorted.
	Reasons map[string][]string
}

// Complete reports whether nothing is to come any more.
func (s StepStatus) Complete() bool {
	return len(s.Nodes[CategoryNotStarted]) == 0 && len(s.Nodes[CategoryInProgress]) == 0
}

// SetStatus is the nodes of one boot set, step by step.
type SetStatus struct {
	BootSet string
	Steps   []StepStatus
}

// Complete reports whether all steps are.
func (s SetStatus) Complete() bool {
	return !slices.ContainsFunc(s.Steps, func(step StepStatus) bool { return !step.Complete() })
}

// Failed are the nodes that failed in any step; none can in two.
func (s SetStatus) Failed() []string {
	var all []string
	for _, step := range s.Steps {
		all = append(all, step.Nodes[CategoryFailed]...)
	}
	return all
}

// The reasons for which a node takes no part in a step, besides those for which it was
// not selected.
const (
	excludedTakenOver = "taken over by another session"
	excludedDeleted   = "its component was deleted"
	excludedReleased  = "taken out of the session"
	excludedUnwanted  = "its boot set wants no configuration"
	excludedFailed    = "failed before, in step "
)

// SetStatuses says how far each node of a session is, by boot set, step and category. Boot
// sets are in name order; those without a node are left out.
func SetStatuses(rec SessionRecord, nodes []NodeOutcome) []SetStatus {
	steps := rec.Operation.Steps()
	sets := make(map[string]SetStatus)
	of := func(name string) SetStatus {
		set, ok := sets[name]
		if !ok {
			set = newSetStatus(name, steps)
			sets[name] = set
		}
		return set
	}
	for _, x := range rec.Excluded {
		ids, err := Expand(x.Nodes, MaxExpand)
		if err != nil {
			ids = []string{x.Nodes} // as it stands: it says at least which
		}
		set := of(x.BootSet)
		for i := range set.Steps {
			for _, id := range ids {
				set.Steps[i].put(id, CategoryExcluded, x.Reason)
			}
		}
	}
	for i := range nodes {
		set := of(nodes[i].BootSet)
		configures := rec.Template.Configuration(rec.Template.BootSets[nodes[i].BootSet]) != ""
		set.place(&nodes[i], configures)
	}
	list := make([]SetStatus, 0, len(sets))
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		sets[name].sort()
		list = append(list, sets[name])
	}
	return list
}

func newSetStatus(name string, steps []Step) SetStatus {
	set := SetStatus{BootSet: name, Steps: make([]StepStatus, len(steps))}
	for i, step := range steps {
		set.Steps[i] = StepStatus{Step: step, Nodes: make(map[Category][]string), Reasons: make(map[string][]string)}
	}
	return set
}

func (s *StepStatus) put(id string, c Category, why string) {
	s.Nodes[c] = append(s.Nodes[c], id)
	if why != "" {
		s.Reasons[why] = append(s.Reasons[why], id)
	}
}

func (s SetStatus) sort() {
	for i := range s.Steps {
		for _, ids := range s.Steps[i].Nodes {
			slices.SortFunc(ids, CompareXnames)
		}
		for _, ids := range s.Steps[i].Reasons {
			slices.SortFunc(ids, CompareXnames)
		}
	}
}

// at is the index of the step in which a node is, or was when it was done with.
func (s SetStatus) at(n *NodeOutcome) int {
	in := StepShutdown
	switch phase := n.lastPhase(); {
	case phase == PhaseConfiguring, phase == PhaseNone && n.Cause == CauseConfiguration:
		in = StepConfigure
	case phase == PhasePoweringOn, phase == PhaseNone && n.Cause.OfBoot():
		in = StepBoot
	}
	if i := slices.IndexFunc(s.Steps, func(step StepStatus) bool { return step.Step == in }); i >= 0 {
		return i
	}
	return 0 // a boot that begins with powering off is in its first step
}

// lastPhase is the phase of a node, of one that the session is not working on any more
// that in which it was then.
func (n *NodeOutcome) lastPhase() Phase {
	if n.Phase != PhaseNone {
		return n.Phase
	}
	return n.At
}

// place puts a node into one category of each step.
func (s SetStatus) place(n *NodeOutcome, configures bool) {
	at, here, why := s.at(n), CategoryInProgress, ""
	later, afterwards := CategoryNotStarted, ""
	switch n.Status {
	case StatusStable:
		at, here = len(s.Steps), CategorySucceeded
	case StatusFailed:
		here, why = CategoryFailed, n.why()
		if at < len(s.Steps) {
			later, afterwards = CategoryExcluded, excludedFailed+string(s.Steps[at].Step)
		}
	case StatusTakenOver:
		here, why = CategoryExcluded, excludedTakenOver
		later, afterwards = here, why
	case StatusDeleted:
		here, why = CategoryExcluded, excludedDeleted
		later, afterwards = here, why
	case StatusReleased:
		here, why = CategoryExcluded, excludedReleased
		later, afterwards = here, why
	case StatusExcluded:
		here, why = CategoryExcluded, n.why()
		later, afterwards = here, why
	case StatusStaged, StatusPowerOffPending, StatusPowerOnPending:
		here = CategoryNotStarted
	case StatusOnHold:
		if n.lastPhase() == PhaseNone {
			here = CategoryNotStarted
		}
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		switch {
		case step.Step == StepConfigure && !configures && here != CategoryFailed:
			step.put(n.ID, CategoryExcluded, excludedUnwanted)
		case i < at:
			step.put(n.ID, CategorySucceeded, "")
		case i == at:
			step.put(n.ID, here, why)
		default:
			step.put(n.ID, later, afterwards)
		}
	}
}

// why is the reason that people are told, never empty.
func (n *NodeOutcome) why() string {
	switch {
	case n.Error != "":
		return n.Error
	case n.Cause.Sentence() != "":
		return n.Cause.Sentence()
	default:
		return "nothing says why"
	}
}
