package bos

import "time"

// RebootAsk is the body of POST /x/v1/reboot: nodes by the names that the workload manager
// has for them, or by their xnames.
type RebootAsk struct {
	Nodes  []string `json:"nodes"`
	Reason string   `json:"reason,omitempty"`
}

// RebootAnswer says what becomes of each node that was named, by its xname: what was
// staged for it is applied, or it is rebooted to what is desired of it, or BOS works on it
// already, or nothing is done.
type RebootAnswer struct {
	Applied   []string        `json:"applied"`
	Rebooting []string        `json:"rebooting"`
	UnderWay  []string        `json:"under_way"`
	Refused   []RebootRefusal `json:"refused"`
}

// RebootRefusal is a node to which nothing is done, by the name that was given.
type RebootRefusal struct {
	Node   string `json:"node"`
	Reason string `json:"reason"`
}

// RebootDesired has a component that is not in work booted anew to what is desired of it,
// for no session. What it says otherwise is why not.
func RebootDesired(r *Record, now time.Time) (why string) {
	switch {
	case r.Held.On():
		return "it is held: " + r.Held.Reason
	case r.DesiredState.BootArtifacts.Empty():
		return "BOS has nothing that it is to boot; boot it by a session, or stage something for it"
	}
	r.EndBoot(now)
	r.Session, r.Tenant = "", ""
	ended, applied := r.Work.EndedBoot, r.Work.Applied
	r.Work = r.Rearmed()
	r.Work.EndedBoot, r.Work.Applied = ended, applied
	r.DesiredState.BSSToken, r.DesiredState.LastUpdated = "", At(now)
	r.Goal = GoalBoot
	r.Enabled = true
	r.SetError("")
	r.EventStats = EventStats{}
	r.Status = ComponentStatus{StatusOverride: StatusOnHold}
	r.LastAction = LastAction{Action: ActionSessionSetup, LastUpdated: At(now)}
	return ""
}
