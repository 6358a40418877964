package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// requests are what clients asked of this service.
type requests struct {
	count *prometheus.CounterVec
	time  *prometheus.HistogramVec
}

func newRequests() requests {
	return requests{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "http_requests_total", Help: "Requests that were answered, by the pattern of the route; none where no route was reached"}, []string{"route", "method", "status"}),
		time:  histogram("http_request_seconds", "How long answers took, without those that are streams", upstreamBuckets, "route"),
	}
}

// methods are those that have series; clients may send any.
var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true, "OPTIONS": true}

// Request takes in one answer. route is a pattern of the routes that there are, never a
// path.
func (m *Metrics) Request(route, method string, status int, took time.Duration, stream bool) {
	if !methods[method] {
		method = Other
	}
	m.requests.count.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if !stream {
		m.requests.time.WithLabelValues(route).Observe(took.Seconds())
	}
}

// Describe is for the registry.
func (r *requests) Describe(ch chan<- *prometheus.Desc) {
	r.count.Describe(ch)
	r.time.Describe(ch)
}

// Collect gives what was counted.
func (r *requests) Collect(ch chan<- prometheus.Metric) {
	r.count.Collect(ch)
	r.time.Collect(ch)
}
