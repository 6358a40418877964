package bos

import (
	"cmp"
	"regexp"
	"strings"
)

var (
	nodePattern = regexp.MustCompile(`^(x[0-9]{1,6}c[0-9]{1,4})(s[0-9]{1,4}b[0-9]{1,4})n[0-9]{1,4}$`)
	xnameWord   = regexp.MustCompile(`^x[0-9]+([a-z][0-9]+)*$`)
)

// CanonicalXname is the form in which xnames are kept: lower case, numbers
// without leading zeros. Other strings are only lower-cased.
func CanonicalXname(s string) string {
	s = strings.ToLower(s)
	if !xnameWord.MatchString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		leadingZero := s[i] == '0' && !digit(s[i-1]) && i+1 < len(s) && digit(s[i+1])
		if leadingZero {
			for i+1 < len(s) && s[i] == '0' && digit(s[i+1]) {
				i++
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// IsNodeXname reports whether s is the canonical xname of a node.
func IsNodeXname(s string) bool { return nodePattern.MatchString(s) && CanonicalXname(s) == s }

// BMCOf is the xname of the BMC of a node; an id that is no node xname is its
// own BMC.
func BMCOf(id string) string {
	if m := nodePattern.FindStringSubmatch(id); m != nil {
		return m[1] + m[2]
	}
	return id
}

// ChassisOf is the xname of the chassis of a node or BMC, empty if id is neither.
func ChassisOf(id string) string {
	i := strings.IndexByte(id, 's')
	if i < 0 || !xnameWord.MatchString(id) {
		return ""
	}
	return id[:i]
}

// CompareXnames orders by text with numbers by value: n2 before n10.
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

// number splits the digits off the front of s.
func number(s string) (digits, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}
