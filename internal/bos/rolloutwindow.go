package bos

import (
	"fmt"
	"strings"
	"time"
)

// RolloutWindow is a time of the week in which nodes may be started.
type RolloutWindow struct {
	// Days are those on which it begins, by their first three letters; none is every
	// day.
	Days []string `json:"days,omitempty"`
	// StartTime is when it begins, as 22:30.
	StartTime     string `json:"start_time"`
	LengthMinutes int    `json:"length_minutes"`
	// TimeZone is one of the IANA time zone database, UTC where it is empty.
	TimeZone string `json:"time_zone,omitempty"`
}

// RolloutFreeze is a time in which no node is started.
type RolloutFreeze struct {
	From   time.Time `json:"from"`
	Until  time.Time `json:"until"`
	Reason string    `json:"reason,omitempty"`
}

// maxWindowMinutes is a week.
const maxWindowMinutes = 7 * 24 * 60

// Clock is the window with its time zone, to be asked. Nil is always open.
func (w *RolloutWindow) Clock() (*WindowClock, error) {
	if w == nil {
		return nil, nil //nolint:nilnil // no window is an answer
	}
	zone, err := time.LoadLocation(w.TimeZone)
	if err != nil || w.TimeZone == "Local" {
		return nil, Invalidf("time_zone", "%q is no time zone; use a name such as Europe/Zurich, or leave it out for UTC", w.TimeZone)
	}
	at, err := time.Parse("15:04", w.StartTime)
	if err != nil {
		return nil, Invalidf("start_time", "%q is no time of a day; write it as 22:30", w.StartTime)
	}
	if w.LengthMinutes < 1 || w.LengthMinutes > maxWindowMinutes {
		return nil, Invalidf("length_minutes", "%d is not from 1 to %d minutes, which is a week", w.LengthMinutes, maxWindowMinutes)
	}
	clock := &WindowClock{zone: zone, hour: at.Hour(), minute: at.Minute(), length: time.Duration(w.LengthMinutes) * time.Minute}
	for _, name := range w.Days {
		day, ok := weekday(name)
		if !ok {
			return nil, Invalidf("days", "%q is no day; use Mon, Tue, Wed, Thu, Fri, Sat or Sun", name)
		}
		clock.days[day] = true
	}
	if len(w.Days) == 0 {
		for day := range clock.days {
			clock.days[day] = true
		}
	}
	return clock, nil
}

func weekday(name string) (time.Weekday, bool) {
	for day := range time.Saturday + 1 {
		if strings.EqualFold(day.String()[:3], name) {
			return day, true
		}
	}
	return 0, false
}

// WindowClock says whether a window is open.
type WindowClock struct {
	zone         *time.Location
	days         [7]bool
	hour, minute int
	length       time.Duration
}

// Open reports whether the window is open at a time, and else when it opens next.
func (c *WindowClock) Open(at time.Time) (open bool, next time.Time) {
	if c == nil {
		return true, time.Time{}
	}
	local := at.In(c.zone)
	for back := 7; back >= -8; back-- {
		start := time.Date(local.Year(), local.Month(), local.Day()-back, c.hour, c.minute, 0, 0, c.zone)
		switch {
		case !c.days[start.Weekday()]:
		case start.After(at):
			return false, start
		case at.Before(start.Add(c.length)):
			return true, time.Time{}
		}
	}
	return false, at.Add(time.Hour) // a day is always found; asked again rather than never
}

// Frozen is the freeze that a time lies in.
func (r Rollout) Frozen(at time.Time) (RolloutFreeze, bool) {
	for _, f := range r.Freeze {
		if !at.Before(f.From) && at.Before(f.Until) {
			return f, true
		}
	}
	return RolloutFreeze{}, false
}

func (f RolloutFreeze) String() string {
	said := ""
	if f.Reason != "" {
		said = ": " + f.Reason
	}
	return fmt.Sprintf("frozen until %s%s", f.Until.UTC().Format(time.RFC3339), said)
}
