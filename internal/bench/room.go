package main

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/databases"
	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/api"
)

// makeRoom makes a service with the records of a site; leave ends it.
func makeRoom(ctx context.Context, size int, f flags) (m *room, leave func() error, err error) {
	dir, err := os.MkdirTemp(f.dir, "bench")
	if err != nil {
		return nil, nil, err
	}
	s, err := open(ctx, dir, f.server)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	ids := names(size)
	if err := fill(ctx, s, ids, true); err != nil {
		return nil, nil, errors.Join(err, s.close(), os.RemoveAll(dir))
	}
	handler := api.New(api.Config{Store: s, Inventory: inventoryOf(ids), Artifacts: images{}})
	server := httptest.NewServer(access.Open(handler))
	transport := &http.Transport{MaxIdleConns: f.clients, MaxIdleConnsPerHost: f.clients}
	m = &room{ctx: ctx, url: server.URL, client: &http.Client{Transport: transport}, ids: ids, store: s, dir: dir, handler: handler, flags: f}
	return m, func() error {
		transport.CloseIdleConnections()
		server.Close()
		return errors.Join(s.close(), os.RemoveAll(dir))
	}, nil
}

// orders are what a room can be told to do, each with a number; they answer what they
// measured.
func (m *room) orders() map[string]func(int) (float64, error) {
	return map[string]func(int) (float64, error){
		"load": func(int) (float64, error) { return m.load() },
		"call": func(i int) (float64, error) { took, err := m.call(i); return millis(took), err },
		"read": func(i int) (float64, error) { return m.read(i) },
		"ask":  func(int) (float64, error) { return m.ask() },
		"report": func(parts int) (float64, error) {
			return m.reports(m.flags.clients, time.Duration(m.flags.seconds*float64(time.Second)/float64(parts)))
		},
		"price": func(int) (float64, error) { return m.tokenPrice(m.handler, m.flags.clients, m.flags.seconds) },
		"fsync": func(int) (float64, error) {
			took, err := fsyncTime(filepath.Join(m.dir, "probe"))
			return millis(took), err
		},
		"memory": func(int) (float64, error) { return mebibytes(m.before), nil },
		"peak":   func(int) (float64, error) { return mebibytes(m.peak()), nil },
		"bytes":  func(int) (float64, error) { n, err := m.store.bytes(m.ctx); return mebibytes(n), err },
		"setup": func(int) (float64, error) {
			took, longest, err := setup(m.ctx, len(m.ids), m.flags)
			m.waited = longest
			return took.Seconds(), err
		},
		"waited": func(int) (float64, error) { return millis(m.waited), nil },
	}
}

// ask is what a question that reads nothing takes, asked once as a call is: less than that
// no call takes that asks the database anything. It is no number where none leaves the
// process.
func (m *room) ask() (float64, error) {
	if m.store.ask == nil {
		return math.NaN(), nil
	}
	runtime.GC()
	start := time.Now()
	err := m.store.ask(m.ctx)
	return millis(time.Since(start)), err
}

// load reads what an engine has in memory, all records that are enabled, and keeps it
// there; from here on the memory is watched.
func (m *room) load() (float64, error) {
	m.loaded = nil
	debug.FreeOSMemory()
	enabled := true
	start := time.Now()
	records, err := m.store.Components(m.ctx, bos.ComponentFilter{Enabled: &enabled})
	if err != nil {
		return 0, err
	}
	took := time.Since(start)
	m.loaded = records
	debug.FreeOSMemory()
	m.before = memory()
	if m.peak == nil {
		m.peak = watchMemory()
	}
	return millis(took), nil
}

// reads are what is asked of the records without the API, as the engine does.
var reads = []struct {
	what string
	read func(ctx context.Context, m *room) error
}{
	{"records: read one", func(ctx context.Context, m *room) error {
		_, err := m.store.Components(ctx, bos.ComponentFilter{IDs: []string{m.ids[len(m.ids)/2]}})
		return err
	}},
	{"records: read the options", func(ctx context.Context, m *room) error { _, err := m.store.Options(ctx); return err }},
	{"records: what changed, nothing", func(ctx context.Context, m *room) error {
		_, err := m.store.Changes(ctx, m.newest)
		return err
	}},
	{"records: write one", func(ctx context.Context, m *room) error {
		m.called++
		_, err := m.store.MutateComponents(ctx, []string{m.ids[0]}, func(r *bos.Record, _ bool) error {
			r.EventStats.PowerOnAttempts = m.called
			return nil
		})
		return err
	}},
	{"records: ping", func(ctx context.Context, m *room) error { return m.store.Ping(ctx) }},
}

// readTimes is how often a read is made to be measured: it takes microseconds.
const readTimes = 50

// read makes one of the reads some times, and returns how many milliseconds one took.
func (m *room) read(i int) (float64, error) {
	changes, err := m.store.Changes(m.ctx, 0)
	if err != nil {
		return 0, err
	}
	m.newest = changes.Newest
	start := time.Now()
	for range readTimes {
		if err := reads[i].read(m.ctx, m); err != nil {
			return 0, err
		}
	}
	return millis(time.Since(start)) / readTimes, nil
}

// serverMemory is that of the database's own processes.
const serverMemory = "memory of the PostgreSQL itself, highest"

// asked is a question to the database that reads nothing.
const asked = "a question to the database that reads nothing"

// rounds is how often a figure is measured: what is no time and no rate, once.
func rounds(f flags, unit figures.Unit) int {
	if unit == figures.Milliseconds || unit == figures.Seconds || unit == figures.PerSecond {
		return f.rounds
	}
	return 1
}

// parts is in how many parts reports are counted.
const parts = 5

// setups is how often a session of all nodes is set up: one of a large room takes long, and
// what else a machine does moves the figure of a small one.
func setups(size int) int {
	switch {
	case size > 10_000:
		return 1
	case size > 1000:
		return 3
	}
	return 9
}

// measure measures a size on all databases.
func measure(ctx context.Context, size int, where *databases.Databases, wanted *regexp.Regexp, f flags) (rows []figures.Row, err error) {
	var all sides
	defer func() { err = errors.Join(err, all.stop()) }()
	for _, server := range where.Servers {
		s, err := startSide(ctx, size, server, f)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	peak, watched := where.WatchMemory()
	add := func(what, order string, times int, unit figures.Unit, most float64) {
		if err != nil || !wanted.MatchString(what) {
			return
		}
		var values []float64
		values, err = all.best(order, times, rounds(f, unit), unit)
		rows = append(rows, figures.Row{What: what, Nodes: size, Values: values, Unit: unit, Aim: aims[size][what], Most: most})
	}
	add("records loaded", "load", min(f.repeat, 3), figures.Milliseconds, databases.Most)
	for i, call := range calls {
		add(call.what, order("call", i), f.repeat, figures.Milliseconds, databases.Most)
	}
	add(asked, "ask", f.repeat, figures.Milliseconds, 0)
	add(reported, order("report", parts), parts, figures.PerSecond, databases.Most)
	add(proven, "price", 1, figures.Percent, 0)
	for i, read := range reads {
		add(read.what, order("read", i), f.repeat, figures.Milliseconds, 0)
	}
	add("fsync, median", "fsync", 1, figures.Milliseconds, 0)
	add("memory in use", "memory", 1, figures.Mebibytes, 0)
	add(peakMemory, "peak", 1, figures.Mebibytes, 0)
	add("database", "bytes", 1, figures.Mebibytes, 0)
	add(setUp, "setup", min(f.repeat, setups(size)), figures.Seconds, databases.Most)
	add(waited, "waited", 1, figures.Milliseconds, 0)
	if err != nil {
		return nil, err
	}
	if most := peak(); watched && wanted.MatchString(serverMemory) {
		values := slices.Repeat([]float64{math.NaN()}, len(all))
		values[len(all)-1] = mebibytes(most)
		rows = append(rows, figures.Row{What: serverMemory, Nodes: size, Values: values, Unit: figures.Mebibytes})
	}
	return rows, nil
}
