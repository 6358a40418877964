package assembly

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// TestACommandForASecretSeesOfTheEnvironmentWhatIsNamed: the environment has the secrets
// of all upstreams, and a command is for one of them. An inventory file may name
// commands too.
func TestACommandForASecretSeesOfTheEnvironmentWhatIsNamed(t *testing.T) {
	for _, name := range []string{"S3_SECRET_KEY", "BOS_TOKEN", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "PLANTED")
	}
	t.Setenv("VAULT_ADDR", "https://vault.example")
	dir := t.TempDir()
	script := filepath.Join(dir, "secret.sh")
	if err := os.WriteFile(script, []byte("env > "+dir+"/seen.$1; echo hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(who string) string { return "[sh, " + script + ", " + who + "]" }
	nodes := filepath.Join(dir, "nodes.yaml")
	if err := os.WriteFile(nodes, []byte("credentials:\n  a: { user: root, password_command: "+command("inventory")+" }\n"+
		"nodes:\n  - { xnames: x1c0s1b0n0, bmc: { address: 192.0.2.1, credentials: a } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for who, text := range map[string]string{
		"hsm":       "inventory: { hsm: { url: 'http://192.0.2.1/hsm/v2', token_command: " + command("hsm") + " } }",
		"inventory": "inventory: { file: " + nodes + " }",
		"bmcs":      "power: { redfish: { credentials: { user: root, password_command: " + command("bmcs") + " } } }",
		"next":      "power: { redfish: { credentials: { user: root, password_file: " + script + " }, next_password_command: " + command("next") + " } }",
		"some": "power: { redfish: { credentials: { user: root, password_file: " + script + " }, bmcs: [{ names: x1c0s1b0, credentials: { user: root, password_command: " +
			command("some") + " } }] } }",
	} {
		t.Run(who, func(t *testing.T) {
			settings, err := config.Parse("bos.yaml", strings.Replace(text, "power:", "inventory: { hsm: { url: 'http://192.0.2.1/hsm/v2' } }\npower:", 1)+"\ncommand_environment: [VAULT_ADDR, NOT_THERE]\n")
			if err != nil {
				t.Fatal(err)
			}
			asked(t, settings, who)
			seen, err := os.ReadFile(filepath.Join(dir, "seen."+who))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(seen), "PLANTED") {
				t.Errorf("it sees %s", seen)
			}
			for _, name := range []string{"PATH=", "VAULT_ADDR=https://vault.example"} {
				if !strings.Contains(string(seen), name) {
					t.Errorf("it does not see %s, but %s", name, seen)
				}
			}
		})
	}
}

// asked has the secret of an upstream read.
func asked(t *testing.T, settings config.Config, who string) {
	t.Helper()
	w := &wiring{settings: settings, log: slog.New(slog.DiscardHandler)}
	switch who {
	case "hsm":
		u, err := w.upstream("inventory.hsm", *settings.Inventory.HSM, nil)
		if err != nil {
			t.Fatal(err)
		}
		if secret, err := u.Bearer(); secret != "hunter2" || err != nil {
			t.Error(secret, err)
		}
	case "inventory":
		if err := w.inventory(); err != nil {
			t.Fatal(err)
		}
	case "bmcs", "next":
		rc, err := w.redfishConfig(*settings.Power.Redfish)
		if err != nil {
			t.Fatal(err)
		}
		if rc.NextFrom != nil {
			if secret, err := rc.NextFrom(); secret != "hunter2" || err != nil {
				t.Error(secret, err)
			}
		}
	case "some":
		list, err := w.withOwn(func(context.Context) (map[string]redfish.Endpoint, error) {
			return map[string]redfish.Endpoint{"x1c0s1b0n0": {Address: "192.0.2.1"}}, nil
		}, *settings.Power.Redfish)
		if err != nil {
			t.Fatal(err)
		}
		if endpoints, err := list(t.Context()); err != nil || endpoints["x1c0s1b0n0"].Password != "hunter2" {
			t.Errorf("%+v, %v", endpoints, err)
		}
	}
}
