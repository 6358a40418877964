package engine

import (
	"container/heap"
	"time"
)

// wakes is the order in which nodes fall due. A node has at most one valid
// entry, the one that carries its current time; older ones are passed over.
type wakes struct {
	queue wakeQueue
	at    map[string]time.Time
}

type wakeEntry struct {
	at time.Time
	id string
}

type wakeQueue []wakeEntry

func (q wakeQueue) Len() int { return len(q) }
func (q wakeQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].id < q[j].id
	}
	return q[i].at.Before(q[j].at)
}
func (q wakeQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *wakeQueue) Push(x any)   { *q = append(*q, x.(wakeEntry)) } //nolint:forcetypeassert // heap gives back what was pushed
func (q *wakeQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

func newWakes() *wakes { return &wakes{at: make(map[string]time.Time)} }

// set makes id fall due at the time, in place of any other; a zero time
// forgets it.
func (w *wakes) set(id string, at time.Time) {
	if at.IsZero() {
		delete(w.at, id)
		return
	}
	if old, ok := w.at[id]; ok && old.Equal(at) {
		return
	}
	w.at[id] = at
	heap.Push(&w.queue, wakeEntry{at, id})
}

// due takes the ids out that fall due until now, in order.
func (w *wakes) due(now time.Time) []string {
	var ids []string
	for w.trim(); len(w.queue) > 0 && !w.queue[0].at.After(now); w.trim() {
		id := w.queue[0].id
		delete(w.at, id)
		ids = append(ids, id)
	}
	return ids
}

// next is when the next id falls due.
func (w *wakes) next() (time.Time, bool) {
	w.trim()
	if len(w.queue) == 0 {
		return time.Time{}, false
	}
	return w.queue[0].at, true
}

// trim drops entries that were replaced from the head of the queue.
func (w *wakes) trim() {
	for len(w.queue) > 0 {
		head := w.queue[0]
		if at, ok := w.at[head.id]; ok && at.Equal(head.at) {
			return
		}
		heap.Pop(&w.queue)
	}
}
