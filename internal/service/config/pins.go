package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// pinsHead begins a file of pins that did not exist.
const pinsHead = "# The SHA-256 of the only certificate that each BMC may have.\n"

// WithPins is the text of a file of pins with some more, or others in the place of those
// that it had. Comments and the order of lines stay.
func WithPins(text string, pins map[string]string) string {
	left := maps.Clone(pins)
	if strings.TrimSpace(text) == "" {
		text = pinsHead
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	kept := lines[:0]
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			kept = append(kept, line)
			continue
		}
		names, err := BMCs{Names: words[0]}.Xnames()
		if err != nil || len(names) != 1 {
			kept = append(kept, line)
			continue
		}
		pin, other := pins[names[0]]
		if _, first := left[names[0]]; other && !first {
			continue // it was listed twice
		}
		delete(left, names[0])
		if other {
			line = fmt.Sprintf("%s %s", names[0], pin)
		}
		kept = append(kept, line)
	}
	for _, name := range slices.SortedFunc(maps.Keys(left), bos.CompareXnames) {
		kept = append(kept, fmt.Sprintf("%s %s", name, left[name]))
	}
	return strings.Join(kept, "\n") + "\n"
}
