package engine

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxConfigurations bounds the configurations whose time is remembered. A site has some
// dozens; beyond the bound all are learned anew.
const maxConfigurations = 1000

// How far one node moves the known time of a configuration, as one part in so many: up
// where it took longer, as far as its own time lies beyond it, and down, so little that
// it counts in large rooms only, where it was done with the first question.
const (
	longerPart, longestPart = 4, 64
	shorterPart             = 1 << 16
)

// configurationDue is when the configuration under way on a node is expected to be
// applied; zero if that is not known.
func (e *Engine) configurationDue(n *node) time.Time {
	took, ok := e.configurations[n.rec.DesiredState.Configuration]
	if !ok || n.watch.reported.IsZero() || n.watch.reported.Before(n.rec.Work.Attempt.At) {
		return time.Time{}
	}
	return n.watch.reported.Add(took)
}

// learnConfiguration takes in that a configuration was applied between two answers of
// the configuration service, counted from the node's report. One node moves what is
// known of all by little: its own may have been held up.
func (e *Engine) learnConfiguration(n *node, r bos.ConfigurationReading) {
	name, was := n.rec.DesiredState.Configuration, n.configuration
	if name == "" || r.Desired != name || r.Status != bos.ConfigurationDone ||
		n.watch.reported.IsZero() || was.Asked.Before(n.watch.reported) || was.Desired != name || was.Status != bos.ConfigurationPending {
		return
	}
	before, asked := was.Asked.Sub(n.watch.reported), r.Asked.Sub(n.watch.reported)
	known, ok := e.configurations[name]
	switch {
	case !ok:
		known = (before + asked) / 2
	case before > known:
		known += min((before-known)/longerPart, known/longestPart)
	default:
		known -= known / shorterPart
	}
	if !ok && len(e.configurations) >= maxConfigurations {
		clear(e.configurations)
	}
	e.configurations[name] = known
}
