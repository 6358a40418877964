// Package hsm reads the Hardware State Manager (SMD), or OpenCHAMI's
// inventory-service in its place: nodes with their roles, groups, partitions and
// locks, and where the BMC of each node is. It changes
// nothing there but its own subscription to notifications, and knows nothing of
// how BMCs are spoken to.
package hsm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/gather"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// maxBody bounds one answer: 10,000 component endpoints are about 30 MB, and sites of
	// 100,000 nodes are to come.
	maxBody        = 512 << 20
	defaultTimeout = 30 * time.Second
	retries        = 2
)

// Client reads one HSM. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
	dialect
	// bmcs, listed and interfaced are what HSM said before.
	bmcs               steady
	listed, interfaced some
	locks              *gather.Asks[lockAnswer]
	heedsReservations  bool
	addresses          addresses
	reservations       reservations
	odd                oddities
}

var _ bos.InventorySource = (*Client)(nil)

// dialect is which service it is that is read, and what it is called in sentences.
type dialect struct {
	name, setting string
	// plain says that it has neither partitions nor locks of its own: a component
	// says itself whether it is locked.
	plain bool
}

var (
	ofSMD              = dialect{name: "HSM", setting: "inventory.hsm.url"}
	ofInventoryService = dialect{name: "inventory-service", setting: "inventory.inventory_service.url", plain: true}
)

func (d dialect) wayOut() string {
	return fmt.Sprintf("check that %s runs and that %s is right", d.name, d.setting)
}

// New reads the HSM at u; its URL is the prefix before /State/Components, such
// as http://smd:27779/hsm/v2. It connects when it is first asked.
func New(u transport.Upstream) *Client { return newClient(u, ofSMD, 0) }

// NewInventoryService is New for OpenCHAMI's inventory-service, at the prefix where it
// speaks like HSM, such as http://inventory-service:8080/hsm/v2. It heeds no filter,
// and its ids may be any names.
func NewInventoryService(u transport.Upstream) *Client { return newClient(u, ofInventoryService, 0) }

func newClient(u transport.Upstream, d dialect, retryWait time.Duration) *Client {
	c := &Client{
		http: u.Open(transport.Config{
			Upstream: d.name, WayOut: transport.Look(d.wayOut(), strings.TrimSuffix(d.setting, ".url")),
			Timeout: defaultTimeout, MaxBody: maxBody, Retries: retries, RetryWait: retryWait,
		}),
		url: u.Base(), dialect: d,
		bmcs: steady{name: d.name, now: time.Now, log: slog.New(slog.DiscardHandler)},
	}
	c.locks = gather.New(c.lockedNow)
	return c
}

// HeedingReservations makes the inventory tell which nodes and BMCs are reserved. It
// is for sites where this service asks BMCs itself: where PCS does, PCS reserves
// nodes on its behalf.
func (c *Client) HeedingReservations() *Client {
	c.heedsReservations = true
	return c
}

// Telling logs what is odd about HSM's answers.
func (c *Client) Telling(log *slog.Logger) *Client {
	c.bmcs.log = log
	return c
}

// Inventory reads all nodes with their groups, partitions and locks. Any part
// that cannot be read fails the whole. It reads the full lists, always:
// /State/Components/Query takes minutes above 32 ids.
func (c *Client) Inventory(ctx context.Context) (bos.Inventory, error) {
	var (
		inv     bos.Inventory
		locked  map[string]lockState
		unasked error
	)
	all, asking := errgroup.WithContext(ctx)
	all.Go(func() (err error) { inv.Nodes, err = c.nodes(asking); return err })
	all.Go(func() error { locked, unasked = c.locked(asking); return nil })
	var inGroups, inPartitions map[string]bool
	all.Go(func() (err error) { inv.Groups, inGroups, err = c.sets(asking, "/groups"); return err })
	if !c.plain {
		all.Go(func() (err error) { inv.Partitions, inPartitions, err = c.sets(asking, "/partitions"); return err })
	}
	if err := all.Wait(); err != nil {
		return bos.Inventory{}, err
	}
	if unasked != nil && (len(inv.Nodes) > 0 || !badRequest(unasked)) {
		return bos.Inventory{}, unasked
	}
	for i := range inv.Nodes {
		n := &inv.Nodes[i]
		c.lock(n, locked)
		n.Odd = n.Odd || inGroups[n.ID] || inPartitions[n.ID]
	}
	return inv, nil
}

// lock notes what of the locks is about a node.
func (c *Client) lock(n *bos.Node, locked map[string]lockState) {
	own, bmc := locked[n.ID], locked[c.bmcs.bmcOf(n.ID)]
	n.Locked = n.Locked || own.Locked
	n.Odd = n.Odd || own.unread || bmc.unread
	n.Reserved = c.heedsReservations && own.Reserved
	n.BMCHeld = bmc.Locked || c.heedsReservations && bmc.Reserved
}

// badRequest reports whether HSM called a question bad: its answer to one about
// locks that no component meets, which for all nodes means that it has none.
func badRequest(err error) bool {
	var failed *transport.Error
	return errors.As(err, &failed) && failed.Status == http.StatusBadRequest
}

// seen is what the state of a node in HSM says of its power.
func seen(state string) bos.PowerState {
	switch state {
	case "Off":
		return bos.PowerStateOff
	case "On", "Standby", "Ready", "Halt", "Active":
		return bos.PowerStateOn
	default: // Empty, Populated, Unknown, Set
		return bos.PowerStateUnknown
	}
}

// locked reads the locks of all nodes and of their BMCs. It asks about all, as SMD
// before 2.45 and OpenCHAMI's call the question for the locked ones bad while none
// is locked.
func (c *Client) locked(ctx context.Context) (map[string]lockState, error) {
	if c.plain {
		list, err := c.lockedComponents(ctx)
		return list.held, err
	}
	list, err := c.lockList(ctx, c.question("/locks/status?type=Node&type=NodeBMC"))
	return list.held, err
}

// Endpoint is where the ComputerSystem of a node is, as HSM discovered it or was
// told.
type Endpoint struct {
	// BMC is the id of the BMC, empty if HSM does not say.
	BMC string
	// FQDN is the BMC's host, with a port where it is not 443.
	FQDN string
	// System is the path of the ComputerSystem on the BMC, empty if HSM has
	// none: SMD does not keep it of an inventory that was posted to it.
	System string
	// UUID and Name are what the BMC calls the system, empty if HSM has
	// neither.
	UUID, Name string
	// Disabled says that the BMC is switched off in HSM, to be left alone.
	Disabled bool
	// Fault is why nobody can say where it is, for people; empty if one can.
	Fault string
	// Target is the path of its reset action, empty if HSM has none.
	Target string
	// ResetTypes are the values the BMC advertises for it, empty if HSM has
	// none.
	ResetTypes []string
}

// Endpoints reads where the BMCs of all nodes are, by xname, as HSM has it: an entry
// may have no host or no path, and who asks BMCs says of that node alone what is odd.
// Where HSM leaves many out that it had, what was known of them stays; that it
// knows no BMC at all is an error, and nothing about nodes.
func (c *Client) Endpoints(ctx context.Context) (map[string]Endpoint, error) {
	q := c.question("/Inventory/ComponentEndpoints?type=Node")
	list, odd, err := entries[componentEndpoint](ctx, c, q, "ComponentEndpoints")
	if err != nil {
		return nil, err
	}
	endpoints := make(map[string]Endpoint, len(list))
	for _, e := range list {
		found, ok := e.endpoint()
		if !ok || e.ID == "" {
			continue
		}
		id := bos.CanonicalXname(e.ID)
		if other, twice := endpoints[id]; twice {
			found = found.beside(other, c.name)
		}
		endpoints[id] = found
	}
	for _, e := range odd {
		if e.isNode() {
			endpoints[bos.CanonicalXname(e.id)] = Endpoint{Fault: fmt.Sprintf("what %s has of its BMC cannot be read (%s); correct it there, or rediscover the node", c.name, e.says())}
		}
	}
	if endpoints = c.bmcs.take(endpoints); len(endpoints) == 0 {
		return nil, fmt.Errorf("%s's answer to GET %s lists the BMC of no node; check its ComponentEndpoints, and discover the BMCs or post them", c.name, transport.Address(q.URL))
	}
	return endpoints, nil
}

// beside is an endpoint of a node that has another one already: they are the same, or
// nobody knows which is the node's.
func (e Endpoint) beside(other Endpoint, service string) Endpoint {
	if other.Fault != "" || e.FQDN == other.FQDN && e.System == other.System && e.UUID == other.UUID && e.BMC == other.BMC {
		other.Disabled = other.Disabled || e.Disabled
		return other
	}
	return Endpoint{Fault: fmt.Sprintf("%s has two BMCs of it, %s%s and %s%s, and nobody knows which is the right one; delete the other there",
		service, transport.Excerpt(other.FQDN), transport.Excerpt(other.System), transport.Excerpt(e.FQDN), transport.Excerpt(e.System))}
}

type componentEndpoint struct {
	ID, Type, OdataID, UUID         string
	RedfishEndpointID               string
	RedfishEndpointFQDN, RedfishURL string
	// Enabled is that of the BMC's RedfishEndpoint.
	Enabled *bool
	// What discovery copied from the BMC comes in whatever shape the BMC
	// gave it, and one odd BMC must not hide all others.
	RedfishSystemInfo json.RawMessage
}

func (e componentEndpoint) endpoint() (Endpoint, bool) {
	host := e.RedfishEndpointFQDN
	if host == "" {
		host, _, _ = strings.Cut(e.RedfishURL, "/")
	}
	if e.Type != "" && e.Type != "Node" {
		return Endpoint{}, false
	}
	found := Endpoint{BMC: bos.CanonicalXname(e.RedfishEndpointID), FQDN: host, System: e.OdataID, UUID: e.UUID, Disabled: e.Enabled != nil && !*e.Enabled}
	var info struct {
		Name    json.RawMessage
		Actions map[string]json.RawMessage
	}
	if json.Unmarshal(e.RedfishSystemInfo, &info) != nil {
		return found, true
	}
	if json.Unmarshal(info.Name, &found.Name) != nil {
		found.Name = ""
	}
	var reset struct {
		Target string          `json:"target"`
		Types  json.RawMessage `json:"ResetType@Redfish.AllowableValues"`
	}
	// SMD makes the target up from the path of the system, also of none.
	if found.System == "" || json.Unmarshal(info.Actions["#ComputerSystem.Reset"], &reset) != nil {
		return found, true
	}
	found.Target = reset.Target
	if json.Unmarshal(reset.Types, &found.ResetTypes) != nil {
		found.ResetTypes = nil
	}
	return found, true
}

func (c *Client) question(path string) transport.Request {
	return transport.Request{Method: http.MethodGet, URL: c.url + path}
}

func (c *Client) missing(q transport.Request, what string) error {
	return fmt.Errorf("%s's answer to %s %s lacks %s; %s", c.name, cmp.Or(q.Method, http.MethodGet), transport.Address(q.URL), what, c.wayOut())
}
