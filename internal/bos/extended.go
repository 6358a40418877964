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

// Extended computes the extended status of a session from the components it
// owns or has staged (bos-contract section 6).
func Extended(s SessionRecord, managed []Record, now time.Time) ExtendedStatus {
	var staged, successful, failed, on, off, configuring int
	errorsOf := make(map[string][]string)
	for _, r := range managed {
		if r.Session != s.Name {
			staged++
			continue
		}
		switch r.DeriveStatus() {
		case StatusStable:
			successful++
		case StatusFailed:
			failed++
		}
		if r.Enabled && r.Status.StatusOverride != StatusOnHold {
			switch r.Status.Phase {
			case PhasePoweringOn:
				on++
			case PhasePoweringOff:
				off++
			case PhaseConfiguring:
				configuring++
			case PhaseNone:
			}
		}
		if r.Error != "" {
			errorsOf[r.Error] = append(errorsOf[r.Error], r.ID)
		}
	}
	total := len(managed)
	return ExtendedStatus{
		Status:                 s.Status.Status,
		ManagedComponentsCount: total,
		Phases: PhasePercentages{
			PercentComplete:    percent(successful+failed, total),
			PercentPoweringOn:  percent(on, total),
			PercentPoweringOff: percent(off, total),
			PercentConfiguring: percent(configuring, total),
		},
		PercentSuccessful: percent(successful, total),
		PercentFailed:     percent(failed, total),
		PercentStaged:     percent(staged, total),
		ErrorSummary:      summarise(errorsOf),
		Timing:            timing(s, now),
	}
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	rounded := math.Round(float64(part)*10000/float64(whole)) / 100
	if rounded == 100 && part < whole {
		return 99.99 // all but one of very many is not all
	}
	return rounded
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
	days, rest := d/(24*time.Hour), d%(24*time.Hour)
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
