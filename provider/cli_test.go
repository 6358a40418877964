package provider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/bootorch/terraform-provider-bos/provider"
)

// workspace is a directory with a configuration, on which tests run the
// terraform command as a user does.
type workspace struct {
	t   *testing.T
	dir string
	env []string
}

// longest bounds one command; it only ends tests that hang.
const longest = 2 * time.Minute

// newWorkspace is a workspace whose provider lives in the process of the test:
// it starts at once, and the race detector sees it. Terraform configures it
// anew for every walk, so it remembers as little as one that is started anew.
func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	return workspaceWith(t, "TF_CLI_CONFIG_FILE="+os.DevNull, "TF_REATTACH_PROVIDERS="+attached(t))
}

// newProcessWorkspace is a workspace whose provider Terraform starts from the
// program of this project, as it does for users: for tests of what ends with
// the process, of signals, and of logs.
func newProcessWorkspace(t *testing.T) *workspace {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return startingWorkspace(t, path)
}

// startingWorkspace is a workspace whose provider Terraform starts from a file.
func startingWorkspace(t *testing.T, file string) *workspace {
	t.Helper()
	plugins := t.TempDir()
	if err := os.Symlink(file, filepath.Join(plugins, "terraform-provider-bos")); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(plugins, "terraform.rc")
	overrides := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"bootorch/bos\" = %q\n  }\n  direct {}\n}\n", plugins)
	if err := os.WriteFile(settings, []byte(overrides), 0o600); err != nil {
		t.Fatal(err)
	}
	return workspaceWith(t, "TF_CLI_CONFIG_FILE="+settings)
}

func workspaceWith(t *testing.T, env ...string) *workspace {
	t.Helper()
	env = append(os.Environ(), env...)
	return &workspace{t: t, dir: t.TempDir(), env: append(env, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")}
}

// attached serves a provider until the test ends, and says where in the words of
// TF_REATTACH_PROVIDERS.
func attached(t *testing.T) string {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	ready, ended, failed := make(chan *plugin.ReattachConfig, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		failed <- tf6server.Serve(provider.Address, newServer, tf6server.WithDebug(ctx, ready, ended),
			tf6server.WithGoPluginLogger(hclog.NewNullLogger()), tf6server.WithoutLogStderrOverride())
	}()
	select {
	case err := <-failed:
		end()
		t.Fatalf("the provider does not serve: %v", err)
	case where := <-ready:
		t.Cleanup(func() {
			end()
			<-ended
		})
		entry := map[string]any{
			"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.Getpid(), "Test": true,
			"Addr": map[string]string{"Network": where.Addr.Network(), "String": where.Addr.String()},
		}
		reattach, err := json.Marshal(map[string]any{provider.Address: entry, "registry.opentofu.org/bootorch/bos": entry})
		if err != nil {
			t.Fatal(err)
		}
		return string(reattach)
	}
	return ""
}

// write replaces the configuration.
func (w *workspace) write(parts ...string) {
	w.t.Helper()
	config := "terraform {\n  required_providers {\n    bos = { source = \"bootorch/bos\" }\n  }\n}\n" + strings.Join(parts, "\n")
	if err := os.WriteFile(filepath.Join(w.dir, "main.tf"), []byte(config), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// result is what a command printed, with lines joined that Terraform wrapped,
// and its exit code.
type result struct {
	out  string
	code int
}

func (w *workspace) command(ctx context.Context, args ...string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.CommandContext(ctx, os.Getenv("TF_ACC_TERRAFORM_PATH"), args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// terraform runs a command to its end.
func (w *workspace) terraform(args ...string) result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), longest)
	defer cancel()
	cmd, out := w.command(ctx, args...)
	return w.finished(cmd.Run(), out, args)
}

// printed is what a command that succeeds prints, line by line.
func (w *workspace) printed(args ...string) string {
	w.t.Helper()
	cmd, out := w.command(w.t.Context(), args...)
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("terraform %s: %s\n%s", strings.Join(args, " "), err, out)
	}
	return out.String()
}

func (w *workspace) finished(err error, out *bytes.Buffer, args []string) result {
	w.t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("terraform %s: %s\n%s", strings.Join(args, " "), err, out)
	}
	code := 0
	if exit != nil {
		code = exit.ExitCode()
	}
	return result{unwrap(out.String()), code}
}

// unwrap removes the frame of diagnostics and the line breaks in them.
func unwrap(out string) string {
	var b strings.Builder
	for line := range strings.Lines(out) {
		b.WriteString(strings.TrimLeft(strings.TrimRight(line, "\n"), "│╷╵ "))
		b.WriteByte(' ')
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// apply applies what is written, without questions.
func (w *workspace) apply(args ...string) result {
	w.t.Helper()
	return w.terraform(append([]string{"apply", "-no-color", "-auto-approve", "-input=false"}, args...)...)
}

// plan plans; its code is 0 for no changes, 1 for an error, 2 for changes.
func (w *workspace) plan(args ...string) result {
	w.t.Helper()
	return w.terraform(append([]string{"plan", "-no-color", "-input=false", "-detailed-exitcode"}, args...)...)
}

// interrupted applies, and interrupts Terraform once when the event comes.
func (w *workspace) interrupted(event <-chan struct{}) result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), longest)
	defer cancel()
	args := []string{"apply", "-no-color", "-auto-approve", "-input=false"}
	cmd, out := w.command(ctx, args...)
	// A group of its own, as in a terminal: the provider gets the signal too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-event:
	case <-ctx.Done():
		w.t.Errorf("the event to interrupt terraform at never came")
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		w.t.Error(err)
	}
	return w.finished(cmd.Wait(), out, args)
}

// attributes are the attributes of a resource in state, nil if it is not there.
func (w *workspace) attributes(address string) map[string]any {
	w.t.Helper()
	attributes, _ := w.instance(address)
	return attributes
}

// instance also says whether the resource is tainted.
func (w *workspace) instance(address string) (attributes map[string]any, tainted bool) {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate"))
	if err != nil {
		w.t.Fatal(err)
	}
	var state struct {
		Resources []struct {
			Type      string `json:"type"`
			Name      string `json:"name"`
			Instances []struct {
				Status     string         `json:"status"`
				Attributes map[string]any `json:"attributes"`
			} `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(content, &state); err != nil {
		w.t.Fatal(err)
	}
	for _, r := range state.Resources {
		if r.Type+"."+r.Name == address && len(r.Instances) > 0 {
			return r.Instances[0].Attributes, r.Instances[0].Status == "tainted"
		}
	}
	return nil, false
}

// says fails the test unless the output has all the texts, whatever the line
// breaks.
func (r result) says(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.out, text) {
			t.Errorf("terraform did not say %q, but:\n%s", text, r.out)
		}
	}
}

// exits fails the test unless the command ended so.
func (r result) exits(t *testing.T, code int) {
	t.Helper()
	if r.code != code {
		t.Fatalf("terraform exited with %d instead of %d:\n%s", r.code, code, r.out)
	}
}
