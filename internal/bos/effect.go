package bos

// EffectKind names a thing the service does to a node through an upstream.
type EffectKind string

// The effects, each one call to one upstream.
const (
	EffectNone             EffectKind = ""
	EffectWriteBoot        EffectKind = "write_boot_parameters"
	EffectConfigure        EffectKind = "set_configuration"
	EffectPowerOn          EffectKind = "power_on"
	EffectPowerOffGraceful EffectKind = "power_off_graceful"
	EffectPowerOffForceful EffectKind = "power_off_forceful"
	// EffectDrain has the workload manager give the node no new jobs, EffectReword gives
	// that drain another reason, and EffectReturn ends it.
	EffectDrain  EffectKind = "drain"
	EffectReword EffectKind = "reword_drain"
	EffectReturn EffectKind = "return_to_service"
)

// OfWorkload reports whether the effect is one on the workload manager.
func (k EffectKind) OfWorkload() bool {
	return k == EffectDrain || k == EffectReword || k == EffectReturn
}

// Effect is what shall be done to a node. It is comparable, so that nodes
// with equal effects travel in one batch.
type Effect struct {
	Kind EffectKind
	// Artifacts is set for EffectWriteBoot only.
	Artifacts BootArtifacts
	// Configuration is set for EffectConfigure only.
	Configuration ConfigurationTarget
	// Reason is that of the drain, for EffectReturn its mark.
	Reason string
}

// PowerOp is a power operation as a Power port takes it.
type PowerOp string

// The power operations. PCS calls them On, Soft-Off and Force-Off; Redfish
// maps each to the ResetTypes the BMC advertises.
const (
	PowerOn       PowerOp = "On"
	PowerSoftOff  PowerOp = "Soft-Off"
	PowerForceOff PowerOp = "Force-Off"
)

// PowerOp is the power operation of the effect, empty if it has none.
func (k EffectKind) PowerOp() PowerOp {
	switch k {
	case EffectPowerOn:
		return PowerOn
	case EffectPowerOffGraceful:
		return PowerSoftOff
	case EffectPowerOffForceful:
		return PowerForceOff
	case EffectNone, EffectWriteBoot, EffectConfigure, EffectDrain, EffectReword, EffectReturn:
		return ""
	default:
		return ""
	}
}

// Order is what is wanted of a component, as far as the calls for it depend on
// it: one that was ordered under another is void.
type Order struct {
	Enabled   bool
	Session   SessionKey
	Artifacts BootArtifacts
	// Staged are those that are staged, where the boot service is to have them.
	Staged        BootArtifacts
	Configuration string
	// Held says that nothing is to be done to it.
	Held bool
	// ActionAt tells a component that was armed anew, in nanoseconds since 1970.
	ActionAt int64
}

// Order is the component's of now.
func (r *Record) Order() Order {
	if !r.Enabled && r.Work.StagedBoot.Session != "" {
		return Order{Session: r.Work.StagedBoot.Key(), Artifacts: r.DesiredState.BootArtifacts, Staged: r.stagedArtifacts(), Held: r.Held.On()}
	}
	return Order{
		Enabled: r.Enabled, Session: r.Key(), Artifacts: r.DesiredState.BootArtifacts,
		Configuration: r.DesiredState.Configuration, Held: r.Held.On(), ActionAt: r.Work.Attempt.At.UnixNano(),
	}
}
