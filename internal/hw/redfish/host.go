package redfish

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// send asks a BMC. Some answer 400 to who calls them by another name than their own, as
// iDRACs do, and the inventory's is mostly the xname: such a BMC is called by its address,
// from then on. Reads alone find that out, and each reset follows one.
func (c *Client) send(ctx context.Context, e Endpoint, q transport.Request) (*transport.Response, error) {
	c.mu.Lock()
	called := c.called[e.Address]
	c.mu.Unlock()
	q.Host = called
	res, err := c.http.Do(ctx, q)
	if called != "" || q.Method != http.MethodGet || res == nil || !callsBad(res.Status) || !byName(e.Address) {
		return res, err
	}
	if q.Host = asHost(res.Peer); q.Host == "" {
		return res, err
	}
	again, failed := c.http.Do(ctx, q)
	if again == nil || callsBad(again.Status) {
		return res, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.called) >= maxLearned {
		clear(c.called)
	}
	c.called[e.Address] = q.Host
	return again, failed
}

// byName reports whether an address is a name.
func byName(address string) bool {
	u := url.URL{Host: address}
	_, err := netip.ParseAddr(u.Hostname())
	return err != nil
}

// asHost is an address with its port as a Host header has it.
func asHost(peer string) string {
	host, port, err := net.SplitHostPort(peer)
	if err != nil {
		return ""
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "443" {
		return host
	}
	return host + ":" + port
}
