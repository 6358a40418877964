package cli

import (
	"bytes"
	"encoding/json"
	"net"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
)

// asVitals names the socket at which a command of the tests says how much it holds.
const asVitals = "BOS_TEST_VITALS"

// vitals is what a process holds: goroutines, bytes that are live, open files.
type vitals struct {
	Goroutines int    `json:"goroutines"`
	Live       uint64 `json:"live"`
	Stacks     string `json:"stacks"`
	files      int
	// resident is the memory of the process, most its peak, in bytes.
	resident, most int64
}

// tellVitals answers each connection on a socket with what this process holds.
func tellVitals(socket string) error {
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// Twice, as what has a finalizer or is in a pool outlives the first.
			runtime.GC()
			runtime.GC()
			debug.FreeOSMemory()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			var stacks bytes.Buffer
			_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
			_ = json.NewEncoder(conn).Encode(vitals{Goroutines: runtime.NumGoroutine(), Live: m.HeapAlloc, Stacks: stacks.String()})
			_ = conn.Close()
		}
	}()
	return nil
}
