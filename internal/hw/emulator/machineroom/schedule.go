package machineroom

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// schedule holds the nodes that wait for something, the next one first: by
// time, and nodes of one time by their place in the room, so that a run repeats.
type schedule []*node

func (s *schedule) put(n *node) {
	if n.queued >= 0 {
		heap.Fix(s, n.queued)
		return
	}
	heap.Push(s, n)
}

func (s *schedule) remove(n *node) {
	if n.queued >= 0 {
		heap.Remove(s, n.queued)
	}
}

// Len is container/heap's, as are the others below.
func (s schedule) Len() int { return len(s) }

// Less orders by time and place.
func (s schedule) Less(i, j int) bool {
	return cmp.Or(s[i].due.Compare(s[j].due), cmp.Compare(s[i].place, s[j].place)) < 0
}

// Swap keeps the places in the schedule.
func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].queued, s[j].queued = i, j
}

// Push appends a node.
func (s *schedule) Push(x any) {
	n := x.(*node) //nolint:forcetypeassert // only nodes are pushed
	n.queued = len(*s)
	*s = append(*s, n)
}

// Pop takes the last node.
func (s *schedule) Pop() any {
	old := *s
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	n.queued = -1
	return n
}

// Next is when something will happen next, in the past if it already has; ok
// is false if nothing will until somebody calls.
func (r *Room) Next() (at time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.schedule) > 0 {
		at, ok = r.schedule[0].due, true
	}
	for _, rep := range r.pending {
		if !ok || rep.Time.Before(at) {
			at, ok = rep.Time, true
		}
	}
	return at, ok
}

// Advance brings the room to now and returns what its nodes have reported
// since the last call, in order of time and place. A node that found no boot
// parameters when its power came on never reports.
func (r *Room) Advance(now time.Time) []Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.After(r.now) {
		r.now = now
	}
	for len(r.schedule) > 0 && !r.schedule[0].due.After(now) {
		r.advance(r.schedule[0], now)
	}
	reports := r.pending
	r.pending = nil
	slices.SortStableFunc(reports, func(a, b Report) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(r.nodes[a.Node].place, r.nodes[b.Node].place))
	})
	return reports
}
