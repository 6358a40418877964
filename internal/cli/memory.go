package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

const (
	// leastMemory is what the runtime may always use before it collects garbage, and
	// leastGrowth what it may beyond what is live, in percent of that.
	leastMemory = 90 << 20
	leastGrowth = 35
)

// memoryLimit is how much memory the runtime may use until the next collection, by what
// the last one found live and by what it needs beside the heap. At rest and on a small
// site little is live, and there is no need to collect for each third of it: a reboot of
// 10,000 nodes took a fifth more processor time so. Of much, as with a kept TLS
// connection to each of 10,000 BMCs, no more than a third is added.
func memoryLimit(live, beside uint64) int64 {
	return int64(max(leastMemory, live+live/100*leastGrowth+beside))
}

// keepSmall sets after each collection when the next one comes, unless the administrator
// has said how (GOGC, GOMEMLIMIT). An emulated room alone needs no such care.
func keepSmall() {
	switch {
	case os.Getenv("GOGC") != "":
		return
	case os.Getenv("GOMEMLIMIT") != "":
		debug.SetGCPercent(leastGrowth)
		return
	}
	k := &keeping{samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
		{Name: "/memory/classes/metadata/mcache/inuse:bytes"},
		{Name: "/memory/classes/metadata/mspan/inuse:bytes"},
		{Name: "/memory/classes/metadata/other:bytes"},
		{Name: "/memory/classes/other:bytes"},
		{Name: "/memory/classes/profiling/buckets:bytes"},
	}}
	k.set()
	debug.SetGCPercent(-1) // by the limit alone
}

// keeping sets the limit of memory.
type keeping struct {
	// samples are what is live, and then what is beside it.
	samples []metrics.Sample
	limit   int64
}

// set sets the limit by the last collection, and again after the next.
func (k *keeping) set() {
	metrics.Read(k.samples)
	var beside uint64
	for _, sample := range k.samples[1:] {
		beside += sample.Value.Uint64()
	}
	if limit := memoryLimit(k.samples[0].Value.Uint64(), beside); limit != k.limit {
		k.limit = limit
		debug.SetMemoryLimit(limit)
	}
	// Garbage at once: the next collection finds it.
	runtime.AddCleanup(&struct{ _ *keeping }{}, (*keeping).set, k)
}
