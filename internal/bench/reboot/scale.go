package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

const (
	// replicas is how many services share a PostgreSQL; a file has one.
	replicas = 3
	// pageOfNodes is how many components are read with one request, in pages.
	pageOfNodes = 1000
	// writesEvery is how often one record is written while the room boots.
	writesEvery = 100 * time.Millisecond
	// askEvery is how often a large room is asked how far it is: a session of 100,000 nodes
	// is told with a list of them, which who asks a hundred times a second measures instead.
	askEvery = 500 * time.Millisecond
)

// scale measures a large room: one service on SQLite, and three on a PostgreSQL, of which
// one drives and another one is asked.
func scale(ctx context.Context, out io.Writer, f flags) (err error) {
	where, err := databases.Start(f.database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, where.Stop()) }()
	table := figures.Table{}
	for i, server := range where.Servers {
		services := 1
		if server != "" {
			services = replicas
		}
		table.Columns = append(table.Columns, fmt.Sprintf("%s, %d of the service", where.Names[i], services))
	}
	for text := range listed(f.scale) {
		var size int
		if _, err := fmt.Sscan(text, &size); err != nil || size < 1 {
			return fmt.Errorf("-scale %q: %q is no number of nodes; write it like 10000,100000", f.scale, text)
		}
		err := beside(&table, where, func(server string) ([]figures.Row, error) {
			l := &large{flags: f, size: size, server: server, where: where}
			return l.measure(ctx)
		})
		if err != nil {
			return fmt.Errorf("%d nodes: %w", size, err)
		}
	}
	if _, err := io.WriteString(out, where.Say()); err != nil {
		return err
	}
	if f.markdown {
		return table.Markdown(out)
	}
	return table.Print(out)
}

// large is a large room, and the services that share its records.
type large struct {
	flags
	size     int
	server   string
	where    *databases.Databases
	folder   string
	config   string
	database string
	room     *process
	services []*process
	urls     []string
	client   *http.Client
	last     [2]string // the ids of the last two nodes
	// unanswered counts questions that were refused as the service had too much to do.
	unanswered int
	rows       []figures.Row
}

func (l *large) add(what string, value float64, unit figures.Unit) {
	l.rows = append(l.rows, figures.Row{What: what, Nodes: l.size, Values: []float64{value}, Unit: unit})
	fmt.Fprintf(os.Stderr, "%d nodes: %s: %.2f\n", l.size, what, value)
}

// asked is the service that people ask: the last one, which does not drive where there are
// several.
func (l *large) asked() string { return l.urls[len(l.urls)-1] }

func (l *large) measure(ctx context.Context) (rows []figures.Row, err error) {
	memory, watched := l.where.WatchMemory()
	if l.server == "" {
		watched = false
	}
	defer func() { l.stop(); err = errors.Join(err, os.RemoveAll(l.folder)) }()
	need, err := physicalNeed(l.flags, room{power: powerPCS}, l.size)
	if err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{l.start, l.discover, l.list, func(ctx context.Context) error { return l.boot(ctx, need) }, l.weigh, l.move} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	most := math.NaN()
	if bytes := memory(); watched {
		most = float64(bytes) / (1 << 20)
	}
	l.add("memory of the PostgreSQL itself, highest", most, figures.Mebibytes)
	return l.rows, nil
}

// start starts the room and the service that will drive, and then the others.
func (l *large) start(ctx context.Context) (err error) {
	l.client = &http.Client{Timeout: 10 * time.Minute}
	if l.folder, err = os.MkdirTemp("", "large"); err != nil {
		return err
	}
	emulated, err := machineroom.New(machineroom.Config{Nodes: l.size, NodesPerBMC: l.perBMC, Seed: l.seed})
	if err != nil {
		return err
	}
	nodes := emulated.Inventory().Nodes
	slices.SortFunc(nodes, func(a, b bos.Node) int { return cmp.Compare(a.ID, b.ID) })
	l.last = [2]string{nodes[max(0, len(nodes)-2)].ID, nodes[len(nodes)-1].ID}
	count := 1
	if l.server != "" {
		count = replicas
	}
	for range count {
		listen, err := freeAddress(ctx)
		if err != nil {
			return err
		}
		l.urls = append(l.urls, "http://"+listen)
	}
	l.config = filepath.Join(l.folder, "bos.yaml")
	// The nodes report to the one that is asked.
	l.room, _, err = launch(ctx, l.flags, "room", "emulated machine room at ",
		"emulate", "--nodes", fmt.Sprint(l.size), "--nodes-per-bmc", fmt.Sprint(l.perBMC), "--power", powerPCS,
		"--listen", "127.0.0.1:0", "--state-dir", filepath.Join(l.folder, "room"), "--write-config", l.config, "--bos", l.asked(), "--seed", fmt.Sprint(l.seed),
		"--emulate-power-time", l.powerTime.String(), "--emulate-boot-time", l.bootTime.String())
	if err != nil {
		return err
	}
	if l.database, err = databases.New(ctx, l.server, filepath.Join(l.folder, "bos.db")); err != nil {
		return err
	}
	return l.serve(ctx, 0)
}

func (l *large) serve(ctx context.Context, i int) error {
	p, _, err := launch(ctx, l.flags, fmt.Sprint("service", i), "BOS is ready at ",
		"serve", "--config", l.config, "--listen", strings.TrimPrefix(l.urls[i], "http://"), "--database", l.database)
	l.services = append(l.services, p)
	return err
}

// discover waits until all nodes are known.
func (l *large) discover(ctx context.Context) error {
	began := time.Now()
	err := l.until(ctx, pollEvery, func() (bool, error) {
		var found []struct{}
		err := l.ask(ctx, l.urls[0], http.MethodGet, "/v2/components?page_size=1&start_after_id="+l.last[0], "", &found)
		return len(found) == 1, err
	})
	if err != nil {
		return fmt.Errorf("discover the nodes: %w", err)
	}
	l.add("all nodes discovered, from the start of the service", time.Since(began).Seconds(), figures.Seconds)
	l.add("processor time of the service for that", l.cpu().Seconds(), figures.Seconds)
	peak, err := l.services[0].peakMemory()
	if err != nil {
		return err
	}
	l.add("memory of the service by then, highest", float64(peak)/(1<<20), figures.Mebibytes)
	for i := 1; i < len(l.urls); i++ {
		if err := l.serve(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// list reads all components, whole and in pages.
func (l *large) list(ctx context.Context) error {
	began, cpu := time.Now(), l.cpu()
	bytes, err := l.weight(ctx, "/v2/components")
	if err != nil {
		return err
	}
	l.add("GET all components in one answer", time.Since(began).Seconds(), figures.Seconds)
	l.add("processor time of the services for that", (l.cpu() - cpu).Seconds(), figures.Seconds)
	l.add("that answer", float64(bytes)/(1<<20), figures.Mebibytes)
	began = time.Now()
	seen, next := 0, fmt.Sprint("/v2/components?page_size=", pageOfNodes)
	for {
		var page []struct{ ID string }
		if err := l.ask(ctx, l.asked(), http.MethodGet, next, "", &page); err != nil {
			return err
		}
		if seen += len(page); len(page) < pageOfNodes {
			break
		}
		next = fmt.Sprintf("/v2/components?page_size=%d&start_after_id=%s", pageOfNodes, page[len(page)-1].ID)
	}
	if seen != l.size {
		return fmt.Errorf("in pages there are %d components", seen)
	}
	l.add("GET all components in pages of 1,000", time.Since(began).Seconds(), figures.Seconds)
	return nil
}

// boot boots all nodes by one session, while one record is written every now and then.
func (l *large) boot(ctx context.Context, need time.Duration) error {
	template := room{power: powerPCS}.template(1)
	if err := l.ask(ctx, l.asked(), http.MethodPut, "/v2/sessiontemplates/compute", template, nil); err != nil {
		return err
	}
	writing, over := context.WithCancel(ctx)
	took := make(chan written, 1)
	go func() { took <- l.write(writing) }()
	cpu, room := l.cpu(), l.room.cpu()
	began := time.Now()
	err := l.ask(ctx, l.asked(), http.MethodPost, "/v2/sessions", `{"name":"all","operation":"boot","template_name":"compute"}`, nil)
	phase := bos.SessionPending
	status := func() (bos.SessionPhase, error) {
		var session struct{ Status bos.SessionStatus }
		err := l.ask(ctx, l.asked(), http.MethodGet, "/v2/sessions/all", "", &session)
		var refused *refusal
		if errors.As(err, &refused) && refused.status == http.StatusServiceUnavailable {
			l.unanswered++ // it is asked again
			return phase, nil
		}
		return session.Status.Status, err
	}
	if err == nil {
		err = l.until(ctx, askEvery, func() (bool, error) { phase, err = status(); return phase != bos.SessionPending, err })
	}
	setUp, setUpCPU := time.Since(began), l.cpu()-cpu
	if err == nil {
		err = l.until(ctx, askEvery, func() (bool, error) { phase, err = status(); return phase == bos.SessionComplete, err })
	}
	all := time.Since(began)
	over()
	writes := <-took
	if err != nil {
		return fmt.Errorf("boot all nodes: %w", err)
	}
	if err := l.booted(ctx); err != nil {
		return err
	}
	l.add("a session of all nodes, until it is set up", setUp.Seconds(), figures.Seconds)
	l.add("processor time of the services until then", setUpCPU.Seconds(), figures.Seconds)
	l.add("until all have booted", all.Seconds(), figures.Seconds)
	l.add("what the slowest node needs of that", need.Seconds(), figures.Seconds)
	l.add("processor time of the services per node", (l.cpu()-cpu).Seconds()*1000/float64(l.size), figures.Milliseconds)
	l.add("processor time of the emulated room per node", (l.room.cpu()-room).Seconds()*1000/float64(l.size), figures.Milliseconds)
	slices.Sort(writes.took)
	median, longest := math.NaN(), math.NaN()
	if n := len(writes.took); n > 0 {
		median, longest = float64(writes.took[n/2].Microseconds())/1000, float64(writes.took[n-1].Microseconds())/1000
	}
	l.add("a write of one record meanwhile, 10 a second: median", median, figures.Milliseconds)
	l.add("the longest of them", longest, figures.Milliseconds)
	l.add("those that were refused", float64(writes.refused), figures.Times)
	l.add("questions for the session that were refused, 2 a second", float64(l.unanswered), figures.Times)
	return l.busy()
}

// busy says what else the machine had to do: how many were ready to run on its processors in
// the last minute.
func (l *large) busy() error {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err != nil {
		return err
	}
	l.add(fmt.Sprintf("load of the machine then, of its %d processors", runtime.NumCPU()), load, figures.Times)
	return nil
}

// written is how long writes took that were answered, and how many were refused.
type written struct {
	took    []time.Duration
	refused int
}

// booted checks that all have.
func (l *large) booted(ctx context.Context) error {
	var status bos.ExtendedStatus
	if err := l.ask(ctx, l.asked(), http.MethodGet, "/v2/sessions/all/status", "", &status); err != nil {
		return err
	}
	if status.ManagedComponentsCount != l.size || status.PercentSuccessful != 100 {
		return fmt.Errorf("the session managed %d nodes and %.2f %% of them came up: %v", status.ManagedComponentsCount, status.PercentSuccessful, status.ErrorSummary)
	}
	return nil
}

// write writes one record ten times a second until the context ends, each beside those
// that wait for their answer, and returns how long each took.
func (l *large) write(ctx context.Context) written {
	var mu sync.Mutex
	var all written
	var open sync.WaitGroup
	tick := time.NewTicker(writesEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			open.Wait()
			return all
		case <-tick.C:
		}
		open.Go(func() {
			began := time.Now()
			err := l.ask(context.WithoutCancel(ctx), l.asked(), http.MethodPatch, "/v2/components/"+l.last[n%2], fmt.Sprintf(`{"retry_policy":%d}`, 3+n%5), nil)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fmt.Fprintln(os.Stderr, "a write:", err)
				all.refused++
				return
			}
			all.took = append(all.took, time.Since(began))
		})
	}
}

// weigh tells what processes had in memory.
func (l *large) weigh(ctx context.Context) error {
	highest := make([]float64, 0, replicas)
	for _, p := range l.services {
		peak, err := p.peakMemory()
		if err != nil {
			return err
		}
		highest = append(highest, float64(peak)/(1<<20))
	}
	l.add("memory of the service that drives, highest", highest[0], figures.Mebibytes)
	others := math.NaN()
	if len(highest) > 1 {
		others = slices.Max(highest[1:])
	}
	l.add("memory of one that stands by, which is asked and reported to", others, figures.Mebibytes)
	bytes, err := databases.Size(ctx, l.server, l.database)
	l.add("database on the disk", float64(bytes)/(1<<20), figures.Mebibytes)
	return err
}

// move moves the records into the other kind of database.
func (l *large) move(ctx context.Context) error {
	l.stop()
	if len(l.where.Servers) < 2 {
		return nil
	}
	from, to := l.database, "sqlite:"+filepath.Join(l.folder, "moved.db")
	if l.server == "" {
		other, err := databases.New(ctx, l.where.Servers[1], "")
		if err != nil {
			return err
		}
		from, to = "sqlite:"+l.database, other
	}
	began := time.Now()
	said, err := exec.CommandContext(ctx, l.binary, "move", "--from", from, "--to", to).CombinedOutput() //nolint:gosec // whoever runs the benchmark names the program
	if err != nil {
		return fmt.Errorf("move the records: %w: %s", err, said)
	}
	l.add("all records moved into the other database, and compared", time.Since(began).Seconds(), figures.Seconds)
	return nil
}

func (l *large) stop() {
	for _, p := range append([]*process{l.room}, l.services...) {
		if p != nil {
			p.stop()
		}
	}
	l.room, l.services = nil, nil
}

func (l *large) cpu() (sum time.Duration) {
	for _, p := range l.services {
		sum += p.cpu()
	}
	return sum
}

func (l *large) until(ctx context.Context, every time.Duration, so func() (bool, error)) error {
	s := &site{service: l.services[0], room: l.room}
	return s.until(ctx, l.patience, every, so)
}

func (l *large) ask(ctx context.Context, url, method, path, body string, into any) error {
	return ask(ctx, l.client, method, url+path, body, into)
}

// weight is how many bytes an answer has.
func (l *large) weight(ctx context.Context, path string) (int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.asked()+path, http.NoBody)
	if err != nil {
		return 0, err
	}
	if token := localtoken.Find(l.asked()); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := l.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s answered %s", path, resp.Status)
	}
	return io.Copy(io.Discard, resp.Body)
}
