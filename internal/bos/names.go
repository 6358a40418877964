package bos

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits on names, in characters (bos-contract section 2).
const (
	// MaxName bounds the names of templates, sessions and boot sets.
	MaxName = 127
	// MaxTenantName bounds the name of a tenant.
	MaxTenantName = 127
	// MaxComponentID bounds the id of a component.
	MaxComponentID = 127
	// MaxLimit bounds a session's limit and its list of components.
	MaxLimit = 524288
	// MaxError bounds error texts and status overrides.
	MaxError = 65536
	// maxAge bounds an age such as 7d.
	maxAge = 8
)

// NameRule says what ValidName accepts, for people.
const NameRule = "1 to 127 letters, digits, '-', '.' and '_', with a letter or digit at both ends"

// ValidName reports whether s can name a template, session or boot set.
func ValidName(s string) bool {
	if s == "" || len(s) > MaxName || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if !alphanumeric(s[i]) && s[i] != '-' && s[i] != '.' && s[i] != '_' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// ValidTenantName reports whether s can name a tenant.
func ValidTenantName(s string) bool { return s != "" && tooLong(s, MaxTenantName) == nil }

// ValidComponentID reports whether s can be the id of a component. It need not
// be an xname.
func ValidComponentID(s string) bool { return s != "" && tooLong(s, MaxComponentID) == nil }

// IsNID reports whether a name in a node list or limit is a node id (nid000001)
// instead of an xname.
func IsNID(s string) bool { return len(s) >= 3 && strings.EqualFold(s[:3], "nid") }

var ageUnits = map[byte]time.Duration{
	'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
}

// ParseAge reads an age: 0, or a number without leading zeros and one of the
// units m, h, d and w in either case. An age beyond what a Duration holds (292
// years) is cut to that. The error is an *Invalid without a field.
func ParseAge(s string) (time.Duration, error) {
	bad := Invalidf("", "%q is no age; write 0, or a number and one of m, h, d, w, such as 90m or 7d, in at most %d characters", clip(s), maxAge)
	if s == "0" {
		return 0, nil
	}
	if len(s) < 2 || len(s) > maxAge {
		return 0, bad
	}
	digits := s[:len(s)-1]
	unit, ok := ageUnits[s[len(s)-1]|0x20]
	if !ok || digits[0] == '0' && len(digits) > 1 {
		return 0, bad
	}
	n := time.Duration(0)
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, bad
		}
		n = n*10 + time.Duration(digits[i]-'0')
	}
	if n > math.MaxInt64/unit {
		return math.MaxInt64, nil
	}
	return n * unit, nil
}

// tooLong is nil for a string of at most limit characters, else an *Invalid
// without a field.
func tooLong(s string, limit int) error {
	if len(s) <= limit {
		return nil
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return Invalidf("", "has %d characters, at most %d are allowed", n, limit)
	}
	return nil
}

// clip shortens a value that goes into an error text.
func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
