package machineroom

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// rule is a fault.Rule in force, or still to come.
type rule struct {
	fault.Rule
	place int
	// targets are nodes, BMCs or the service; nil is all.
	targets    map[string]bool
	start, end time.Time
	hits       map[string]int
}

// AddFaults puts rules in force, all or, if one is wrong, none. What they say
// about time counts from now.
func (r *Room) AddFaults(now time.Time, rules ...fault.Rule) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.After(r.now) {
		r.now = now
	}
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

func (r *Room) newRule(given fault.Rule, place int, now time.Time) (*rule, error) {
	if err := given.Validate(); err != nil {
		return nil, err
	}
	one := &rule{Rule: given.Complete(), place: place, start: now.Add(given.From), hits: make(map[string]int)}
	if given.For > 0 {
		one.end = one.start.Add(given.For)
	}
	if given.Service != "" {
		if given.Service != fault.BMCs {
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
// BMCs, as the nodes for one of nodes, and as what it is for one of both.
func (r *Room) target(one *rule, name string) error {
	n, isNode := r.nodes[name]
	ofBMC := r.bmcs[name]
	e, _ := fault.Of(one.Fault)
	switch {
	case !isNode && ofBMC == nil:
		return fmt.Errorf("nodes name %q, which is no node and no BMC of this room; use an xname such as %s", name, r.example())
	case isNode && e.Of&fault.Node != 0, !isNode && e.Of&fault.BMC != 0:
		one.targets[name] = true
	case isNode:
		one.targets[cmp.Or(n.endpoint.BMC, name)] = true
	default:
		for _, n := range ofBMC {
			one.targets[n.ID] = true
		}
	}
	return nil
}

// LiftFaults ends the rules of a name from now on, all with "" for a name; it
// returns how many there were.
func (r *Room) LiftFaults(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.rules)
	r.rules = slices.DeleteFunc(r.rules, func(one *rule) bool { return name == "" || one.Name == name })
	return before - len(r.rules)
}

// RuleState is a rule and how often it has hit.
type RuleState struct {
	fault.Rule
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
func (r *Room) applies(one *rule, k fault.Kind, target string, now time.Time) bool {
	return one.Fault == k && !now.Before(one.start) && (one.end.IsZero() || now.Before(one.end)) &&
		(one.targets == nil || one.targets[target]) && (one.Times == 0 || one.hits[target] < one.Times) &&
		(one.Share == 1 || r.draw(target, saltShare, uint64(one.place)) < one.Share)
}

// hit is the first rule of a kind that hits a node or BMC at its count-th
// call; nil is none. also narrows the rules; nil does not.
func (r *Room) hit(k fault.Kind, target string, count uint64, now time.Time, also func(*rule) bool) *rule {
	for _, one := range r.rules {
		if one.Service != "" || also != nil && !also(one) {
			continue
		}
		if r.applies(one, k, target, now) && r.happens(one, target, count) {
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
	// Fault is one of requests, but for fault.Slow; empty is that it is
	// answered, after Delay.
	Fault      fault.Kind
	Delay      time.Duration
	RetryAfter time.Duration
	Form       string
}

// The faults of requests, in the order in which they are met.
var (
	bmcTroubles     = []fault.Kind{fault.Dead, fault.Hang, fault.Slow, fault.Busy, fault.Credentials, fault.Forbidden}
	serviceTroubles = []fault.Kind{fault.Outage, fault.Hang, fault.Slow, fault.Busy, fault.Status, fault.Garbage, fault.Lost}
)

// ServiceTrouble is what happens to a request to a service now, which counts
// as one.
func (r *Room) ServiceTrouble(service string, now time.Time) Trouble {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trouble(service, serviceTroubles, now, func(one *rule) bool { return one.Service == service })
}

// BMCTrouble is what happens to a request to a BMC now, which counts as one.
func (r *Room) BMCTrouble(bmc string, now time.Time) Trouble {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bmcTrouble(bmc, now)
}

func (r *Room) bmcTrouble(bmc string, now time.Time) Trouble {
	if r.silences(bmc, now) {
		return Trouble{Fault: fault.Dead}
	}
	return r.trouble(bmc, bmcTroubles, now, func(one *rule) bool { return one.Service == "" || one.Service == fault.BMCs })
}

func (r *Room) trouble(target string, kinds []fault.Kind, now time.Time, mine func(*rule) bool) (t Trouble) {
	if len(r.rules) == 0 {
		return t
	}
	r.asked[target]++
	for _, k := range kinds {
		for _, one := range r.rules {
			if !mine(one) || !r.applies(one, k, target, now) || !r.happens(one, target, r.asked[target]) {
				continue
			}
			if k == fault.Slow {
				t.Delay = max(t.Delay, one.Delay)
				continue
			}
			t.Fault, t.RetryAfter, t.Form = k, one.RetryAfter, one.Form
			return t
		}
	}
	return t
}

// Shows tells whether a BMC, a node or a service has a fault that its answer shows,
// and in which form.
func (r *Room) Shows(k fault.Kind, target string, now time.Time) (form string, shows bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shows(k, target, now)
}

func (r *Room) shows(k fault.Kind, target string, now time.Time) (form string, shows bool) {
	for _, one := range r.rules {
		if (one.Service == "" || one.Service == target) && r.applies(one, k, target, now) && r.happens(one, target, r.asked[target]) {
			return one.Form, true
		}
	}
	return "", false
}

// Lockout is the rule by which a BMC locks its account; ok is false for none.
func (r *Room) Lockout(bmc string, now time.Time) (l fault.Rule, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.inForce(fault.Lockout, bmc, now); one != nil {
		return one.Rule, true
	}
	return fault.Rule{}, false
}

// LockedOut notes that a BMC has locked its account.
func (r *Room) LockedOut(bmc string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := r.inForce(fault.Lockout, bmc, now); one != nil {
		one.hits[bmc]++
	}
}

// inForce is a rule of a kind that is in force for a BMC, without counting; nil is
// none.
func (r *Room) inForce(k fault.Kind, bmc string, now time.Time) *rule {
	for _, one := range r.rules {
		if one.Service == "" && r.applies(one, k, bmc, now) {
			return one
		}
	}
	return nil
}

// Out tells whether a service has an outage, without counting a request.
func (r *Room) Out(service string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.rules, func(one *rule) bool {
		return one.Service == service && r.applies(one, fault.Outage, service, now)
	})
}

// Silent reports whether a BMC, or the BMC of a node, takes no connections at the
// latest time that the room has heard of. Power and Reset do not heed it: whoever
// stands for the network asks before it calls them.
func (r *Room) Silent(bmc string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silences(r.bmcOf(bmc), r.now)
}

// SilentAt is Silent of a BMC at a time.
func (r *Room) SilentAt(bmc string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silences(bmc, now)
}

// silences tells whether a BMC takes no connections.
func (r *Room) silences(bmc string, now time.Time) bool {
	return slices.ContainsFunc(r.rules, func(one *rule) bool {
		return one.Service == fault.BMCs && r.applies(one, fault.Outage, bmc, now) || one.Service == "" && r.applies(one, fault.Dead, bmc, now)
	})
}
