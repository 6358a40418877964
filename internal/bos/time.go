package bos

import (
	"fmt"
	"strings"
	"time"
)

// TimeLayout is how BOS writes a time: UTC, whole seconds, no zone suffix
// (bos-contract section 2), although the published schema says date-time.
const TimeLayout = "2006-01-02T15:04:05"

// Time is a point in time as BOS records carry it. The zero Time is "never"
// and is written as null.
type Time struct{ time.Time }

// At makes a record time of t: UTC, cut to whole seconds.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Second)}
}

// String is the wire form, or an empty string for never.
func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(TimeLayout)
}

// MarshalJSON writes the wire form, null for never.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + t.String() + `"`), nil
}

// UnmarshalJSON reads the wire form; a zone suffix and fractions are accepted
// because exports of other BOS versions carry them.
func (t *Time) UnmarshalJSON(b []byte) error {
	s := strings.Trim(string(b), `"`)
	if s == "null" || s == "" {
		*t = Time{}
		return nil
	}
	for _, layout := range []string{TimeLayout, time.RFC3339Nano} {
		if parsed, err := time.Parse(layout, s); err == nil {
			*t = At(parsed)
			return nil
		}
	}
	return fmt.Errorf("time %q is not of the form %s", s, TimeLayout)
}
