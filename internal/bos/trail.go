package bos

import "time"

// ScriptFetch is that a host was given the boot script of what was written for it.
type ScriptFetch struct {
	// Host is as it was written for, mostly an xname; Token is that of the write.
	Host, Token string
	// Again says that the host asked as it could not load or start what the script
	// that it had before names.
	Again bool
}

// Trail is what a node has fetched of the boot script of one write of boot
// parameters: how far its boot came before there is a report.
type Trail struct {
	Token string
	// Fetched is how often it was given the script, Again how often of that as it
	// could not load or start what the script names.
	Fetched, Again int
	// Last is when that was taken note of.
	Last time.Time
}

// Add is the trail with one more fetch; one of another write begins it anew.
func (t Trail) Add(f ScriptFetch, now time.Time) Trail {
	if f.Token != t.Token {
		t = Trail{Token: f.Token}
	}
	t.Fetched++
	if f.Again {
		t.Again++
	}
	t.Last = now
	return t
}
