package bos

import "time"

// Departed is what is remembered of a component that is deleted, as it is of the machine
// and not of the record: the power action that its power has not shown yet, and what is
// left with its workload manager.
func (r *Record) Departed() Work { return Work{Unseen: r.Work.Unseen, Left: r.leaves()} }

// Outlived reports whether what is remembered of a deleted component is of no use any more:
// there is no drain of it to be ended, and what was sent to it before shown has shown, or
// never does.
func (w Work) Outlived(shown time.Time) bool {
	return w.Left == (Leftover{}) && w.Unseen.At.Before(shown)
}

// Return gives a component that is created what was remembered when the one of its name
// before it was deleted.
func (r *Record) Return(kept Work) {
	if r.Work.Unseen == (Unseen{}) {
		r.Work.Unseen = kept.Unseen
	}
	if r.Work.Left == (Leftover{}) {
		r.Work.Left = kept.Left
	}
}
