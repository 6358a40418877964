package decide

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Witnesses names at most most targets to probe now so that Assess has fresh
// evidence; call it about every half of fresh while any target is bad. The
// names are the same for the same arguments, in any order of the sightings.
//
// Most of them are a sample of the targets whose last answer was good, filled up with
// targets that were never asked. The sample is spread over the room by a hash, and is
// another one with each call: by name or by age it would miss an outage of some
// cabinets for minutes. Targets that have just answered anyway count towards it. Up to a
// quarter are neighbours of bad targets in their chassis, which tell a dead BMC from a
// dead chassis. Up to a quarter are bad targets not asked of late, which tell that an
// outage is over.
func Witnesses(sightings []Sighting, now time.Time, fresh time.Duration, most int) []string {
	if most < 1 {
		return nil
	}
	sample, neighbours, bad := witnessPools(sightings, now, fresh)
	chosen := make([]string, 0, most)
	taken := make(map[string]bool, most)
	take := func(from []witness, n int) {
		for _, w := range from {
			if n <= 0 || len(chosen) >= most {
				return
			}
			if !taken[w.target] {
				taken[w.target] = true
				chosen = append(chosen, w.target)
				n--
			}
		}
	}
	quarter := most / 4
	wanted := most - justAnswered(sightings, now, fresh)
	take(neighbours, quarter)
	take(bad, quarter)
	take(sample, wanted)
	take(bad, wanted)
	slices.SortFunc(chosen, bos.CompareXnames)
	return chosen
}

// justAsked reports whether another probe would tell nothing new.
func justAsked(s Sighting, now time.Time, fresh time.Duration) bool {
	return !s.Asked.IsZero() && now.Sub(s.Asked) <= fresh/4
}

func justAnswered(sightings []Sighting, now time.Time, fresh time.Duration) int {
	n := 0
	for _, s := range sightings {
		if !s.bad() && justAsked(s, now, fresh) {
			n++
		}
	}
	return n
}

type witness struct {
	target string
	// rank is 0 for the first choice of a pool and higher for others.
	rank int
	lot  string
}

// witnessPools are the targets worth probing, in the order in which to take them.
func witnessPools(sightings []Sighting, now time.Time, fresh time.Duration) (sample, neighbours, bad []witness) {
	troubled := make(map[string]bool)
	for _, s := range sightings {
		if s.bad() && s.Chassis != "" {
			troubled[s.Chassis] = true
		}
	}
	round := now.UnixNano() / int64(max(fresh/2, 1))
	for _, s := range sightings {
		if justAsked(s, now, fresh) {
			continue
		}
		w := witness{target: s.Target, lot: lot(s.Target, round)}
		switch {
		case s.Aside && s.bad():
			continue
		case s.Aside:
			w.rank = 2
		case s.bad():
			bad = append(bad, w)
			continue
		case s.Asked.IsZero():
			w.rank = 1
		}
		sample = append(sample, w)
		if troubled[s.Chassis] {
			neighbours = append(neighbours, w)
		}
	}
	for _, pool := range [][]witness{sample, neighbours, bad} {
		slices.SortFunc(pool, func(a, b witness) int {
			return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.lot, b.lot), cmp.Compare(a.target, b.target))
		})
	}
	return sample, neighbours, bad
}

// lot draws a number for a target that is different in each round.
func lot(target string, round int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", round, target))
	return string(sum[:8])
}
