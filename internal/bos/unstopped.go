package bos

import "strings"

// Unstopped is what somebody else says, for who goes on behind it: without the full stop at
// its end, of which "; " would make two stops. Dots that leave something out stay.
func Unstopped(said string) string {
	cut := strings.TrimRight(said, " ")
	if strings.HasSuffix(cut, "..") || !strings.HasSuffix(cut, ".") {
		return said
	}
	return strings.TrimSuffix(cut, ".")
}
