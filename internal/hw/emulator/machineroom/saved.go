package machineroom

import (
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Saved is what nodes and BSS keep over a restart of the emulator. Boot
// parameters are stored once, as thousands of nodes share them.
type Saved struct {
	Scripts []savedScript        `json:"scripts"`
	Nodes   map[string]savedNode `json:"nodes"`
}

type savedScript struct {
	bos.BootArtifacts
	Token string `json:"token"`
}

// savedNode refers to scripts by their place, counted from 1; 0 is none.
type savedNode struct {
	On     bool `json:"on,omitempty"`
	Script int  `json:"script,omitempty"`
	Booted int  `json:"booted,omitempty"`
	// Booting says that it had not booted yet: its agent is still to come.
	Booting bool `json:"booting,omitempty"`
	// CFS is nil for a node that has nothing there.
	CFS *cfsRecord `json:"cfs,omitempty"`
}

// Save takes the state of all nodes; changes of power count as done.
func (r *Room) Save(now time.Time) *Saved {
	r.mu.Lock()
	defer r.mu.Unlock()
	saved := &Saved{Nodes: make(map[string]savedNode, len(r.order))}
	places := map[script]int{{}: 0}
	place := func(s script) int {
		at, ok := places[s]
		if !ok {
			saved.Scripts = append(saved.Scripts, savedScript{s.artifacts, s.token})
			at = len(saved.Scripts)
			places[s] = at
		}
		return at
	}
	for _, n := range r.order {
		r.advance(n, now)
		s := savedNode{On: n.phase != phaseOff && (n.phase != phasePoweringOff || n.restart), Script: place(n.script)}
		switch n.phase {
		case phaseBooting, phaseUp:
			s.Booted, s.Booting = place(n.fetched), n.phase == phaseBooting
		case phasePoweringOn:
			s.Booted, s.Booting = s.Script, true
		case phaseOff, phasePoweringOff:
		}
		if c := n.cfs; c.Desired != "" || c.Enabled || c.Retries != nil || len(c.State)+len(c.Tags)+c.ErrorCount > 0 {
			s.CFS = &c
		}
		saved.Nodes[n.ID] = s
	}
	return saved
}

// Restore puts nodes back into a saved state. Those that had booted report
// again, as the reporter of a real node does from time to time.
func (r *Room) Restore(saved *Saved, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := func(place int) script {
		if place < 1 || place > len(saved.Scripts) {
			return script{}
		}
		s := saved.Scripts[place-1]
		return script{s.BootArtifacts, s.Token}
	}
	for _, n := range r.order {
		s, ok := saved.Nodes[n.ID]
		if !ok {
			continue
		}
		n.script, n.phase = at(s.Script), phaseOff
		if s.CFS != nil {
			n.cfs = *s.CFS
		}
		if !s.On {
			continue
		}
		n.phase, n.fetched = phaseUp, at(s.Booted)
		if n.fetched != (script{}) {
			if s.Booting {
				n.phase = phaseBooting
			}
			n.boot++
			r.wake(n, timerPhase, now)
			r.configure(n, now)
		}
	}
}
