package sim

import (
	"cmp"
	"container/heap"
	"time"
)

// event is something that happens at a moment of virtual time.
type event struct {
	at  time.Time
	seq int
	run func()
}

// events are those to come, as a heap: of one moment in the order in which they were put.
type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return cmp.Or(q[i].at.Compare(q[j].at), cmp.Compare(q[i].seq, q[j].seq)) < 0
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is container/heap's.
func (q *events) Push(x any) { *q = append(*q, x.(event)) } //nolint:forcetypeassert // only events are pushed

// Pop is container/heap's.
func (q *events) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// at has something happen at a moment, or at the next one that is told apart.
func (w *World) at(t time.Time, run func()) {
	if g := w.config.Grain; g > 0 && t.After(w.Now) {
		if late := t.Sub(Epoch) % g; late > 0 {
			t = t.Add(g - late)
		}
	}
	w.sequence++
	heap.Push(&w.queue, event{t, w.sequence, run})
}

func (w *World) after(d time.Duration, run func()) { w.at(w.Now.Add(d), run) }
