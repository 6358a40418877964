package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Facts are the signs of life of a service when it is scraped.
type Facts struct {
	// Drives says that it has the lease and makes passes, Fence which lease. Acts says
	// that nobody else can have it now.
	Drives, Acts bool
	Fence        int64
	// Pass is for how long it has made no pass, Engine that there is one.
	Pass   time.Duration
	Engine bool
	// InFlight are calls under way, by kind.
	InFlight map[string]int
	// Position is how far the engine has read the feed of the store.
	Position int64
	// InventoryRead says that the inventory was read, Inventory how long ago.
	InventoryRead bool
	Inventory     time.Duration
	// BMCs are those known, Bad those that do not answer as they should, by reason.
	BMCs int
	Bad  map[string]int
	// SessionsRead says that it is known how far sessions are, Open how many are not
	// over, Sessions those of them that have series.
	SessionsRead bool
	Open         int
	Sessions     []Session
}

// MostSessions is how many sessions have series at a time: the newest of those that are
// not over.
const MostSessions = 50

// Session is one that is not over.
type Session struct {
	Tenant, Name string
	// Over is when it is expected to be over, zero where that cannot be said.
	Over time.Time
	// Stragglers are its nodes that take longer than 99 of 100.
	Stragglers int
}

// facts are asked for when somebody scrapes.
type facts struct {
	ask atomic.Pointer[func() Facts]
}

var (
	drives     = desc("lease_held", "1 while this service has the lease and drives the nodes")
	acts       = desc("lease_may_act", "1 while no other service can have the lease, so that power may be touched")
	fence      = desc("lease_fence", "Number of the lease that this service had last")
	passAge    = desc("pass_age_seconds", "How long ago the engine ended a pass; it makes one every two seconds at least. 0 where it does not drive")
	engineOn   = desc("engine_running", "1 while there is an engine; none is while the database takes no writes")
	inFlight   = desc("calls_in_flight", "Calls for nodes under way, by kind", "kind")
	position   = desc("feed_position", "How far the engine has read the feed of the store")
	inventory  = desc("inventory_age_seconds", "How long ago the inventory was read; left out before the first time")
	bmcs       = desc("bmcs", "BMCs that the engine asks")
	sessions   = desc("sessions_open", "Sessions that are not over")
	sessionETA = desc("session_eta_seconds", "In how long a session is expected to be over, for the newest that are not; left out where that cannot be said", "tenant", "session")
	stragglers = desc("session_stragglers", "Nodes of a session that take longer than 99 of 100, for the newest that are not over", "tenant", "session")
	bmcsBad    = desc("bmcs_unwell", "BMCs that do not answer as they should, by the reason", "reason")
)

// kinds are those of calls for nodes.
var kinds = []bos.EffectKind{
	bos.EffectWriteBoot, bos.EffectConfigure, bos.EffectPowerOn, bos.EffectPowerOffGraceful, bos.EffectPowerOffForceful,
	bos.EffectDrain, bos.EffectReword, bos.EffectReturn,
}

// Watch has the figures ask for signs of life.
func (m *Metrics) Watch(ask func() Facts) { m.facts.ask.Store(&ask) }

// Describe is for the registry.
func (f *facts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{drives, acts, fence, passAge, engineOn, inFlight, position, inventory, bmcs, bmcsBad, sessions, sessionETA, stragglers} {
		ch <- d
	}
}

// Collect asks.
func (f *facts) Collect(ch chan<- prometheus.Metric) {
	ask := f.ask.Load()
	if ask == nil {
		return
	}
	is := (*ask)()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	age := is.Pass.Seconds()
	if !is.Drives {
		age = 0
	}
	gauge(drives, one(is.Drives))
	gauge(acts, one(is.Drives && is.Acts))
	gauge(fence, float64(is.Fence))
	gauge(passAge, age)
	gauge(engineOn, one(is.Engine))
	gauge(position, float64(is.Position))
	gauge(bmcs, float64(is.BMCs))
	for _, kind := range kinds { // a 0 for those of which none is under way
		gauge(inFlight, float64(is.InFlight[string(kind)]), string(kind))
	}
	for reason, n := range is.Bad {
		gauge(bmcsBad, float64(n), valid(reason))
	}
	if is.InventoryRead {
		gauge(inventory, is.Inventory.Seconds())
	}
	if is.SessionsRead {
		gauge(sessions, float64(is.Open))
	}
	for _, s := range is.Sessions {
		gauge(stragglers, float64(s.Stragglers), valid(s.Tenant), valid(s.Name))
		if !s.Over.IsZero() {
			gauge(sessionETA, max(time.Until(s.Over), 0).Seconds(), valid(s.Tenant), valid(s.Name))
		}
	}
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
