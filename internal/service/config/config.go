// Package config reads the settings of the service from its YAML file. What
// flags and environment add is the command's business; here a setting that is
// unknown or wrong is an error that names it.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Config is bos.yaml. Each url is the prefix before the paths of the upstream.
type Config struct {
	Listen         string         `yaml:"listen"`
	Database       string         `yaml:"database"`
	MaxUnreachable time.Duration  `yaml:"max_unreachable_time"`
	Inventory      Inventory      `yaml:"inventory"`
	Power          Power          `yaml:"power"`
	BootParameters BootParameters `yaml:"boot_parameters"`
	Artifacts      Artifacts      `yaml:"artifacts"`
}

// Inventory says where the nodes are listed.
type Inventory struct {
	HSM *URL `yaml:"hsm"`
}

// URL is an upstream without credentials.
type URL struct {
	URL string `yaml:"url"`
}

// Power says how power is controlled.
type Power struct {
	Redfish *Redfish `yaml:"redfish"`
	PCS     *PCS     `yaml:"pcs"`
}

// PCS is the power control service.
type PCS struct {
	URL string `yaml:"url"`
	// TaskDeadline is how long PCS watches a transition, and keeps its nodes
	// from others; 0 is a minute.
	TaskDeadline time.Duration `yaml:"task_deadline"`
}

// Redfish is how BMCs are reached.
type Redfish struct {
	CAFile      string      `yaml:"ca_file"`
	Insecure    bool        `yaml:"insecure"`
	Credentials Credentials `yaml:"credentials"`
}

// Credentials name a user and where the password is.
type Credentials struct {
	User         string `yaml:"user"`
	PasswordEnv  string `yaml:"password_env"`
	PasswordFile string `yaml:"password_file"`
}

// BootParameters says where boot parameters are stored.
type BootParameters struct {
	BSS     *URL     `yaml:"bss"`
	Builtin *Builtin `yaml:"builtin"`
}

// Artifacts says where images are.
type Artifacts struct {
	S3 *S3 `yaml:"s3"`
}

// S3 is an object store and where its keys are.
type S3 struct {
	Endpoint      string `yaml:"endpoint"`
	AccessKeyEnv  string `yaml:"access_key_env"`
	AccessKeyFile string `yaml:"access_key_file"`
	SecretKeyEnv  string `yaml:"secret_key_env"`
	SecretKeyFile string `yaml:"secret_key_file"`
}

const maxFile = 1 << 20

// Load reads a file. Relative paths in it are taken as they are.
func Load(path string) (Config, error) {
	var c Config
	f, err := os.Open(path) //nolint:gosec // the administrator names the file
	if err != nil {
		return c, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return c, fmt.Errorf("read the configuration %s: %w", path, err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(body), yaml.Strict()).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("configuration %s: %s", path, yaml.FormatError(err, false, true))
	}
	return c, c.Validate()
}

// Validate checks what belongs together.
func (c Config) Validate() error {
	if c.MaxUnreachable < 0 {
		return fmt.Errorf("max_unreachable_time %s is negative; use a duration such as 10m", c.MaxUnreachable)
	}
	if c.Power.Redfish != nil && c.Inventory.HSM == nil {
		return errors.New("power.redfish needs inventory.hsm, which says where the BMCs are")
	}
	if c.Power.Redfish != nil && c.Power.PCS != nil {
		return errors.New("power.redfish and power.pcs are both set; keep one")
	}
	return c.BootParameters.validate(c.Artifacts)
}

// Secret reads a secret from the environment variable or the file named;
// neither is no secret. what names the setting in errors.
func Secret(what, env, file string) (string, error) {
	switch {
	case env != "" && file != "":
		return "", fmt.Errorf("%s_env and %s_file are both set; keep one", what, what)
	case env != "":
		v, ok := os.LookupEnv(env)
		if !ok {
			return "", fmt.Errorf("%s_env names the environment variable %s, which is not set", what, env)
		}
		return v, nil
	case file != "":
		b, err := os.ReadFile(file) //nolint:gosec // the administrator names the file
		if err != nil {
			return "", fmt.Errorf("%s_file: %w", what, err)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	default:
		return "", nil
	}
}
