package redfish

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// rootPath is what every BMC shows to anybody.
const rootPath = "/redfish/v1/"

// BMC is one of those that the inventory has.
type BMC struct {
	// Name is its xname, Address its host, with a port where it is not 443.
	Name, Address string
	// Nodes are its nodes, sorted.
	Nodes []string
	// Fault is why it is asked for nothing, for people; empty if it is.
	Fault string

	endpoint Endpoint
}

// BMCs are those that the inventory has, in the order of their names. Nodes whose
// BMC is not known where are each one with a fault.
func (c *Client) BMCs(ctx context.Context) ([]BMC, error) {
	known, err := c.locator.renewed(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[string]*BMC)
	for _, id := range slices.SortedFunc(maps.Keys(known), bos.CompareXnames) {
		e := known[id]
		key := cmp.Or(e.Address, id)
		b := found[key]
		if b == nil {
			b = &BMC{Name: bos.BMCOf(id), Address: e.Address, Fault: e.Fault, endpoint: e}
			if e.Disabled && b.Fault == "" {
				b.Fault = bos.CauseBMCDisabled.Sentence()
			}
			found[key] = b
		}
		b.Nodes = append(b.Nodes, id)
	}
	all := make([]BMC, 0, len(found))
	for _, b := range found {
		all = append(all, *b)
	}
	slices.SortFunc(all, func(a, b BMC) int { return bos.CompareXnames(a.Nodes[0], b.Nodes[0]) })
	return all, nil
}

// hostPort is the address with its port.
func (b BMC) hostPort() string {
	u := url.URL{Host: b.Address}
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443"))
}

// Pin is the SHA-256 of the only certificate that it may have, empty for any.
func (b BMC) Pin() string { return b.endpoint.Trust.Pin }

// Certificate is the one that a BMC shows, whether it is trusted or not. No user and
// password are sent.
func (c *Client) Certificate(ctx context.Context, b BMC) (*x509.Certificate, error) {
	state, err := c.http.Certificate(ctx, b.hostPort(), b.endpoint.Trust.Legacy)
	if err != nil {
		return nil, err
	}
	return state.PeerCertificates[0], nil
}

// Kind tells BMCs apart that have to be tried each: by their make, and by the user
// and password that they are given.
type Kind struct {
	Make    string
	account secret
}

// Greeting is what a BMC shows to anybody.
type Greeting struct {
	Kind Kind
	// Product and Redfish are what it calls itself and the version of Redfish, each
	// empty if it does not say.
	Product, Redfish string
	// TLS is the connection's, nil where there was none.
	TLS  *tls.ConnectionState
	Took time.Duration
}

// Greet asks a BMC for what it shows to anybody, without user and password. One that
// shows nothing without them is of no known make.
func (c *Client) Greet(ctx context.Context, b BMC) (Greeting, error) {
	g := Greeting{Kind: Kind{account: secretOf(b.endpoint.User, b.endpoint.Password)}}
	began := time.Now()
	res, err := c.send(ctx, b.endpoint, transport.Request{Method: http.MethodGet, URL: b.endpoint.url(rootPath), Timeout: b.endpoint.Read})
	g.Took = time.Since(began)
	if res != nil {
		g.TLS = res.TLS
	}
	if err != nil {
		if transport.Unauthorized(failure(err).Status) {
			return g, nil
		}
		return g, err
	}
	var root struct {
		Vendor, Product, RedfishVersion string
		Oem                             map[string]json.RawMessage
	}
	if err := json.Unmarshal(res.Body, &root); err != nil {
		return g, c.http.Broken(transport.Request{Method: http.MethodGet, URL: b.endpoint.url(rootPath)}, res, err)
	}
	g.Kind.Make, g.Product, g.Redfish = transport.Excerpt(root.Vendor), transport.Excerpt(root.Product), transport.Excerpt(root.RedfishVersion)
	if g.Kind.Make == "" && len(root.Oem) > 0 {
		g.Kind.Make = transport.Excerpt(strings.Join(slices.Sorted(maps.Keys(root.Oem)), " "))
	}
	return g, nil
}

// Examination is what a BMC says of a node to who has its user and password.
type Examination struct {
	bos.PowerReading
	// Resets are the types of resets that it offers, empty if it does not say.
	Resets []string
	// Took is how long the power of the node took to read.
	Took time.Duration
}

// Examine reads the power of a node and what resets its BMC offers for it. It changes
// nothing.
func (c *Client) Examine(ctx context.Context, id string) Examination {
	var x Examination
	began := time.Now()
	c.Probe(ctx, []string{id}, func(r bos.PowerReading) { x.PowerReading = r })
	x.Took = time.Since(began)
	if x.State == bos.PowerStateUnknown {
		return x
	}
	caller, err := c.caller()
	if err != nil {
		return x
	}
	run(ctx, c, []string{id}, job[[]string]{
		ask: func(ctx context.Context, t target) ([]string, bool) {
			if caller.find(ctx, &t) != nil {
				return nil, false
			}
			found, failed := caller.learn(ctx, t.Endpoint)
			if failed != nil {
				return nil, false
			}
			return found.types, false
		},
		skipped:   func(target) []string { return nil },
		lost:      func(string, error) []string { return nil },
		cancelled: func(string) []string { return nil },
	}, func(types []string) { x.Resets = types })
	return x
}
