package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Workload says how nodes are drained before their power is touched, and returned when
// they have booted. Without a manager nothing is.
type Workload struct {
	// Manager is slurm, flux or pbs; empty is none.
	Manager string `yaml:"manager"`
	// Folder is where its commands are; empty is by PATH. Environment is what they get
	// besides PATH and HOME, such as SLURM_CONF=/etc/slurm/slurm.conf. Timeout bounds each;
	// 0 is 30 s.
	Folder      string        `yaml:"folder"`
	Environment []string      `yaml:"environment"`
	Timeout     time.Duration `yaml:"timeout"`
	// NameFormat makes the manager's names of NIDs, such as nid%06d; NamesFile has lines
	// of an xname and a name. Without either nodes are called by their xnames there.
	NameFormat string `yaml:"name_format"`
	NamesFile  string `yaml:"names_file"`
	// DrainDeadline is how long jobs have to end; 0 is 24h. NotIdle is what becomes of a
	// node on which jobs run then: fail, exclude or reboot; empty is fail.
	DrainDeadline time.Duration `yaml:"drain_deadline"`
	NotIdle       string        `yaml:"not_idle"`
	// ReturnDeadline is how long the manager has to take a node back; 0 is 30m.
	ReturnDeadline time.Duration `yaml:"return_deadline"`
	// Unmanaged is what becomes of a node that the manager does not know: fail or boot;
	// empty is fail.
	Unmanaged string `yaml:"unmanaged"`
}

// Health is a command that says whether nodes that have booted are fit for work. Without
// a command nobody is asked.
type Health struct {
	// Command is the program, by its path, and its arguments.
	Command []string `yaml:"command"`
	// Environment is what it gets besides PATH and HOME. Timeout bounds each run; 0 is
	// 30 s. Deadline is how long a node has to become healthy; 0 is 10m.
	Environment []string      `yaml:"environment"`
	Timeout     time.Duration `yaml:"timeout"`
	Deadline    time.Duration `yaml:"deadline"`
}

// maxCommandTime bounds a command: a call of the engine lasts no longer.
const maxCommandTime = 90 * time.Second

// nameFormat is one that makes a name of a number, and nothing else.
var nameFormat = regexp.MustCompile(`^[A-Za-z0-9._-]*%(0[1-9])?d[A-Za-z0-9._-]*$`)

func (c Config) workload() error {
	w := c.Workload
	if w.Manager == "" {
		if w.Folder != "" || len(w.Environment) > 0 || w.DrainDeadline != 0 || w.NotIdle != "" || w.ReturnDeadline != 0 || w.Unmanaged != "" {
			return errors.New("workload.manager is missing, so nothing would be drained; write slurm, flux or pbs, or leave the other settings of workload out")
		}
		return c.Health.validate()
	}
	for _, word := range []struct {
		setting, is string
		allowed     []string
	}{
		{"workload.manager", w.Manager, []string{"slurm", "flux", "pbs"}},
		{"workload.not_idle", w.NotIdle, []string{"", string(bos.NotIdleFail), string(bos.NotIdleExclude), string(bos.NotIdleReboot)}},
		{"workload.unmanaged", w.Unmanaged, []string{"", string(bos.UnmanagedFail), string(bos.UnmanagedBoot)}},
	} {
		if err := oneOf(word.setting, word.is, word.allowed); err != nil {
			return err
		}
	}
	switch {
	case w.NameFormat != "" && w.NamesFile != "":
		return errors.New("workload.name_format and workload.names_file are both set; keep one")
	case w.NameFormat != "" && !nameFormat.MatchString(w.NameFormat):
		return fmt.Errorf("workload.name_format %q makes no name of a NID; write one %%d or %%06d among letters, digits, '-', '.' and '_', such as nid%%06d", w.NameFormat)
	case w.NameFormat != "" && c.Inventory.HSM == nil && c.Inventory.InventoryService == nil && c.Inventory.File == "":
		return errors.New("workload.name_format needs an inventory, which has the NIDs")
	case w.DrainDeadline < 0 || w.ReturnDeadline < 0:
		return errors.New("workload.drain_deadline and workload.return_deadline are durations such as 24h, and none is negative")
	}
	if err := commandSettings("workload", w.Timeout, w.Environment); err != nil {
		return err
	}
	return c.Health.validate()
}

func (h Health) validate() error {
	switch {
	case len(h.Command) == 0 && (h.Deadline != 0 || h.Timeout != 0 || len(h.Environment) > 0):
		return errors.New("health.command is missing, so nothing would be checked; name the program, or leave the other settings of health out")
	case len(h.Command) > 0 && !strings.HasPrefix(h.Command[0], "/"):
		return fmt.Errorf("health.command %q is no path; write the program with its whole path, such as /usr/local/sbin/check-nodes", h.Command[0])
	case h.Deadline < 0:
		return fmt.Errorf("health.deadline %s is negative; use a duration such as 10m", h.Deadline)
	}
	return commandSettings("health", h.Timeout, h.Environment)
}

func oneOf(setting, is string, allowed []string) error {
	var words []string
	for _, word := range allowed {
		if is == word {
			return nil
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return fmt.Errorf("%s %q is none of %s", setting, is, strings.Join(words, ", "))
}

func commandSettings(section string, timeout time.Duration, environment []string) error {
	if timeout < 0 || timeout > maxCommandTime {
		return fmt.Errorf("%s.timeout %s is not between 0 and %s; use a duration such as 30s", section, timeout, maxCommandTime)
	}
	for _, entry := range environment {
		if name, _, ok := strings.Cut(entry, "="); !ok || name == "" {
			return fmt.Errorf("%s.environment %q is no NAME=VALUE", section, entry)
		}
	}
	return nil
}
