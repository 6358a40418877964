// Package fault is the vocabulary of what goes wrong in an emulated room: the
// kinds of faults, whom each can hit and what it leaves open, and the rules of
// fault scripts, which are written in it. Whether and how a fault shows is the
// business of the room and of those who answer for its BMCs and services.
package fault

import (
	"slices"
	"strings"
	"time"
)

// Kind is something that goes wrong.
type Kind string

// The faults of requests to BMCs and services.
const (
	// Dead: there is no answer to anything, not even a handshake.
	Dead Kind = "dead"
	// Outage: a service closes every connection without an answer; the BMCs
	// are silent.
	Outage Kind = "outage"
	// Hang: connections open, and no request is answered.
	Hang Kind = "hang"
	// Slow: answers come after Delay.
	Slow Kind = "slow"
	// Busy: the answer is 503 with the Retry-After of the rule.
	Busy Kind = "busy"
	// Credentials: user and password are not accepted.
	Credentials Kind = "credentials"
)

// The faults of BMCs that their answers show.
const (
	// Restart: it has just restarted, and its sessions and subscriptions
	// are gone.
	Restart Kind = "restart"
	// Lockout: after Tries refused logins within Delay, each of which
	// prolongs it, user and password are not accepted for as long. It hits
	// with each lock.
	Lockout Kind = "lockout"
	// SessionsFull: it has all the sessions that it can have.
	SessionsFull Kind = "sessions-full"
	// NoBasic: it accepts no Basic credentials.
	NoBasic Kind = "no-basic"
	// OtherMachine: another machine has its address, with another UUID.
	OtherMachine Kind = "other-machine"
)

// The faults of nodes.
const (
	// Drop: a reset is accepted and never happens. Resets narrows it, and
	// the others that are about resets, to those that lead off or on, or to
	// graceful shutdowns.
	Drop Kind = "drop"
	// Refuse: resets are answered with 503, and nothing else is.
	Refuse Kind = "refuse"
	// NotReady: resets are answered with 400 and that it is not ready.
	NotReady Kind = "not-ready"
	// Break: resets are answered with 500 and never happen, Cut: the
	// connection is cut over them.
	Break Kind = "break"
	Cut   Kind = "cut"
	// SlowReset: resets happen, and are answered after Delay.
	SlowReset Kind = "slow-reset"
	// Stale: for Delay after a reset, the BMC tells the power state
	// from before it.
	Stale Kind = "stale"
	// Boot: the node has power and does not boot.
	Boot Kind = "boot"
	// WrongImage: it boots what BSS had for it before, or something
	// else that nobody wanted.
	WrongImage Kind = "wrong-image"
	// NoReport: it boots and tells nobody.
	NoReport Kind = "no-report"
	// Config: CFS fails to configure it.
	Config Kind = "config"
)

// Target is what can have a fault.
type Target int

// The targets; an entry of the vocabulary may have more than one.
const (
	// BMC has faults of BMCs, a node stands for its BMC. Node has faults of
	// nodes, a BMC stands for its nodes. Service is one of Services.
	BMC Target = 1 << iota
	Node
	Service
)

// Entry is what the vocabulary says of a kind.
type Entry struct {
	Kind Kind
	Of   Target
	// Resets says that it is about resets, and may be narrowed to some.
	Resets bool
	// Delay and RetryAfter are what a rule leaves open; 0 is that it takes
	// none. Tries is how many refused logins it takes.
	Delay, RetryAfter time.Duration
	Tries             int
	// Services are those that can have it; nil is all.
	Services []string
	// Forms are the ways in which it can show, the first where a rule names
	// none.
	Forms []string
}

// Vocabulary has every kind, in the order in which requests meet them.
var Vocabulary = []Entry{
	{Kind: Outage, Of: Service},
	{Kind: Dead, Of: BMC},
	{Kind: Hang, Of: BMC | Service},
	{Kind: Slow, Of: BMC | Service, Delay: 3 * time.Second},
	{Kind: Busy, Of: BMC | Service, RetryAfter: time.Second},
	{Kind: Credentials, Of: BMC},
	{Kind: Restart, Of: BMC},
	{Kind: Lockout, Of: BMC, Delay: 10 * time.Minute, Tries: 5},
	{Kind: SessionsFull, Of: BMC},
	{Kind: NoBasic, Of: BMC},
	{Kind: OtherMachine, Of: BMC},
	{Kind: Drop, Of: Node, Resets: true},
	{Kind: Refuse, Of: Node, Resets: true},
	{Kind: NotReady, Of: Node, Resets: true},
	{Kind: Break, Of: Node, Resets: true},
	{Kind: Cut, Of: Node, Resets: true},
	{Kind: SlowReset, Of: Node, Resets: true, Delay: 12 * time.Second},
	{Kind: Stale, Of: Node, Delay: time.Minute},
	{Kind: Boot, Of: Node},
	{Kind: WrongImage, Of: Node},
	{Kind: NoReport, Of: Node},
	{Kind: Config, Of: Node},
}

// The services that can have faults of their own.
const (
	HSM   = "hsm"
	BSS   = "bss"
	PCS   = "pcs"
	CFS   = "cfs"
	IMS   = "ims"
	TAPMS = "tapms"
	S3    = "s3"
	// BMCs is all BMCs together.
	BMCs = "bmcs"
)

// Services are those that can have faults of their own.
var Services = []string{HSM, BSS, PCS, CFS, IMS, TAPMS, S3, BMCs}

// The resets that a rule can narrow a fault to.
const (
	ResetsOff      = "off"
	ResetsOn       = "on"
	ResetsGraceful = "graceful"
)

var resets = []string{ResetsOff, ResetsOn, ResetsGraceful}

// Of is what the vocabulary says of a kind; ok is false for none of it.
func Of(k Kind) (e Entry, ok bool) {
	at := slices.IndexFunc(Vocabulary, func(e Entry) bool { return e.Kind == k })
	if at < 0 {
		return Entry{}, false
	}
	return Vocabulary[at], true
}

// those are the kinds that pass, as a list to read.
func those(pass func(Entry) bool) string {
	var words []string
	for _, e := range Vocabulary {
		if pass(e) {
			words = append(words, string(e.Kind))
		}
	}
	return strings.Join(words, ", ")
}

// Kinds are those that any of the targets can have.
func Kinds(of Target) []Kind {
	var kinds []Kind
	for _, e := range Vocabulary {
		if e.Of&of != 0 {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds
}
