// Package metrics counts what a service does, for Prometheus. It decides on nothing and
// asks nobody: the shell tells it what was made durable and what calls answered, the
// transport what upstreams answered, the store what its writer did. No series is of a
// node, and the only label that clients choose, the template, has a limit.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	namespace = "bos"
	// mostTemplates is how many templates have series of their own since the start. All
	// others are counted as Other.
	mostTemplates = 50
	// Other is the template of what is beyond mostTemplates.
	Other = "other"
)

// Buckets, in seconds: of what nodes do, of what upstreams answer, and of a disk.
var (
	nodeBuckets     = []float64{1, 5, 15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200}
	upstreamBuckets = []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	diskBuckets     = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .1, .5, 2, 10}
)

// Metrics are the figures of one service. Its methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	handler  http.Handler

	nodes     *nodes
	facts     facts
	upstreams upstreams
	writer    writer
	requests  requests
	calls     *prometheus.CounterVec
	callTime  *prometheus.HistogramVec
	actions   *prometheus.CounterVec
	passes    prometheus.Histogram
}

// New makes the figures of a service of a version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m.calls = counter("calls_total", "Calls for nodes that were answered, by what they were to do and what is known of them", "kind", "outcome")
	m.actions = counter("power_actions_total", "Power actions ordered, by the operation and the reason of the decision", "action", "reason")
	m.callTime = histogram("call_seconds", "How long calls for nodes took, with the wait for their turn", upstreamBuckets, "kind")
	m.passes = histogram("pass_seconds", "How long passes of the engine took", upstreamBuckets).WithLabelValues().(prometheus.Histogram) //nolint:forcetypeassert // what a HistogramVec has
	m.nodes, m.upstreams, m.writer, m.requests = newNodes(), newUpstreams(), newWriter(), newRequests()
	built := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "build_info", Help: "1, for the version that runs", ConstLabels: prometheus.Labels{"version": valid(version)}})
	built.Set(1)
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		built, m.calls, m.actions, m.callTime, m.passes, m.nodes, &m.facts, &m.upstreams, &m.writer, &m.requests,
	)
	m.handler = promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return m
}

// ServeHTTP answers a scrape.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}
