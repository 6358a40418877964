// Package redfish reads and changes the power of nodes by talking to their BMCs
// directly: one request in flight per BMC, a state that cannot be read is
// unknown, and a reset that was accepted is not yet done. Where the BMCs are
// comes from outside; when to do what is decided elsewhere.
package redfish

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// defaultConcurrency does not follow the load: a request costs the same
	// processor time with 16 at once as with 1,024, so it is BMCs that take
	// long that decide how many are needed, and these get other places.
	defaultConcurrency = 256
	// patience is how long a BMC may keep one of these places: one that takes
	// longer goes on among the suspect ones. Of a BMC that answers, all that
	// it is asked at once takes less.
	patience = time.Second
	// suspects is how many times as many places there are for those that are
	// slow or were silent. To wait costs next to nothing.
	suspects = 4
	// maxBody bounds an answer; a ComputerSystem with all its links is some
	// tens of KiB.
	maxBody = 1 << 20
	// maxLearned bounds what is remembered of BMCs whose systems or reset
	// actions the inventory does not know.
	maxLearned = 50_000
)

// Config says how the BMCs are reached. Zero values are the defaults.
type Config struct {
	// Endpoints says where the ComputerSystem of each node is, by xname. It
	// is asked again every EndpointsTTL and for a node it did not know.
	Endpoints func(ctx context.Context) (map[string]Endpoint, error)
	// Holds says which nodes are kept from being touched now. It is asked before
	// each Apply, and again for those that then wait long; nil is nobody. While
	// it has no answer, nothing is sent.
	Holds func(ctx context.Context, ids []string) (map[string]bos.Hold, error)
	// Reserve keeps others from working on nodes while they are reset; kept are
	// those that it does not get, release is called when all are answered. Nil
	// reserves nothing.
	Reserve func(ctx context.Context, ids []string) (kept map[string]bos.Hold, release func(), err error)
	// EndpointsTTL is how old its answer may become; 0 is a minute.
	EndpointsTTL time.Duration
	// Asked is told of each request to a BMC; nil is nobody.
	Asked func(outcome transport.Class, took time.Duration)
	// CA verifies the BMCs' certificates; nil is the system's pool.
	CA func() *x509.CertPool
	// Insecure accepts any certificate.
	Insecure bool
	// User and Password are the Basic credentials of all BMCs; with neither,
	// none are sent.
	User, Password string
	// PasswordFrom replaces Password, so that a changed password is picked
	// up. It is called once per Probe or Apply and must not block; its error
	// must not tell what it read. Nil is Password.
	PasswordFrom func() (string, error)
	// NextFrom is a second password, for BMCs that have it already, or have the
	// other still, while a site changes it. It is read as PasswordFrom is; nil
	// or an empty one is none.
	NextFrom func() (string, error)
	// Sessions logs in to each BMC once instead of sending the password with
	// every request. A BMC that has no session to give gets Basic
	// credentials for a while.
	Sessions bool
	// Cautious gives no BMC a second password, or one a second time, after it refused
	// one, and then no other BMC the same: for who only wants to see whether it is
	// right.
	Cautious bool
	// IgnoreUUIDs does not compare the UUID of a system with that of the
	// inventory, for sites that made theirs up.
	IgnoreUUIDs bool
	// Concurrency bounds the BMCs that are asked at the same time and have
	// not taken long yet; 0 is 256. Those that have, and those that were
	// silent when last asked, have four times as many places of their own.
	Concurrency int
	Timeouts
	// Networks are where BMCs may be, and credentials may go; none is anywhere.
	Networks []netip.Prefix
	// Resolve knows addresses of BMCs whose name cannot be resolved; nil knows
	// none.
	Resolve func(ctx context.Context, host string) (netip.Addr, bool)
	// MaxIdle bounds the connections kept open; 0 follows the limit on open
	// files, up to 10,000.
	MaxIdle int
	// Log gets a warning when the limit on open files leaves no connection
	// for each BMC; nil is nowhere.
	Log *slog.Logger
	// Dial makes a connection below TLS; nil is an ordinary dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Timeouts bound what BMCs take their time for; 0 is the default of each.
type Timeouts struct {
	// Connect bounds the making of a connection (5 s), TLS the handshake on it
	// (10 s): the processors of BMCs are slow.
	Connect, TLS time.Duration
	// Read bounds a request with its answer (30 s), Reset one that changes
	// something (60 s): some BMCs answer it when it is done.
	Read, Reset time.Duration
}

// The defaults of Timeouts.
const (
	defaultConnect = 5 * time.Second
	defaultTLS     = 10 * time.Second
	defaultRead    = 30 * time.Second
	defaultReset   = 60 * time.Second
)

func (t Timeouts) orDefaults() Timeouts {
	return Timeouts{
		Connect: cmp.Or(t.Connect, defaultConnect), TLS: cmp.Or(t.TLS, defaultTLS),
		Read: cmp.Or(t.Read, defaultRead), Reset: cmp.Or(t.Reset, defaultReset),
	}
}

// Client speaks to the BMCs of a site. It is safe for concurrent use.
type Client struct {
	config  Config
	http    *transport.Client
	locator *locator
	// trusted and suspect are the lanes: BMCs that keep silent queue and wait
	// apart, so that they do not hold up those that answer.
	trusted, suspect chan struct{}
	guard            guard

	mu     sync.Mutex
	silent map[string]bool // by address
	// strangers are BMCs, by address, that showed another machine than the
	// inventory's when last probed.
	strangers map[string]bool
	gates     map[string]*gate
	learned   map[string]reset    // by address and path of the system
	systems   map[string][]member // by address, of BMCs that were asked for them
	// misled are systems, by address and path, that the inventory has and their
	// BMC has not.
	misled map[string]bool
	// called are what BMCs want to be called in place of the inventory's name, by
	// address.
	called map[string]string
	// took is which of two passwords a BMC took, by address, tookLast the one that
	// the last of them did.
	took     map[string]secret
	tookLast secret
	// sessions are by address; what is in one belongs to who holds the gate.
	sessions map[string]*session
	// subscriptions are by address, of BMCs that were asked to send events;
	// subscribedForOthers says that they are those of other services too.
	subscriptions       map[string]*subscription
	subscribedForOthers bool
}

var _ bos.Power = (*Client)(nil)

// New makes a client; it connects when it is first asked for something.
func New(c Config) *Client {
	if c.Endpoints == nil {
		c.Endpoints = func(context.Context) (map[string]Endpoint, error) {
			return nil, errors.New("power.redfish has nothing that says where the BMCs are; configure inventory.hsm, or an inventory file with BMC addresses")
		}
	}
	if c.PasswordFrom == nil {
		password := c.Password
		c.PasswordFrom = func() (string, error) { return password, nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Concurrency <= 0 {
		c.Concurrency = defaultConcurrency
	}
	c.Timeouts = c.orDefaults()
	locator := newLocator(c.Endpoints, c.EndpointsTTL)
	locator.found = func(bmcs int) { c.warnOfLimit(bmcs, transport.ConnectionBudget()) }
	conn := transport.NewConn(transport.ConnConfig{
		Trust:       locator.trust,
		DialTimeout: c.Connect, HandshakeTimeout: c.TLS, CA: c.CA, Insecure: c.Insecure, MaxIdle: c.MaxIdle,
		// One request at a time needs one connection.
		PerHost: 1, Direct: true, Dial: c.Dial, Networks: c.Networks, Resolve: c.Resolve, LastAddress: true,
	})
	return &Client{
		config: c,
		http: transport.New(transport.Config{
			// Reads are not repeated here: a BMC that does not answer is
			// probed again when the engine thinks so.
			Upstream: "the BMC", Timeout: c.Read, MaxBody: maxBody, Message: message, WayOut: wayOut,
			Header: map[string]string{"OData-Version": "4.0"}, Asked: c.Asked,
		}, conn),
		locator:   locator,
		guard:     guard{cautious: c.Cautious},
		trusted:   make(chan struct{}, c.Concurrency),
		suspect:   make(chan struct{}, max(min(suspects*c.Concurrency, transport.ConnectionBudget()/2), 1)),
		silent:    make(map[string]bool),
		strangers: make(map[string]bool),
		gates:     make(map[string]*gate),
		learned:   make(map[string]reset),
		systems:   make(map[string][]member),
		misled:    make(map[string]bool),

		called:   make(map[string]string),
		took:     make(map[string]secret),
		sessions: make(map[string]*session),

		subscriptions: make(map[string]*subscription),
	}
}

// Close ends subscriptions and sessions, for which it takes some seconds at most,
// and lets go of the connections that are not in use. Nothing may be asked any
// more.
func (c *Client) Close() {
	c.unsubscribe()
	c.logout()
	c.http.Close()
}

// wayOut says what to check after a failed request to a BMC.
func wayOut(e *transport.Error) string {
	switch {
	case e.Cancelled:
		return ""
	case e.Kind == transport.NotSent:
		return connecting(e.Trouble())
	case e.Kind == transport.Unanswered:
		return "check the BMC's power and network"
	case forbids(e.Status):
		return "give the user the privilege on the BMC (role Operator or more), change its password there if that is what the BMC wants, or see which licence it misses"
	case transport.Unauthorized(e.Status):
		return "check the user and password in power.redfish.credentials, or its own in the inventory file; a BMC that takes no Basic credentials needs power.redfish.sessions: true"
	case lacks(e.Status):
		return "rediscover the node, or correct system and reset_target in the inventory file"
	case takesNothingThere(e.Status):
		return "the BMC does not take this there: rediscover the node, or correct reset_target in the inventory file"
	default:
		return "reset the BMC or read its log"
	}
}

// connecting says what to check where there was no connection to a BMC.
func connecting(over transport.Trouble) string {
	switch over {
	case transport.TroubleName:
		return "have the name resolved, or give the inventory the BMC's address"
	case transport.TroubleCertificate:
		return "give its authority to power.redfish.ca_file, or pin its certificate (bos bmc pin) in power.redfish.pins_file, power.redfish.bmcs or the inventory file"
	case transport.TroubleTLS:
		return "check that the port is that of HTTPS; a BMC that is too old for TLS 1.2 or has no ciphers with forward secrecy needs tls: legacy in the inventory file or in power.redfish.bmcs"
	case transport.TroubleNetwork:
		return "correct the BMC's address in the inventory, or add its network to power.redfish.networks"
	case transport.TroubleNone:
	}
	return "check the BMC's power and network"
}

// unauthorizedCause is what a BMC means by not doing it for this user: 401 is about who
// it is, and 403 about what that user may do.
func unauthorizedCause(status int) bos.Cause {
	if forbids(status) {
		return bos.CauseBMCPermission
	}
	return bos.CauseBMCAuth
}

// caller is the credentials of one Probe or Apply.
type caller struct {
	*Client
	// passwords are one, or two while a site changes them.
	passwords []string
}

func (c *Client) caller() (caller, error) {
	password, err := c.config.PasswordFrom()
	if err != nil {
		return caller{}, fmt.Errorf("the password of power.redfish.credentials cannot be read: %w", err)
	}
	passwords := []string{password}
	if c.config.NextFrom != nil {
		next, err := c.config.NextFrom()
		if err != nil {
			return caller{}, fmt.Errorf("the next password of power.redfish.credentials cannot be read: %w", err)
		}
		if next != "" && next != password {
			passwords = append(passwords, next)
		}
	}
	return caller{c, passwords}, nil
}

// ask sends one request to a path of a BMC.
func (c caller) ask(ctx context.Context, method string, e Endpoint, path string, body any) (*transport.Response, *transport.Error) {
	user, passwords := c.config.User, c.inOrder(e.Address)
	if e.User != "" || e.Password != "" {
		user, passwords = e.User, []string{e.Password}
	}
	q := transport.Request{Method: method, URL: e.url(path), Body: body}
	q.Timeout = e.Read
	if method == http.MethodPost {
		q.Timeout = cmp.Or(e.Reset, c.config.Reset)
	}
	var (
		res    *transport.Response
		failed *transport.Error
	)
	for i, password := range passwords {
		res, failed = c.present(ctx, e, q, user, password)
		if to, again := slashed(q.URL, failed, res); again {
			// Nothing was done yet, at whatever address it says.
			q.URL = to
			res, failed = c.present(ctx, e, q, user, password)
		}
		if failed == nil || !refusesLogin(failed.Status) && failed.Kind != transport.Withheld {
			if i > 0 {
				c.prefer(e.Address, password)
			}
			break
		}
	}
	return res, failed
}

// inOrder are the passwords of all BMCs, with that first which this one took, or else
// the one that the last did that refused the other.
func (c caller) inOrder(address string) []string {
	if len(c.passwords) < 2 {
		return c.passwords
	}
	c.mu.Lock()
	took, ok := c.took[address]
	if !ok {
		took = c.tookLast
	}
	c.mu.Unlock()
	if secretOf(c.config.User, c.passwords[1]) == took {
		return []string{c.passwords[1], c.passwords[0]}
	}
	return c.passwords
}

// prefer notes that a BMC took a password after it had refused the other.
func (c *Client) prefer(address, password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.took) >= maxLearned {
		clear(c.took)
	}
	c.tookLast = secretOf(c.config.User, password)
	c.took[address] = c.tookLast
}

// present sends a request with what the BMC knows us by.
func (c caller) present(ctx context.Context, e Endpoint, q transport.Request, user, password string) (*transport.Response, *transport.Error) {
	if user != "" && (c.config.Sessions && e.Sessions == nil || e.Sessions != nil && *e.Sessions) {
		return c.inSession(ctx, e, q, user, password)
	}
	return c.basic(ctx, e, q, user, password)
}

// slashed is the address that differs from one in a slash at its end alone, where a BMC
// redirects there, or does not take what it was asked at an address with one.
// Credentials stay at the address of the BMC, and other redirects are not followed for
// what changes something.
func slashed(asked string, failed *transport.Error, res *transport.Response) (string, bool) {
	if failed == nil || res == nil {
		return "", false
	}
	if plain, ok := strings.CutSuffix(asked, "/"); ok && takesNothingThere(failed.Status) {
		return plain, true // to some BMCs it is another address, of which they know no actions
	}
	if !keepsMethod(failed.Status) {
		return "", false
	}
	to, err := url.Parse(res.Header.Get("Location"))
	from, wrong := url.Parse(asked)
	if err != nil || wrong != nil || to.Path == from.Path || strings.TrimRight(to.Path, "/") != strings.TrimRight(from.Path, "/") {
		return "", false
	}
	if other, ok := strings.CutSuffix(asked, "/"); ok {
		return other, true
	}
	return asked + "/", true
}

// failure is err as what transport always returns.
func failure(err error) *transport.Error {
	var failed *transport.Error
	errors.As(err, &failed)
	return failed
}
