package machineroom

import (
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// System is a node as its BMC and HSM know it; it does not change while the room
// runs.
type System struct {
	ID       string
	Endpoint Endpoint
	Profile  *Profile
}

// BMCs are those of the room, sorted.
func (r *Room) BMCs() []string {
	return slices.SortedFunc(maps.Keys(r.bmcs), bos.CompareXnames)
}

// SystemsOf are the systems of a BMC, nil for one that there is not.
func (r *Room) SystemsOf(bmc string) []System { return r.systems[bmc] }

// Systems are those of all nodes, also of those without a BMC, in the order of
// Inventory.
func (r *Room) Systems() []System {
	all := make([]System, len(r.order))
	for i, n := range r.order {
		all[i] = n.system()
	}
	return all
}

func (n *node) system() System { return System{n.ID, n.endpoint, n.profile} }

// UUIDOf is the UUID of a node's system, the same in each room.
func UUIDOf(id string) string { return uuid.NewSHA1(uuid.Nil, []byte(id)).String() }
