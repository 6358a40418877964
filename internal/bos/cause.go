package bos

// Cause is why a node failed or is being held: a closed list, so that tools
// can count and group. Each cause has one sentence for people.
type Cause string

// The causes.
const (
	CauseNone               Cause = ""
	CauseBMCUnreachable     Cause = "bmc_unreachable"
	CauseChassisUnreachable Cause = "chassis_unreachable"
	CauseBMCAuth            Cause = "bmc_authentication"
	CauseCredentialsHeld    Cause = "bmc_credentials_held"
	CauseBMCPermission      Cause = "bmc_permission"
	CauseBMCError           Cause = "bmc_error"
	CauseBMCDisabled        Cause = "bmc_disabled"
	CauseOtherMachine       Cause = "bmc_other_machine"
	CauseNotReady           Cause = "bmc_not_ready"
	CausePowerStale         Cause = "power_state_stale"
	// It is told as neither on nor off, as while it powers off.
	CausePowerUndetermined Cause = "power_state_undetermined"
	CauseUpstreamOutage    Cause = "upstream_outage"
	CauseUnknownToPower    Cause = "unknown_to_power_control"
	CauseLocked            Cause = "locked"
	CauseTransition        Cause = "power_transition_running"
	CauseReserved          Cause = "reserved"
	CauseResetRefused      Cause = "reset_refused"
	CauseResetIgnored      Cause = "reset_ignored"
	CauseResetUnconfirmed  Cause = "reset_unconfirmed"
	CausePowerOffTimeout   Cause = "power_off_timeout"
	CauseBootTimeout       Cause = "boot_timeout"
	CauseWrongImage        Cause = "wrong_image_booted"
	// What is known of a boot that did not report, by what the node fetched.
	CausePowerLost      Cause = "power_lost"
	CauseNoBootScript   Cause = "boot_script_not_fetched"
	CauseImageNotLoaded Cause = "image_not_loaded"
	CauseBootRestarts   Cause = "boot_restarts"
	CauseNoReport       Cause = "no_report"
	CauseBootParameters Cause = "boot_parameters_refused"
	CauseConfiguration  Cause = "configuration_failed"
	// The configuration service answers and has no such node.
	CauseUnknownToConfiguration Cause = "unknown_to_configuration"
	// It is off, and its power is not to be touched.
	CausePoweredOff Cause = "powered_off"
	// What a session staged for the node cannot be applied any more.
	CauseStaged           Cause = "staged_state_unusable"
	CauseCancelled        Cause = "cancelled"
	CauseRetriesExhausted Cause = "retries_exhausted"
	// It was not done within the time that the rollout of its session gives a node.
	CauseHealthyDeadline Cause = "healthy_deadline"
	// Its jobs did not end in time; the manager does not know it, or could not say how it
	// stands; it was not taken back; its health check does not call it healthy.
	CauseStillBusy       Cause = "jobs_still_running"
	CauseUnmanaged       Cause = "unknown_to_workload_manager"
	CauseWorkloadManager Cause = "workload_manager"
	CauseNotTakenBack    Cause = "not_returned_to_service"
	CauseUnhealthy       Cause = "unhealthy"
)

var causeSentences = map[Cause]string{ //nolint:gosec // sentences about credentials, not credentials
	CauseBMCUnreachable:         "its BMC does not answer while the BMCs of other nodes do; check the BMC's power and network",
	CauseChassisUnreachable:     "no BMC of its chassis answers while other chassis do; check the chassis' power and its management switch",
	CauseBMCAuth:                "its BMC rejects the credentials; check the user and password configured for it",
	CauseCredentialsHeld:        "its BMC, or those before it, rejected the user and password, which are not tried on it now lest the account is locked; correct them, and work goes on by itself",
	CauseBMCPermission:          "its BMC does not let this user do it; give the user the privilege (role Operator or more), change a password that the BMC wants changed, or see which licence it misses",
	CauseBMCError:               "its BMC answers with errors; reset the BMC or read its log",
	CauseBMCDisabled:            "its BMC is disabled in HSM (RedfishEndpoints), so it is asked for nothing; enable it there when the work on it is done",
	CauseOtherMachine:           "the machine at its BMC's address has another UUID than the inventory says, so nothing is sent to it; correct the address or rediscover the node",
	CauseNotReady:               "its BMC says that it does not do this in its present state; it is asked again: wait for the end of POST or of the BMC's start, or read its message in the error",
	CausePowerStale:             "its BMC keeps reporting an outdated power state; reset the BMC",
	CausePowerUndetermined:      "its power is told as neither on nor off, so it is not reset; see at its console whether it hangs while it powers on or off, and reset its BMC if this does not end",
	CauseUpstreamOutage:         "the service that reaches it is not answering; work goes on when it is back",
	CauseUnknownToPower:         "power control does not know it, or not which system of its BMC it is; rediscover the node, or correct its BMC in the inventory",
	CauseLocked:                 "it is locked or reserved in HSM; unlock it, or wait for who works on it",
	CauseTransition:             "PCS still works on an earlier power action of this service; work goes on by itself when that is over",
	CauseReserved:               "it or its BMC is reserved in HSM by a service that works on it, such as a firmware update; wait for it, or end the reservation",
	CauseResetRefused:           "its BMC refused the reset; read the BMC's message in the error",
	CauseResetIgnored:           "its BMC accepted the power action and did nothing; reset the BMC",
	CauseResetUnconfirmed:       "the power action was sent, and nobody said what became of it; check the BMC",
	CausePowerOffTimeout:        "it did not power off in time, not even by force; check the hardware",
	CauseBootTimeout:            "it was powered on and never reported a boot; read its console log",
	CauseWrongImage:             "it reported another image than the one it should run; check its boot order and the boot script it fetched",
	CausePowerLost:              "it came on and went off again before it reported, which this service did not ask for; read its console log, and look for who or what powers it off",
	CauseNoBootScript:           "it was powered on and no request of it for its boot script was seen; check its boot order, its network and what DHCP tells it to load",
	CauseImageNotLoaded:         "it has its boot script and can not load or start the kernel and initrd that it names; check that they are in the image store and that nodes reach that",
	CauseBootRestarts:           "it fetched its boot script more than once and never reported, so it restarts while it boots, as after a kernel panic; read its console log",
	CauseNoReport:               "it was given its boot script, and nothing was heard of it since; read its console log: either its boot hangs, or its image has nothing that reports to this service",
	CauseBootParameters:         "BSS refused its boot parameters; read the message in the error",
	CauseConfiguration:          "its configuration failed; read the CFS session log",
	CauseUnknownToConfiguration: "the configuration service does not know it; check the inventory that CFS reads",
	CausePoweredOff:             "it is off, and a node that is off cannot be configured; boot it, which applies its configuration",
	CauseStaged:                 "what was staged for it cannot be applied; read the error, and stage it again with a new session",
	CauseCancelled:              "its session was cancelled while it was worked on; start another session for it, if it shall still boot",
	CauseHealthyDeadline:        "it was not done within the healthy_deadline of the rollout; read what it waited for last, and its console log",
	CauseStillBusy:              "jobs still ran on it at the end of workload.drain_deadline, so it was not touched; retry it when they have ended, or give them longer",
	CauseUnmanaged:              "the workload manager does not know it, so nobody knows whether jobs run on it, and it was not touched; correct workload.names, or set workload.unmanaged to boot if it never runs jobs",
	CauseWorkloadManager:        "the workload manager did not say how it stands until workload.drain_deadline, so it was not touched; read its last words in the error",
	CauseNotTakenBack:           "it runs what it shall, and the workload manager did not take it back within workload.return_deadline; see there why it does not hear from the node, then return it or retry",
	CauseUnhealthy:              "it runs what it shall, and its health check did not call it healthy within health.deadline; read the words of the check in the error",
	CauseRetriesExhausted:       "all attempts its retry policy allows were used; read the error of the last one",
}

// Sentence says what the cause means and where to look, for people.
func (c Cause) Sentence() string { return causeSentences[c] }

// OfBoot reports whether the cause is that of a boot that failed although its node had
// power.
func (c Cause) OfBoot() bool {
	switch c {
	case CauseBootTimeout, CauseWrongImage, CausePowerLost, CauseNoBootScript, CauseImageNotLoaded, CauseBootRestarts, CauseNoReport:
		return true
	default:
		return false
	}
}

// Causes lists every cause that has a sentence, in no particular order.
func Causes() []Cause {
	all := make([]Cause, 0, len(causeSentences))
	for c := range causeSentences {
		all = append(all, c)
	}
	return all
}
