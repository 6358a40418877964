package cli

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

const availableGuide = repository + "docs/guides/run-it-highly-available.md"

// TestTheGuideToRunItHighlyAvailableIsFollowedLiterally: from one service with a database
// file to three on one PostgreSQL, with all that the guide has somebody write and type, and
// back. Meanwhile nodes reboot, and somebody writes.
func TestTheGuideToRunItHighlyAvailableIsFollowedLiterally(t *testing.T) {
	const nodes = 12
	g := following(t, availableGuide)
	room := g.room(nodes)
	g.site(room)
	g.follow("A database")
	g.follow("What the three machines share")
	if found := g.said["check"]; len(found) != len(g.services()) || strings.Count(strings.Join(found, ""), "ok       database postgres://") < len(found) {
		t.Errorf("the check on each machine does not say which database it has found: %q", found)
	}
	g.follow("Take the records along")
	g.follow("Start them")
	g.follow("A load balancer")
	gateway := g.gateway()
	room.SetBOS(gateway)
	author := writes(t, gateway)
	g.handsOver(room, gateway, nodes)
	g.follow("Watch it")
	if held := strings.Join(g.said["curl"], ""); strings.Count(held, "bos_lease_held 1\n") != 1 || strings.Count(held, "bos_lease_held 0\n") != 2 {
		t.Errorf("of three services not one alone has the lease:\n%s", held)
	}
	g.follow("Upgrade")
	author.kept(t, gateway) // before what was written after a backup goes with it
	g.backsUp(gateway)
	rebooting(t, gateway, "restored")
	rebooted(t, complete(t, gateway, "restored"), room.Room(), 3)
	ordered(t, gateway, room.Room())
	before := len(history(t, gateway))
	g.balanced = ""
	g.follow("The way back to one service")
	var templates []bos.SessionTemplate
	one := g.through(g.machine("bos1"))
	call(t, http.MethodGet, one+"/v2/sessiontemplates", nil, &templates)
	if after := len(history(t, one)); after < before || len(templates) < 2 {
		t.Errorf("%d events and %d templates came back, of %d events", after, len(templates), before)
	}
	g.all()
}

// handsOver has a reboot go on while each service is restarted, and another one while
// that which drives is killed.
func (g *guideline) handsOver(room *emulator.Server, gateway string, nodes int) {
	g.t.Helper()
	killed := false
	g.before = func(c *typed) {
		switch {
		case strings.HasPrefix(c.text, "systemctl restart bos") && c.host == "bos1":
			rebooting(g.t, gateway, "handed-over")
			after(room, nodes+nodes/3)
		case strings.HasPrefix(c.text, "systemctl kill"):
			rebooted(g.t, complete(g.t, gateway, "handed-over"), room.Room(), 1)
			rebooting(g.t, gateway, "killed")
			after(room, 3*nodes+nodes/3)
			c.host, killed = g.driver(), true
		}
	}
	g.follow("See it hand over")
	g.before = nil
	if who := strings.Join(g.said["curl"], ""); strings.Count(who, "this service drives its database") != 1 || strings.Count(who, "stands by") != 2 {
		g.t.Errorf("the guide does not tell which of three drives:\n%s", who)
	}
	if !killed {
		g.t.Error("the guide kills nobody")
	}
	rebooted(g.t, complete(g.t, gateway, "killed"), room.Room(), 2)
}

// backsUp writes a template before the backup and one after it.
func (g *guideline) backsUp(gateway string) {
	g.t.Helper()
	if !put(g.t.Context(), gateway, "before") {
		g.t.Fatal("not written")
	}
	g.before = func(c *typed) {
		switch {
		case strings.HasPrefix(c.text, "systemctl stop") && c.host == "bos1":
			if !put(g.t.Context(), gateway, "after") {
				g.t.Fatal("not written")
			}
		case strings.Contains(c.text, "/v2/sessions"):
			var site struct{ Paused bool }
			call(g.t, http.MethodGet, gateway+"/x/v1/pause", nil, &site)
			if !site.Paused {
				g.t.Error("a restored site is not paused")
			}
		}
	}
	g.follow("Back it up, and go back")
	g.before = nil
	for name, want := range map[string]int{"before": http.StatusOK, "after": http.StatusNotFound} {
		if status := call(g.t, http.MethodGet, gateway+"/v2/sessiontemplates/"+name, nil, nil); status != want {
			g.t.Errorf("the template of %s the backup: %d, want %d", name, status, want)
		}
	}
}

func rebooting(t *testing.T, url, name string) {
	t.Helper()
	if status := call(t, http.MethodPost, url+"/v2/sessions", map[string]any{"name": name, "operation": "reboot", "template_name": "compute"}, nil); status != http.StatusCreated {
		t.Fatalf("the session %s is answered with %d", name, status)
	}
}

// room is a room whose nodes report to nobody yet.
func (g *guideline) room(nodes int) *emulator.Server {
	g.t.Helper()
	room, err := emulator.Start(g.t.Context(), emulator.ServerConfig{
		Config: machineroom.Config{Nodes: nodes, PowerTime: 50 * time.Millisecond, BootTime: 200 * time.Millisecond},
		Listen: "127.0.0.1:0", StateDir: g.t.TempDir(),
	})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = room.Close() })
	return room
}

// site is what there is before: a service on bos1, with records in a file.
func (g *guideline) site(room *emulator.Server) {
	g.t.Helper()
	file := g.path("bos1", "/etc/bos/bos.yaml")
	if err := room.WriteConfig(file); err != nil {
		g.t.Fatal(err)
	}
	for line := range strings.Lines(read(g.t, file)) {
		if !strings.HasPrefix(line, "database:") {
			g.drives += line
		}
	}
	g.write(file, g.drives+g.here("bos1", "listen: 0.0.0.0:8770\ntls: { cert_file: /etc/bos/tls.crt, key_file: /etc/bos/tls.key }\n"))
	g.systemctl("bos1", "enable --now bos")
	url := g.through(g.machine("bos1"))
	room.SetBOS(url)
	put(g.t.Context(), url, "compute")
	discovered(g.t, url, len(room.Room().Inventory().Nodes))
	call(g.t, http.MethodPost, url+"/v2/sessions", map[string]any{"name": "boot", "operation": "boot", "template_name": "compute"}, nil)
	complete(g.t, url, "boot")
}

// gateway is the load balancer with the token of ops.
func (g *guideline) gateway() string {
	g.balanced = g.proxy(g.addresses["bos.example"], g.tokens["ops"])
	return g.balanced
}

// through is one machine, with the token of its service.
func (g *guideline) through(m *process) string {
	token := localtoken.Find(m.url)
	if g.tokens["ops"] != "" {
		token = g.tokens["ops"]
	}
	at, err := url.Parse(m.url)
	if err != nil {
		g.t.Fatal(err)
	}
	return g.proxy(at.Hostname(), token)
}

// proxy brings requests without TLS and token to an address that wants both. It opens a
// connection for each, so that each may meet another service.
func (g *guideline) proxy(address, token string) string {
	g.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(read(g.t, g.path("admin", "/bos-ca.pem"))))
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport, FlushInterval: -1, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "https", Host: address + ":8770"})
			r.Out.Header.Set("Authorization", "Bearer "+token)
		},
	})
	g.t.Cleanup(server.Close)
	return server.URL
}

// driver is the machine whose service drives.
func (g *guideline) driver() string {
	g.t.Helper()
	for name := range g.services() {
		if strings.Contains(g.bash("admin", `curl -sS --cacert bos-ca.pem -H "Authorization: Bearer $(cat ops.token)" https://`+name+`.example:8770/readyz`), "this service drives its database") {
			return name
		}
	}
	g.t.Fatal("no service drives")
	return ""
}

// systemctl does what systemd would with the unit that is shipped.
func (g *guideline) systemctl(host, words string) {
	g.t.Helper()
	m := g.machine(host)
	verb, unit, _ := strings.Cut(words, " ")
	switch {
	case unit == "postgresql" && verb == "reload":
		g.reloadDatabase()
	case unit == "haproxy" && verb == "restart":
		g.balance(host)
	case !slices.Contains(strings.Fields(unit), "bos"):
		g.t.Fatalf("systemctl %s", words)
	case verb == "enable" || verb == "start":
		m.start()
	case verb == "disable" || verb == "stop":
		stopped(g.t, m)
	case verb == "restart":
		stopped(g.t, m)
		m.start()
	case verb == "kill" && strings.Contains(unit, "--signal=KILL"):
		m.kill()
		m.start() // Restart=always
	default:
		g.t.Fatalf("systemctl %s", words)
	}
	if g.balanced != "" && m.cmd.ProcessState == nil {
		until(func() bool { return call(g.t, http.MethodGet, g.balanced+"/v2/healthz", nil, nil) == http.StatusOK })
	}
}

// stopped ends a service as systemd does, if it runs.
func stopped(t *testing.T, p *process) {
	t.Helper()
	if p.cmd == nil || p.cmd.ProcessState != nil {
		return
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it did not end in order: %v\n%s", err, p.log.tail())
	}
}

var execStart = regexp.MustCompile(`(?m)^ExecStart=bos (.*)$`)

// machine is the service of a host, which the unit of the package starts.
func (g *guideline) machine(host string) *process {
	if m := g.machines[host]; m != nil {
		return m
	}
	m := execStart.FindStringSubmatch(read(g.t, repository+"contrib/systemd/bos.service"))
	if m == nil {
		g.t.Fatal("the unit starts nothing")
	}
	p := &process{t: g.t, args: strings.Fields(g.here(host, m[1])), dir: g.path(host, "/var/lib/bos")}
	g.t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
		if g.t.Failed() {
			g.t.Logf("%s said last:\n%s", host, p.log.tail())
		}
	})
	g.machines[host] = p
	return p
}

// hold is serve in a terminal, until it is ready and somebody types Ctrl-C.
func (g *guideline) hold(host, words string) {
	g.t.Helper()
	p := &process{t: g.t, args: strings.Fields(g.here(host, words)), dir: g.path(host, "/var/lib/bos")}
	p.start()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		g.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		g.t.Errorf("%s: %v", words, err)
	}
}

// balance runs the load balancer.
func (g *guideline) balance(host string) {
	g.t.Helper()
	c := exec.CommandContext(g.t.Context(), "haproxy", "-db", "-f", g.path(host, "/etc/haproxy/haproxy.cfg"))
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		g.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // it is killed, or says why not
	}()
	g.t.Cleanup(func() {
		_ = c.Process.Kill() // unless it has ended
		<-ended
		if g.t.Failed() {
			g.t.Logf("haproxy: %s", said.String())
		}
	})
	until(func() bool {
		select {
		case <-ended:
			g.t.Fatal("haproxy has ended")
		default:
		}
		conn, err := net.Dial("tcp", g.addresses["bos.example"]+":8770")
		return err == nil && conn.Close() == nil
	})
}

// bash runs a line of the guide on a host, and is what it prints.
func (g *guideline) bash(host, line string) string {
	g.t.Helper()
	c := exec.CommandContext(g.t.Context(), "bash", "-o", "pipefail", "-ec", g.here(host, line))
	c.Dir = g.path(host, "/")
	c.Env = append(os.Environ(), "PATH="+g.shims+":"+os.Getenv("PATH"), "PGHOST="+g.socket, "PGPORT=5432", "BOS_TEST_PROGRAM="+os.Args[0], "BOS_TEST_ROOT="+g.root)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // createuser asks on the terminal, if there is one
	c.Stdin = strings.NewReader(g.password + "\n" + g.password + "\n")
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if exit := c.ProcessState.ExitCode(); err != nil && (!strings.Contains(line, " check ") || exit != statusWarnings) {
		g.t.Fatalf("%s: %s: %v\n%s%s", host, line, err, out.String(), said.String())
	}
	return out.String()
}

func (g *guideline) write(path, text string) {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		g.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *guideline) path(host, path string) string { return filepath.Join(g.root, host) + path }

func (g *guideline) services() map[string]bool {
	return map[string]bool{"bos1": true, "bos2": true, "bos3": true}
}

// here is a text of the guide with the addresses and the paths of this test.
func (g *guideline) here(host, text string) string {
	replace := []string{"10.1.0.10:8770", g.addresses["bos.example"] + ":8770", "10.1.0.0/24", "127.0.0.0/8", "0.0.0.0:8770", g.addresses[host+".example"] + ":8770", "/etc/", g.path(host, "/etc/"), "/var/", g.path(host, "/var/")}
	for name, address := range g.addresses {
		replace = append(replace, name, address)
	}
	return strings.NewReplacer(replace...).Replace(text)
}
