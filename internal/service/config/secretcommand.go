package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// commandTime bounds a command.
const commandTime = 10 * time.Second

// usual are the variables that every command sees. All others of this service may be
// secrets, which are for nobody but who needs them.
var usual = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// Commanded is the source of a secret whose command sees what the settings name of the
// environment.
func (c Config) Commanded(s SecretSource) SecretSource {
	s.passes = c.CommandEnvironment
	return s
}

// commandEnvironment checks the names of variables for commands.
func (c Config) commandEnvironment() error {
	for _, name := range c.CommandEnvironment {
		if name == "" || strings.ContainsAny(name, "= \t\r\n\x00") {
			return fmt.Errorf("command_environment names variables such as VAULT_ADDR, without their values, and one of them has %d characters among which is none, a space or =", len(name))
		}
	}
	return nil
}

// environment is what a command sees: the usual, and what is named, where there is such.
func (s SecretSource) environment(lookup func(string) (string, bool)) []string {
	environment := []string{}
	for _, name := range slices.Concat(usual, s.passes) {
		if value, ok := lookup(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

// names are those of the variables in an environment.
func names(environment []string) []string {
	only := make([]string, len(environment))
	for i, variable := range environment {
		only[i], _, _ = strings.Cut(variable, "=")
	}
	return only
}

func (s SecretSource) run() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...) //nolint:gosec // the administrator names the command
	cmd.WaitDelay = time.Second
	cmd.Env = s.environment(os.LookupEnv)
	out, err := cmd.Output()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", fmt.Errorf("%s_command %s did not end within %s", s.What, s.Command[0], commandTime)
	case errors.As(err, &exit):
		return "", fmt.Errorf("%s_command %s failed: %s; run it by hand to see why, with %s alone of this service's environment, or name what else it needs in command_environment", s.What, s.Command[0], exit.ProcessState, strings.Join(names(cmd.Env), ", "))
	case err != nil:
		return "", fmt.Errorf("%s_command: %w", s.What, err)
	case len(bytes.TrimSpace(out)) == 0 || len(out) > maxSecret:
		return "", fmt.Errorf("%s_command %s printed %d bytes; it should print the secret alone", s.What, s.Command[0], len(out))
	}
	return strings.TrimRight(string(out), "\r\n"), nil
}
