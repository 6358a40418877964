package redfish

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// systemsPath is where every BMC lists its systems.
	systemsPath = "/redfish/v1/Systems"
	// maxSystems bounds how many systems of a BMC are told apart.
	maxSystems = 64
)

// member is one system of a BMC. What it is called is read only where the path
// alone does not do.
type member struct{ path, id, uuid, name string }

// find completes a target whose system the inventory does not know. The BMC is
// asked once and its answer kept, as long as the system is found there. The error
// is that of transport, or says that no system of the BMC is surely the node.
func (c caller) find(ctx context.Context, t *target) error {
	if t.System != "" {
		return nil
	}
	c.mu.Lock()
	members, known := c.systems[t.Address]
	c.mu.Unlock()
	if !known {
		var err error
		if members, err = c.members(ctx, t.Endpoint); err != nil {
			return err
		}
	}
	path, err := t.among(members)
	if err != nil {
		c.forget(t.Endpoint)
		return err
	}
	if !known {
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
	var list struct {
		Members []struct {
			ID string `json:"@odata.id"`
		}
	}
	if err := c.read(ctx, e, systemsPath, &list); err != nil {
		return nil, err
	}
	members := make([]member, 0, len(list.Members))
	for _, m := range list.Members {
		if path, ok := e.local(m.ID); ok && len(members) < maxSystems {
			members = append(members, member{path: path})
		}
	}
	if len(members) == 1 && !e.shared {
		return members, nil
	}
	for i := range members {
		var system struct{ Id, UUID, Name string }
		if err := c.read(ctx, e, members[i].path, &system); err != nil {
			return nil, err
		}
		members[i].id, members[i].uuid, members[i].name = system.Id, system.UUID, system.Name
	}
	return members, nil
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
// with one node, or the only one that is called like it. A system with another
// UUID than the node is not it.
func (e Endpoint) among(members []member) (string, error) {
	if len(members) == 1 && !e.shared {
		return members[0].path, nil
	}
	var paths, found []string
	for _, m := range members {
		paths = append(paths, m.path)
		same, known := sameMachine(m.uuid, e.UUID)
		other := known && !same
		if same || !other && e.Name != "" && (m.name == e.Name || m.id == e.Name) {
			found = append(found, m.path)
		}
	}
	switch {
	case len(members) == 0:
		return "", fmt.Errorf("the BMC %s lists no system, and the inventory has no path of the node's; reset the BMC or rediscover the node", e.Address)
	case len(found) != 1:
		return "", fmt.Errorf("the inventory has no path of the node's system, and by UUID %q and name %q it is not one of %s on the BMC %s; rediscover the node, or give its path or its UUID to the inventory",
			e.UUID, e.Name, transport.Excerpt(strings.Join(paths, ", ")), e.Address)
	default:
		return found[0], nil
	}
}

// forget makes a BMC be asked again for its systems, and for the reset action of
// one: it has not what it had.
func (c *Client) forget(e Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.systems, e.Address)
	delete(c.learned, e.url(e.System))
}
