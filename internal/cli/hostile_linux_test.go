package cli

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/hostile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
	"github.com/bootorch/terraform-provider-bos/internal/service/bootscript"
)

// besieged is a service that has all routes that a site may have, in a process of its
// own that tells what it holds, and its room.
type besieged struct {
	*process
	room *emulator.Server
	// nodes is where it serves the network of the nodes.
	nodes string
}

func besiege(t *testing.T, nodes int, auth string) besieged {
	t.Helper()
	dir := t.TempDir()
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: nodes, PowerTime: 50 * time.Millisecond, BootTime: 200 * time.Millisecond},
		Listen: "127.0.0.1:0", StateDir: filepath.Join(dir, "room"),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = room.Close() }) // the test is over
	e, api, forNodes := room.Endpoints(), freeAddress(t), freeAddress(t)
	config := settingsFile(t, fmt.Sprintf(`
inventory: { hsm: { url: %q }, notifications: "http://%s" }
power: { redfish: { ca_file: %q, sessions: true, events: "http://%s", credentials: { user: %s, password_env: TEST_BMC_PASSWORD } } }
boot_parameters: { builtin: { listen: %q } }
artifacts: { s3: { endpoint: %q, access_key_env: TEST_S3_KEY, secret_key_env: TEST_S3_SECRET } }
`, e.HSM, api, e.CAFile, api, e.User, forNodes, e.S3))
	database := filepath.Join(dir, "bos.db")
	p := &process{
		t: t, database: database, args: []string{"serve", "--config", config, "--listen", api, "--database", database, "--auth", auth},
		env: []string{"TEST_BMC_PASSWORD=" + e.Password, "TEST_S3_KEY=" + e.AccessKey, "TEST_S3_SECRET=" + e.SecretKey},
	}
	p.watched()
	p.start()
	t.Cleanup(p.kill)
	room.SetBOS(p.url)
	room.SetBootScripts(p.url + bootscript.Prefixes[0])
	call(t, http.MethodPut, p.url+"/v2/sessiontemplates/compute", computeTemplate, nil)
	discovered(t, p.url, nodes)
	return besieged{p, room, forNodes}
}

// computeTemplate boots all nodes of an emulated room.
var computeTemplate = map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
	"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
}}}

// converges reboots the room again and again until storm has ended, at least once, and
// says how often, and how long the slowest took.
func (b besieged) converges(t *testing.T, rounds int, storm <-chan struct{}) (last int, slowest time.Duration) {
	t.Helper()
	for {
		rounds++
		name := fmt.Sprintf("reboot-%d", rounds)
		began := time.Now()
		session(t, b.process, name, "reboot")
		rebooted(t, complete(t, b.url, name), b.room.Room(), rounds)
		if took := time.Since(began); took > slowest {
			slowest = took
			if took > worthTelling {
				t.Logf("%s took %s: %s", name, took.Round(time.Millisecond), b.course(t, name, began))
			}
		}
		select {
		case <-storm:
			return rounds, slowest
		default:
		}
		if t.Failed() {
			<-storm
			return rounds, slowest
		}
	}
}

// worthTelling is how long a reboot takes whose course is told.
const worthTelling = 15 * time.Second

// course is when each kind of event of a session came first and last.
func (b besieged) course(t *testing.T, name string, began time.Time) string {
	t.Helper()
	type span struct{ first, last time.Duration }
	spans := make(map[string]span)
	var kinds []string
	for _, e := range history(t, b.url) {
		if e.Session != name {
			continue
		}
		at := e.Time.Sub(began).Round(time.Millisecond)
		s, ok := spans[e.Kind]
		if !ok {
			kinds = append(kinds, e.Kind)
			s.first = at
		}
		s.last = at
		spans[e.Kind] = s
	}
	var text strings.Builder
	for _, kind := range kinds {
		fmt.Fprintf(&text, "%s %s to %s; ", kind, spans[kind].first, spans[kind].last)
	}
	return text.String()
}

// routes are those of the service, with what it serves beside them.
func (b besieged) routes(t *testing.T) []hostile.Route {
	t.Helper()
	_, document := get(t, b.url+"/openapi.yaml")
	routes, err := hostile.Routes([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(routes, hostile.Beside)
}

// storm sends hostile requests, a fifth of them to the network of the nodes.
func (b besieged) storm(t *testing.T, seed uint64, count int) (api, nodes *hostile.Result) {
	t.Helper()
	const senders = 16
	host := strings.TrimPrefix(b.url, "http://")
	send := func(address string, routes []hostile.Route, count int) *hostile.Result {
		result, err := hostile.Send(t.Context(), hostile.Target{Address: address}, hostile.New(seed, address, localtoken.Find(b.url), routes), count, senders)
		if err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, b.log.tail())
		}
		for _, wrong := range result.Wrong {
			t.Errorf("seed %d: %s", seed, wrong)
		}
		return result
	}
	return send(host, b.routes(t), count-count/5), send(b.nodes, hostile.Nodes, count/5)
}

// TestHostileRequestsBreakNothingAndKeepNoSessionFromConverging sends requests that
// nobody means well with, of a seed, while nodes reboot. HOSTILE_REQUESTS, _NODES and
// _SEED change how many, and which.
func TestHostileRequestsBreakNothingAndKeepNoSessionFromConverging(t *testing.T) {
	t.Parallel()
	count, nodes, seed := setting(t, "HOSTILE_REQUESTS", 2000), setting(t, "HOSTILE_NODES", 20), setting(t, "HOSTILE_SEED", 1)
	for _, auth := range []string{"enforce", "off"} {
		t.Run("auth "+auth, func(t *testing.T) {
			b := besiege(t, nodes, auth)
			session(t, b.process, "boot", "boot")
			complete(t, b.url, "boot")
			ended := make(chan struct{})
			close(ended)
			rounds, alone := b.converges(t, 0, ended)
			b.storm(t, uint64(seed)+1000, 200) // what is made once is there before
			idle()
			before := b.holds()

			author := writes(t, b.url)
			stormed := make(chan struct{})
			var results [2]*hostile.Result
			began := time.Now()
			go func() {
				defer close(stormed)
				results[0], results[1] = b.storm(t, uint64(seed), count)
			}()
			last, slowest := b.converges(t, rounds, stormed)
			took := time.Since(began)
			author.kept(t, b.url)
			ordered(t, b.url, b.room.Room())
			idle()
			after, rested := b.restored(before)
			list := []figures.Figure{
				{What: "hostile requests", Value: float64(results[0].Sent + results[1].Sent), Unit: figures.Times, Aim: figures.AtLeast(float64(count))},
				{What: "of these answered wrongly", Value: float64(len(results[0].Wrong) + len(results[1].Wrong)), Unit: figures.Times, Aim: figures.AtMost(0.1)},
				{What: "a second", Value: float64(count) / took.Seconds(), Unit: figures.PerSecond},
				{What: "a reboot alone", Nodes: nodes, Value: alone.Seconds(), Unit: figures.Seconds},
				{What: "the slowest meanwhile", Nodes: nodes, Value: slowest.Seconds(), Unit: figures.Seconds},
				{What: "reboots meanwhile", Nodes: nodes, Value: float64(last - rounds), Unit: figures.Times, Aim: figures.AtLeast(1)},
			}
			list = append(list, after.judge(t, before, rested)...)
			if err := figures.Print(os.Stdout, list); err != nil {
				t.Error(err)
			}
			t.Logf("answers of the API: %v; of the nodes' address: %v", results[0].Statuses, results[1].Statuses)
		})
	}
}
