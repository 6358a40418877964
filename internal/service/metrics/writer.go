package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Written is one transaction of the store.
type Written struct {
	// Jobs are the writes that shared it.
	Jobs int
	// Took is the whole of it, Sync the wait for the disk in it.
	Took, Sync time.Duration
	// Failed says that nothing of it is stored.
	Failed bool
}

// Queue is how many writes wait, up to which revision all is stored (0 where that is not
// known yet), and whether the database took the last write.
type Queue struct {
	Length int
	Newest int64
	Writes bool
}

// writer is the one goroutine that writes to the database.
type writer struct {
	ask        atomic.Pointer[func() Queue]
	jobs       prometheus.Histogram
	took, sync prometheus.Histogram
	failed     prometheus.Counter
}

func newWriter() writer {
	one := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets})
	}
	return writer{
		jobs:   one("store_transaction_writes", "How many writes shared a transaction", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}),
		took:   one("store_transaction_seconds", "How long transactions took, with the wait for the disk", diskBuckets),
		sync:   one("store_sync_seconds", "How long transactions waited for the disk", diskBuckets),
		failed: prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: "store_transactions_failed_total", Help: "Transactions that could not be stored"}),
	}
}

var (
	queueLength = desc("store_queue", "Writes that wait for their transaction")
	newest      = desc("store_revision", "Revision of the newest write of this process, which the feed of the store tells; left out before the first")
	takesWrites = desc("store_takes_writes", "1 unless the last write failed")
)

// Wrote takes in a transaction.
func (m *Metrics) Wrote(w Written) {
	m.writer.jobs.Observe(float64(w.Jobs))
	m.writer.took.Observe(w.Took.Seconds())
	m.writer.sync.Observe(w.Sync.Seconds())
	if w.Failed {
		m.writer.failed.Inc()
	}
}

// WatchQueue has the figures ask how many writes wait.
func (m *Metrics) WatchQueue(ask func() Queue) { m.writer.ask.Store(&ask) }

func (w *writer) all() []prometheus.Collector {
	return []prometheus.Collector{w.jobs, w.took, w.sync, w.failed}
}

// Describe is for the registry.
func (w *writer) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range w.all() {
		c.Describe(ch)
	}
	ch <- queueLength
	ch <- newest
	ch <- takesWrites
}

// Collect gives what was counted, and asks.
func (w *writer) Collect(ch chan<- prometheus.Metric) {
	for _, c := range w.all() {
		c.Collect(ch)
	}
	ask := w.ask.Load()
	if ask == nil {
		return
	}
	is := (*ask)()
	ch <- prometheus.MustNewConstMetric(queueLength, prometheus.GaugeValue, float64(is.Length))
	ch <- prometheus.MustNewConstMetric(takesWrites, prometheus.GaugeValue, one(is.Writes))
	if is.Newest > 0 {
		ch <- prometheus.MustNewConstMetric(newest, prometheus.GaugeValue, float64(is.Newest))
	}
}
