// Package redfish reads and changes the power of nodes by talking to their
// BMCs directly: one request in flight per BMC, a state that cannot be read is
// unknown, and a reset counts as accepted only if the BMC said so.
package redfish

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Endpoint is where the ComputerSystem of a node is.
type Endpoint struct {
	// Address is the BMC's host, with a port where it is not 443.
	Address string
	// System is the path of the ComputerSystem.
	System string
	// Target is the path of its reset action, empty if unknown.
	Target string
	// ResetTypes are the allowable values, empty if unknown.
	ResetTypes []string
}

// Config is how the BMCs are reached; zero values are the defaults.
type Config struct {
	// Endpoints says where the BMCs are; it is asked again after endpointsTTL
	// and when a node is not among them.
	Endpoints func(ctx context.Context) (map[string]Endpoint, error)
	CA        *x509.CertPool
	Insecure  bool
	User      string
	Password  string
	// Concurrency bounds the requests in flight to all BMCs.
	Concurrency int
	Timeout     time.Duration
	DialTimeout time.Duration
}

const (
	defaultConcurrency = 256
	endpointsTTL       = time.Minute
	maxBody            = 1 << 20
)

// Client drives the BMCs of a site.
type Client struct {
	config Config
	http   *resty.Client
	slots  chan struct{}

	mu        sync.Mutex
	endpoints map[string]Endpoint
	read      time.Time
	gates     map[string]*sync.Mutex
}

var _ bos.Power = (*Client)(nil)

// New makes a client; it connects when it is first asked for something.
func New(c Config) *Client {
	if c.Concurrency <= 0 {
		c.Concurrency = defaultConcurrency
	}
	client := transport.New(transport.Config{Timeout: c.Timeout, DialTimeout: c.DialTimeout, MaxBody: maxBody, CA: c.CA, Insecure: c.Insecure})
	return &Client{
		config: c, http: client.SetBasicAuth(c.User, c.Password),
		slots: make(chan struct{}, c.Concurrency), gates: make(map[string]*sync.Mutex),
	}
}

// locate finds the endpoints of the nodes. A missing node makes it ask again,
// but not more than once in a second.
func (c *Client) locate(ctx context.Context, ids []string) (map[string]Endpoint, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	missing := slices.ContainsFunc(ids, func(id string) bool { _, ok := c.endpoints[id]; return !ok })
	age := time.Since(c.read)
	if c.endpoints != nil && age < endpointsTTL && (!missing || age < time.Second) {
		return c.endpoints, nil
	}
	endpoints, err := c.config.Endpoints(ctx)
	if err != nil {
		if c.endpoints != nil {
			return c.endpoints, nil // where the BMCs are does not change while the inventory is away
		}
		return nil, err
	}
	c.endpoints, c.read = endpoints, time.Now()
	return endpoints, nil
}

func (c *Client) gate(address string) *sync.Mutex {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.gates[address]
	if !ok {
		g = &sync.Mutex{}
		c.gates[address] = g
	}
	return g
}

// each runs one function per node, those of one BMC in a row and BMCs side by
// side. report is never called concurrently.
func each[T any](ctx context.Context, c *Client, ids []string, lost func(id string, err error) T, one func(id string, e Endpoint, dead bool) (T, bool), report func(T)) {
	endpoints, err := c.locate(ctx, ids)
	byBMC := make(map[string][]string)
	for _, id := range ids {
		e, ok := endpoints[id]
		if !ok {
			report(lost(id, err))
			continue
		}
		byBMC[e.Address] = append(byBMC[e.Address], id)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for address, nodes := range byBMC {
		c.slots <- struct{}{}
		all.Go(func() {
			defer func() { <-c.slots }()
			gate := c.gate(address)
			gate.Lock()
			defer gate.Unlock()
			dead := false
			for _, id := range nodes {
				var res T
				res, dead = one(id, endpoints[id], dead)
				mu.Lock()
				report(res)
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// Look reads the power state of each node.
func (c *Client) Look(ctx context.Context, ids []string, report func(bos.PowerReading)) {
	lost := func(id string, err error) bos.PowerReading {
		if err != nil {
			return bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
		}
		return bos.PowerReading{ID: id, Cause: bos.CauseUnknownToPower, Detail: "the inventory has no BMC endpoint for it"}
	}
	each(ctx, c, ids, lost, func(id string, e Endpoint, dead bool) (bos.PowerReading, bool) {
		if dead {
			return bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Detail: "no answer in time"}, true
		}
		r := c.look(ctx, id, e)
		return r, r.Symptom == bos.SymptomSilent
	}, report)
}

type system struct {
	PowerState string
	Actions    map[string]struct {
		Target string   `json:"target"`
		Types  []string `json:"ResetType@Redfish.AllowableValues"`
		Info   string   `json:"@Redfish.ActionInfo"`
	}
}

func (e Endpoint) url(path string) string { return "https://" + e.Address + path }

func (c *Client) look(ctx context.Context, id string, e Endpoint) bos.PowerReading {
	var s system
	res, err := c.http.R().SetContext(ctx).SetResult(&s).ForceContentType("application/json").Get(e.url(e.System))
	r := bos.PowerReading{ID: id}
	switch {
	case err != nil && (res == nil || res.StatusCode() == 0):
		r.Symptom, r.Detail = bos.SymptomSilent, transport.Reason(err)
	case res.StatusCode() == http.StatusUnauthorized || res.StatusCode() == http.StatusForbidden:
		r.Symptom, r.Cause, r.Detail = bos.SymptomRefusing, bos.CauseBMCAuth, "GET answered "+res.Status()
	case err != nil || res.StatusCode() != http.StatusOK:
		r.Symptom, r.Cause, r.Detail = bos.SymptomRefusing, bos.CauseBMCError, "GET answered "+res.Status()
	default:
		r.State = powerState(s.PowerState)
		if r.State == bos.PowerStateUnknown {
			r.Symptom, r.Cause = bos.SymptomRefusing, bos.CauseBMCError
			r.Detail = fmt.Sprintf("its PowerState is %q", s.PowerState)
		}
	}
	return r
}

func powerState(s string) bos.PowerState {
	switch s {
	case "On", "Paused":
		return bos.PowerStateOn
	case "Off":
		return bos.PowerStateOff
	case "PoweringOn":
		return bos.PowerStatePoweringOn
	case "PoweringOff":
		return bos.PowerStatePoweringOff
	default:
		return bos.PowerStateUnknown
	}
}

// Apply asks the BMC of each node for the operation.
func (c *Client) Apply(ctx context.Context, op bos.PowerOp, ids []string, report func(bos.CallResult)) {
	lost := func(id string, err error) bos.CallResult {
		if err != nil {
			return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
		}
		return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseUnknownToPower, Detail: bos.CauseUnknownToPower.Sentence()}
	}
	each(ctx, c, ids, lost, func(id string, e Endpoint, dead bool) (bos.CallResult, bool) {
		if dead {
			return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCUnreachable, Detail: bos.CauseBMCUnreachable.Sentence()}, true
		}
		r := c.apply(ctx, id, e, op)
		return r, r.Outcome == bos.CallUnknown || r.Outcome == bos.CallNotAttempted && r.Cause == bos.CauseBMCUnreachable
	}, report)
}

// resetType is the ResetType for an operation. Cray's node controllers know
// On, ForceOff and Off, and their Off is no graceful shutdown.
func resetType(op bos.PowerOp) string {
	switch op {
	case bos.PowerOn:
		return "On"
	case bos.PowerSoftOff:
		return "GracefulShutdown"
	default:
		return "ForceOff"
	}
}

// allows reports whether the BMC advertises the type. Supermicro runs two
// values together in one entry.
func allows(types []string, kind string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return t == kind || strings.HasPrefix(t, kind+"Graceful") })
}

// discover asks the BMC what HSM did not know: the target and the types.
func (c *Client) discover(ctx context.Context, e Endpoint) Endpoint {
	var s system
	res, err := c.http.R().SetContext(ctx).SetResult(&s).ForceContentType("application/json").Get(e.url(e.System))
	if err != nil || res.StatusCode() != http.StatusOK {
		return e
	}
	reset := s.Actions["#ComputerSystem.Reset"]
	if e.Target == "" {
		e.Target = reset.Target
	}
	if len(reset.Types) > 0 || reset.Info == "" {
		e.ResetTypes = reset.Types
		return e
	}
	var info struct {
		Parameters []struct {
			Name            string
			AllowableValues []string
		}
	}
	res, err = c.http.R().SetContext(ctx).SetResult(&info).ForceContentType("application/json").Get(e.url(reset.Info))
	if err == nil && res.StatusCode() == http.StatusOK {
		for _, p := range info.Parameters {
			if p.Name == "ResetType" {
				e.ResetTypes = p.AllowableValues
			}
		}
	}
	return e
}

func (c *Client) apply(ctx context.Context, id string, e Endpoint, op bos.PowerOp) bos.CallResult {
	if e.Target == "" || len(e.ResetTypes) == 0 {
		e = c.discover(ctx, e)
	}
	kind := resetType(op)
	if len(e.ResetTypes) > 0 && !allows(e.ResetTypes, kind) {
		return bos.CallResult{
			ID: id, Outcome: bos.CallUnsupported, Cause: bos.CauseResetRefused,
			Detail: fmt.Sprintf("its BMC does not offer %s, only %s", kind, strings.Join(e.ResetTypes, ", ")),
		}
	}
	target := e.Target
	if target == "" {
		target = strings.TrimSuffix(e.System, "/") + "/Actions/ComputerSystem.Reset"
	}
	res, err := c.http.R().SetContext(ctx).SetBody(map[string]string{"ResetType": kind}).Post(e.url(target))
	if err != nil && (res == nil || res.StatusCode() == 0) {
		if !transport.Connected(err) {
			return bos.CallResult{ID: id, Outcome: bos.CallNotAttempted, Cause: bos.CauseBMCUnreachable, Detail: "its BMC: " + transport.Reason(err)}
		}
		return bos.CallResult{ID: id, Outcome: bos.CallUnknown, Cause: bos.CauseResetUnconfirmed, Detail: "its BMC: " + transport.Reason(err)}
	}
	return c.judge(ctx, id, e, op, kind, res)
}

// judge reads a BMC's answer to a reset. Before a refusal counts, the power
// state is read again: already there is success.
func (c *Client) judge(ctx context.Context, id string, e Endpoint, op bos.PowerOp, kind string, res *resty.Response) bos.CallResult {
	r := bos.CallResult{ID: id, RetryAfter: transport.RetryAfter(res.Header(), time.Now())}
	code := res.StatusCode()
	detail := fmt.Sprintf("its BMC answered %s to %s%s", res.Status(), kind, message(res.Body()))
	switch {
	case code >= 200 && code < 300:
		r.Outcome = bos.CallDone
		return r
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		r.Outcome, r.Cause = bos.CallNotAttempted, bos.CauseBMCAuth
	case code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests:
		r.Outcome, r.Cause = bos.CallBusy, bos.CauseBMCError
	case (code == http.StatusBadRequest || code == http.StatusConflict) && c.alreadyThere(ctx, id, e, op):
		r.Outcome = bos.CallDone
		return r
	case code == http.StatusConflict:
		r.Outcome, r.Cause = bos.CallBusy, bos.CauseBMCError
	default:
		r.Outcome, r.Cause = bos.CallRefused, bos.CauseResetRefused
	}
	r.Detail = detail
	return r
}

func (c *Client) alreadyThere(ctx context.Context, id string, e Endpoint, op bos.PowerOp) bool {
	state := c.look(ctx, id, e).State
	if op == bos.PowerOn {
		return state == bos.PowerStateOn || state == bos.PowerStatePoweringOn
	}
	return state == bos.PowerStateOff || state == bos.PowerStatePoweringOff
}
