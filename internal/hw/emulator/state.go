package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const stateFile = "emulator.json"

// maxState bounds the state file, in bytes.
const maxState = 256 << 20

// state is what a state folder remembers from one start to the next, beside
// the CA.
type state struct {
	Seed uint64 `json:"seed"`
	// Port and BMCPort are those last listened on, taken again where the
	// address to listen on names no port.
	Port    int `json:"port"`
	BMCPort int `json:"bmc_port"`
	// Slots number the BMCs' addresses. A BMC that is gone keeps its own.
	Slots map[string]int `json:"slots"`
	Room  *savedRoom     `json:"room,omitempty"`
}

// readState is an empty state for a folder that has none.
func readState(dir string) (state, error) {
	path := filepath.Join(dir, stateFile)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return state{Slots: make(map[string]int)}, nil
	}
	var s state
	if err == nil && info.Size() > maxState {
		err = fmt.Errorf("it is larger than %d bytes", maxState)
	}
	var body []byte
	if err == nil {
		body, err = os.ReadFile(path) //nolint:gosec // the state folder is the administrator's
	}
	if err == nil {
		err = json.Unmarshal(body, &s)
	}
	if err != nil {
		return state{}, fmt.Errorf("the emulator's state %s cannot be read: %w; remove the file to start anew", path, err)
	}
	if s.Slots == nil {
		s.Slots = make(map[string]int)
	}
	return s, nil
}

func (s state) write(dir string) error {
	body, err := json.Marshal(s)
	if err == nil {
		err = writeFile(filepath.Join(dir, stateFile), body)
	}
	if err != nil {
		return fmt.Errorf("the emulator's state in %s cannot be written: %w", dir, err)
	}
	return nil
}

// savedRoom is what nodes and BSS keep over a restart of the emulator. Boot
// parameters are stored once, as thousands of nodes share them.
type savedRoom struct {
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

// save takes the state of all nodes; changes of power count as done.
func (r *Room) save(now time.Time) *savedRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	saved := &savedRoom{Nodes: make(map[string]savedNode, len(r.order))}
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

// restore puts nodes back into a saved state. Those that had booted report
// again, as the reporter of a real node does from time to time.
func (r *Room) restore(saved *savedRoom, now time.Time) {
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
