package wlm

import "testing"

func TestTheWordsOfAProgramAreOnOneLineAndCanBeGoneOnWith(t *testing.T) {
	for words, want := range map[string]string{"": "", "no such node.\n": ": no such node", "slurm: error:\n  it is down": ": slurm: error: it is down", "wait...\n": ": wait..."} {
		if got := said(words); got != want {
			t.Errorf("%q becomes %q, want %q", words, got, want)
		}
	}
}
