package bos

import "time"

// MaxReason bounds the reason of a session or of a cancellation, in characters.
const MaxReason = 1023

// Cancel ends a session at once: it is complete, with an error that says why.
// owned are the components that it set up or staged, left counts those that it has
// no more. Those that it still works
// on are disabled where they stand; a power action or boot that is under way
// finishes by itself, and nothing comes after it. What the session staged is
// cleared. The extended status is kept as of now. A session that is complete
// is left alone, with ErrSkip.
func Cancel(s *SessionRecord, owned []Record, left Tally, reason string, now time.Time) error {
	if s.Status.Status == SessionComplete {
		return ErrSkip
	}
	text := "cancelled"
	if reason != "" {
		text += ": " + reason
	}
	if s.Status.Status == SessionPending {
		// Nothing is set up yet: components that name a session of this
		// name belong to an earlier one.
		owned = nil
	}
	for i := range owned {
		r := &owned[i]
		if r.StagedState.Session == s.Name {
			r.StagedState = NothingStaged(At(now))
			r.Work.Applied = ""
		}
		if r.Session != s.Name || !r.Enabled {
			continue
		}
		work := r.Rearmed()
		r.Enabled = false
		// Without a word of its own a node that nobody had touched yet would
		// count as stable, and the session as successful.
		r.Status.StatusOverride = StatusFailed
		work.Attempt.At, work.Cause = r.Work.Attempt.At, CauseCancelled
		r.Work = work
		r.SetError("session " + s.Name + " was " + text)
	}
	s.Status.Status, s.Status.EndTime, s.Status.Error = SessionComplete, At(now), &text
	s.Paused, s.Ahead = Brake{}, nil
	s.endRollout(RolloutFailed)
	tally := TallyOf(s.Name, owned)
	tally.Add(left)
	status := tally.Extended(*s, now)
	s.Extended = &status
	return nil
}
