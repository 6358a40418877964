//go:build unix

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/replicas"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/tokens"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// replicaCount is how many services share a database in these tests.
const replicaCount = 3

// cluster is several services on one PostgreSQL, each a process, behind a balancer that
// keeps nobody with one of them, and a room that is a process as well.
type cluster struct {
	t        *testing.T
	nodes    int
	services []*process
	room     *process
	front    *replicas.Balancer
	token    string
	// tokens is the file of tokens that all services read.
	tokens string
	// watch is the connection string of who looks into the database beside the services.
	watch string
	mu    sync.Mutex
	conn  *pgx.Conn
}

// clusterOn starts services, each with a connection string of its own, and a room of nodes
// that they know.
func clusterOn(t *testing.T, nodes int, watch string, databases ...string) *cluster {
	t.Helper()
	return clusterOf(t, nodes, makeup{}, watch, databases...)
}

// clusterWith has the services run another program, each with an environment of its own.
func clusterWith(t *testing.T, nodes int, program string, env [][]string, watch string, databases ...string) *cluster {
	t.Helper()
	return clusterOf(t, nodes, makeup{program: program, env: env}, watch, databases...)
}

// makeup is what the services and the room of a cluster have of their own.
type makeup struct {
	// program is what the services run, this one if it is empty.
	program string
	// env is the environment of each.
	env [][]string
	// room are further arguments of the room.
	room []string
	// settings changes the settings of the services, if it is not nil.
	settings func(text, url string) string
}

func clusterOf(t *testing.T, nodes int, of makeup, watch string, databases ...string) *cluster {
	t.Helper()
	dir := t.TempDir()
	front, err := replicas.Balance(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	c := &cluster{t: t, nodes: nodes, front: front, token: localtoken.New(), watch: watch}
	if _, err := localtoken.Leave(front.Address(), c.token); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "bos.yaml")
	c.room = &process{t: t, env: []string{"BOS_TOKEN=" + c.token}, args: append([]string{
		"emulate", "--nodes", fmt.Sprint(nodes), "--listen", "127.0.0.1:0", "--bos", front.URL(), "--state-dir", filepath.Join(dir, "room"),
		"--write-config", config, "--emulate-power-time", "50ms", "--emulate-boot-time", "200ms",
	}, of.room...)}
	c.room.start()
	t.Cleanup(c.room.kill)
	if of.settings != nil {
		text, err := os.ReadFile(config)
		if err == nil {
			err = os.WriteFile(config, []byte(of.settings(string(text), front.URL())), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	c.authenticated(config, filepath.Join(dir, "tokens.yaml"))
	for i, database := range databases {
		s := &process{t: t, program: of.program, database: database, args: []string{"serve", "--config", config, "--database", database, "--listen", "127.0.0.1:0"}}
		if of.env != nil {
			s.env = of.env[i]
		}
		s.start()
		// Started again it listens where it did.
		s.args[len(s.args)-1] = strings.TrimPrefix(s.url, "http://")
		t.Cleanup(s.kill)
		c.services = append(c.services, s)
	}
	c.balance()
	c.must(http.MethodPut, "/v2/sessiontemplates/compute", computeTemplate, http.StatusOK)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		var list []bos.Component
		if c.ask(http.MethodGet, "/v2/components", nil, &list); len(list) == nodes {
			return c
		}
	}
}

// authenticated has the settings name a file of tokens that all services read.
func (c *cluster) authenticated(config, file string) {
	c.t.Helper()
	c.tokens = file
	f, err := os.OpenFile(config, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(f, "auth: { tokens_file: %q }\n", file)
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = c.knowing("")
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// knowing has the services know a token besides that of the test, if it is not empty.
func (c *cluster) knowing(token string) error {
	text := fmt.Sprintf("tokens:\n- { name: test, sha256: %s, roles: [admin] }\n", tokens.Hash(c.token))
	if token != "" {
		text += fmt.Sprintf("- { name: other, sha256: %s, roles: [reader] }\n", tokens.Hash(token))
	}
	if err := os.WriteFile(c.tokens+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(c.tokens+".new", c.tokens)
}

// balance has the balancer know where the services are.
func (c *cluster) balance() {
	c.t.Helper()
	var urls []string
	for _, s := range c.services {
		urls = append(urls, s.url)
	}
	if err := c.front.Use(urls...); err != nil {
		c.t.Fatal(err)
	}
}

// ask makes a request through the balancer; its status is 0 without an answer. headers are
// names and values in turn.
func (c *cluster) ask(method, path string, body, into any, headers ...string) int {
	return c.askAt(c.front.URL(), method, path, body, into, headers...)
}

func (c *cluster) askAt(url, method, path string, body, into any, headers ...string) int {
	ctx, cancel := context.WithTimeout(c.t.Context(), 10*time.Second)
	defer cancel()
	encoded, err := json.Marshal(body)
	if err != nil {
		return 0
	}
	req, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewReader(encoded))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if all, ok := into.(*answered); ok && err == nil {
		*all, into = answered{string(text), res.Header}, nil
	}
	if err != nil || into != nil && res.StatusCode < http.StatusBadRequest && json.Unmarshal(text, into) != nil {
		return 0
	}
	return res.StatusCode
}

// answered is an answer as it came.
type answered struct {
	text   string
	header http.Header
}

// must repeats a request until a service answers it, in one of these ways.
func (c *cluster) must(method, path string, body any, want ...int) {
	c.t.Helper()
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		status := c.ask(method, path, body, nil)
		if slices.Contains(want, status) {
			return
		}
		if status != 0 && status < http.StatusInternalServerError || c.t.Context().Err() != nil {
			c.t.Fatalf("%s %s answered %d", method, path, status)
		}
	}
}

// begin creates a session of all nodes; it is there already where an answer was lost.
func (c *cluster) begin(name, op string) {
	c.t.Helper()
	body := map[string]any{"name": name, "template_name": "compute", "operation": op}
	c.must(http.MethodPost, "/v2/sessions", body, http.StatusCreated, http.StatusConflict)
}

// over reports whether a session is complete, and how it ended.
func (c *cluster) over(name string) (s bos.ExtendedStatus, is bool) {
	status := c.ask(http.MethodGet, "/v2/sessions/"+name+"/status", nil, &s)
	if status == http.StatusNotFound {
		c.t.Errorf("session %s was acknowledged, and is lost", name)
	}
	return s, status == http.StatusOK && s.Status == bos.SessionComplete
}

// complete waits for the end of a session, of which all nodes are to succeed.
func (c *cluster) complete(name string) {
	c.t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		s, over := c.over(name)
		if c.t.Context().Err() != nil {
			c.t.Fatalf("session %s does not end: %+v", name, s)
		}
		if !over {
			continue
		}
		if s.PercentSuccessful != 100 || s.ManagedComponentsCount != c.nodes {
			c.t.Errorf("%s: %+v, want all %d successful", name, s, c.nodes)
		}
		return
	}
}

// truth is what the room knows of its nodes.
func (c *cluster) truth() []services.NodeTold {
	c.t.Helper()
	var told []services.NodeTold
	if status := c.askAt(c.room.url, http.MethodGet, services.NodesPath, nil, &told); status != http.StatusOK || len(told) != c.nodes {
		c.t.Fatalf("the room answers %d with %d nodes", status, len(told))
	}
	return told
}

// rebooted holds the room against so many reboots, and returns how many resets were more
// than wanted.
func (c *cluster) rebooted(rounds int) (needless int) {
	c.t.Helper()
	for _, n := range c.truth() {
		if len(n.Resets) != 1+2*rounds || n.Resets[2*rounds].Type != machineroom.ResetOn {
			c.t.Errorf("%s was reset %d times, at last by %v; want On, and one power-off and On in each of %d reboots", n.ID, len(n.Resets), n.Resets[max(0, len(n.Resets)-6):], rounds)
			needless += max(0, len(n.Resets)-1-2*rounds)
		}
		if !n.Booted {
			c.t.Errorf("%s counts as booted, and is not", n.ID)
		}
	}
	return needless
}

// driver is the service that drives the database, waited for.
func (c *cluster) driver() *process {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		for _, s := range c.services {
			if c.says(s) == "this service drives its database" {
				return s
			}
		}
		if c.t.Context().Err() != nil {
			c.t.Fatal("no service drives the database")
		}
	}
	return nil
}

// says is what a service says of its lease, empty if it is not ready.
func (c *cluster) says(s *process) string {
	var health struct {
		Parts []struct{ Name, Says string }
	}
	if c.askAt(s.url, http.MethodGet, "/readyz", nil, &health) != http.StatusOK {
		return ""
	}
	i := slices.IndexFunc(health.Parts, func(p struct{ Name, Says string }) bool { return p.Name == "lease" })
	if i < 0 {
		return ""
	}
	return health.Parts[i].Says
}

// ready waits until a service is ready.
func (c *cluster) ready(s *process) {
	c.t.Helper()
	for tick := time.NewTicker(50 * time.Millisecond); c.says(s) == ""; {
		<-tick.C
		if c.t.Context().Err() != nil {
			c.t.Fatalf("a service does not get ready: %s", s.log.tail())
		}
	}
}

// sight is what the database shows of the engine: who drives, and the number of the last
// line that an engine wrote of a node.
type sight struct {
	fence, last int64
	// acts is how many power actions were ordered ever.
	acts int
	// ready are the nodes in work without a power action that is not answered yet.
	ready int
}

// see looks into the database, beside the services.
func (c *cluster) see() (s sight, err error) {
	ctx, done := context.WithTimeout(c.t.Context(), time.Second)
	defer done()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		if c.conn, err = pgx.Connect(ctx, c.watch); err != nil {
			c.conn = nil
			return s, err
		}
	}
	acts, all := []string{}, []string{string(decide.ReasonDone)}
	for _, r := range decide.PowerReasons() {
		acts = append(acts, string(r))
	}
	err = c.conn.QueryRow(ctx, `SELECT (SELECT fence FROM lease), coalesce(max(id), 0), count(*) FILTER (WHERE kind = ANY($1)),
(SELECT count(*) FROM components WHERE enabled = 1 AND work NOT LIKE '%"flight":{"kind":"power%')
FROM events WHERE kind = ANY($2)`, acts, append(all, acts...)).Scan(&s.fence, &s.last, &s.acts, &s.ready)
	if err != nil {
		_ = c.conn.Close(ctx) // another is made
		c.conn = nil
	}
	return s, err
}

// seen is what the database shows as soon as it answers.
func (c *cluster) seen() sight {
	c.t.Helper()
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		s, err := c.see()
		if err == nil {
			return s
		}
		if c.t.Context().Err() != nil {
			c.t.Fatal(err)
		}
	}
}

// until looks into the database until something is so, or a session is over.
func (c *cluster) until(session string, is func(sight) bool) (s sight, found bool) {
	look, ask := time.NewTicker(5*time.Millisecond), time.NewTicker(time.Second)
	defer look.Stop()
	defer ask.Stop()
	for {
		select {
		case <-look.C:
			s, err := c.see()
			if err == nil && is(s) {
				return s, true
			}
		case <-ask.C:
			if _, over := c.over(session); over {
				return s, false
			}
		case <-c.t.Context().Done():
			c.t.Fatal("it is waited for in vain")
		}
	}
}

// links are those of each service to a server, by which it has a connection string of its
// own.
func links(t *testing.T, dsn string, to *postgrestest.Server) (list []*postgrestest.Link, dsns []string) {
	t.Helper()
	for range replicaCount {
		l, err := postgrestest.Connect(to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() }) // the test is over
		through, err := postgrestest.Through(dsn, l)
		if err != nil {
			t.Fatal(err)
		}
		list, dsns = append(list, l), append(dsns, through)
	}
	return list, dsns
}

// gone waits for the end of a service that was told to.
func (p *process) gone() {
	p.t.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("a service that was told to end ended with %v: %s", err, p.log.tail())
	}
}
