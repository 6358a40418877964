package services

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// hsmComponent is a node as SMD shows it.
type hsmComponent struct {
	ID      string
	Type    string
	State   string
	Flag    string
	Enabled bool
	Role    string `json:",omitempty"`
	SubRole string `json:",omitempty"`
	NID     int    `json:",omitempty"`
	NetType string
	Arch    string `json:",omitempty"`
	Class   string `json:",omitempty"`
}

func (f *Face) component(n machineroom.NodeState) hsmComponent {
	state := n.State()
	if form, shows := f.room.Shows(fault.Inventory, n.ID, time.Now()); shows && form == fault.FormEmpty {
		state = "Empty"
	}
	return hsmComponent{
		ID: n.ID, Type: "Node", State: state, Flag: "OK", Enabled: n.Enabled, Role: n.Role, SubRole: n.SubRole,
		NID: n.NID, NetType: "Sling", Arch: n.Arch, Class: n.Class,
	}
}

// componentFilters are the query parameters of /State/Components that are
// understood here; within one, any value may match.
var componentFilters = map[string]func(hsmComponent) string{
	"type":    func(c hsmComponent) string { return c.Type },
	"id":      func(c hsmComponent) string { return c.ID },
	"role":    func(c hsmComponent) string { return c.Role },
	"subrole": func(c hsmComponent) string { return c.SubRole },
	"arch":    func(c hsmComponent) string { return c.Arch },
	"class":   func(c hsmComponent) string { return c.Class },
	"state":   func(c hsmComponent) string { return c.State },
	"nid":     func(c hsmComponent) string { return strconv.Itoa(c.NID) },
	"enabled": func(c hsmComponent) string { return strconv.FormatBool(c.Enabled) },
}

// matches reports whether a component passes all filters of a query.
func matches(c hsmComponent, query url.Values) bool {
	for name, of := range componentFilters {
		values := query[name]
		if len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return strings.EqualFold(v, of(c)) }) {
			return false
		}
	}
	return true
}

// listComponents lists nodes. As with SMD an id that it does not know is a bad
// request.
func (f *Face) listComponents(w http.ResponseWriter, r *http.Request) {
	now, query := time.Now(), r.URL.Query()
	for _, id := range query["id"] {
		if _, ok := f.room.Node(id, now); !ok {
			wire.Problem(w, http.StatusBadRequest, "unknown component id "+strconv.Quote(id))
			return
		}
	}
	inventory := f.room.Inventory()
	member := membership(query["group"], inventory.Groups, membership(query["partition"], inventory.Partitions, nil))
	list := []any{}
	states := f.room.States(now)
	if f.forgets(fault.HSM, fault.FormNodes) {
		states = nil
	}
	for _, n := range states {
		if c := f.component(n); matches(c, query) && (member == nil || member[c.ID]) {
			list = append(list, f.entriesOf(c)...)
		}
	}
	wire.Answer(w, http.StatusOK, map[string]any{"Components": list})
}

// entriesOf is what the list has of a component: more, or something else, where that is
// wrong.
func (f *Face) entriesOf(c hsmComponent) []any {
	form, _ := f.room.Shows(fault.Inventory, c.ID, time.Now())
	switch form {
	case fault.FormTwice:
		other := c
		other.ID, other.Role = strings.ToUpper(c.ID), "Application"
		return []any{c, other}
	case fault.FormMistyped:
		return []any{map[string]any{"ID": c.ID, "Type": c.Type, "State": c.State, "Enabled": "yes", "Role": c.Role}}
	default:
		return []any{c}
	}
}

// membership is the nodes in any of the lists named that are also among those
// given; nil is all nodes.
func membership(names []string, lists map[string][]string, among map[string]bool) map[string]bool {
	if len(names) == 0 {
		return among
	}
	in := make(map[string]bool)
	for _, name := range names {
		for _, id := range lists[name] {
			in[id] = among == nil || among[id]
		}
	}
	return in
}

func (f *Face) oneComponent(w http.ResponseWriter, r *http.Request) {
	n, ok := f.room.Node(r.PathValue("id"), time.Now())
	if !ok {
		wire.Problem(w, http.StatusNotFound, "no such xname.")
		return
	}
	wire.Answer(w, http.StatusOK, f.component(n))
}

func (f *Face) setEnabled(w http.ResponseWriter, r *http.Request) {
	var body struct{ Enabled *bool }
	if !wire.Decode(w, r, &body) {
		return
	}
	if body.Enabled == nil {
		wire.Problem(w, http.StatusBadRequest, "missing Enabled")
		return
	}
	if !f.room.SetEnabled(r.PathValue("id"), *body.Enabled) {
		wire.Problem(w, http.StatusNotFound, "no such xname.")
		return
	}
	f.config.Kick()
	w.WriteHeader(http.StatusNoContent)
}

// listEndpoints lists where BMCs are: not where a dump says, but here.
func (f *Face) listEndpoints(w http.ResponseWriter, r *http.Request) {
	kinds, ids := r.URL.Query()["type"], r.URL.Query()["id"]
	list := []map[string]any{}
	for _, n := range f.room.Systems() {
		if n.Endpoint.BMC == "" || len(kinds) > 0 && !slices.Contains(kinds, "Node") || len(ids) > 0 && !slices.Contains(ids, n.ID) {
			continue
		}
		e := f.componentEndpoint(n.ID, n.Endpoint)
		if e == nil {
			continue
		}
		list = append(list, e)
		if form, _ := f.room.Shows(fault.Inventory, n.ID, time.Now()); form == fault.FormTwoBMCs {
			other := maps.Clone(e)
			other["RedfishEndpointFQDN"], other["RedfishURL"] = "other.invalid", ""
			list = append(list, other)
		}
	}
	if f.forgets(fault.HSM, fault.FormEndpoints) {
		list = []map[string]any{}
	}
	wire.Answer(w, http.StatusOK, map[string]any{"ComponentEndpoints": list})
}

func (f *Face) oneEndpoint(w http.ResponseWriter, r *http.Request) {
	n, ok := f.room.Node(r.PathValue("id"), time.Now())
	var e map[string]any
	if ok && n.Endpoint.BMC != "" {
		e = f.componentEndpoint(n.ID, n.Endpoint)
	}
	if e == nil {
		wire.Problem(w, http.StatusNotFound, "no such xname.")
		return
	}
	wire.Answer(w, http.StatusOK, e)
}

// What HSM knows of BMCs.
const (
	// InventoryDiscovered: all, as SMD has after it has asked the BMCs.
	InventoryDiscovered = "discovered"
	// InventoryPosted: their addresses and the UUIDs of the systems, and
	// neither paths nor actions, as SMD keeps of an inventory posted to it.
	InventoryPosted = "posted"
	// InventoryTargets: paths, and targets made up from them, without reset
	// types, as later versions keep of it.
	InventoryTargets = "targets"
)

// Inventories are those.
var Inventories = []string{InventoryDiscovered, InventoryPosted, InventoryTargets}

func (f *Face) componentEndpoint(id string, e machineroom.Endpoint) map[string]any {
	address, system := f.config.BMC(e.BMC), e.System
	info := map[string]any{}
	switch f.config.Inventory {
	case InventoryPosted:
		system = ""
	case InventoryTargets:
		info["Actions"] = map[string]any{"#ComputerSystem.Reset": map[string]any{
			"ResetType@Redfish.AllowableValues": nil, "@Redfish.ActionInfo": e.System + "/ResetActionInfo", "target": e.System + machineroom.ResetPath,
		}}
	default:
		info["Name"] = e.System[strings.LastIndexByte(e.System, '/')+1:]
		info["Actions"] = map[string]any{"#ComputerSystem.Reset": map[string]any{
			"ResetType@Redfish.AllowableValues": e.Listed, "@Redfish.ActionInfo": e.ActionInfo, "target": e.Target,
		}}
	}
	endpoint := map[string]any{
		"ID": id, "Type": "Node", "RedfishType": "ComputerSystem", "RedfishSubtype": "Physical", "UUID": machineroom.UUIDOf(id),
		"RedfishEndpointID": e.BMC, "Enabled": true, "RedfishEndpointFQDN": address, "RedfishURL": address + system,
		"ComponentEndpointType": "ComponentEndpointComputerSystem", "RedfishSystemInfo": info,
	}
	if system != "" {
		endpoint["OdataID"] = system
	}
	if form, shows := f.room.Shows(fault.Inventory, id, time.Now()); shows {
		return wrong(endpoint, form, id, e.BMC, address)
	}
	return endpoint
}

// wrong is what HSM has of a node's BMC where that is wrong in a way; nil is nothing.
func wrong(endpoint map[string]any, form, id, bmc, address string) map[string]any {
	_, port, _ := net.SplitHostPort(address)
	switch form {
	case fault.FormMissing:
		return nil
	case fault.FormInvented:
		path := "/redfish/v1/Systems/" + id
		endpoint["OdataID"], endpoint["RedfishURL"], endpoint["UUID"] = path, address+path, machineroom.UUIDOf("invented "+id)
		endpoint["RedfishSystemInfo"] = map[string]any{"Name": id, "Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{
			"ResetType@Redfish.AllowableValues": []string{"On", "ForceOff", "GracefulShutdown", "GracefulRestart", "ForceRestart", "Nmi", "ForceOn", "PushPowerButton", "PowerCycle"},
			"target":                            path + machineroom.ResetPath,
		}}}
	case fault.FormNoAddress:
		endpoint["RedfishEndpointFQDN"], endpoint["RedfishURL"] = "", ""
	case fault.FormBadAddress:
		endpoint["RedfishEndpointFQDN"] = net.JoinHostPort(bmc+".invalid", port)
	case fault.FormNoPath:
		delete(endpoint, "OdataID")
		endpoint["RedfishSystemInfo"] = nil
	case fault.FormDisabled:
		endpoint["Enabled"] = false
	case fault.FormOtherUUID:
		endpoint["UUID"] = machineroom.UUIDOf("invented " + id)
	case fault.FormOdd:
		endpoint["RedfishSystemInfo"] = map[string]any{"Name": 7, "Actions": []string{"none"}}
	}
	return endpoint
}

type hsmMembers struct {
	IDs []string `json:"ids"`
}

type hsmGroup struct {
	Label       string     `json:"label,omitempty"`
	Name        string     `json:"name,omitempty"`
	Description string     `json:"description"`
	Members     hsmMembers `json:"members"`
}

func (f *Face) listGroups(w http.ResponseWriter, _ *http.Request) {
	groups, list := f.room.Inventory().Groups, []hsmGroup{}
	for _, label := range slices.Sorted(maps.Keys(groups)) {
		list = append(list, hsmGroup{Label: label, Members: hsmMembers{groups[label]}})
	}
	wire.Answer(w, http.StatusOK, list)
}

func (f *Face) oneGroup(w http.ResponseWriter, r *http.Request) {
	label := r.PathValue("group")
	members, ok := f.room.Inventory().Groups[label]
	if !ok {
		wire.Problem(w, http.StatusNotFound, "No such group: "+label)
		return
	}
	wire.Answer(w, http.StatusOK, hsmGroup{Label: label, Members: hsmMembers{members}})
}

func (f *Face) createGroup(w http.ResponseWriter, r *http.Request) {
	var body hsmGroup
	if !wire.Decode(w, r, &body) {
		return
	}
	if body.Label == "" {
		wire.Problem(w, http.StatusBadRequest, "a group has a label")
		return
	}
	if _, ok := f.room.Inventory().Groups[body.Label]; ok {
		wire.Problem(w, http.StatusConflict, "operation would conflict with an existing group that has the same name.")
		return
	}
	f.room.AddToGroup(body.Label, body.Members.IDs...)
	created(w, r.URL.Path+"/"+body.Label)
}

func (f *Face) deleteGroup(w http.ResponseWriter, r *http.Request) {
	if label := r.PathValue("group"); !f.room.DeleteGroup(label) {
		wire.Problem(w, http.StatusNotFound, "No such group: "+label)
		return
	}
	wire.Answer(w, http.StatusOK, map[string]any{"code": 0, "message": "deleted 1 entry"})
}

func (f *Face) addMember(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID string `json:"id"`
	}
	if !wire.Decode(w, r, &body) {
		return
	}
	if body.ID == "" {
		wire.Problem(w, http.StatusBadRequest, "a member has an id")
		return
	}
	f.room.AddToGroup(r.PathValue("group"), body.ID)
	created(w, r.URL.Path+"/"+body.ID)
}

func (f *Face) removeMember(w http.ResponseWriter, r *http.Request) {
	if !f.room.RemoveFromGroup(r.PathValue("group"), r.PathValue("id")) {
		wire.Problem(w, http.StatusNotFound, "group has no such member.")
		return
	}
	wire.Answer(w, http.StatusOK, map[string]any{"code": 0, "message": "deleted 1 entry"})
}

func created(w http.ResponseWriter, path string) {
	w.Header().Set("Location", path)
	wire.Answer(w, http.StatusCreated, []map[string]string{{"URI": path}})
}

func (f *Face) listPartitions(w http.ResponseWriter, _ *http.Request) {
	partitions, list := f.room.Inventory().Partitions, []hsmGroup{}
	for _, name := range slices.Sorted(maps.Keys(partitions)) {
		list = append(list, hsmGroup{Name: name, Members: hsmMembers{partitions[name]}})
	}
	wire.Answer(w, http.StatusOK, list)
}

type hsmMembership struct {
	ID        string   `json:"id"`
	Groups    []string `json:"groupLabels"`
	Partition string   `json:"partitionName"`
}

func memberships(inv bos.Inventory) []hsmMembership {
	list, place := make([]hsmMembership, len(inv.Nodes)), make(map[string]int, len(inv.Nodes))
	for i, n := range inv.Nodes {
		list[i], place[n.ID] = hsmMembership{ID: n.ID, Groups: []string{}}, i
	}
	for _, label := range slices.Sorted(maps.Keys(inv.Groups)) {
		for _, id := range inv.Groups[label] {
			if i, ok := place[id]; ok {
				list[i].Groups = append(list[i].Groups, label)
			}
		}
	}
	for name, ids := range inv.Partitions {
		for _, id := range ids {
			if i, ok := place[id]; ok {
				list[i].Partition = name
			}
		}
	}
	return list
}

func (f *Face) listMemberships(w http.ResponseWriter, _ *http.Request) {
	wire.Answer(w, http.StatusOK, memberships(f.room.Inventory()))
}

func (f *Face) oneMembership(w http.ResponseWriter, r *http.Request) {
	id := bos.CanonicalXname(r.PathValue("id"))
	for _, m := range memberships(f.room.Inventory()) {
		if m.ID == id {
			wire.Answer(w, http.StatusOK, m)
			return
		}
	}
	wire.Problem(w, http.StatusNotFound, "no such xname.")
}

// lockStatus answers as SMD does: a question that no component meets is bad.
func (f *Face) lockStatus(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	list := []map[string]any{}
	if f.forgets(fault.HSM, fault.FormLocks) {
		wire.Answer(w, http.StatusOK, map[string]any{"Components": list})
		return
	}
	for _, l := range f.room.Locks(time.Now()) {
		if meets(q, "Type", l.Type) && meets(q, "Locked", strconv.FormatBool(l.Locked)) && meets(q, "Reserved", strconv.FormatBool(l.Reserved)) {
			list = append(list, lockBody(l))
		}
	}
	if len(list) == 0 {
		wire.Problem(w, http.StatusBadRequest, "Component not found")
		return
	}
	wire.Answer(w, http.StatusOK, map[string]any{"Components": list})
}

// someLockStatus is lockStatus for components that are named.
func (f *Face) someLockStatus(w http.ResponseWriter, r *http.Request) {
	var body struct{ ComponentIDs []string }
	if !wire.Decode(w, r, &body) {
		return
	}
	locks := make(map[string]machineroom.LockStatus)
	for _, l := range f.room.Locks(time.Now()) {
		locks[l.ID] = l
	}
	list, unknown := []map[string]any{}, []string{}
	if f.forgets(fault.HSM, fault.FormLocks) {
		wire.Answer(w, http.StatusOK, map[string]any{"Components": list})
		return
	}
	for _, id := range body.ComponentIDs {
		if l, ok := locks[bos.CanonicalXname(id)]; ok {
			list = append(list, lockBody(l))
		} else {
			unknown = append(unknown, id)
		}
	}
	if len(list) == 0 {
		wire.Problem(w, http.StatusBadRequest, "Component not found")
		return
	}
	told := map[string]any{"Components": list}
	if len(unknown) > 0 {
		told["NotFound"] = unknown
	}
	wire.Answer(w, http.StatusOK, told)
}

// meets reports whether a filter, whose name may have any case, is not asked for
// or has the value.
func meets(q url.Values, filter, value string) bool {
	for name, wanted := range q {
		if strings.EqualFold(name, filter) && !slices.ContainsFunc(wanted, func(v string) bool { return strings.EqualFold(v, value) }) {
			return false
		}
	}
	return true
}

// lock locks or unlocks nodes, one by one and as far as there are any.
func (f *Face) lock(locked bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct{ ComponentIDs []string }
		if !wire.Decode(w, r, &body) {
			return
		}
		done, failed := []string{}, []map[string]string{}
		for _, id := range body.ComponentIDs {
			if f.room.SetLocked(id, locked) {
				done = append(done, id)
			} else {
				failed = append(failed, map[string]string{"ID": id, "Reason": "NotFound"})
			}
		}
		wire.Answer(w, http.StatusOK, map[string]any{
			"Counts":  map[string]int{"Total": len(body.ComponentIDs), "Success": len(done), "Failure": len(failed)},
			"Success": map[string]any{"ComponentIDs": done}, "Failure": failed,
		})
	}
}
