package machineroom

import (
	"encoding/binary"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// The salts keep draws for different purposes apart.
const (
	saltPace = iota
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

// about reports whether a rule is about a type of resets.
func (one *rule) about(kind string) bool {
	switch one.Resets {
	case fault.ResetsOn:
		return kind == ResetOn
	case fault.ResetsOff:
		return kind != ResetOn
	case fault.ResetsGraceful:
		return kind == ResetGraceful
	default:
		return true
	}
}

// hitsReset is the rule of a kind that hits a reset of a node; nil is none.
func (r *Room) hitsReset(k fault.Kind, n *node, kind string, now time.Time) *rule {
	return r.hit(k, n.ID, n.calls, now, func(one *rule) bool { return one.about(kind) })
}

// refusals are the faults by which a BMC does not do a reset, and its answers; that
// of fault.Refuse is its form.
var refusals = []struct {
	fault  fault.Kind
	answer Answer
}{{fault.Refuse, 0}, {fault.NotReady, AnswerNotReady}, {fault.Break, AnswerBroken}, {fault.Cut, AnswerCut}}

// refusesBy is how the BMC of a node answers a reset that it does not do, by a
// fault; the zero value is that it does it.
func (r *Room) refusesBy(n *node, kind string, now time.Time) Reaction {
	for _, by := range refusals {
		one := r.hitsReset(by.fault, n, kind, now)
		if one == nil {
			continue
		}
		if by.answer != 0 {
			return Reaction{Answer: by.answer}
		}
		status, err := strconv.Atoi(one.Form)
		if err != nil {
			status = http.StatusServiceUnavailable // every form is a status
		}
		return Reaction{Answer: Answer(status), RetryAfter: one.RetryAfter, Faulty: true}
	}
	return Reaction{}
}

func (r *Room) drops(n *node, kind string, now time.Time) bool {
	return r.hitsReset(fault.Drop, n, kind, now) != nil
}

func (r *Room) failsBoot(n *node, now time.Time) bool {
	return r.hit(fault.Boot, n.ID, n.boot, now, nil) != nil
}

func (r *Room) failsConfig(n *node, now time.Time) bool {
	return r.hit(fault.Config, n.ID, n.configs, now, nil) != nil
}

// staleFor is for how long after a reset its BMC tells what was before.
func (r *Room) staleFor(n *node, now time.Time) time.Duration {
	if one := r.hit(fault.Stale, n.ID, n.calls, now, nil); one != nil {
		return one.Delay
	}
	return 0
}
