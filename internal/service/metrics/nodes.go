package metrics

import (
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// The phases of a node in work, as people see them.
const (
	phasePending     = "pending"
	phasePoweringOff = "powering_off"
	phasePoweringOn  = "powering_on"
	phaseBooting     = "booting"
	phaseConfiguring = "configuring"
)

var phases = []string{phasePending, phasePoweringOff, phasePoweringOn, phaseBooting, phaseConfiguring}

// How the work on a node ended.
const (
	endDone   = "done"
	endFailed = "failed"
	endLeft   = "left" // another session took it, or somebody took it away
)

// unknownTime is since when something is so of which nobody saw the beginning.
const unknownTime = time.Duration(-1)

// nodes are those in work. One entry of a map is kept of each, and none of any other.
type nodes struct {
	mu   sync.Mutex
	of   map[string]*node
	in   map[string]int         // by phase
	wait map[bos.WaitReason]int // by what they wait for
	// templates of sessions that are open, and the names that have series.
	templates map[bos.SessionKey]string
	labels    map[string]bool

	phaseTime, workTime *prometheus.HistogramVec
	ended, failures     *prometheus.CounterVec
	inWork, waiting     *prometheus.Desc
}

// node is what is kept of one in work.
type node struct {
	phase, template string
	session         bos.SessionKey
	wait            bos.WaitReason
	began, since    time.Duration
}

func newNodes() *nodes {
	n := &nodes{
		of: make(map[string]*node), in: make(map[string]int), wait: make(map[bos.WaitReason]int),
		templates: make(map[bos.SessionKey]string), labels: make(map[string]bool),
		phaseTime: histogram("phase_seconds", "How long nodes were in a phase, by the template of their session", nodeBuckets, "template", "phase"),
		workTime:  histogram("work_seconds", "How long nodes were in work, from when their session had them to the end", nodeBuckets, "template", "outcome"),
		ended:     prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "nodes_ended_total", Help: "Nodes on which the work ended, by template and how"}, []string{"template", "outcome"}),
		failures:  prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: "node_failures_total", Help: "Nodes that failed, by cause"}, []string{"cause"}),
		inWork:    desc("nodes_in_work", "Nodes in work, by phase", "phase"),
		waiting:   desc("nodes_waiting", "Nodes in work that wait, by what for: the gates and all else", "reason"),
	}
	n.begin(Other)
	for _, cause := range bos.Causes() {
		n.failures.WithLabelValues(string(cause)) // a rate wants to see the 0 before the first
	}
	return n
}

// Loaded takes in records as they are stored now, the nodes that have none any more, and
// sessions; fresh says that these are all that are in work.
func (m *Metrics) Loaded(at time.Duration, fresh bool, records []bos.Record, gone []string, sessions []bos.SessionRecord, ended []bos.SessionKey) {
	n := m.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	n.takeSessions(sessions, ended)
	since := at
	if fresh {
		n.keep(at, records)
		since = unknownTime
	}
	for i := range records {
		n.take(at, since, &records[i])
	}
	for _, id := range gone {
		n.end(at, id, endLeft)
	}
}

// Left takes in that this service drives no more: which nodes are in work is for the one
// that does to say. Nothing is counted as over.
func (m *Metrics) Left() {
	n := m.nodes
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.of)
	clear(n.in)
	clear(n.wait)
	clear(n.templates)
}

// Committed takes in what one pass made durable, without what it met newer, and the
// calls that start with it.
func (m *Metrics) Committed(at time.Duration, commit bos.Commit, left bos.Conflicts, effects []decide.Batch) {
	not := make(map[string]bool, len(left.Components))
	for _, id := range left.Components {
		not[id] = true
	}
	n := m.nodes
	n.mu.Lock()
	n.takeSessions(commit.Sessions, nil)
	for i := range commit.Components {
		if !not[commit.Components[i].ID] {
			n.take(at, at, &commit.Components[i])
		}
	}
	n.mu.Unlock()
	m.countActions(commit.Events, effects)
}

// countActions counts power actions by the reason that the history has for them.
func (m *Metrics) countActions(events []bos.Event, effects []decide.Batch) {
	var reasons map[string]string
	for _, batch := range effects {
		if batch.Effect.Kind.PowerOp() == "" {
			continue
		}
		if reasons == nil {
			reasons = make(map[string]string, len(events))
			for i := range events {
				if decide.Reason(events[i].Kind).Acts() {
					reasons[events[i].Component] = events[i].Kind
				}
			}
		}
		for _, id := range batch.IDs {
			reason, told := reasons[id]
			if !told {
				reason = "same_again" // an action that was put off is sent again, with no line of history
			}
			m.actions.WithLabelValues(string(batch.Effect.Kind), reason).Inc()
		}
	}
}

// Answered takes in how the call for one node ended.
func (m *Metrics) Answered(kind bos.EffectKind, outcome bos.CallOutcome, took time.Duration) {
	m.calls.WithLabelValues(string(kind), outcomes[outcome]).Inc()
	m.callTime.WithLabelValues(string(kind)).Observe(took.Seconds())
}

// Passed takes in how long a pass took.
func (m *Metrics) Passed(took time.Duration) { m.passes.Observe(took.Seconds()) }

var outcomes = map[bos.CallOutcome]string{
	bos.CallDone: "accepted", bos.CallNotAttempted: "not_attempted", bos.CallBusy: "busy",
	bos.CallRefused: "refused", bos.CallUnsupported: "unsupported", bos.CallUnknown: "unknown",
}

func (n *nodes) takeSessions(sessions []bos.SessionRecord, ended []bos.SessionKey) {
	for i := range sessions {
		s := &sessions[i]
		if s.Status.Status == bos.SessionComplete {
			delete(n.templates, s.Key())
			continue
		}
		n.templates[s.Key()] = n.label(s.TemplateName)
	}
	for _, key := range ended {
		delete(n.templates, key)
	}
}

// label is a template as its series name it.
func (n *nodes) label(name string) string {
	name = valid(name)
	switch {
	case n.labels[name]:
	case name == "" || len(n.labels) >= mostTemplates:
		return Other
	default:
		n.labels[name] = true
		n.begin(name)
	}
	return name
}

// begin has the series of a template begin with 0: a rate sees no first failure that
// comes with its series.
func (n *nodes) begin(template string) {
	for _, how := range []string{endDone, endFailed, endLeft} {
		n.ended.WithLabelValues(template, how)
	}
}

// keep forgets who is not among records: an engine begins with these.
func (n *nodes) keep(at time.Duration, records []bos.Record) {
	there := make(map[string]bool, len(records))
	for i := range records {
		there[records[i].ID] = true
	}
	for id := range n.of {
		if !there[id] {
			n.end(at, id, endLeft)
		}
	}
}

// take takes in a record. One that is seen in work for the first time is so since since.
func (n *nodes) take(at, since time.Duration, r *bos.Record) {
	was := n.of[r.ID]
	if was != nil && was.session != r.Key() && r.Enabled {
		n.end(at, r.ID, endLeft)
		was = nil
	}
	if !r.Enabled {
		n.finish(at, r)
		return
	}
	phase := phaseOf(r)
	if was == nil {
		was = &node{phase: phase, session: r.Key(), template: n.templates[r.Key()], began: since, since: since}
		if was.template == "" {
			was.template = Other
		}
		n.of[r.ID] = was
		n.in[phase]++
	}
	if was.phase != phase {
		n.leave(at, was)
		was.phase, was.since = phase, at
		n.in[phase]++
	}
	if wait := r.Work.Waiting.For; was.wait != wait {
		n.wait[was.wait]--
		n.wait[wait]++
		was.wait = wait
	}
}

// leave counts the phase that a node leaves.
func (n *nodes) leave(at time.Duration, was *node) {
	n.in[was.phase]--
	if was.since != unknownTime {
		n.phaseTime.WithLabelValues(was.template, was.phase).Observe((at - was.since).Seconds())
	}
}

// finish takes in a record that is not in work.
func (n *nodes) finish(at time.Duration, r *bos.Record) {
	if n.of[r.ID] == nil {
		return
	}
	switch {
	case r.Status.StatusOverride == bos.StatusFailed:
		n.end(at, r.ID, endFailed)
		cause := string(r.Work.Cause)
		if cause == "" {
			cause = Other
		}
		n.failures.WithLabelValues(cause).Inc()
	case r.Session == "" || r.Excluded():
		n.end(at, r.ID, endLeft)
	default:
		n.end(at, r.ID, endDone)
	}
}

func (n *nodes) end(at time.Duration, id, how string) {
	was := n.of[id]
	if was == nil {
		return
	}
	delete(n.of, id)
	n.leave(at, was)
	n.wait[was.wait]--
	n.ended.WithLabelValues(was.template, how).Inc()
	if was.began != unknownTime {
		n.workTime.WithLabelValues(was.template, how).Observe((at - was.began).Seconds())
	}
}

func phaseOf(r *bos.Record) string {
	c := r.Component
	c.Status.StatusOverride = "" // one on hold is where it was
	switch c.DeriveStatus() {
	case bos.StatusPowerOffPending, bos.StatusPowerOffGracefullyCalled, bos.StatusPowerOffForcefullyCalled:
		return phasePoweringOff
	case bos.StatusPowerOnCalled:
		return phaseBooting
	case bos.StatusPowerOnPending:
		return phasePoweringOn
	case bos.StatusConfiguring:
		return phaseConfiguring
	}
	return phasePending
}

func valid(text string) string { return strings.ToValidUTF8(text, "?") }

// Describe is for the registry.
func (n *nodes) Describe(ch chan<- *prometheus.Desc) {
	n.phaseTime.Describe(ch)
	n.workTime.Describe(ch)
	n.ended.Describe(ch)
	n.failures.Describe(ch)
	ch <- n.inWork
	ch <- n.waiting
}

// Collect gives what was counted. It goes through no nodes.
func (n *nodes) Collect(ch chan<- prometheus.Metric) {
	n.phaseTime.Collect(ch)
	n.workTime.Collect(ch)
	n.ended.Collect(ch)
	n.failures.Collect(ch)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, phase := range phases {
		ch <- prometheus.MustNewConstMetric(n.inWork, prometheus.GaugeValue, float64(n.in[phase]), phase)
	}
	for _, reason := range bos.WaitReasons() {
		ch <- prometheus.MustNewConstMetric(n.waiting, prometheus.GaugeValue, float64(n.wait[reason]), string(reason))
	}
}
