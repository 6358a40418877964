package bos

import (
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Sequence is what a template says of the order of its boot sets, and the partition that its
// nodes are of. The templates of BOS v2 have no place for it and do not show it.
type Sequence struct {
	// Partition narrows every boot set to the members of a partition of HSM; empty is
	// no partition.
	Partition string `json:"partition,omitempty"`
	// BootOrdinal and ShutdownOrdinal are the ordinals of boot sets, by their names: the
	// nodes of the lowest go first, those of equal ones together. A boot set that is
	// not named is 0.
	BootOrdinal     map[string]int `json:"boot_ordinal,omitempty"`
	ShutdownOrdinal map[string]int `json:"shutdown_ordinal,omitempty"`
	// Threshold is the share of the nodes of one ordinal that must be done before
	// those of the next are started; all of them if it is not given.
	Threshold Amount `json:"threshold,omitzero"`
}

// Empty reports whether it says nothing.
func (s *Sequence) Empty() bool {
	return s == nil || s.Partition == "" && len(s.BootOrdinal) == 0 && len(s.ShutdownOrdinal) == 0 && !s.Threshold.Set()
}

// Among is what it says of the boot sets that there are; nil if that is nothing.
func (s *Sequence) Among(sets map[string]BootSet) *Sequence {
	if s.Empty() {
		return nil
	}
	known := func(ordinals map[string]int) map[string]int {
		kept := maps.Clone(ordinals)
		maps.DeleteFunc(kept, func(name string, _ int) bool { _, ok := sets[name]; return !ok })
		if len(kept) == 0 {
			return nil // as it is when it was stored and read
		}
		return kept
	}
	kept := *s
	kept.BootOrdinal, kept.ShutdownOrdinal = known(s.BootOrdinal), known(s.ShutdownOrdinal)
	if kept.Empty() {
		return nil
	}
	return &kept
}

// maxPartition bounds the name of a partition, in bytes.
const maxPartition = 127

// ValidateSequence checks a sequence against the boot sets of its template. Whether there
// is such a partition, the inventory says. The error is an *Invalid.
func ValidateSequence(s Sequence, t SessionTemplate) error {
	if len(s.Partition) > maxPartition || strings.ContainsFunc(s.Partition, func(c rune) bool { return c <= ' ' || c > '~' || c == ',' }) {
		return Invalidf("partition", "%q is no name of a partition; use one of HSM's", clip(s.Partition))
	}
	if err := CheckOrdinals(t, "", s.BootOrdinal, s.ShutdownOrdinal); err != nil {
		return err
	}
	for field, ordinals := range map[string]map[string]int{"boot_ordinal": s.BootOrdinal, "shutdown_ordinal": s.ShutdownOrdinal} {
		for _, name := range slices.Sorted(maps.Keys(ordinals)) {
			if at := ordinals[name]; at < 0 || at > math.MaxInt32 {
				return Invalidf(field, "of boot set %q is %d; an ordinal is from 0 to %d", clip(name), at, math.MaxInt32)
			}
		}
	}
	return nil
}

// CheckOrdinals refuses an order of boot sets that a template does not have: such a name
// would order nothing. within is what the fields are members of, with a dot, or empty.
// The error is an *Invalid.
func CheckOrdinals(t SessionTemplate, within string, boot, shutdown map[string]int) error {
	for field, ordinals := range map[string]map[string]int{"boot_ordinal": boot, "shutdown_ordinal": shutdown} {
		for _, name := range slices.Sorted(maps.Keys(ordinals)) {
			if _, ok := t.BootSets[name]; !ok {
				return Invalidf(within+field, "%q is no boot set of template %q, which has %s; name one of these", clip(name), t.Name, strings.Join(slices.Sorted(maps.Keys(t.BootSets)), ", "))
			}
		}
	}
	return nil
}

// sequenceDeadline is longer than an outage that a session waits for.
const sequenceDeadline = Span(30 * 24 * time.Hour)

// Rollout is how a session of the template goes through its nodes, if it asked for a
// rollout or not: nil is all at once. The ordinals of the template hold where the
// session gives none of its own.
func (t SessionTemplate) Rollout(op Operation, asked *Rollout) *Rollout {
	sequence := t.Sequence.Among(t.BootSets)
	if sequence == nil || op == OperationConfigure {
		return asked
	}
	var r Rollout
	if asked != nil {
		r = *asked
	} else {
		// A sequence is no bound of failures: they hold up the next ordinal, and nothing
		// else. Nor is it one of time, as a session without it has none.
		r.FailureBudget = &Amount{N: 100, Percent: true}
		r.HealthyDeadline, r.ProgressDeadline = sequenceDeadline, sequenceDeadline
	}
	if len(r.BootOrdinal)+len(r.ShutdownOrdinal) == 0 {
		r.BootOrdinal, r.ShutdownOrdinal = sequence.BootOrdinal, sequence.ShutdownOrdinal
	}
	if !r.OrderThreshold.Set() {
		r.OrderThreshold = sequence.Threshold
	}
	if asked == nil && !r.orders(op, t.BootSets) {
		return nil
	}
	return &r
}

// orders reports whether boot sets come one after the other.
func (r Rollout) orders(op Operation, sets map[string]BootSet) bool {
	ordinals := make(map[int]bool)
	for name := range sets {
		ordinals[r.Ordinal(op, name)] = true
	}
	return len(ordinals) > 1
}
