package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/client"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// secondUser has this program ask as another user of the machine, see asSecondUser: the
// URL of a service and the path of its socket.
const (
	secondUser  = "BOS_TEST_SECOND_USER"
	nobodysUser = 65534
)

// overSocket asks over a socket and says what came of it.
func overSocket(ctx context.Context, socket, method, path, body string) string {
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	return answer(ctx, &c, method, "http://localhost"+path, body)
}

func answer(ctx context.Context, c *http.Client, method, url, body string) string {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Content-Type", "application/json")
	authorize(r)
	res, err := c.Do(r)
	switch {
	case err != nil && strings.Contains(err.Error(), syscall.EACCES.Error()):
		return "kept out"
	case err != nil:
		return err.Error()
	}
	_ = res.Body.Close()
	return res.Status[:3]
}

// TestAsSecondUser is no test: it is what the other user does, in a process of theirs.
func TestAsSecondUser(t *testing.T) {
	url, socket, found := strings.Cut(os.Getenv(secondUser), " ")
	if !found {
		t.Skip("it is run by others")
	}
	ctx := t.Context()
	fmt.Println("socket read", overSocket(ctx, socket, "GET", "/v2/components", ""))
	fmt.Println("socket write", overSocket(ctx, socket, "PATCH", "/v2/options", `{"polling_frequency": 15}`))
	fmt.Println("token", localtoken.Find(url) != "")
	fmt.Println("address read", answer(ctx, http.DefaultClient, "GET", url+"/v2/components", ""))
	fmt.Println("address write", answer(ctx, http.DefaultClient, "PATCH", url+"/v2/options", `{"polling_frequency": 15}`))
}

// asSecondUser is what TestAsSecondUser prints as another user.
func asSecondUser(t *testing.T, url, socket string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root becomes another user")
	}
	dir, err := os.MkdirTemp("", "second") //nolint:usetesting // another user cannot enter the folder of a test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program := filepath.Join(dir, "ask")
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, "-test.run=^TestAsSecondUser$")
	c.Dir, c.Env = dir, append(os.Environ(), secondUser+"="+url+" "+socket)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobodysUser, Gid: nobodysUser}}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	printed, _, _ := strings.Cut(string(out), "PASS")
	return printed
}

// socketFolder is one that every user may enter, unlike those of tests.
func socketFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sock") //nolint:usetesting // the same
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheSecondUserOfAMachineCanDoNothingWithoutTheToken(t *testing.T) {
	socket := filepath.Join(socketFolder(t), "bos.sock")
	url := start(t, "--socket", socket)
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	if got := overSocket(t.Context(), socket, "PATCH", "/v2/options", `{"polling_frequency": 15}`); got != "200" {
		t.Errorf("the user of the service, on the socket: %s", got)
	}
	const refused = "token false\naddress read 401\naddress write 401\n"
	if got, want := asSecondUser(t, url, socket), "socket read kept out\nsocket write kept out\n"+refused; got != want {
		t.Errorf("the second user got\n%s, want\n%s", got, want)
	}
	// Whoever may connect is asked who they are all the same.
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, want := asSecondUser(t, url, socket), "socket read 401\nsocket write 401\n"+refused; got != want {
		t.Errorf("the second user, on a socket that is open to all, got\n%s, want\n%s", got, want)
	}
}

func TestAUserOfTheMachineHasTheRolesThatTheSettingsGive(t *testing.T) {
	for _, who := range []string{"user", "group"} {
		socket := filepath.Join(socketFolder(t), "bos.sock")
		settings := settingsFile(t, fmt.Sprintf("auth: {peers: [{%s: %q, roles: [reader]}]}\n", who, fmt.Sprint(nobodysUser)))
		url := start(t, "--config", settings, "--socket", socket)
		if err := os.Chmod(socket, 0o666); err != nil {
			t.Fatal(err)
		}
		want := "socket read 200\nsocket write 403\ntoken false\naddress read 401\naddress write 401\n"
		if got := asSecondUser(t, url, socket); got != want {
			t.Errorf("by %s: got\n%s, want\n%s", who, got, want)
		}
	}
}

func TestTheClientAsksOnASocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	start(t, "--socket", socket)
	c, err := client.New(client.Config{Endpoint: "unix://" + socket})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Options(t.Context()); err != nil {
		t.Error(err)
	}
	for _, endpoint := range []string{"unix:", "unix://host/path", "unix:relative", "unix:///a?b"} {
		if _, err := client.New(client.Config{Endpoint: endpoint}); err == nil || !strings.Contains(err.Error(), "unix:///run/bos/bos.sock") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

func TestASocketThatIsLeftIsReplacedAndOneInUseIsNot(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "left")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if _, err := listenSocket(t.Context(), left); err == nil || !strings.Contains(err.Error(), "another service answers") {
		t.Errorf("in use: %v", err)
	}
	_ = l.Close()
	again, err := listenSocket(t.Context(), left)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenSocket(t.Context(), file); err == nil {
		t.Error("a file was taken for a socket")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "kept" {
		t.Errorf("%s, %v", text, err)
	}
}
