package bos

import (
	"net/url"
	"strings"
	"time"
)

// What GET /x/v1/stream sends: a snapshot, then deltas. Nodes travel as columns with
// small numbers, of which the legend tells what they mean.

// The events of the stream.
const (
	StreamSnapshotEvent = "snapshot"
	StreamDeltaEvent    = "delta"
	StreamResetEvent    = "reset"
)

// StreamSnapshot is everything that is shown.
type StreamSnapshot struct {
	// At is the time of the service, in seconds since 1970, as all times of the stream are.
	At       int64           `json:"at"`
	Revision int64           `json:"revision"`
	Legend   StreamLegend    `json:"legend"`
	Pause    PauseState      `json:"pause"`
	Nodes    *StreamNodes    `json:"nodes,omitempty"`
	Sessions []StreamSession `json:"sessions"`
}

// StreamDelta is what changed since the event before.
type StreamDelta struct {
	At       int64           `json:"at"`
	Revision int64           `json:"revision"`
	Pause    *PauseState     `json:"pause,omitempty"`
	New      *StreamNew      `json:"new,omitempty"`
	Nodes    *StreamNodes    `json:"nodes,omitempty"`
	Gone     []int           `json:"gone,omitempty"`
	Sessions []StreamSession `json:"sessions,omitempty"`
	// SessionsGone are the numbers of those that are not shown any more.
	SessionsGone []int `json:"sessions_gone,omitempty"`
}

// StreamReset says why everything is to be forgotten; a snapshot follows.
type StreamReset struct {
	Reason string `json:"reason"`
}

// StreamNew names nodes that were not in the snapshot, with their numbers.
type StreamNew struct {
	N  []int    `json:"n"`
	ID []string `json:"id"`
}

// StreamNodes are nodes in columns of one length. In a snapshot ID has their names, and
// the place of a node is its number; in a delta N has the numbers.
type StreamNodes struct {
	N        []int    `json:"n,omitempty"`
	ID       []string `json:"id,omitempty"`
	State    []int    `json:"state"`
	Since    []int64  `json:"since"`
	Session  []int    `json:"session"`
	Wait     []int    `json:"wait"`
	Cause    []int    `json:"cause"`
	Attempts []int    `json:"attempts"`
	Held     []int    `json:"held"`
}

// StreamCode is what a number of the legend means.
type StreamCode struct {
	Name     string `json:"name"`
	Sentence string `json:"sentence"`
}

// StreamLegend says what the numbers of the columns mean: they are places in its lists.
type StreamLegend struct {
	States []StreamCode `json:"states"`
	Waits  []StreamCode `json:"waits"`
	Causes []StreamCode `json:"causes"`
}

// StreamSession is how far a session is, in a few hundred bytes.
type StreamSession struct {
	// N is its number in the stream.
	N         int          `json:"n"`
	Name      string       `json:"name"`
	Tenant    string       `json:"tenant"`
	Operation Operation    `json:"operation"`
	Template  string       `json:"template"`
	Status    SessionPhase `json:"status"`
	Start     int64        `json:"start"`
	End       int64        `json:"end"`
	// By is who asked for it, Plan the pin of what was reviewed.
	By     string `json:"by"`
	Reason string `json:"reason"`
	Plan   string `json:"plan"`
	Stage  bool   `json:"stage"`
	Error  string `json:"error"`
	SessionProgress
	Pause   PauseState     `json:"pause"`
	Rollout *StreamRollout `json:"rollout,omitempty"`
	// URL is the session's page.
	URL string `json:"url"`
}

// SessionProgress is what becomes of the nodes of a session, together.
type SessionProgress struct {
	Total int `json:"total"`
	// Counts are nodes by the names of their states, Waiting by what they wait for.
	Counts   map[string]int     `json:"counts"`
	Waiting  map[WaitReason]int `json:"waiting"`
	Failures []FailureGroup     `json:"failures"`
	// Rate is how many nodes a second were done lately.
	Rate float64 `json:"rate"`
	// ETA is when 99 of 100 of its nodes are expected to be over, 0 where nothing can be
	// said, and ETAFrom what says so.
	ETA        int64      `json:"eta"`
	ETAFrom    string     `json:"eta_from"`
	Stragglers Stragglers `json:"stragglers"`
	Retry      *Retry     `json:"retry,omitempty"`
}

// FailureGroup is the nodes that failed for one cause.
type FailureGroup struct {
	Cause    Cause  `json:"cause"`
	Sentence string `json:"sentence"`
	Count    int    `json:"count"`
	// Nodes are folded: they can be used as a limit.
	Nodes string `json:"nodes"`
}

// Stragglers are the nodes that take longer than 99 of 100 of such nodes do.
type Stragglers struct {
	Count int    `json:"count"`
	Nodes string `json:"nodes"`
	// Beyond is that time, in seconds, 0 where nothing can be said.
	Beyond int64 `json:"beyond"`
}

// StreamRollout is how far the rollout of a session is.
type StreamRollout struct {
	Phase         RolloutPhase         `json:"phase"`
	HeldBy        RolloutHold          `json:"held_by"`
	Detail        string               `json:"detail"`
	Batch         string               `json:"batch"`
	Batches       []RolloutBatchStatus `json:"batches"`
	FailureBudget int                  `json:"failure_budget"`
}

// PageOfSession is where the page shows a session: below the address under which people
// reach the service, or without one from its root on.
func PageOfSession(public string, key SessionKey) string {
	page := strings.TrimSuffix(public, "/") + "/ui/#/sessions/" + url.PathEscape(key.Name)
	if key.Tenant != "" {
		page += "?tenant=" + url.QueryEscape(key.Tenant)
	}
	return page
}

// Seconds is a time as the stream writes it.
func Seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
