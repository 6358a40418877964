package engine

import "time"

// streak is an unbroken series of readings that say nothing.
type streak struct {
	// since is when the first one came, at when the last one did; zero if the
	// streak is broken.
	since, at time.Time
	// elapsed is what the newest adds to the streak, used once.
	elapsed time.Duration
}

// add takes the newest reading in; longest bounds what it can add.
func (r *streak) add(bad bool, now time.Time, longest time.Duration) {
	r.elapsed = 0
	if bad && !r.at.IsZero() {
		r.elapsed = min(now.Sub(r.at), longest)
	}
	if !bad {
		r.since, r.at = time.Time{}, time.Time{}
		return
	}
	if r.at.IsZero() {
		r.since = now
	}
	r.at = now
}

// length is how long the streak has lasted.
func (r *streak) length() time.Duration { return r.at.Sub(r.since) }

// take is the time that the newest reading adds, once.
func (r *streak) take() time.Duration {
	elapsed := r.elapsed
	r.elapsed = 0
	return elapsed
}

// restart counts the streak from now on, if there is one.
func (r *streak) restart(now time.Time) {
	if r.at.IsZero() {
		return
	}
	r.since, r.at, r.elapsed = now, now, 0
}
