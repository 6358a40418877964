package bos

// Departed is what is remembered of a component that is deleted, as it is of the machine
// and not of the record: the power action that its power has not shown yet, and what is
// left with its workload manager.
func (r *Record) Departed() Work { return Work{Unseen: r.Work.Unseen, Left: r.leaves()} }

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
