package bss

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Make is what service answers in place of BSS.
type Make int

// The makes.
const (
	// MakeBSS is BSS, whoever wrote it.
	MakeBSS Make = iota
	// MakeBootService is OpenCHAMI's boot-service at the paths of BSS: writing sets
	// of nodes there takes other nodes' boot away.
	MakeBootService
)

// Examination is what a BSS says of itself and of one node.
type Examination struct {
	Make Make
	// ByHost and ByMAC say that it has boot parameters of the node under its xname,
	// and under its MAC address.
	ByHost, ByMAC bool
}

// Examine asks what answers as BSS, and what it has of a node; without a mac, it is not
// asked for that. It changes nothing.
func (c *Client) Examine(ctx context.Context, id, mac string) (Examination, error) {
	var x Examination
	status, err := c.http.Do(ctx, transport.Request{Method: http.MethodGet, URL: c.url + "/service/status"})
	switch class := transport.ClassOf(err); {
	case class == transport.ClassNone && isBootService(status.Body):
		x.Make = MakeBootService
		return x, nil
	case class == transport.ClassAway, class == transport.ClassCaller, class == transport.ClassGateway && status == nil:
		return x, err
	}
	if x.ByHost, err = c.has(ctx, "name", id, &x); err != nil || mac == "" || x.Make != MakeBSS {
		return x, err
	}
	x.ByMAC, err = c.has(ctx, "mac", mac, &x)
	return x, err
}

// has asks whether BSS has anything under a name.
func (c *Client) has(ctx context.Context, by, value string, x *Examination) (bool, error) {
	q := transport.Request{Method: http.MethodGet, URL: c.url + "/bootparameters?" + by + "=" + url.QueryEscape(value)}
	res, err := c.http.Do(ctx, q)
	if transport.ClassOf(err) == transport.ClassAbsent {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var list []bootParameters
	if err := json.Unmarshal(res.Body, &list); err == nil {
		return len(list) > 0, nil
	}
	var wrapped struct {
		List *json.RawMessage `json:"boot-parameters"`
	}
	if err := json.Unmarshal(res.Body, &wrapped); err != nil || wrapped.List == nil {
		return false, c.http.Broken(q, res, err)
	}
	x.Make = MakeBootService
	return false, nil
}
