package bos

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

var (
	xnameWord    = regexp.MustCompile(`^x[0-9]+([a-z][0-9]+)*$`)
	chassisXname = regexp.MustCompile(`^(x[0-9]+c[0-9]+)([a-z][0-9]+)*$`)
)

// levels is how long the part of s is that has the given letters in order, each
// with a number; 0 if s does not begin so. It is asked for every power reading.
func levels(s, letters string) int {
	at := 0
	for i := range len(letters) {
		if at >= len(s) || s[at] != letters[i] {
			return 0
		}
		digits, _ := number(s[at+1:])
		if digits == "" {
			return 0
		}
		at += 1 + len(digits)
	}
	return at
}

// CanonicalXname is the form in which xnames are kept: lower case, numbers
// without leading zeros. Any other name of a component, group or role is kept as it is:
// an inventory may have two that differ in their letters' case alone.
func CanonicalXname(text string) string {
	if text == "" || text[0] != 'x' && text[0] != 'X' {
		return text
	}
	s := strings.ToLower(text)
	if !xnameWord.MatchString(s) {
		return text
	}
	var b strings.Builder
	for rest := s; rest != ""; {
		b.WriteByte(rest[0])
		digits, after := number(rest[1:])
		if digits = strings.TrimLeft(digits, "0"); digits == "" {
			digits = "0"
		}
		b.WriteString(digits)
		rest = after
	}
	return b.String()
}

// CanonicalIDs are ids in the form in which they are kept.
func CanonicalIDs(ids []string) []string {
	if ids == nil {
		return nil
	}
	canonical := make([]string, len(ids))
	for i, id := range ids {
		canonical[i] = CanonicalXname(id)
	}
	return canonical
}

// IsNodeXname reports whether s is the canonical xname of a node.
func IsNodeXname(s string) bool {
	return s != "" && levels(s, "xcsbn") == len(s) && CanonicalXname(s) == s
}

// BMCOf is the xname of the BMC of a node. An id that is no node xname is its
// own BMC, so that each stands for itself.
func BMCOf(id string) string {
	if levels(id, "xcsbn") == len(id) {
		return id[:levels(id, "xcsb")]
	}
	return id
}

// ChassisOf is the xname of the chassis that holds the node, BMC or other part
// of that xname; empty for what is no xname or is not in a chassis.
func ChassisOf(id string) string {
	if m := chassisXname.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// SlotOf is the xname of the slot that holds the node, BMC or other part of that xname;
// empty for what is no xname or is not in a slot.
func SlotOf(id string) string { return id[:levels(id, "xcs")] }

// CabinetOf is the xname of the cabinet of that xname; empty for what is in none.
func CabinetOf(id string) string {
	if len(id) < 2 || id[0] != 'x' || !digit(id[1]) {
		return ""
	}
	number, _ := number(id[1:])
	return id[:1+len(number)]
}

// CompareXnames orders by text with numbers by value: n2 before n10. It is a
// total order of all strings; it is 0 for equal ones only.
func CompareXnames(a, b string) int {
	for a != "" && b != "" {
		if !digit(a[0]) || !digit(b[0]) {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		na, ra := number(a)
		nb, rb := number(b)
		ta, tb := strings.TrimLeft(na, "0"), strings.TrimLeft(nb, "0")
		if c := cmp.Or(cmp.Compare(len(ta), len(tb)), cmp.Compare(ta, tb), cmp.Compare(len(na), len(nb))); c != 0 {
			return c
		}
		a, b = ra, rb
	}
	return cmp.Compare(len(a), len(b))
}

// Distinct is ids without repetitions, in their order.
func Distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// number splits the digits off the front of s.
func number(s string) (digits, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}
