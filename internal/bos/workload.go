package bos

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"time"
)

// WorkloadManager is who gives jobs to nodes: Slurm, Flux or PBS. It is asked to give a
// node no new jobs before its power is touched, and to give it jobs again afterwards.
type WorkloadManager interface {
	// Probe asks how nodes stand with it and calls each exactly once per node, never
	// concurrently.
	Probe(ctx context.Context, ids []string, each func(WorkloadReading))
	// Drain has nodes given no new jobs, for a reason that begins with a DrainMark. A
	// drain that begins with one already gets this reason; one of somebody else is left as it
	// is. Both are CallDone: a reading tells. Jobs that run are never ended.
	Drain(ctx context.Context, reason string, ids []string, each func(CallResult))
	// Reword gives the drains that begin with a mark this reason, and drains nothing.
	Reword(ctx context.Context, reason string, ids []string, each func(CallResult))
	// Return has nodes given jobs again whose drain has this mark. All others are left as
	// they are.
	Return(ctx context.Context, mark string, ids []string, each func(CallResult))
}

// HealthCheck says whether nodes that have booted are fit for work.
type HealthCheck interface {
	// Probe asks about nodes and calls each exactly once per node, never concurrently.
	Probe(ctx context.Context, ids []string, each func(HealthReading))
}

// markPrefix is what the reason of each drain of this service begins with, and no other.
const markPrefix = "bos:"

// mostMark bounds a mark, in bytes: managers cut long reasons.
const mostMark = 100

// DrainMark is the first word of the reason of a drain for a session: by it the drain is
// known again as that of this session, and nobody else's. A tenant may have any name, so
// it is written as in a path; one that is long stands as a hash.
func DrainMark(of SessionKey) string {
	switch {
	case of.Name == "":
		return markPrefix + "-"
	case of.Tenant == "" && len(of.Name) <= mostMark:
		return markPrefix + of.Name
	}
	mark := markPrefix + url.PathEscape(of.Tenant) + "/" + of.Name
	if len(mark) <= mostMark {
		return mark
	}
	hash := sha256.Sum256([]byte(mark))
	return markPrefix + "~" + hex.EncodeToString(hash[:16])
}

// MarkOf is the mark that the reason of a drain begins with, empty if the drain is not
// one of this service.
func MarkOf(reason string) string {
	word, _, _ := strings.Cut(reason, " ")
	if !strings.HasPrefix(word, markPrefix) || word == markPrefix {
		return ""
	}
	return word
}

// WorkloadState is how a node stands with its workload manager.
type WorkloadState int

// The states.
const (
	// WorkloadUnknown: the manager could not be asked, or does not say.
	WorkloadUnknown WorkloadState = iota
	// WorkloadAbsent: the manager does not know the node.
	WorkloadAbsent
	// WorkloadInService: it is given jobs.
	WorkloadInService
	// WorkloadDrained: this service has it drained, for a session whose mark is told.
	WorkloadDrained
	// WorkloadForeign: somebody else has it drained.
	WorkloadForeign
)

// WorkloadReading is what a workload manager says of a node.
type WorkloadReading struct {
	ID    string
	State WorkloadState
	// Mark is that of the drain, for WorkloadDrained.
	Mark string
	// Jobs says that jobs run on it, Heard that the manager hears from it.
	Jobs, Heard bool
	// Detail is the manager's word for its state, or why it is not known, for people.
	Detail string
	// Asked and Answered are when the question was sent and its answer came.
	Asked, Answered time.Time
}

// HealthVerdict is what a health check says of a node.
type HealthVerdict int

// The verdicts.
const (
	// HealthUnknown: nothing is known, which is never health.
	HealthUnknown HealthVerdict = iota
	Healthy
	Unhealthy
)

// HealthReading is what a health check says of a node.
type HealthReading struct {
	ID      string
	Verdict HealthVerdict
	// Detail is the check's own word, for people.
	Detail          string
	Asked, Answered time.Time
}

// NotIdle is what becomes of a node on which jobs still run at the end of the time that
// they have.
type NotIdle string

// What may become of it.
const (
	// NotIdleFail fails it: it stays drained, and a retry finds it idle.
	NotIdleFail NotIdle = "fail"
	// NotIdleExclude leaves it out of its session and returns it.
	NotIdleExclude NotIdle = "exclude"
	// NotIdleReboot reboots it, which ends its jobs.
	NotIdleReboot NotIdle = "reboot"
)

// Unmanaged is what becomes of a node that the workload manager does not know.
type Unmanaged string

// What may become of it.
const (
	// UnmanagedFail fails it: its name may be wrong, and jobs run on it.
	UnmanagedFail Unmanaged = "fail"
	// UnmanagedBoot boots it like any other.
	UnmanagedBoot Unmanaged = "boot"
)

// WorkloadPolicy is how nodes are drained; zero is not at all.
type WorkloadPolicy struct {
	On bool
	// Deadline is how long jobs have to end, ReturnDeadline how long the manager has to
	// take a node back.
	Deadline, ReturnDeadline time.Duration
	NotIdle                  NotIdle
	Unmanaged                Unmanaged
}

// HealthPolicy is how long a node has to become healthy; zero is that nobody asks.
type HealthPolicy struct {
	On       bool
	Deadline time.Duration
}

// Defaults of these policies.
const (
	DefaultDrainDeadline  = 24 * time.Hour
	DefaultReturnDeadline = 30 * time.Minute
	DefaultHealthDeadline = 10 * time.Minute
)

// Drain is how far a component is with its workload manager and its health check.
type Drain struct {
	// Since is since when jobs are waited for.
	Since time.Time `json:"since,omitzero"`
	// Ours says that this service was about to drain it, or has; the reading tells which.
	Ours bool `json:"ours,omitempty"`
	// Ready says that it was without jobs, so that its power may be touched.
	Ready bool `json:"ready,omitempty"`
	// Closing is since when its end is waited for: that it is healthy, and then that it is
	// taken back. Healthy says that it was.
	Closing time.Time `json:"closing,omitzero"`
	Healthy bool      `json:"healthy,omitempty"`
	// Told says that the reason of the drain is that of its end, Tells how often that was
	// tried.
	Told  bool `json:"told,omitempty"`
	Tells int  `json:"tells,omitempty"`
}

// Waits reports whether it waits for its jobs.
func (d Drain) Waits() bool { return !d.Since.IsZero() && !d.Ready }
