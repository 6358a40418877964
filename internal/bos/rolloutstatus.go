package bos

// RolloutStatus is GET /x/v1/sessions/{name}/rollout.
type RolloutStatus struct {
	Session string       `json:"session"`
	Tenant  string       `json:"tenant,omitempty"`
	Phase   RolloutPhase `json:"phase"`
	// HeldBy is what keeps it from starting nodes, Detail says more of that for people.
	HeldBy RolloutHold `json:"held_by,omitempty"`
	Detail string      `json:"detail,omitempty"`
	// Batch is the name of the one under way, empty where none is.
	Batch   string               `json:"batch"`
	Batches []RolloutBatchStatus `json:"batches"`
	RolloutCounts
	// FailedNodes are folded, as a limit takes them.
	FailedNodes string `json:"failed_nodes,omitempty"`
	// FailureBudget, MaxUnavailable and MaxInFlight are the limits in nodes.
	FailureBudget  int     `json:"failure_budget"`
	MaxUnavailable int     `json:"max_unavailable"`
	MaxInFlight    int     `json:"max_in_flight"`
	Rollout        Rollout `json:"rollout"`
}

// RolloutBatchStatus is how far one batch is.
type RolloutBatchStatus struct {
	RolloutBatch
	RolloutCounts
}

// RolloutCounts is nodes by how far they are. Left are those that the session has no more.
type RolloutCounts struct {
	Waiting  int `json:"waiting"`
	InFlight int `json:"in_flight"`
	Done     int `json:"done"`
	Failed   int `json:"failed"`
	Left     int `json:"left"`
}

// AwaitsPromotion says what a healthy canary of a session waits for.
func AwaitsPromotion(session string) string {
	return "the canary is healthy; POST /x/v1/sessions/" + session + "/promote lets the other batches follow"
}

// RolloutStatusOf is how far the rollout of a session is, by what became of its nodes.
func RolloutStatusOf(s SessionRecord, nodes []NodeOutcome) RolloutStatus {
	state := s.Rollout
	total := state.Total()
	status := RolloutStatus{
		Session: s.Name, Tenant: TenantOf(s.Tenant), Phase: state.Phase, HeldBy: state.Held, Detail: state.Detail,
		FailureBudget: state.Spec.Budget(total), MaxUnavailable: state.Spec.UnavailableMost(total), MaxInFlight: state.Spec.InFlightMost(total),
		Rollout: state.Spec,
	}
	if status.HeldBy == HoldPromotion {
		status.Detail = AwaitsPromotion(s.Name) // to be pasted; the core knows no names of sessions
	}
	if s.Paused.On() && state.Open() {
		status.HeldBy, status.Detail = HoldPaused, s.Paused.Reason
	}
	if state.Open() && state.Batch < len(state.Batches) {
		status.Batch = state.Batches[state.Batch].Name
	}
	var failed []string
	status.Batches, failed = state.counted(nodes)
	for _, batch := range status.Batches {
		status.add(batch.RolloutCounts)
	}
	status.FailedNodes = Fold(failed)
	return status
}

// Failed are its nodes that failed, by what became of those of its session.
func (s *RolloutState) Failed(nodes []NodeOutcome) []string {
	_, failed := s.counted(nodes)
	return failed
}

// counted is its batches with how far their nodes are, and the nodes that failed.
func (s *RolloutState) counted(nodes []NodeOutcome) (batches []RolloutBatchStatus, failed []string) {
	of := make(map[string]NodeOutcome, len(nodes))
	for _, n := range nodes {
		of[n.ID] = n
	}
	batches = []RolloutBatchStatus{}
	for _, b := range s.Batches {
		batch := RolloutBatchStatus{RolloutBatch: b}
		ids, _ := Expand(b.Nodes, MaxExpand) // a batch's own folding expands
		for _, id := range ids {
			if batch.count(of[id]) {
				failed = append(failed, id)
			}
		}
		batches = append(batches, batch)
	}
	return batches, failed
}

// RolloutEnd is what a node counts as in a rollout that waits for it no more.
type RolloutEnd int

// What it may count as.
const (
	// EndFailed: it failed, was deleted, or whatever else is not done.
	EndFailed RolloutEnd = iota
	EndDone
	// EndLeft: another session took it, or its own let go of it.
	EndLeft
)

// RolloutEndOf is what the word for what became of a node says.
func RolloutEndOf(status string) RolloutEnd {
	switch status {
	case StatusStable:
		return EndDone
	case StatusTakenOver, StatusReleased, StatusExcluded:
		return EndLeft
	default:
		return EndFailed
	}
}

// count counts a node and reports whether it failed. One that is said to have failed while
// it is in work has, until the engine makes something else of it.
func (c *RolloutCounts) count(n NodeOutcome) (failed bool) {
	end, open := RolloutEndOf(n.Status), n.Finished.IsZero() && n.Status != StatusFailed
	switch {
	case end == EndLeft:
		c.Left++
	case open && n.Wait != nil && n.Wait.Reason == WaitRollout:
		c.Waiting++
	case open:
		c.InFlight++
	case end == EndDone:
		c.Done++
	default:
		c.Failed++
		return true
	}
	return false
}

func (c *RolloutCounts) add(o RolloutCounts) {
	c.Waiting, c.InFlight, c.Done, c.Failed, c.Left = c.Waiting+o.Waiting, c.InFlight+o.InFlight, c.Done+o.Done, c.Failed+o.Failed, c.Left+o.Left
}
