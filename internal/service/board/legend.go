package board

import (
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The numbers that columns are written in, and what they mean. A number is good for one
// stream: the next version of the program may have others.
var (
	waitCodes, waits   = codesOf(bos.WaitReasons(), bos.WaitReason.Sentence)
	causeCodes, causes = codesOf(sortedCauses(), bos.Cause.Sentence)
	legend             = bos.StreamLegend{States: states(), Waits: waits, Causes: causes}
)

// codesOf numbers names from 1; 0 is none.
func codesOf[T ~string](names []T, sentence func(T) string) (map[T]int, []bos.StreamCode) {
	numbers, list := make(map[T]int, len(names)), []bos.StreamCode{{}}
	for _, name := range names {
		if name == "" {
			continue
		}
		numbers[name] = len(list)
		list = append(list, bos.StreamCode{Name: string(name), Sentence: sentence(name)})
	}
	return numbers, list
}

func sortedCauses() []bos.Cause {
	causes := bos.Causes()
	slices.Sort(causes)
	return causes
}

func states() []bos.StreamCode {
	var list []bos.StreamCode
	for _, s := range bos.NodeStates() {
		list = append(list, bos.StreamCode{Name: s.String(), Sentence: s.Sentence()})
	}
	return list
}
