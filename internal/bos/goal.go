package bos

// Goal is what is to be reached for a component. Decisions rest on it; what the
// desired state of API v2 stands for is worked out where it is written.
type Goal string

// The goals.
const (
	// GoalNone: nothing was ever wanted.
	GoalNone Goal = ""
	// GoalBoot: it runs the desired boot artifacts and its configuration is applied.
	GoalBoot Goal = "boot"
	// GoalOff: it is off.
	GoalOff Goal = "off"
	// GoalConfigure: its configuration is applied. Its power is never touched, so a node
	// that is off is left out.
	GoalConfigure Goal = "configure"
)

// Excluded reports whether its session found that there is nothing to do to it and let
// go of it: to be configured, it was off; to be rebooted, its jobs did not end in time.
func (r *Record) Excluded() bool {
	left := r.Goal == GoalConfigure && r.Work.Cause == CausePoweredOff || r.Work.Cause == CauseStillBusy
	return left && !r.Enabled && r.Session == ""
}

// GoalOf is the goal that a desired state of API v2 stands for: no kernel means off.
func GoalOf(d DesiredState) Goal {
	if d.BootArtifacts.Empty() {
		return GoalOff
	}
	return GoalBoot
}

// Goal is that of the nodes of a session.
func (o Operation) Goal() Goal {
	switch o {
	case OperationBoot, OperationReboot:
		return GoalBoot
	case OperationShutdown:
		return GoalOff
	case OperationConfigure:
		return GoalConfigure
	default:
		return GoalNone
	}
}

// NeedsImage reports whether the operation boots nodes, so that their boot sets need
// an image.
func (o Operation) NeedsImage() bool { return o.Goal() == GoalBoot }
