package bos_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestASentenceThatIsGoneOnWithHasNoFullStop(t *testing.T) {
	for said, want := range map[string]string{
		"The request failed.":           "The request failed",
		"The request failed. ":          "The request failed",
		"One. Two.":                     "One. Two",
		"no stop":                       "no stop",
		"what is left out...":           "what is left out...",
		"and with one sign…":            "and with one sign…",
		"":                              "",
		".":                             "",
		"a question?":                   "a question?",
		"no stop, and a space at last ": "no stop, and a space at last ",
	} {
		if got := bos.Unstopped(said); got != want {
			t.Errorf("%q becomes %q, want %q", said, got, want)
		}
	}
}
