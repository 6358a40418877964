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

// Extended computes the extended status of a session (bos-contract section 6).
// managed are the components that the session owns or has staged, each once;
// others are left out of account. A component that it both owns and has staged
// counts as owned. Staged components have no phase, outcome or error of this
// session yet.
func Extended(s SessionRecord, managed []Record, now time.Time) ExtendedStatus {
	var total, staged, successful, failed int
	phases := make(map[Phase]int)
	errorsOf := make(map[string][]string)
	for _, r := range managed {
		if r.Session != s.Name {
			if r.StagedState.Session == s.Name {
				staged++
				total++
			}
			continue
		}
		total++
		switch r.DeriveStatus() {
		case StatusStable:
			successful++
		case StatusFailed:
			failed++
		}
		if r.Enabled && r.Status.StatusOverride != StatusOnHold {
			phases[r.Status.Phase]++
		}
		if r.Error != "" {
			errorsOf[r.Error] = append(errorsOf[r.Error], r.ID)
		}
	}
	return ExtendedStatus{
		Status:                 s.Status.Status,
		ManagedComponentsCount: total,
		Phases: PhasePercentages{
			PercentComplete:    percent(successful+failed, total),
			PercentPoweringOn:  percent(phases[PhasePoweringOn], total),
			PercentPoweringOff: percent(phases[PhasePoweringOff], total),
			PercentConfiguring: percent(phases[PhaseConfiguring], total),
		},
		PercentSuccessful: percent(successful, total),
		PercentFailed:     percent(failed, total),
		PercentStaged:     percent(staged, total),
		ErrorSummary:      summarise(errorsOf),
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

func summarise(errorsOf map[string][]string) map[string]ErrorComponents {
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
