package services

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// hostParameters are boot parameters that BSS has for the names of hosts. The zero
// value has none.
type hostParameters struct {
	mu sync.Mutex
	of map[string]bos.BootArtifacts
}

func (h *hostParameters) put(hosts []string, a bos.BootArtifacts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[string]bos.BootArtifacts)
	}
	for _, id := range hosts {
		h.of[bos.CanonicalXname(id)] = a
	}
}

func (h *hostParameters) get(host string) (a bos.BootArtifacts, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok = h.of[bos.CanonicalXname(host)]
	return a, ok
}

// byMAC tells whether BSS finds nodes by MAC address alone.
func (f *Face) byMAC() bool {
	_, shows := f.room.Shows(fault.ByMAC, fault.BSS, time.Now())
	return shows
}

// macOf is the MAC address of the node at a place of the room.
func macOf(place int) string {
	return fmt.Sprintf("02:00:00:%02x:%02x:%02x", place>>16&0xff, place>>8&0xff, place&0xff)
}

// nodesOf are the nodes that have any of these MAC addresses.
func (f *Face) nodesOf(macs []string) (ids []string) {
	if len(macs) == 0 {
		return nil
	}
	wanted := make(map[string]bool, len(macs))
	for _, mac := range macs {
		wanted[strings.ToLower(mac)] = true
	}
	for i, s := range f.room.Systems() {
		if wanted[macOf(i)] {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// listInterfaces lists the interfaces of nodes. Emulated nodes boot by their name
// alone, and have one only where BSS finds them by it.
func (f *Face) listInterfaces(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	if _, none := f.room.Shows(fault.NoInterfaces, fault.HSM, time.Now()); none {
		wire.Problem(w, http.StatusNotFound, "page not found")
		return
	}
	if f.byMAC() {
		for i, s := range f.room.Systems() {
			mac := macOf(i)
			list = append(list, map[string]any{
				"ID": strings.ReplaceAll(mac, ":", ""), "MACAddress": mac, "ComponentID": s.ID, "Type": "Node", "IPAddresses": []any{},
			})
		}
	}
	wire.Answer(w, http.StatusOK, list)
}
