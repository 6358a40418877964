package emulator

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

// Fault is something that goes wrong.
type Fault string

// The faults of BMCs. Those of a service are FaultOutage, FaultHang, FaultSlow
// and FaultBusy.
const (
	// FaultDead: there is no answer to anything, not even a handshake.
	FaultDead Fault = "dead"
	// FaultHang: connections open, and no request is answered.
	FaultHang Fault = "hang"
	// FaultSlow: answers come after Delay.
	FaultSlow Fault = "slow"
	// FaultBusy: the answer is 503 with the Retry-After of the rule.
	FaultBusy Fault = "busy"
	// FaultCredentials: user and password are not accepted.
	FaultCredentials Fault = "credentials"
	// FaultRestart: it has just restarted, and its sessions and subscriptions
	// are gone.
	FaultRestart Fault = "restart"
	// FaultLockout: after Tries refused logins within Delay, each of which
	// prolongs it, user and password are not accepted for as long. It hits
	// with each lock.
	FaultLockout Fault = "lockout"
	// FaultSessionsFull: it has all the sessions that it can have.
	FaultSessionsFull Fault = "sessions-full"
	// FaultNoBasic: it accepts no Basic credentials.
	FaultNoBasic Fault = "no-basic"
	// FaultOtherMachine: another machine has its address, with another UUID.
	FaultOtherMachine Fault = "other-machine"
)

// The faults of nodes.
const (
	// FaultDrop: a reset is accepted and never happens. Resets narrows it, and
	// the others that are about resets, to those that lead off or on, or to
	// graceful shutdowns.
	FaultDrop Fault = "drop"
	// FaultRefuse: resets are answered with 503, and nothing else is.
	FaultRefuse Fault = "refuse"
	// FaultNotReady: resets are answered with 400 and that it is not ready.
	FaultNotReady Fault = "not-ready"
	// FaultBreak: resets are answered with 500 and never happen, FaultCut: the
	// connection is cut over them.
	FaultBreak Fault = "break"
	FaultCut   Fault = "cut"
	// FaultSlowReset: resets happen, and are answered after Delay.
	FaultSlowReset Fault = "slow-reset"
	// FaultStale: for Delay after a reset, the BMC tells the power state
	// from before it.
	FaultStale Fault = "stale"
	// FaultBoot: the node has power and does not boot.
	FaultBoot Fault = "boot"
	// FaultWrongImage: it boots what BSS had for it before, or something
	// else that nobody wanted.
	FaultWrongImage Fault = "wrong-image"
	// FaultNoReport: it boots and tells nobody.
	FaultNoReport Fault = "no-report"
	// FaultConfig: CFS fails to configure it.
	FaultConfig Fault = "config"
)

// FaultOutage is that a service closes every connection without an answer; the BMCs
// are silent.
const FaultOutage Fault = "outage"

// The services that can have faults of their own.
const (
	ServiceHSM   = "hsm"
	ServiceBSS   = "bss"
	ServicePCS   = "pcs"
	ServiceCFS   = "cfs"
	ServiceIMS   = "ims"
	ServiceTAPMS = "tapms"
	ServiceS3    = "s3"
	// ServiceBMCs is all BMCs together.
	ServiceBMCs = "bmcs"
)

var (
	// bmcFaults are those of a request, bmcStates others of BMCs.
	bmcFaults     = []Fault{FaultDead, FaultHang, FaultSlow, FaultBusy, FaultCredentials}
	bmcStates     = []Fault{FaultRestart, FaultLockout, FaultSessionsFull, FaultNoBasic, FaultOtherMachine}
	nodeFaults    = []Fault{FaultDrop, FaultRefuse, FaultNotReady, FaultBreak, FaultCut, FaultSlowReset, FaultStale, FaultBoot, FaultWrongImage, FaultNoReport, FaultConfig}
	serviceFaults = []Fault{FaultOutage, FaultHang, FaultSlow, FaultBusy}
	resetFaults   = []Fault{FaultDrop, FaultRefuse, FaultNotReady, FaultBreak, FaultCut, FaultSlowReset}
	delayed       = []Fault{FaultSlow, FaultSlowReset, FaultStale, FaultLockout}
	services      = []string{ServiceHSM, ServiceBSS, ServicePCS, ServiceCFS, ServiceIMS, ServiceTAPMS, ServiceS3, ServiceBMCs}
)

// What a rule leaves open.
const (
	defaultSlow       = 3 * time.Second
	defaultSlowReset  = 12 * time.Second
	defaultStale      = time.Minute
	defaultLockout    = 10 * time.Minute
	defaultTries      = 5
	defaultRetryAfter = time.Second
)

// The resets that Resets can narrow a fault to.
const (
	resetsOff      = "off"
	resetsOn       = "on"
	resetsGraceful = "graceful"
)

// about reports whether a rule is about a type of resets.
func (r Rule) about(kind string) bool {
	switch r.Resets {
	case resetsOn:
		return kind == ResetOn
	case resetsOff:
		return kind != ResetOn
	case resetsGraceful:
		return kind == ResetGraceful
	default:
		return true
	}
}

// Rule is one line of a fault script: what goes wrong where, when and how
// often. Whom it hits follows from the seed, the rule's place in the script and
// how often the node or BMC was asked, and so does not depend on the order of
// calls to different ones.
type Rule struct {
	// Name is by which it is lifted; without one it is its place, such as
	// "3". Several rules may share a name.
	Name  string `yaml:"name,omitempty" json:"name,omitempty"`
	Fault Fault  `yaml:"fault" json:"fault"`
	// Nodes are xnames of nodes or BMCs, which may be folded as in
	// x1000c0s[0-7]b0n0; all if empty. Not with a Service.
	Nodes   string `yaml:"nodes,omitempty" json:"nodes,omitempty"`
	Service string `yaml:"service,omitempty" json:"service,omitempty"`
	// From is when it begins after the rule was added, For how long it then
	// lasts; 0 is until it is lifted.
	From time.Duration `yaml:"from,omitempty" json:"from,omitempty"`
	For  time.Duration `yaml:"for,omitempty" json:"for,omitempty"`
	// Share of the nodes or BMCs are hit, drawn once for each, and of what
	// they are asked, the Probability; 0 is 1 for both. Times is how often
	// one is hit at most; 0 is without end.
	Share       float64 `yaml:"share,omitempty" json:"share,omitempty"`
	Probability float64 `yaml:"probability,omitempty" json:"probability,omitempty"`
	Times       int     `yaml:"times,omitempty" json:"times,omitempty"`
	// Delay is that of FaultSlow (3s), FaultSlowReset (12s), FaultLockout (10m) and
	// FaultStale (1m).
	Delay time.Duration `yaml:"delay,omitempty" json:"delay,omitempty"`
	// Tries is how many refused logins FaultLockout takes (5).
	Tries int `yaml:"tries,omitempty" json:"tries,omitempty"`
	// RetryAfter is what FaultBusy asks for (1s), in whole seconds.
	RetryAfter time.Duration `yaml:"retry_after,omitempty" json:"retry_after,omitempty"`
	// Resets is off, on or graceful, for faults that are about resets.
	Resets string `yaml:"resets,omitempty" json:"resets,omitempty"`
}

// rule is a Rule in force, or still to come.
type rule struct {
	Rule
	place int
	// targets are nodes, BMCs or the service; nil is all.
	targets    map[string]bool
	start, end time.Time
	hits       map[string]int
}

// maxFaultScript bounds a fault script, in bytes.
const maxFaultScript = 1 << 20

// LoadFaults reads a fault script: a YAML list of rules.
func LoadFaults(path string) ([]Rule, error) {
	f, err := os.Open(path) //nolint:gosec // whoever runs the emulator names the file
	if err != nil {
		return nil, fmt.Errorf("read the fault script: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	rules, err := readRules(path, f)
	if err != nil {
		return nil, fmt.Errorf("fault script %w", err)
	}
	return rules, nil
}

func readRules(name string, from io.Reader) ([]Rule, error) {
	body, err := io.ReadAll(io.LimitReader(from, maxFaultScript))
	if err != nil {
		return nil, err
	}
	var rules []Rule
	err = yamlfile.Text(name, string(body)).Decode(&rules)
	return rules, err
}

func (r Rule) validate() error {
	faults, of := slices.Concat(bmcFaults, bmcStates, nodeFaults), "nodes"
	if r.Service != "" {
		faults, of = serviceFaults, "a service"
	}
	words := make([]string, len(faults))
	for i, f := range faults {
		words[i] = string(f)
	}
	switch {
	case r.Service != "" && !slices.Contains(services, r.Service):
		return fmt.Errorf("service %q is none of %s", r.Service, strings.Join(services, ", "))
	case !slices.Contains(faults, r.Fault):
		return fmt.Errorf("fault %q is none that %s can have; use one of %s", r.Fault, of, strings.Join(words, ", "))
	case r.Service != "" && r.Nodes != "":
		return fmt.Errorf("service %q and nodes %q are both given; keep one", r.Service, r.Nodes)
	case r.From < 0 || r.For < 0 || r.Delay < 0 || r.RetryAfter < 0 || r.Times < 0:
		return errors.New("times and durations may not be negative")
	case !(r.Share >= 0 && r.Share <= 1) || !(r.Probability >= 0 && r.Probability <= 1):
		return fmt.Errorf("share %v and probability %v lie between 0 and 1", r.Share, r.Probability)
	case r.Resets != "" && (!slices.Contains(resetFaults, r.Fault) || !slices.Contains([]string{resetsOff, resetsOn, resetsGraceful}, r.Resets)):
		return fmt.Errorf("resets %q: use off, on or graceful, with one of the faults %v", r.Resets, resetFaults)
	case r.Delay > 0 && !slices.Contains(delayed, r.Fault):
		return fmt.Errorf("a delay is for the faults %v", delayed)
	case r.Tries < 0 || r.Tries > 0 && r.Fault != FaultLockout:
		return fmt.Errorf("tries are 1 or more, and for the fault %s", FaultLockout)
	case r.RetryAfter > 0 && r.Fault != FaultBusy:
		return fmt.Errorf("retry_after is for the fault %s", FaultBusy)
	}
	return nil
}

// AddFaults puts rules in force, all or, if one is wrong, none. What they say
// about time counts from now.
func (r *Room) AddFaults(now time.Time, rules ...Rule) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	added := make([]*rule, len(rules))
	for i, given := range rules {
		place := r.ruled + i + 1
		given.Name = cmp.Or(given.Name, strconv.Itoa(place))
		one, err := r.newRule(given, place, now)
		if err != nil {
			return fmt.Errorf("rule %d: %w", i+1, err)
		}
		added[i] = one
	}
	r.ruled += len(added)
	r.rules = append(r.rules, added...)
	return nil
}

func (r *Room) newRule(given Rule, place int, now time.Time) (*rule, error) {
	if err := given.validate(); err != nil {
		return nil, err
	}
	given.Share, given.Probability = cmp.Or(given.Share, 1), cmp.Or(given.Probability, 1)
	switch given.Fault {
	case FaultSlow:
		given.Delay = cmp.Or(given.Delay, defaultSlow)
	case FaultSlowReset:
		given.Delay = cmp.Or(given.Delay, defaultSlowReset)
	case FaultLockout:
		given.Delay, given.Tries = cmp.Or(given.Delay, defaultLockout), cmp.Or(given.Tries, defaultTries)
	case FaultStale:
		given.Delay = cmp.Or(given.Delay, defaultStale)
	case FaultBusy:
		given.RetryAfter = cmp.Or(given.RetryAfter, defaultRetryAfter)
	default: // nothing is left open
	}
	one := &rule{Rule: given, place: place, start: now.Add(given.From), hits: make(map[string]int)}
	if given.For > 0 {
		one.end = one.start.Add(given.For)
	}
	if given.Service != "" {
		if given.Service != ServiceBMCs {
			one.targets = map[string]bool{given.Service: true}
		}
		return one, nil
	}
	if given.Nodes == "" {
		return one, nil
	}
	names, err := bos.Expand(given.Nodes, MaxNodes)
	if err != nil {
		return nil, err
	}
	one.targets = make(map[string]bool, len(names))
	for _, name := range names {
		if err := r.target(one, bos.CanonicalXname(name)); err != nil {
			return nil, err
		}
	}
	return one, nil
}

// target adds a node or a BMC to those of a rule: as the BMC for a fault of
// BMCs, as the nodes otherwise.
func (r *Room) target(one *rule, name string) error {
	n, isNode := r.nodes[name]
	ofBMC := r.bmcs[name]
	switch {
	case !isNode && ofBMC == nil:
		return fmt.Errorf("nodes name %q, which is no node and no BMC of this room; use an xname such as %s", name, r.example())
	case slices.Contains(nodeFaults, one.Fault) && isNode:
		one.targets[name] = true
	case slices.Contains(nodeFaults, one.Fault):
		for _, n := range ofBMC {
			one.targets[n.ID] = true
		}
	case isNode && n.endpoint.BMC != "":
		one.targets[n.endpoint.BMC] = true
	default:
		one.targets[name] = true
	}
	return nil
}

// LiftFaults ends the rules of a name from now on, all with "" for a name; it
// returns how many there were. "dead" are also the BMCs that are dead from the
// start.
func (r *Room) LiftFaults(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.rules)
	r.rules = slices.DeleteFunc(r.rules, func(one *rule) bool { return name == "" || one.Name == name })
	lifted := before - len(r.rules)
	if name == "" || name == string(FaultDead) {
		lifted += len(r.silent)
		clear(r.silent)
	}
	return lifted
}

// RuleState is a rule and how often it has hit.
type RuleState struct {
	Rule
	Hits int `json:"hits"`
}

// ListFaults are the rules that have not been lifted, in their order.
func (r *Room) ListFaults() []RuleState {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]RuleState, len(r.rules))
	for i, one := range r.rules {
		list[i].Rule = one.Rule
		for hits := range maps.Values(one.hits) {
			list[i].Hits += hits
		}
	}
	return list
}

// applies says whether a rule is in force for a target, without counting.
func (r *Room) applies(one *rule, f Fault, target string, now time.Time) bool {
	return one.Fault == f && !now.Before(one.start) && (one.end.IsZero() || now.Before(one.end)) &&
		(one.targets == nil || one.targets[target]) && (one.Times == 0 || one.hits[target] < one.Times) &&
		(one.Share == 1 || r.draw(target, saltShare, uint64(one.place)) < one.Share)
}

// hit is the first rule of a fault that hits a node or BMC at its count-th
// call; nil is none. also narrows the rules; nil does not.
func (r *Room) hit(f Fault, target string, count uint64, now time.Time, also func(*rule) bool) *rule {
	for _, one := range r.rules {
		if one.Service != "" || also != nil && !also(one) {
			continue
		}
		if r.applies(one, f, target, now) && r.happens(one, target, count) {
			return one
		}
	}
	return nil
}

// happens draws whether a rule in force hits a call, and counts it if so.
func (r *Room) happens(one *rule, target string, count uint64) bool {
	if one.Probability < 1 && r.draw(target, saltRule, uint64(one.place), count) >= one.Probability {
		return false
	}
	one.hits[target]++
	return true
}

// Trouble is what happens to a request instead of, or before, its answer.
type Trouble struct {
	// Fault is FaultOutage, FaultDead, FaultHang, FaultBusy or
	// FaultCredentials; empty is that it is answered, after Delay.
	Fault      Fault
	Delay      time.Duration
	RetryAfter time.Duration
}

// ServiceTrouble is what happens to a request to a service now, which counts
// as one.
func (r *Room) ServiceTrouble(service string, now time.Time) Trouble {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble(service, serviceFaults, now, func(one *rule) bool { return one.Service == service })
}

// BMCTrouble is what happens to a request to a BMC now, which counts as one.
func (r *Room) BMCTrouble(bmc string, now time.Time) Trouble {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bmcTrouble(bmc, now)
}

func (r *Room) bmcTrouble(bmc string, now time.Time) Trouble {
	if r.silences(bmc, now) {
		return Trouble{Fault: FaultDead}
	}
	return r.trouble(bmc, bmcFaults, now, func(one *rule) bool { return one.Service == "" || one.Service == ServiceBMCs })
}

func (r *Room) trouble(target string, faults []Fault, now time.Time, mine func(*rule) bool) (t Trouble) {
	if len(r.rules) == 0 {
		return t
	}
	r.asked[target]++
	for _, f := range faults {
		for _, one := range r.rules {
			if !mine(one) || !r.applies(one, f, target, now) || !r.happens(one, target, r.asked[target]) {
				continue
			}
			if f == FaultSlow {
				t.Delay = max(t.Delay, one.Delay)
				continue
			}
			t.Fault, t.RetryAfter = f, one.RetryAfter
			return t
		}
	}
	return t
}

// restarts tells whether a BMC has restarted, as a request to it or an event of it
// shows.
func (r *Room) restarts(bmc string, now time.Time) bool { return r.shows(FaultRestart, bmc, now) }

// inForce is a rule of a fault that is in force for a BMC, without counting; nil is
// none.
func (r *Room) inForce(f Fault, bmc string, now time.Time) *rule {
	for _, one := range r.rules {
		if one.Service == "" && r.applies(one, f, bmc, now) {
			return one
		}
	}
	return nil
}

// shows tells whether a BMC has a fault that its answer shows.
func (r *Room) shows(f Fault, bmc string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.hit(f, bmc, r.asked[bmc], now, nil) != nil
}

// out tells whether a service has an outage, without counting a request.
func (r *Room) out(service string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.rules, func(one *rule) bool {
		return one.Service == service && r.applies(one, FaultOutage, service, now)
	})
}

// silences tells whether a BMC takes no connections.
func (r *Room) silences(bmc string, now time.Time) bool {
	if r.outage || r.silent[bmc] {
		return true
	}
	for _, one := range r.rules {
		if one.Service == ServiceBMCs && r.applies(one, FaultOutage, bmc, now) || one.Service == "" && r.applies(one, FaultDead, bmc, now) {
			return true
		}
	}
	return false
}
