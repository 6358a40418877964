package bos

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rollout bounds how a session goes through its nodes. The zero value of a member is
// its default; ValidateRollout says what is wrong with one.
type Rollout struct {
	// Canary is how many nodes the first batch has, CanaryNodes which they are, as a
	// folded list; at most one of them is given. Without either there is no canary.
	Canary      Amount `json:"canary,omitzero"`
	CanaryNodes string `json:"canary_nodes,omitempty"`
	// AutoPromote lets the rest follow a canary that is healthy; without it somebody
	// promotes the rollout.
	AutoPromote bool `json:"auto_promote,omitempty"`
	// Batches are the sizes of the batches after the canary; the last is repeated.
	// Strategy is the other way to say it. Without either the rest is one batch.
	Batches      []Amount        `json:"batches,omitempty"`
	Strategy     RolloutStrategy `json:"strategy,omitempty"`
	InitialBatch Amount          `json:"initial_batch,omitzero"`
	GrowthFactor int             `json:"growth_factor,omitempty"`
	// By keeps the nodes of a cabinet or a chassis in one batch.
	By RolloutBy `json:"by,omitempty"`
	// MaxUnavailable is how many nodes of the session may be out of service at a time:
	// those that are worked on, and those that wait and are down already.
	// MaxInFlight is how many are worked on at a time.
	MaxUnavailable Amount `json:"max_unavailable,omitzero"`
	MaxInFlight    Amount `json:"max_in_flight,omitzero"`
	// FailureBudget is how many nodes may fail over the whole rollout.
	FailureBudget *Amount `json:"failure_budget,omitempty"`
	// MinHealthyTime is for how long a node is to be done before it counts as healthy,
	// HealthyDeadline how long a node has from its start, ProgressDeadline how long
	// the rollout may go without a node that becomes healthy.
	MinHealthyTime   Span `json:"min_healthy_time,omitzero"`
	HealthyDeadline  Span `json:"healthy_deadline,omitzero"`
	ProgressDeadline Span `json:"progress_deadline,omitzero"`
	// Window is when nodes may be started, Freeze when none may.
	Window *RolloutWindow  `json:"window,omitempty"`
	Freeze []RolloutFreeze `json:"freeze,omitempty"`
	// BootOrdinal and ShutdownOrdinal order boot sets, by their names: the nodes of the
	// lowest go first, those of equal ones together. A boot set that is not named is 0.
	BootOrdinal     map[string]int `json:"boot_ordinal,omitempty"`
	ShutdownOrdinal map[string]int `json:"shutdown_ordinal,omitempty"`
	// OrderThreshold is the share of the nodes of one ordinal that must be done before
	// those of the next are started.
	OrderThreshold Amount `json:"order_threshold,omitzero"`
}

// RolloutStrategy is how batches grow.
type RolloutStrategy string

// The strategies: equal batches, batches that grow by the same number of nodes, and
// batches that are multiplied.
const (
	StrategyFixed       RolloutStrategy = "fixed"
	StrategyLinear      RolloutStrategy = "linear"
	StrategyExponential RolloutStrategy = "exponential"
)

// RolloutStrategies lists the strategies.
func RolloutStrategies() []RolloutStrategy {
	return []RolloutStrategy{StrategyFixed, StrategyLinear, StrategyExponential}
}

// RolloutBy is what batches do not cut through.
type RolloutBy string

// What batches may be made of.
const (
	ByNone    RolloutBy = "none"
	ByChassis RolloutBy = "chassis"
	ByCabinet RolloutBy = "cabinet"
)

// RolloutBys lists them.
func RolloutBys() []RolloutBy { return []RolloutBy{ByNone, ByChassis, ByCabinet} }

// The defaults of a rollout. None of its limits is without one that lasts.
const (
	DefaultHealthyDeadline  = time.Hour
	DefaultProgressDeadline = 4 * time.Hour
	defaultBudgetPercent    = 5
	defaultOrderPercent     = 100
	defaultGrowth           = 2
)

// Amount is a number of nodes, or a share of them.
type Amount struct {
	N       int
	Percent bool
	// None tells a 0 that is written from nothing at all: where nothing stands for
	// every node, a 0 must not.
	None bool
}

// Of is how many of so many nodes it is. A share is rounded down, and at least one.
func (a Amount) Of(total int) int {
	if !a.Percent {
		return a.N
	}
	return max(total*a.N/100, 1)
}

// Set reports whether it is given.
func (a Amount) Set() bool { return a != Amount{} }

// String is as it is written.
func (a Amount) String() string {
	if a.Percent {
		return strconv.Itoa(a.N) + "%"
	}
	return strconv.Itoa(a.N)
}

// ParseAmount reads a count, or a share such as "10%".
func ParseAmount(text string) (Amount, error) {
	digits, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || strings.HasPrefix(digits, "+") || percent && n > 100 {
		return Amount{}, fmt.Errorf("%q is neither a number of nodes nor a share of them from 0%% to 100%%; write it as 20 or \"10%%\"", text)
	}
	return Amount{N: n, Percent: percent, None: n == 0}, nil
}

// MarshalJSON writes a count as a number and a share as a text.
func (a Amount) MarshalJSON() ([]byte, error) {
	if a.Percent {
		return []byte(`"` + a.String() + `"`), nil
	}
	return []byte(a.String()), nil
}

// UnmarshalJSON reads either, and a count in quotes.
func (a *Amount) UnmarshalJSON(b []byte) error {
	is, err := ParseAmount(strings.Trim(string(b), `"`))
	*a = is
	return err
}

// Span is a length of time as rollouts write it, such as "10m" or "1h30m".
type Span time.Duration

// Length is the time it stands for.
func (s Span) Length() time.Duration { return time.Duration(s) }

// MarshalText writes it.
func (s Span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads it.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("%q is no length of time; write it as 90s, 10m or 1h30m", text)
	}
	*s = Span(d)
	return nil
}

// Budget is how many of the nodes may fail.
func (r Rollout) Budget(total int) int {
	if r.FailureBudget == nil {
		return Amount{N: defaultBudgetPercent, Percent: true}.Of(total)
	}
	return r.FailureBudget.Of(total)
}

// HasCanary reports whether there is a first batch of its own.
func (r Rollout) HasCanary() bool { return r.Canary.Set() || r.CanaryNodes != "" }

// InFlightMost is how many of the nodes may be worked on at a time: the lesser of the
// limits.
func (r Rollout) InFlightMost(total int) int {
	most := total
	if r.MaxInFlight.Set() {
		most = min(most, r.MaxInFlight.Of(total))
	}
	return most
}

// UnavailableMost is how many of the nodes may be out of service at a time.
func (r Rollout) UnavailableMost(total int) int {
	if !r.MaxUnavailable.Set() {
		return total
	}
	return r.MaxUnavailable.Of(total)
}

// NodeDeadline is how long a node has from its start.
func (r Rollout) NodeDeadline() time.Duration {
	return orDefault(r.HealthyDeadline, DefaultHealthyDeadline)
}

// StallDeadline is how long the rollout may go without progress.
func (r Rollout) StallDeadline() time.Duration {
	return orDefault(r.ProgressDeadline, DefaultProgressDeadline)
}

// Threshold is the share of the nodes of an ordinal that must be done.
func (r Rollout) Threshold() Amount {
	if !r.OrderThreshold.Set() {
		return Amount{N: defaultOrderPercent, Percent: true}
	}
	return r.OrderThreshold
}

func orDefault(s Span, otherwise time.Duration) time.Duration {
	if s == 0 {
		return otherwise
	}
	return s.Length()
}

// Ordinal is where a boot set is in the order of an operation.
func (r Rollout) Ordinal(op Operation, bootSet string) int {
	if op == OperationShutdown {
		return r.ShutdownOrdinal[bootSet]
	}
	return r.BootOrdinal[bootSet]
}

// Growth is what a batch grows by, or is multiplied with.
func (r Rollout) Growth() int {
	if r.GrowthFactor == 0 {
		return defaultGrowth
	}
	return r.GrowthFactor
}

// RolloutBatch is some nodes that are started together.
type RolloutBatch struct {
	// Name is "canary", or "batch" with its number.
	Name  string `json:"name"`
	Count int    `json:"count"`
	// Nodes are folded.
	Nodes string `json:"nodes"`
	// Canary says that all of them are to be healthy, Ordinal where in the order of
	// boot sets they are.
	Canary  bool `json:"canary,omitempty"`
	Ordinal int  `json:"ordinal,omitempty"`
}

// RolloutPhase is where a rollout is.
type RolloutPhase string

// The phases. A rollout that is halted starts no node until somebody resumes it; one
// that failed starts none any more.
const (
	RolloutPlanned  RolloutPhase = "planned"
	RolloutRunning  RolloutPhase = "running"
	RolloutHalted   RolloutPhase = "halted"
	RolloutFailed   RolloutPhase = "failed"
	RolloutComplete RolloutPhase = "complete"
)

// RolloutHold is what keeps a rollout from starting nodes: a closed list.
type RolloutHold string

// What a rollout is held by. The first is nothing.
const (
	HoldNone        RolloutHold = ""
	HoldPromotion   RolloutHold = "promotion"
	HoldWindow      RolloutHold = "window"
	HoldFreeze      RolloutHold = "freeze"
	HoldUnavailable RolloutHold = "max_unavailable"
	HoldHalted      RolloutHold = "halted"
	HoldPaused      RolloutHold = "paused"
)

// RolloutHolds lists what a rollout may be held by.
func RolloutHolds() []RolloutHold {
	return []RolloutHold{HoldPromotion, HoldWindow, HoldFreeze, HoldUnavailable, HoldHalted, HoldPaused}
}

// RolloutState is a rollout under way, as it is stored with its session.
type RolloutState struct {
	Spec    Rollout        `json:"spec"`
	Batches []RolloutBatch `json:"batches,omitempty"`
	RolloutProgress
}

// RolloutProgress is how far a rollout is.
type RolloutProgress struct {
	Phase RolloutPhase `json:"phase"`
	// Batch is the index of the one under way; as many as there are when all are over.
	Batch int `json:"batch"`
	// Promoted says that the canary is.
	Promoted bool `json:"promoted,omitempty"`
	// Resumed says that somebody resumed it, until the engine has taken that in. FailedThen
	// is how many of its nodes had failed, which are forgiven; where an older service has
	// stored none, those are of which the engine knows when it takes it in.
	Resumed    bool `json:"resumed,omitempty"`
	FailedThen *int `json:"failed_then,omitempty"`
	// Forgiven are the failures that were spent when it was resumed last: the budget
	// counts those that follow.
	Forgiven int `json:"forgiven,omitempty"`
	// Held is what it is held by, and Detail says more for people.
	Held   RolloutHold `json:"held_by,omitempty"`
	Detail string      `json:"detail,omitempty"`
}

// Open reports whether nodes of it may still be started.
func (s *RolloutState) Open() bool {
	return s != nil && (s.Phase == RolloutPlanned || s.Phase == RolloutRunning || s.Phase == RolloutHalted)
}

// Total is how many nodes it has.
func (s *RolloutState) Total() int {
	total := 0
	for _, b := range s.Batches {
		total += b.Count
	}
	return total
}

// RolloutSpec is the rollout that was asked for, nil if none was.
func (r *SessionRecord) RolloutSpec() *Rollout {
	if r.Rollout == nil {
		return nil
	}
	return &r.Rollout.Spec
}

// NewRollout is one whose batches are not planned yet.
func NewRollout(r Rollout) *RolloutState {
	return &RolloutState{Spec: r, RolloutProgress: RolloutProgress{Phase: RolloutPlanned}}
}
