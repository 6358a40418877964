package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// SecretSource says where a secret is: in a variable of the environment, in a
// file, or in what a command prints. None of them is no secret.
type SecretSource struct {
	// What names the setting, to which _env, _file and _command are added.
	What    string
	Env     string
	File    string
	Command []string
	// passes are the variables of our environment that the command sees besides the usual.
	passes []string
}

const (
	// maxSecret bounds what a file or a command holds.
	maxSecret = 64 << 10
	// commandTTL is how old what a command printed may become.
	commandTTL = time.Minute
)

// Token is where the bearer token of an upstream is; name is its section.
func (u Upstream) Token(name string) SecretSource {
	return SecretSource{What: name + ".token", Env: u.TokenEnv, File: u.TokenFile, Command: u.TokenCommand}
}

// Password is where the password is; name is the section of the credentials.
func (c Credentials) Password(name string) SecretSource {
	return SecretSource{What: name + ".password", Env: c.PasswordEnv, File: c.PasswordFile, Command: c.PasswordCommand}
}

// NextPassword is where the password is that a site is changing to.
func (r Redfish) NextPassword() SecretSource {
	return SecretSource{What: "power.redfish.next_password", Env: r.NextPasswordEnv, File: r.NextPasswordFile, Command: r.NextPasswordCommand}
}

// DatabasePassword is where the password of the database is.
func (c Config) DatabasePassword() SecretSource {
	return SecretSource{What: "database_password", Env: c.DatabasePasswordEnv, File: c.DatabasePasswordFile, Command: c.DatabasePasswordCommand}
}

// Unreadable says which secrets of the settings cannot be read now, each with its
// cause. Commands are not run for it: what they fail with is said by who needs them.
func (c Config) Unreadable() []string {
	sources := []SecretSource{c.DatabasePassword()}
	for name, u := range c.Upstreams() {
		sources = append(sources, u.Token(name))
	}
	if r := c.Power.Redfish; r != nil {
		sources = append(sources, r.Credentials.Password("power.redfish.credentials"), r.NextPassword())
		for i, b := range r.BMCs {
			sources = append(sources, b.Credentials.Password(fmt.Sprintf("power.redfish.bmcs[%d].credentials", i)))
		}
	}
	if o := c.Artifacts.S3; o != nil {
		sources = append(sources,
			SecretSource{What: "artifacts.s3.access_key", Env: o.AccessKeyEnv, File: o.AccessKeyFile},
			SecretSource{What: "artifacts.s3.secret_key", Env: o.SecretKeyEnv, File: o.SecretKeyFile},
			SecretSource{What: "artifacts.s3.session_token", Env: o.SessionTokenEnv, File: o.SessionTokenFile})
	}
	var unreadable []string
	for _, source := range sources {
		if source.Empty() || len(source.Command) > 0 {
			continue
		}
		if _, err := source.Read(); err != nil {
			unreadable = append(unreadable, err.Error())
		}
	}
	slices.Sort(unreadable)
	return unreadable
}

// Empty reports whether there is no secret.
func (s SecretSource) Empty() bool { return s.Env == "" && s.File == "" && len(s.Command) == 0 }

func (s SecretSource) validate() error {
	var set []string
	for _, way := range []struct {
		name string
		is   bool
	}{{"_env", s.Env != ""}, {"_file", s.File != ""}, {"_command", len(s.Command) > 0}} {
		if way.is {
			set = append(set, s.What+way.name)
		}
	}
	if len(set) > 1 {
		return fmt.Errorf("%s are both set; keep one", strings.Join(set, " and "))
	}
	return nil
}

// Read is the secret as it is now, without line ends behind it. Its error does
// not tell what was read.
func (s SecretSource) Read() (string, error) {
	if err := s.validate(); err != nil {
		return "", err
	}
	switch {
	case s.Env != "":
		v, ok := os.LookupEnv(s.Env)
		if !ok {
			return "", fmt.Errorf("%s_env names the environment variable %s, which is not set", s.What, s.Env)
		}
		return v, nil
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", fmt.Errorf("%s_file: %w", s.What, err)
		}
		if len(b) > maxSecret {
			return "", fmt.Errorf("%s_file %s is larger than %d bytes; it should hold the secret alone", s.What, s.File, maxSecret)
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	case len(s.Command) > 0:
		return s.run()
	default:
		return "", nil
	}
}

// Cached is Read for frequent use: what a command printed is used for a minute.
// Variables and files are read each time.
func (s SecretSource) Cached() func() (string, error) {
	read, _ := s.CachedUntilRefused()
	return read
}

// CachedUntilRefused is Cached for what may be good no longer before the minute is over:
// refused is told what an upstream has refused, and has the command run again for the next
// one who reads, at most once in refusedAge.
func (s SecretSource) CachedUntilRefused() (read func() (string, error), refused func(value string)) {
	if len(s.Command) == 0 {
		return s.Read, func(string) {}
	}
	c := &printed{run: s.Read, now: time.Now}
	return c.read, c.refused
}

// refusedAge is how old what a command printed has to be for a refusal to count: what
// was just printed is not wrong because it is old.
const refusedAge = 5 * time.Second

// printed is what a command printed last.
type printed struct {
	run func() (string, error)
	now func() time.Time

	mu    sync.Mutex
	value string
	at    time.Time
	// failed is what the last run failed with, failedAt when that ended.
	failed   error
	failedAt time.Time
}

// failedAge is how long a command that failed is not run again: those who want the
// secret wait for each other.
const failedAge = 5 * time.Second

func (p *printed) read() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := p.now().Sub(p.at); !p.at.IsZero() && age >= 0 && age < commandTTL {
		return p.value, nil
	}
	if age := p.now().Sub(p.failedAt); p.failed != nil && age >= 0 && age < failedAge {
		return "", p.failed
	}
	value, err := p.run()
	if p.failed = err; err != nil {
		p.failedAt = p.now()
		return "", err
	}
	p.value, p.at = value, p.now()
	return value, nil
}

func (p *printed) refused(value string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if value == p.value && p.now().Sub(p.at) >= refusedAge {
		p.at = time.Time{}
	}
}

// Secret reads a secret from the environment variable or the file named;
// neither is no secret. what names the setting in errors.
func Secret(what, env, file string) (string, error) {
	return SecretSource{What: what, Env: env, File: file}.Read()
}
