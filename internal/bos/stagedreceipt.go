package bos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// StagedReceiptRequest is the body of POST /x/v1/applystaged/receipts.
type StagedReceiptRequest struct {
	// RunKey stands for the configuration that asks, with its nodes and all that has it
	// apply staged state again.
	RunKey string `json:"run_key"`
	// Walk names the one run of the client that asks: a receipt that another run was
	// given has been reviewed.
	Walk string `json:"walk,omitempty"`
	// Reuse answers with the newest receipt of the configuration, also if staged state
	// was applied by it: what was reviewed is what an apply goes by.
	Reuse bool `json:"reuse,omitempty"`
	// Receipt answers with the receipt of this number, if it is kept.
	Receipt string `json:"receipt,omitempty"`
	// Guards are those that it is going to be applied within: ones that protect the
	// nodes of a role that nobody has are refused.
	Guards *Guards `json:"guards,omitempty"`
}

// StagedReceipt stands for one application of staged state: whatever was applied by it
// is not applied by it again.
type StagedReceipt struct {
	Receipt string    `json:"receipt"`
	Walk    string    `json:"walk,omitempty"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// AppliedAt is when staged state was applied by it, zero if it was not yet.
	AppliedAt Time `json:"applied_at,omitzero"`
	// Ran is the last application for the same configuration, as it was when this
	// receipt was given; nil if there is none.
	Ran *StagedRan `json:"ran,omitempty"`
}

// StagedRan is an earlier application of staged state.
type StagedRan struct {
	Receipt   string `json:"receipt"`
	AppliedAt Time   `json:"applied_at"`
	// InFlight says that BOS is at work on nodes for it.
	InFlight bool `json:"in_flight"`
	// Anew says that something else was staged for all of its nodes since: to apply that
	// is no repetition, but not what an earlier plan was about either.
	Anew bool `json:"anew,omitempty"`
}

// StagedRun is a receipt as the service keeps it.
type StagedRun struct {
	StagedReceipt
	Tenant string `json:"tenant,omitempty"`
	RunKey string `json:"run_key"`
	// Nodes is what became of each node so far.
	Nodes StagedNodes `json:"nodes"`
}

// StagedNode is what applying staged state did with one node.
type StagedNode struct {
	// Outcome is one of those below, Session the one that had staged something.
	Outcome, Session string
}

// What applying staged state does with a node.
const (
	StagedSucceeded = "succeeded"
	StagedFailed    = "failed"
	StagedIgnored   = "ignored"
)

// StagedNodes are nodes with what became of them. As JSON they are folded.
type StagedNodes map[string]StagedNode

type foldedStaged struct {
	Outcome string `json:"outcome"`
	Session string `json:"session,omitempty"`
	Nodes   string `json:"nodes,omitempty"`
	// Odd are ids that cannot be written in a folded list.
	Odd []string `json:"odd,omitempty"`
}

// MarshalJSON folds nodes of one outcome and session.
func (n StagedNodes) MarshalJSON() ([]byte, error) {
	alike := make(map[StagedNode][]string)
	for _, id := range slices.Sorted(maps.Keys(n)) {
		alike[n[id]] = append(alike[n[id]], id)
	}
	folded := make([]foldedStaged, 0, len(alike))
	for node, ids := range alike {
		odd := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !strings.ContainsAny(id, "[], ") })
		ids = slices.DeleteFunc(ids, func(id string) bool { return strings.ContainsAny(id, "[], ") })
		if len(odd) > 0 {
			folded = append(folded, foldedStaged{Outcome: node.Outcome, Session: node.Session, Odd: odd})
		}
		for part := range slices.Chunk(ids, MaxExpand) {
			folded = append(folded, foldedStaged{Outcome: node.Outcome, Session: node.Session, Nodes: Fold(part)})
		}
	}
	slices.SortFunc(folded, func(a, b foldedStaged) int { return strings.Compare(a.Nodes, b.Nodes) })
	return json.Marshal(folded)
}

// UnmarshalJSON is the reverse.
func (n *StagedNodes) UnmarshalJSON(content []byte) error {
	var folded []foldedStaged
	if err := json.Unmarshal(content, &folded); err != nil {
		return err
	}
	*n = make(StagedNodes)
	for _, f := range folded {
		var ids []string
		if f.Nodes != "" {
			var err error
			if ids, err = Expand(f.Nodes, MaxExpand); err != nil {
				return fmt.Errorf("nodes of an application of staged state: %w", err)
			}
		}
		for _, id := range append(ids, f.Odd...) {
			(*n)[id] = StagedNode{Outcome: f.Outcome, Session: f.Session}
		}
	}
	return nil
}

// Sessions are the nodes that were applied or failed, folded, by the session that had
// staged something for them.
func (n StagedNodes) Sessions() map[string]string {
	by := make(map[string][]string)
	for _, id := range slices.Sorted(maps.Keys(n)) {
		if node := n[id]; node.Session != "" && node.Outcome != StagedIgnored {
			by[node.Session] = append(by[node.Session], id)
		}
	}
	folded := make(map[string]string, len(by))
	for session, ids := range by {
		folded[session] = Fold(ids)
	}
	return folded
}

// StagedAnswer is the answer of POST /x/v1/applystaged: what became of each node, by
// this request or, with a receipt, by an earlier one.
type StagedAnswer struct {
	StagedOutcome
	// AppliedAt is when staged state was first applied by the receipt.
	AppliedAt Time `json:"applied_at,omitzero"`
	// Sessions are the nodes that succeeded or failed, folded, by the session that had
	// staged something for them.
	Sessions map[string]string `json:"sessions,omitempty"`
	// Repeated are those that an earlier request with the same receipt was about, and
	// UnderWay those that BOS was bringing to what is staged for them. Nothing was
	// applied to either now.
	Repeated []string `json:"repeated,omitempty"`
	UnderWay []string `json:"under_way,omitempty"`
	// Unapplied says of all others that failed or are ignored why nothing was applied to
	// them now.
	Unapplied []StagedUnapplied `json:"unapplied,omitempty"`
}

// Waits reports whether something is staged on the component that was not applied yet.
func (r Record) Waits() bool {
	return r.StagedState.Session != "" && r.StageWaits(r.StagedState.Session)
}

// UnderWay reports whether BOS is bringing the component to what is staged on it. To
// apply it again would break that off and take the node down once more.
func (r Record) UnderWay() bool {
	return r.Enabled && r.StagedState.Session != "" && r.Session == r.StagedState.Session && !r.Waits()
}
