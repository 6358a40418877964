package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bench/figures"
)

// watched has a process that is to be started tell its vitals.
func (p *process) watched() {
	p.vitals = filepath.Join(p.t.TempDir(), "v")
	p.env = append(p.env, asVitals+"="+p.vitals)
}

// holds is what the process holds now.
func (p *process) holds() vitals {
	p.t.Helper()
	var v vitals
	conn, err := new(net.Dialer).DialContext(p.t.Context(), "unix", p.vitals)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // it was read or not
	if err := json.NewDecoder(conn).Decode(&v); err != nil {
		p.t.Fatal(err)
	}
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		p.t.Fatal(err)
	}
	v.files = len(files)
	status, err := os.ReadFile(dir + "status")
	if err != nil {
		p.t.Fatal(err)
	}
	v.resident, v.most = kibibytes(p.t, status, "VmRSS:"), kibibytes(p.t, status, "VmHWM:")
	return v
}

func kibibytes(t *testing.T, status []byte, name string) int64 {
	t.Helper()
	_, rest, _ := strings.Cut(string(status), name)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(strings.Fields(line)[0], 10, 64)
	if err != nil {
		t.Fatalf("%s %s", name, line)
	}
	return n << 10
}

// What a service may hold more after a storm than before, which is not the storm's: what
// it keeps of its own work, as histories and connections to a room of BMCs.
const (
	moreGoroutines = 64
	moreFiles      = 64
	moreLive       = 16 << 20
	// rest is how long it has until then.
	rest = time.Minute
)

// restored waits until the process holds no more than before, for a minute at most, and
// says how it then is.
func (p *process) restored(before vitals) (after vitals, took time.Duration) {
	p.t.Helper()
	began := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		after, took = p.holds(), time.Since(began)
		if after.back(before) || took > rest {
			return after, took
		}
		<-tick.C
	}
}

func (v vitals) back(before vitals) bool {
	return v.Goroutines <= before.Goroutines+moreGoroutines && v.files <= before.files+moreFiles && v.Live <= before.Live+moreLive
}

// judge fails where a process holds more than before, and is what it holds as figures.
func (v vitals) judge(t *testing.T, before vitals, took time.Duration) []figures.Figure {
	t.Helper()
	if !v.back(before) {
		t.Errorf("%s later there are %d goroutines, %d files, %d bytes live; before there were %d, %d, %d\n%s",
			took.Round(time.Second), v.Goroutines, v.files, v.Live, before.Goroutines, before.files, before.Live, v.Stacks)
	}
	const mib = 1 << 20
	return []figures.Figure{
		{What: "goroutines afterwards", Value: float64(v.Goroutines), Unit: figures.Times, Aim: figures.AtMost(float64(before.Goroutines + moreGoroutines))},
		{What: "descriptors afterwards", Value: float64(v.files), Unit: figures.Times, Aim: figures.AtMost(float64(before.files + moreFiles))},
		{What: "live memory afterwards", Value: float64(v.Live) / mib, Unit: figures.Mebibytes, Aim: figures.AtMost(float64(before.Live+moreLive) / mib)},
		{What: "resident memory afterwards", Value: float64(v.resident) / mib, Unit: figures.Mebibytes},
		{What: "resident memory at its peak", Value: float64(v.most) / mib, Unit: figures.Mebibytes, Aim: figures.AtMost(mostResident)},
		{What: "until all was as before", Value: took.Seconds(), Unit: figures.Seconds, Aim: figures.AtMost(rest.Seconds())},
	}
}

// mostResident is what the unit of the service gives it several times over, in MiB.
const mostResident = 1024

// idle has the connections of this test closed, which a service counts as well.
func idle() { http.DefaultClient.CloseIdleConnections() }
