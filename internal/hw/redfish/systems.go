package redfish

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// systemsPath is where every BMC lists its systems.
	systemsPath = "/redfish/v1/Systems"
	// maxSystems bounds how many systems of a BMC are told apart, maxPages in how
	// many parts it may list them.
	maxSystems, maxPages = 64, 8
)

// member is one system of a BMC. What it is called is read only where the path
// alone does not do.
type member struct {
	path, id, uuid, name string
	// away says that the BMC lists it and does not show it now, as boards do
	// whose host is off.
	away bool
	// other says that it is no computer whose power could be changed, such as the
	// baseboard of the accelerators beside the host.
	other bool
}

// find completes a target whose system the inventory does not know. The BMC is
// asked once and its answer kept, as long as the system is found there. The error
// is that of transport, or says that no system of the BMC is surely the node.
func (c caller) find(ctx context.Context, t *target) error {
	c.mu.Lock()
	if t.System != "" && !c.misled[t.url(t.System)] {
		c.mu.Unlock()
		return nil
	}
	listed := t.Endpoint
	t.System, t.Target, t.ResetTypes = "", "", nil
	members, known := c.systems[t.Address]
	c.mu.Unlock()
	if !known {
		var err error
		if members, err = c.members(ctx, t.Endpoint); err != nil {
			return err
		}
	}
	path, err := t.among(members)
	if err != nil && c.config.IgnoreUUIDs {
		nameless := t.Endpoint
		nameless.UUID = ""
		path, err = nameless.among(members)
	}
	if err != nil {
		c.forget(t.Endpoint)
		return err
	}
	if path == listed.System {
		c.mu.Lock()
		delete(c.misled, t.url(path))
		c.mu.Unlock()
		t.Endpoint = listed
		return nil
	}
	if !known && !slices.ContainsFunc(members, func(m member) bool { return m.away }) {
		c.mu.Lock()
		if len(c.systems) >= maxLearned {
			clear(c.systems)
		}
		c.systems[t.Address] = members
		c.mu.Unlock()
	}
	t.System, t.found = path, true
	return nil
}

// members asks a BMC for its systems, and what each is called if there is a
// choice.
func (c caller) members(ctx context.Context, e Endpoint) ([]member, error) {
	members, err := c.listed(ctx, e)
	if err != nil || len(members) == 1 && !e.shared {
		return members, err
	}
	for i := range members {
		if err := c.describe(ctx, e, &members[i]); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// listed are the paths of the systems of a BMC, which may tell them in parts.
func (c caller) listed(ctx context.Context, e Endpoint) (members []member, err error) {
	for path, page := systemsPath, 0; path != "" && page < maxPages; page++ {
		var list struct {
			Members []struct {
				ID string `json:"@odata.id"`
			}
			Next string `json:"Members@odata.nextLink"`
		}
		if err := c.read(ctx, e, path, &list); err != nil {
			return nil, err
		}
		for _, m := range list.Members {
			if path, ok := e.local(m.ID); ok && len(members) < maxSystems {
				members = append(members, member{path: path})
			}
		}
		path = e.localPage(list.Next)
	}
	return members, nil
}

// localPage is the next part of a list, with what asks for it; empty if there is none
// on the BMC.
func (e Endpoint) localPage(reference string) string {
	path, ok := e.local(reference)
	if !ok {
		return ""
	}
	if u, err := url.Parse(reference); err == nil && u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return path
}

// describe reads what a system is called. That one is not shown now leaves the others.
func (c caller) describe(ctx context.Context, e Endpoint, m *member) error {
	var system struct {
		Id, UUID, Name, SystemType string
		Actions                    map[string]json.RawMessage
	}
	err := c.read(ctx, e, m.path, &system)
	if failed := failure(err); failed != nil && failed.Kind == transport.Refused && !transport.Unauthorized(failed.Status) {
		m.away = true
		return nil
	}
	_, resets := system.Actions[resetAction]
	m.id, m.uuid, m.name = system.Id, system.UUID, system.Name
	m.other = system.SystemType != "" && system.SystemType != "Physical" || system.Actions != nil && !resets
	return err
}

// read reads a resource of a BMC.
func (c caller) read(ctx context.Context, e Endpoint, path string, into any) error {
	res, failed := c.ask(ctx, http.MethodGet, e, path, nil)
	if failed != nil {
		return failed
	}
	if err := json.Unmarshal(res.Body, into); err != nil {
		return c.http.Broken(transport.Request{Method: http.MethodGet, URL: e.url(path)}, res, err)
	}
	return nil
}

// among is the path of the one system that is the node: the only one of a BMC
// with one node that is a computer, or the only one that is called like it. A system
// with another UUID than the node is not it, and one that is not shown now may be.
func (e Endpoint) among(members []member) (string, error) {
	if len(members) == 1 && !e.shared {
		return members[0].path, nil
	}
	var paths, found, computers []string
	away := false
	for _, m := range members {
		paths = append(paths, m.path)
		away = away || m.away
		if !m.other {
			computers = append(computers, m.path)
		}
		same, known := sameMachine(m.uuid, e.UUID)
		other := known && !same
		if same || !other && e.Name != "" && (m.name == e.Name || m.id == e.Name) {
			found = append(found, m.path)
		}
	}
	switch {
	case len(found) == 0 && len(computers) == 1 && !away && !e.shared && e.plausible(members, computers[0]):
		return computers[0], nil
	case len(members) == 0:
		return "", fmt.Errorf("the BMC %s lists no system, and the inventory has no path of the node's; reset the BMC or rediscover the node", e.Address)
	case len(found) != 1:
		return "", fmt.Errorf("the inventory has no path of the node's system, and by UUID %q and name %q it is not one of %s on the BMC %s; rediscover the node, or give its path or its UUID to the inventory",
			e.UUID, e.Name, transport.Excerpt(strings.Join(paths, ", ")), e.Address)
	default:
		return found[0], nil
	}
}

// plausible reports whether the system at a path may be the node: none that is called
// otherwise.
func (e Endpoint) plausible(members []member, path string) bool {
	i := slices.IndexFunc(members, func(m member) bool { return m.path == path })
	same, known := sameMachine(members[i].uuid, e.UUID)
	return same || !known
}

// mislead notes that the BMC has no system at the path of the inventory: from now on
// it is asked for its systems. Inventories that were posted have made-up paths.
func (c *Client) mislead(e Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.misled) >= maxLearned {
		clear(c.misled)
	}
	c.misled[e.url(e.System)] = true
	delete(c.systems, e.Address)
}

// forget makes a BMC be asked again for its systems, and for the reset action of
// one: it has not what it had.
func (c *Client) forget(e Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.systems, e.Address)
	delete(c.learned, e.url(e.System))
}
