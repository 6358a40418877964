// Package room runs the real service and an emulated room as processes of their own, with
// authentication on, for who looks at the page.
package room

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/porttest"
)

// image is one that the emulated store has.
const image = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"

// Build makes the program in a folder, unless BOS_PROGRAM names one.
func Build(ctx context.Context, dir string) (string, error) {
	if path := os.Getenv("BOS_PROGRAM"); path != "" {
		return path, nil
	}
	path := filepath.Join(dir, "terraform-provider-bos")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, ".") //nolint:gosec // the folder is ours
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the program: %w: %s", err, out)
	}
	return path, nil
}

// Room is a service and its room.
type Room struct {
	URL   string
	Admin string // a token

	program, dir, address, config string
	env                           []string
	emulator, service             *exec.Cmd
	log                           buffer
	// patient says that a request is made again that no service answered: one of several
	// was killed, and the next one answers.
	patient bool
}

// buffer keeps the end of what a process says.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// Start runs both; more are flags of the emulator.
func Start(ctx context.Context, program, dir string, nodes int, more ...string) (*Room, error) {
	address, err := free()
	if err != nil {
		return nil, err
	}
	r, err := begin(ctx, program, dir, address, filepath.Join(dir, "bos.db"), nodes, more...)
	if err != nil {
		return nil, err
	}
	if err := r.Restart(ctx); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// begin runs the room, whose nodes report to an address where nobody listens yet.
func begin(ctx context.Context, program, dir, address, database string, nodes int, more ...string) (r *Room, err error) {
	r = &Room{program: program, dir: dir, address: address, config: filepath.Join(dir, "bos.yaml"), env: append(os.Environ(),
		"XDG_RUNTIME_DIR="+dir, "BOS_AUTH_TOKENS_FILE="+filepath.Join(dir, "tokens.yaml"), "BOS_DATABASE="+database)}
	if r.Admin, err = r.Token("admin", "--role", "admin"); err != nil {
		return nil, err
	}
	args := append([]string{"emulate", "--nodes", fmt.Sprint(nodes), "--listen", "127.0.0.1:0", "--write-config", r.config, "--bos", "http://" + address, "--state-dir", dir}, more...)
	// Its nodes report as the service's own token lets them.
	if r.emulator, _, err = r.run(ctx, []string{"BOS_TOKEN=" + r.Admin}, args...); err != nil {
		return nil, err
	}
	if err = r.authenticated(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// authenticated has the settings name the file of tokens.
func (r *Room) authenticated() error {
	f, err := os.OpenFile(r.config, os.O_APPEND|os.O_WRONLY, 0) //nolint:gosec // ours
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "auth:\n  tokens_file: %s\n", filepath.Join(r.dir, "tokens.yaml"))
	return errors.Join(err, f.Close())
}

// free is an address that nobody listens at.
func free() (string, error) {
	port, err := porttest.Free()
	return fmt.Sprint("127.0.0.1:", port), err
}

// run starts a process and is its first line.
func (r *Room) run(ctx context.Context, env []string, args ...string) (*exec.Cmd, string, error) {
	cmd := exec.CommandContext(ctx, r.program, args...) //nolint:gosec // ours
	cmd.Env, cmd.Stderr = append(r.env, env...), &r.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Wait() // so that all that it says is there
		return nil, "", fmt.Errorf("%s ended: %s", args[0], r.log.text.String())
	}
	return cmd, strings.TrimSpace(line), nil
}

// Restart kills the service, if it runs, and starts it at the same address.
func (r *Room) Restart(ctx context.Context) error {
	r.Kill()
	cmd, line, err := r.run(ctx, nil, "serve", "--config", r.config, "--listen", r.address)
	if err != nil {
		return err
	}
	r.service, r.URL = cmd, strings.TrimPrefix(line, "BOS is ready at ")
	return nil
}

// Kill is kill -9 for the service.
func (r *Room) Kill() {
	if r.service != nil {
		_ = r.service.Process.Kill() // it may have ended
		_ = r.service.Wait()         // it was killed
		r.service = nil
	}
}

// PID is that of the service.
func (r *Room) PID() int { return r.service.Process.Pid }

// Close ends both.
func (r *Room) Close() {
	r.Kill()
	if r.emulator != nil {
		_ = r.emulator.Process.Kill() // it may have ended
		_ = r.emulator.Wait()         // it was killed
	}
}

// Token makes a token.
func (r *Room) Token(name string, flags ...string) (string, error) {
	cmd := exec.Command(r.program, append([]string{"token", "make", name}, flags...)...) //nolint:gosec,noctx // ours, and it ends at once
	cmd.Env = r.env
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// Revoke ends a token.
func (r *Room) Revoke(name string) error {
	cmd := exec.Command(r.program, "token", "revoke", name) //nolint:gosec,noctx // the same
	cmd.Env = r.env
	return cmd.Run()
}

// Run runs a command of the program, as somebody with a token.
func (r *Room) Run(ctx context.Context, token string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, r.program, args...) //nolint:gosec // ours
	cmd.Env = append(r.env, "BOS_ENDPOINT="+r.URL, "BOS_TOKEN="+token)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Ask makes a request; into may be nil.
func (r *Room) Ask(ctx context.Context, method, path string, body, into any) error {
	for {
		answered, err := r.askAt(ctx, r.URL, method, path, body, into)
		if answered || !r.patient {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// askAt makes a request of one service. It is answered also where that is that it cannot
// be done, and not where a service or a balancer says that nobody does it now.
func (r *Room) askAt(ctx context.Context, url, method, path string, body, into any) (answered bool, err error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return true, err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url+path, sent)
	if err != nil {
		return true, err
	}
	req.Header.Set("Authorization", "Bearer "+r.Admin)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return false, fmt.Errorf("%s %s: %d, %w", method, path, res.StatusCode, err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return res.StatusCode < http.StatusInternalServerError, fmt.Errorf("%s %s: %d: %s", method, path, res.StatusCode, data)
	}
	if into == nil {
		return true, nil
	}
	return true, json.Unmarshal(data, into)
}

// Template stores one over all nodes, and waits until the inventory has them.
func (r *Room) Template(ctx context.Context, nodes int) error {
	template := map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": image, "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
	if err := r.Ask(ctx, http.MethodPut, "/v2/sessiontemplates/compute", template, nil); err != nil {
		return err
	}
	for {
		var list []struct{}
		if err := r.Ask(ctx, http.MethodGet, "/v2/components", nil, &list); err != nil || len(list) >= nodes {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Session starts a session.
func (r *Room) Session(ctx context.Context, name, operation string, more map[string]any) error {
	body := map[string]any{"name": name, "template_name": "compute", "operation": operation}
	for k, v := range more {
		body[k] = v
	}
	return r.Ask(ctx, http.MethodPost, "/x/v1/sessions", body, nil)
}

// Over waits until a session is complete.
func (r *Room) Over(ctx context.Context, name string) error {
	for {
		var s struct{ Status struct{ Status string } }
		if err := r.Ask(ctx, http.MethodGet, "/v2/sessions/"+name, nil, &s); err != nil || s.Status.Status == "complete" {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("session %s: %w: it is %s", name, ctx.Err(), s.Status.Status)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
