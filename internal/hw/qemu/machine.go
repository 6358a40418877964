package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Host is the address by which a machine reaches the loopback addresses of the host it
// runs on: that of QEMU's own network.
const Host = "10.0.2.2"

// machine is a virtual machine, on while its process lives.
type machine struct {
	id, mac, uuid string
	// command are the program and its arguments.
	command []string
	log     *slog.Logger

	mu sync.Mutex
	// running is its power; nil is off.
	running *run
}

// run is a machine from its power-on to its power-off.
type run struct {
	cmd *exec.Cmd
	// monitor takes QEMU's commands.
	monitor io.WriteCloser
	over    chan struct{} // closed when the process has ended
}

// on reports whether the machine has power.
func (m *machine) on() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running != nil
}

// start switches the machine on; one that is on stays as it is.
func (m *machine) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running != nil {
		return nil
	}
	cmd := exec.Command(m.command[0], m.command[1:]...) //nolint:gosec,noctx // who runs this says which program; stop ends it
	dieWithParent(cmd)
	said := &lastWords{}
	cmd.Stderr = said
	monitor, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w; install QEMU, such as Debian's packages qemu-system-x86 and ipxe-qemu", m.command[0], err)
	}
	r := &run{cmd: cmd, monitor: monitor, over: make(chan struct{})}
	m.running = r
	m.log.Info("power on", "node", m.id, "process", cmd.Process.Pid)
	go m.watch(r, answers, said)
	return r.say("qmp_capabilities")
}

// watch notes what QEMU tells of a machine, until its end.
func (m *machine) watch(r *run, answers io.Reader, said *lastWords) {
	lines := bufio.NewScanner(answers)
	for lines.Scan() {
		var told struct {
			Event string
			Data  json.RawMessage
			Error *struct{ Desc string }
		}
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			continue // the greeting, or what a later QEMU may say
		}
		switch {
		case told.Error != nil:
			m.log.Warn("QEMU refuses a command", "node", m.id, "error", told.Error.Desc)
		case told.Event == "RESET", told.Event == "SHUTDOWN", told.Event == "POWERDOWN":
			m.log.Info("QEMU says", "node", m.id, "event", told.Event, "data", string(told.Data))
		}
	}
	_, _ = io.Copy(io.Discard, answers) // after a line that is too long
	err := r.cmd.Wait()
	m.mu.Lock()
	if m.running == r {
		m.running = nil
	}
	m.mu.Unlock()
	if text := said.String(); err != nil && text != "" {
		m.log.Warn("power off", "node", m.id, "ended", err, "said", text)
	} else {
		m.log.Info("power off", "node", m.id)
	}
	close(r.over)
}

// say sends a command to QEMU's monitor.
func (r *run) say(command string) error {
	_, err := fmt.Fprintf(r.monitor, "{\"execute\":%q}\n", command)
	return err
}

// press is the power button, which the system that runs may take as it likes. Of a
// machine that is off it is nothing.
func (m *machine) press() error { return m.tell("system_powerdown") }

// reset restarts the machine without a word to its system.
func (m *machine) reset() error { return m.tell("system_reset") }

func (m *machine) tell(command string) error {
	m.mu.Lock()
	r := m.running
	m.mu.Unlock()
	if r == nil {
		return nil
	}
	err := r.say(command)
	if errors.Is(err, os.ErrClosed) {
		return nil // it has just ended
	}
	return err
}

// stop takes the power away and waits until it is gone.
func (m *machine) stop(ctx context.Context) error {
	m.mu.Lock()
	r := m.running
	m.mu.Unlock()
	if r == nil {
		return nil
	}
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-r.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// arguments are what QEMU is started with.
func (c Config) arguments(id, mac, uuid string) ([]string, error) {
	console := c.console(id)
	args := []string{
		c.QEMU, "-name", id, "-uuid", uuid, "-accel", "tcg", "-m", fmt.Sprint(c.Memory), "-nodefaults", "-display", "none",
		// The console goes on in the same file over boots: what a node said before it
		// restarted is what one looks for.
		"-chardev", "file,id=console,append=on,path=" + quoted(console), "-serial", "chardev:console", "-qmp", "stdio",
		"-netdev", "user,id=net,bootfile=" + quoted(c.BootScripts+"/bootscript?mac="+mac),
		// Without an index SeaBIOS would not try the card, and with -boot n it skips iPXE.
		"-device", "virtio-net-pci,netdev=net,bootindex=1,mac=" + mac,
	}
	if !c.UEFI {
		return append(args, "-machine", "pc,graphics=off"), nil
	}
	variables := filepath.Join(c.StateDir, id+".efivars")
	if err := copyFile(filepath.Join(c.Firmware, "OVMF_VARS_4M.fd"), variables); err != nil {
		return nil, fmt.Errorf("%w; install UEFI firmware for QEMU, such as Debian's package ovmf, or say where it is", err)
	}
	return append(args, "-machine", "q35,graphics=off",
		"-drive", "if=pflash,format=raw,unit=0,readonly=on,file="+quoted(filepath.Join(c.Firmware, "OVMF_CODE_4M.fd")),
		"-drive", "if=pflash,format=raw,unit=1,file="+quoted(variables)), nil
}

// quoted is a value as QEMU takes it, which ends one with a comma.
func quoted(value string) string { return strings.ReplaceAll(value, ",", ",,") }

// console is the file that the serial port of a machine writes.
func (c Config) console(id string) string { return filepath.Join(c.StateDir, id+".console") }

func copyFile(from, to string) error {
	text, err := os.ReadFile(from) //nolint:gosec // who runs this says where the firmware is
	if err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o600) //nolint:gosec // in the folder of the state
}

// lastWords keeps the end of what a program says.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

const mostWords = 2000

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	l.text = l.text[max(0, len(l.text)-mostWords):]
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
