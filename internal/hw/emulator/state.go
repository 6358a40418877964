package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
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
	Slots map[string]int     `json:"slots"`
	Room  *machineroom.Saved `json:"room,omitempty"`
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
