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
	// Status: a service, or the gateway before it, answers with the status that
	// is the form, or with a page for browsers.
	Status Kind = "status"
	// Garbage: what is asked for is answered with success, and is none of it.
	Garbage Kind = "garbage"
	// Lost: what is written is done, and the answer never arrives.
	Lost Kind = "lost"
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
	// TLS: it speaks what few speak any more, or only what few speak yet.
	TLS Kind = "tls"
	// Forbidden: what is asked for is answered with 403, for the reason that is
	// the form.
	Forbidden Kind = "forbidden"
	// NoSessions: it has no sessions at all.
	NoSessions Kind = "no-sessions"
	// Placeless: a login is answered without a Location.
	Placeless Kind = "placeless"
	// HostName: it takes no Host but its own name.
	HostName Kind = "host-name"
	// Closes: it closes the connection after each answer.
	Closes Kind = "closes"
	// Systems: its list of systems is another than its nodes.
	Systems Kind = "systems"
	// Slash: it wants paths with a slash at their end, or takes nothing there.
	Slash Kind = "slash"
)

// The faults of nodes.
const (
	// Drop: a reset is accepted and never happens. Resets narrows it, and
	// the others that are about resets, to those that lead off or on, or to
	// graceful shutdowns.
	Drop Kind = "drop"
	// Refuse: resets are answered with the status that is the form, and
	// nothing else is.
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
	// PowerWord: its PowerState is none.
	PowerWord Kind = "power-word"
	// Inventory: what HSM has of it is wrong.
	Inventory Kind = "inventory"
	// Locked and Reserved: so it, or its BMC, is in HSM.
	Locked   Kind = "locked"
	Reserved Kind = "reserved"
)

// The faults of single services.
const (
	// Forgets: it has forgotten what the form says.
	Forgets Kind = "forgets"
	// ByMAC: HSM has the MAC addresses of nodes, and BSS finds what a node boots
	// under these alone, as on PostgreSQL.
	ByMAC Kind = "by-mac"
	// NoInterfaces: HSM has no interfaces.
	NoInterfaces Kind = "no-interfaces"
	// Capitals: PCS writes power states in capitals.
	Capitals Kind = "capitals"
	// Unreserved: PCS cannot reserve nodes in HSM, or loses what it reserved before it
	// sends the reset.
	Unreserved Kind = "unreserved"
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
	{Kind: Status, Of: Service, Forms: []string{"500", "401", "403", "404", "405", "429", "501", "502", "504", FormPage}, Services: upstreams},
	{Kind: Garbage, Of: BMC | Service, Services: upstreams, Forms: []string{FormPage, FormCut, FormNUL, FormNaN, FormHuge, FormNothing, FormList}},
	{Kind: Lost, Of: Service, Services: upstreams},
	{Kind: Restart, Of: BMC},
	{Kind: Lockout, Of: BMC, Delay: 10 * time.Minute, Tries: 5},
	{Kind: SessionsFull, Of: BMC},
	{Kind: NoBasic, Of: BMC},
	{Kind: OtherMachine, Of: BMC},
	{Kind: TLS, Of: BMC, Forms: []string{FormRSA, FormTLS10, FormP384, FormP521, FormPlain}},
	{Kind: Forbidden, Of: BMC, Forms: []string{FormPrivilege, FormLicence, FormPasswordChange}},
	{Kind: NoSessions, Of: BMC},
	{Kind: Placeless, Of: BMC},
	{Kind: HostName, Of: BMC},
	{Kind: Closes, Of: BMC},
	{Kind: Systems, Of: BMC, Forms: []string{FormTwo, FormBaseboard, FormPaged, FormNone}},
	{Kind: Slash, Of: BMC, Forms: []string{FormRedirect, FormRefuse}},
	{Kind: Drop, Of: Node, Resets: true},
	{Kind: Refuse, Of: Node, Resets: true, RetryAfter: time.Second, Forms: []string{"503", "429", "409", "400", "404", "405", "501"}},
	{Kind: NotReady, Of: Node, Resets: true},
	{Kind: Break, Of: Node, Resets: true},
	{Kind: Cut, Of: Node, Resets: true},
	{Kind: SlowReset, Of: Node, Resets: true, Delay: 12 * time.Second},
	{Kind: Stale, Of: Node, Delay: time.Minute},
	{Kind: Boot, Of: Node},
	{Kind: WrongImage, Of: Node},
	{Kind: NoReport, Of: Node},
	{Kind: Config, Of: Node},
	{Kind: PowerWord, Of: Node, Forms: []string{FormNull, FormMissing, FormEmpty, FormNumber, "Reset", "Standby", "Starting"}},
	{Kind: Inventory, Of: Node, Forms: []string{FormInvented, FormMissing, FormNoAddress, FormBadAddress, FormNoPath, FormDisabled, FormEmpty, FormOtherUUID, FormOdd, FormTwice, FormTwoBMCs, FormMistyped}},
	{Kind: Locked, Of: BMC | Node},
	{Kind: Reserved, Of: BMC | Node},
	{Kind: Forgets, Of: Service, Services: []string{HSM, PCS, BSS}, Forms: []string{FormNodes, FormEndpoints, FormLocks, FormTransitions, FormReservations}},
	{Kind: ByMAC, Of: Service, Services: []string{BSS}},
	{Kind: NoInterfaces, Of: Service, Services: []string{HSM}},
	{Kind: Capitals, Of: Service, Services: []string{PCS}},
	{Kind: Unreserved, Of: Service, Services: []string{PCS}, Forms: []string{FormUnanswered, FormExpired}},
}

// The forms of faults that are more than a word of Redfish or a status.
const (
	// FormPage is a page for browsers, FormCut JSON that ends in the middle,
	// FormNUL and FormNaN are JSON with bytes and numbers that it cannot have,
	// FormHuge is some megabytes, FormNothing no byte at all, FormList a list
	// where there is none.
	FormPage    = "page"
	FormCut     = "cut"
	FormNUL     = "nul"
	FormNaN     = "nan"
	FormHuge    = "huge"
	FormNothing = "nothing"
	FormList    = "list"
	// FormRSA is RSA key exchange alone, FormTLS10 a version that is too old,
	// FormP384 and FormP521 are curves that it insists on, FormPlain is HTTP on
	// the port of HTTPS.
	FormRSA   = "rsa"
	FormTLS10 = "tls10"
	FormP384  = "p384"
	FormP521  = "p521"
	FormPlain = "plain"
	// FormPrivilege is a user who may not, FormLicence a BMC that is not
	// licensed for it, FormPasswordChange a password that is to be changed
	// first.
	FormPrivilege      = "privilege"
	FormLicence        = "licence"
	FormPasswordChange = "password-change"
	// FormTwo is another system beside each node's, FormBaseboard one of
	// accelerators, which is away while the host is off, FormPaged a list that
	// comes in parts, FormNone one of nothing.
	FormTwo       = "two"
	FormBaseboard = "baseboard"
	FormPaged     = "paged"
	FormNone      = "none"
	// FormRedirect is 308 to the path with a slash under a name of its own,
	// FormRefuse 405 at a target with one, which it lists.
	FormRedirect = "redirect"
	FormRefuse   = "refuse"
	// FormNull, FormMissing, FormEmpty and FormNumber are how a value can fail
	// to be one.
	FormNull    = "null"
	FormMissing = "missing"
	FormEmpty   = "empty"
	FormNumber  = "number"
	// FormInvented is a path, UUID and reset types that somebody made up, as
	// tools do that post inventories; FormNoAddress and FormBadAddress are where
	// no BMC can be, FormNoPath a system without a path, FormDisabled a BMC that
	// is to be left alone, FormOtherUUID and FormOdd what belongs to no machine.
	// As of a node in HSM, FormMissing is no endpoint, FormEmpty a slot without
	// a blade.
	FormInvented   = "invented"
	FormNoAddress  = "no-address"
	FormBadAddress = "bad-address"
	FormNoPath     = "no-path"
	FormDisabled   = "disabled"
	FormOtherUUID  = "other-uuid"
	FormOdd        = "odd"
	// FormTwice is a second entry of the node with another role, FormTwoBMCs one with
	// another BMC, FormMistyped one with a text for a truth.
	FormTwice    = "twice"
	FormTwoBMCs  = "two-bmcs"
	FormMistyped = "mistyped"
	// FormNodes are all that a service knows, FormEndpoints and FormLocks lists
	// of HSM, FormReservations those that it had before the fault, FormTransitions
	// those of PCS.
	FormNodes       = "nodes"
	FormEndpoints   = "endpoints"
	FormLocks       = "locks"
	FormTransitions = "transitions"

	FormReservations = "reservations"
	// FormUnanswered is an HSM that does not answer PCS, FormExpired one that has
	// ended the reservation.
	FormUnanswered = "unanswered"
	FormExpired    = "expired"
)

// upstreams are all services but the BMCs.
var upstreams = []string{HSM, BSS, PCS, CFS, IMS, TAPMS, S3}

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
