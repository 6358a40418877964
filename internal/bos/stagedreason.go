package bos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// StagedReason is why what is staged was not applied to a node: a closed list.
type StagedReason string

// The reasons.
const (
	// StagedNotOfTenant: the node is not one of the tenant that asks, or there is no such
	// node: a tenant is not told which.
	StagedNotOfTenant StagedReason = "not_of_tenant"
	StagedNoComponent StagedReason = "no_component"
	StagedNothing     StagedReason = "nothing_staged"
	// StagedOfOtherTenant: it was staged by a session of another tenant, or of none.
	StagedOfOtherTenant StagedReason = "session_of_another_tenant"
	// StagedOfOtherSession: it was staged by another session than the one that the
	// request names.
	StagedOfOtherSession StagedReason = "another_session"
	// StagedAnew: it was staged anew while the request was under way.
	StagedAnew StagedReason = "staged_anew"
	StagedHeld StagedReason = "held"
	// StagedMisfit: it cannot be applied; the error of the component says why.
	StagedMisfit StagedReason = "cannot_be_applied"
)

var stagedSentences = map[StagedReason]string{
	StagedNotOfTenant:    "not a node of the tenant that the request names; ask for its own nodes, or without a tenant",
	StagedNoComponent:    "BOS has no component of this name; correct the name, or wait until the inventory has the node",
	StagedNothing:        "nothing is staged for it; create a session with stage for it first",
	StagedOfOtherTenant:  "it was staged by a session of another tenant, or of none; apply it as that tenant, or without one",
	StagedOfOtherSession: "another session than the one that the request names has staged something for it; name that session, or stage it again",
	StagedAnew:           "something else was staged for it while the request was under way; look at it and ask again",
	StagedHeld:           "it is held, and keeps what is staged; release it with DELETE /x/v1/components/XNAME/hold and ask again",
	StagedMisfit:         "what is staged for it cannot be applied; its error says why",
}

// StagedReasons lists the reasons, sorted.
func StagedReasons() []StagedReason { return slices.Sorted(maps.Keys(stagedSentences)) }

// Sentence says what the reason means and what to do, for people.
func (r StagedReason) Sentence() string { return stagedSentences[r] }

// StagedUnapplied is nodes to which nothing was applied, for one reason.
type StagedUnapplied struct {
	Reason   StagedReason `json:"reason"`
	Sentence string       `json:"sentence"`
	Count    int          `json:"count"`
	Nodes    string       `json:"nodes"`
}

// String is as it is said in one line.
func (u StagedUnapplied) String() string {
	return fmt.Sprintf("%s: nothing was applied (%s): %s", u.Nodes, u.Reason, u.Sentence)
}

// Unapplied groups nodes by why nothing was applied to them.
func Unapplied(why map[string]StagedReason) []StagedUnapplied {
	by := make(map[StagedReason][]string)
	for id, reason := range why {
		by[reason] = append(by[reason], id)
	}
	list := make([]StagedUnapplied, 0, len(by))
	for reason, ids := range by {
		slices.SortFunc(ids, CompareXnames)
		list = append(list, StagedUnapplied{Reason: reason, Sentence: reason.Sentence(), Count: len(ids), Nodes: Fold(ids)})
	}
	slices.SortFunc(list, func(a, b StagedUnapplied) int { return cmp.Compare(a.Reason, b.Reason) })
	return list
}
