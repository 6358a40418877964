package bos

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// errorListLength is how many xnames an error summary names.
const errorListLength = 10

// Tally is the components of one session, counted for its status.
type Tally struct {
	// Owned are those that name the session as theirs; Staged those that
	// only wait for what it has staged.
	Owned, Staged int
	// Left are those that it had and has no more, among them Gone, which it was
	// never done with.
	Left, Gone         int
	Successful, Failed int
	// FailedNodes are those of the failed that no other session has taken since.
	FailedNodes []string
	// Busy says that the session is not over: it works on one of them, or one
	// waits for what it has staged.
	Busy bool
	// Phases counts those that are enabled and not on hold.
	Phases map[Phase]int
	// Errors has the owned components of each error, in any order.
	Errors map[string][]string
}

// Count adds n components that share status word, phase and enabled.
func (t *Tally) Count(n int, status string, phase Phase, enabled, onHold bool) {
	t.Owned += n
	t.Busy = t.Busy || enabled && n > 0
	switch status {
	case StatusStable:
		t.Successful += n
	case StatusFailed:
		t.Failed += n
	}
	if enabled && !onHold {
		if t.Phases == nil {
			t.Phases = make(map[Phase]int)
		}
		t.Phases[phase] += n
	}
}

// Leave adds n nodes that the session has no more, with what became of them.
func (t *Tally) Leave(n int, outcome string) {
	t.Left += n
	switch outcome {
	case StatusStable:
		t.Successful += n
	case StatusFailed:
		t.Failed += n
	default:
		t.Gone += n
	}
}

// Add counts what another tally has counted as well.
func (t *Tally) Add(o Tally) {
	t.Owned, t.Staged, t.Left, t.Gone = t.Owned+o.Owned, t.Staged+o.Staged, t.Left+o.Left, t.Gone+o.Gone
	t.Successful, t.Failed, t.Busy = t.Successful+o.Successful, t.Failed+o.Failed, t.Busy || o.Busy
	for phase, n := range o.Phases {
		if t.Phases == nil {
			t.Phases = make(map[Phase]int)
		}
		t.Phases[phase] += n
	}
	for text, ids := range o.Errors {
		for _, id := range ids {
			t.Fail(id, text)
		}
	}
}

// Wait adds n components that wait for what the session has staged. Those that
// the session owns as well are counted there.
func (t *Tally) Wait(n int, owned bool) {
	t.Busy = t.Busy || n > 0
	if !owned {
		t.Staged += n
	}
}

// Fail notes the error of a component that was counted.
func (t *Tally) Fail(id, text string) {
	if t.Errors == nil {
		t.Errors = make(map[string][]string)
	}
	t.Errors[text] = append(t.Errors[text], id)
}

// TallyOf counts the components that the session of this name owns, or that
// wait for what it has staged; others are left out of account, also one that
// took its stage and then went to another session. A component that it both
// owns and has staged counts as owned. Staged components have no phase, outcome or
// error of this session yet.
func TallyOf(session string, managed []Record) Tally {
	var t Tally
	for _, r := range managed {
		if r.StageWaits(session) {
			t.Wait(1, r.Session == session)
		}
		if r.Session != session {
			continue
		}
		t.Count(1, r.DeriveStatus(), r.Status.Phase, r.Enabled, r.Status.StatusOverride == StatusOnHold)
		if r.Error != "" {
			t.Fail(r.ID, r.Error)
		}
	}
	return t
}

// Extended computes the extended status of a session (bos-contract section 6)
// from the components that it manages, each once.
func Extended(s SessionRecord, managed []Record, now time.Time) ExtendedStatus {
	return TallyOf(s.Name, managed).Extended(s, now)
}

// Extended is the extended status of the session whose components were
// counted.
func (t Tally) Extended(s SessionRecord, now time.Time) ExtendedStatus {
	total := t.Owned + t.Staged + t.Left
	return ExtendedStatus{
		Status:                 s.Status.Status,
		ManagedComponentsCount: total,
		GoneComponentsCount:    t.Gone,
		Phases: PhasePercentages{
			PercentComplete:    percent(t.Successful+t.Failed+t.Gone, total),
			PercentPoweringOn:  percent(t.Phases[PhasePoweringOn], total),
			PercentPoweringOff: percent(t.Phases[PhasePoweringOff], total),
			PercentConfiguring: percent(t.Phases[PhaseConfiguring], total),
		},
		PercentSuccessful: percent(t.Successful, total),
		PercentFailed:     percent(t.Failed, total),
		PercentStaged:     percent(t.Staged, total),
		ErrorSummary:      summarise(t.Errors),
		Timing:            timing(s, now),
	}
}

// percent has two decimals. It is 0 for none and 100 for all only: one node of
// very many that is missing must not be rounded away.
func percent(part, whole int) float64 {
	if whole == 0 || part == 0 {
		return 0
	}
	if part == whole {
		return 100
	}
	return min(max(math.Round(float64(part)*10000/float64(whole))/100, 0.01), 99.99)
}

// maxErrorTexts is how many errors of a session are shown as they are. More mostly
// say the same, each with the address of another BMC.
const maxErrorTexts = 10

func summarise(errorsOf map[string][]string) map[string]ErrorComponents {
	if len(errorsOf) > maxErrorTexts {
		errorsOf = alike(errorsOf)
	}
	summary := make(map[string]ErrorComponents, len(errorsOf))
	for text, ids := range errorsOf {
		slices.SortFunc(ids, CompareXnames)
		list := strings.Join(ids[:min(len(ids), errorListLength)], ",")
		if len(ids) > errorListLength {
			list += "..."
		}
		summary[text] = ErrorComponents{Count: len(ids), List: list}
	}
	return summary
}

// alike puts errors together that differ in names, addresses and numbers alone,
// under the text of their first node.
func alike(errorsOf map[string][]string) map[string][]string {
	type group struct {
		text, first string
		texts       int
		ids         []string
	}
	groups := make(map[string]*group)
	for text, ids := range errorsOf {
		first := slices.MinFunc(ids, CompareXnames)
		g := groups[shape(text)]
		if g == nil {
			g = &group{text: text, first: first}
			groups[shape(text)] = g
		}
		if CompareXnames(first, g.first) < 0 {
			g.text, g.first = text, first
		}
		g.texts++
		g.ids = append(g.ids, ids...)
	}
	together := make(map[string][]string, len(groups))
	for _, g := range groups {
		if g.texts > 1 {
			g.text += fmt.Sprintf(" (this is %s; %d more errors differ from it in names and numbers alone)", g.first, g.texts-1)
		}
		together[g.text] = g.ids
	}
	return together
}

// shape is a text without the words that name something: those with a digit, and
// addresses.
func shape(text string) string {
	words := strings.Fields(text)
	return strings.Join(slices.DeleteFunc(words, func(word string) bool {
		return strings.ContainsAny(word, "0123456789") || strings.Contains(word, "://")
	}), " ")
}

func timing(s SessionRecord, now time.Time) SessionTiming {
	t := SessionTiming{StartTime: s.Status.StartTime, EndTime: s.Status.EndTime}
	end := now
	if !t.EndTime.IsZero() {
		end = t.EndTime.Time
	}
	if !t.StartTime.IsZero() {
		t.Duration = Duration(end.Sub(t.StartTime.Time))
	}
	return t
}

// Duration writes a length of time as BOS does: h:mm:ss, days in front from
// 24 h, microseconds behind where there are fractions of a second.
func Duration(d time.Duration) string {
	d = max(d, 0).Truncate(time.Microsecond)
	const day = 24 * time.Hour
	days, rest := d/day, d%day
	text := fmt.Sprintf("%d:%02d:%02d", rest/time.Hour, rest%time.Hour/time.Minute, rest%time.Minute/time.Second)
	if micros := rest % time.Second / time.Microsecond; micros != 0 {
		text += fmt.Sprintf(".%06d", micros)
	}
	switch {
	case days == 1:
		return "1 day, " + text
	case days > 1:
		return fmt.Sprintf("%d days, %s", days, text)
	default:
		return text
	}
}
