package bos

import (
	"context"
	"time"
)

// ConfigurationStatus is how far the configuration service got with a node.
type ConfigurationStatus string

// The words of CFS. Any other word, unconfigured among them, is a failure for a
// node that shall have a configuration.
const (
	ConfigurationDone    ConfigurationStatus = "configured"
	ConfigurationPending ConfigurationStatus = "pending"
)

// ConfigurationReading is what one probe of a node's configuration brought.
type ConfigurationReading struct {
	ID string
	// Desired is the configuration that the service is to bring the node
	// to, empty for none; Status is how far it got.
	Desired string
	Status  ConfigurationStatus
	// Idle says that the service may not act on the node: it was disabled
	// before a power-on, and nobody has enabled it since.
	Idle bool
	// Missing says that the service answered and has no such node.
	Missing bool
	// Symptom says that the service did not answer for the node; the rest
	// then means nothing, and Detail says why for people.
	Symptom Symptom
	Detail  string
	// Asked is when the question was sent, Answered when the answer came, as
	// those of a PowerReading.
	Asked, Answered time.Time
}

// Received is when the answer came; where nobody noted that, when it was asked for.
func (r ConfigurationReading) Received() time.Time {
	if r.Answered.IsZero() {
		return r.Asked
	}
	return r.Answered
}

// ConfigurationTarget is what a node's configuration shall be. It is
// comparable, so that nodes with equal targets travel in one request.
type ConfigurationTarget struct {
	// Name is the configuration, empty for none.
	Name string
	// Session is the BOS session, left as the tag bos_session.
	Session string
	// Enabled lets the service act on it at once. Clear forgets what was
	// applied before, so that a later "configured" is about this boot.
	Enabled, Clear bool
}

// Configuration reads and sets the configurations of nodes (CFS).
type Configuration interface {
	// Probe asks for the configuration of each node and calls each exactly
	// once per node, as answers come in, never concurrently.
	Probe(ctx context.Context, ids []string, each func(ConfigurationReading))
	// Set gives all nodes the target and calls each exactly once per node,
	// as answers come in, never concurrently. It reports CallRefused for a
	// node that the service does not know.
	Set(ctx context.Context, target ConfigurationTarget, ids []string, each func(CallResult))
}
