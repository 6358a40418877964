package emulator

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"
)

// Faults are what goes wrong, all of it never by default. Which calls are hit
// follows from the seed, the node and how often it was asked, so that the order
// of calls to different nodes does not matter.
type Faults struct {
	// Drop is the share of resets that are accepted and never happen,
	// Refuse that of resets answered with 503, FailBoot that of boots that
	// end without a report, FailConfig that of configurations by CFS that
	// fail; each from 0 to 1.
	Drop, Refuse, FailBoot, FailConfig float64
	// Stale is for how long after a reset a BMC goes on telling the power
	// state from before it.
	Stale time.Duration
}

func (f Faults) validate() error {
	for name, share := range map[string]float64{"drop": f.Drop, "refuse": f.Refuse, "fail boot": f.FailBoot, "fail config": f.FailConfig} {
		if !(share >= 0 && share <= 1) {
			return fmt.Errorf("the share of the fault %q is %v; use 0 to 1", name, share)
		}
	}
	if f.Stale < 0 {
		return fmt.Errorf("BMCs cannot be outdated for %s; use 0 or more", f.Stale)
	}
	return nil
}

// The salts keep draws for different purposes apart.
const (
	saltPace = iota
	saltDrop
	saltRefuse
	saltBoot
	saltConfig
	saltShare
	saltRule
)

// draw is a number from 0 to 1 that depends on the seed, the node or BMC and
// the given numbers alone.
func (r *Room) draw(id string, numbers ...uint64) float64 {
	h := fnv.New64a()
	var b [8]byte
	put := func(v uint64) {
		binary.LittleEndian.PutUint64(b[:], v)
		h.Write(b[:]) //nolint:gosec // a hash never fails
	}
	put(r.config.Seed)
	h.Write([]byte(id)) //nolint:gosec // a hash never fails
	for _, v := range numbers {
		put(v)
	}
	// FNV leaves the high bits of similar inputs alike; a multiply-xorshift
	// round spreads them.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}

func (r *Room) drops(n *node, kind string, now time.Time) bool {
	if r.faults.Drop > 0 && r.draw(n.ID, saltDrop, n.calls) < r.faults.Drop {
		return true
	}
	return r.hitsReset(FaultDrop, n, kind, now) != nil
}

// hitsReset is the rule of a fault that hits a reset of a node; nil is none.
func (r *Room) hitsReset(f Fault, n *node, kind string, now time.Time) *rule {
	return r.hit(f, n.ID, n.calls, now, func(one *rule) bool { return one.about(kind) })
}

func (r *Room) refuses(n *node, kind string, now time.Time) bool {
	return r.faults.Refuse > 0 && r.draw(n.ID, saltRefuse, n.calls) < r.faults.Refuse || r.hitsReset(FaultRefuse, n, kind, now) != nil
}

// refusesBy is how the BMC of a node answers a reset that it does not do, by a
// fault; 0 is that it does it.
func (r *Room) refusesBy(n *node, kind string, now time.Time) Answer {
	if r.refuses(n, kind, now) {
		return AnswerBusy
	}
	for _, by := range []struct {
		fault  Fault
		answer Answer
	}{{FaultNotReady, AnswerNotReady}, {FaultBreak, AnswerBroken}, {FaultCut, AnswerCut}} {
		if r.hitsReset(by.fault, n, kind, now) != nil {
			return by.answer
		}
	}
	return 0
}

// resetDelay is after what time the BMC of a node answers the reset that it was just
// asked for.
func (r *Room) resetDelay(id, kind string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, ok := r.find(id)
	if !ok {
		return 0
	}
	if one := r.hitsReset(FaultSlowReset, n, kind, now); one != nil {
		return one.Delay
	}
	return 0
}

func (r *Room) failsBoot(n *node, now time.Time) bool {
	return r.faults.FailBoot > 0 && r.draw(n.ID, saltBoot, n.boot) < r.faults.FailBoot || r.hit(FaultBoot, n.ID, n.boot, now, nil) != nil
}

func (r *Room) failsConfig(n *node, now time.Time) bool {
	return r.faults.FailConfig > 0 && r.draw(n.ID, saltConfig, n.configs) < r.faults.FailConfig || r.hit(FaultConfig, n.ID, n.configs, now, nil) != nil
}

// staleFor is for how long after a reset its BMC tells what was before.
func (r *Room) staleFor(n *node, now time.Time) time.Duration {
	if one := r.hit(FaultStale, n.ID, n.calls, now, nil); one != nil {
		return max(one.Delay, r.faults.Stale)
	}
	return r.faults.Stale
}
