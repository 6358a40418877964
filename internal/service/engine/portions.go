package engine

// portionSize bounds the nodes that one step decides on: what a large room needs at once
// is several commits and calls, one after the other, and not one of each for all. While
// the first nodes change their power the next ones are decided on, and what is asked
// between gets its turn. It is less than what one transition of PCS takes.
const portionSize = 1900

// backlog are the nodes to be decided on, in the order in which they came to be.
type backlog struct {
	ids    []string
	queued map[string]bool
}

// add puts nodes behind those that wait.
func (b *backlog) add(ids []string) {
	if b.queued == nil {
		b.queued = make(map[string]bool, len(ids))
	}
	for _, id := range ids {
		if !b.queued[id] {
			b.queued[id] = true
			b.ids = append(b.ids, id)
		}
	}
}

// take removes the first of them, at most so many.
func (b *backlog) take(most int) []string {
	n := min(len(b.ids), most)
	ids := b.ids[:n]
	for _, id := range ids {
		delete(b.queued, id)
	}
	if b.ids = b.ids[n:]; len(b.ids) == 0 {
		b.ids, b.queued = nil, nil // what a large room took is given back
	}
	return ids
}
