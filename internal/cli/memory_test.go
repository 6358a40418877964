package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestLittleMayGrowToAFixedSizeAndMuchByAThird(t *testing.T) {
	for _, c := range []struct{ live, beside, least, most uint64 }{
		{0, 0, leastMemory, leastMemory},
		{20 << 20, 10 << 20, leastMemory, leastMemory},
		{60 << 20, 10 << 20, 90 << 20, 92 << 20},
		{400 << 20, 40 << 20, 579 << 20, 581 << 20},
	} {
		if got := uint64(memoryLimit(c.live, c.beside)); got < c.least || got > c.most {
			t.Errorf("with %d MiB live and %d beside, %d may be used, not %d to %d", c.live>>20, c.beside>>20, got>>20, c.least>>20, c.most>>20)
		}
	}
}

func TestTheLimitOfMemoryFollowsWhatIsLive(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	percent, before := debug.SetGCPercent(100), debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(before) })
	keepSmall()
	if limit := debug.SetMemoryLimit(-1); limit != leastMemory {
		t.Errorf("the limit is %d of an empty heap, not %d", limit, leastMemory)
	}
	held := make([]byte, 2*leastMemory)
	for i := range held {
		held[i] = 1
	}
	k := &keeping{samples: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	for debug.SetMemoryLimit(-1) < int64(len(held)) { // what is set comes a moment after the collection
		runtime.GC()
		runtime.Gosched()
	}
	metrics.Read(k.samples)
	if live, limit := k.samples[0].Value.Uint64(), debug.SetMemoryLimit(-1); limit > int64(live)*2 {
		t.Errorf("%d are live, and the limit is %d", live, limit)
	}
	runtime.KeepAlive(held)
}
