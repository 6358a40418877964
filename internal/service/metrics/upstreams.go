package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// upstreams are what the services of a site and its BMCs answered.
type upstreams struct {
	time  *prometheus.HistogramVec
	count *prometheus.CounterVec
}

func newUpstreams() upstreams {
	return upstreams{
		time:  histogram("upstream_request_seconds", "How long requests to an upstream took, with repeats and without what was never sent", upstreamBuckets, "upstream"),
		count: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "upstream_requests_total", Help: "Requests to an upstream, by what its answer means"}, []string{"upstream", "outcome"}),
	}
}

// Asked takes in a request to an upstream, which the section of the settings names, and
// what its answer means: one word of a closed list.
func (m *Metrics) Asked(upstream, outcome string, took time.Duration) {
	m.upstreams.count.WithLabelValues(upstream, outcome).Inc()
	m.upstreams.time.WithLabelValues(upstream).Observe(took.Seconds())
}

// Describe is for the registry.
func (u *upstreams) Describe(ch chan<- *prometheus.Desc) {
	u.time.Describe(ch)
	u.count.Describe(ch)
}

// Collect gives what was counted.
func (u *upstreams) Collect(ch chan<- prometheus.Metric) {
	u.time.Collect(ch)
	u.count.Collect(ch)
}
