// Package services is the face of the services around an emulated room: HSM, BSS,
// PCS, CFS, IMS, TAPMS and S3 on one listener, and what steers the faults.
package services

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

const jsonUTF8 = "application/json; charset=UTF-8"

// Face answers for the services of a room.
type Face struct {
	config  Config
	room    *machineroom.Room
	objects map[string][]byte
	written sync.Map // objects by their key
	images  images
	tenants tenants
	scn     subscribers
	// hosts are boot parameters of nodes that do not find them.
	hosts hostParameters
}

// Config is what a Face needs.
type Config struct {
	Room *machineroom.Room
	// Address is where the services are, host and port, BMC where a BMC is.
	Address func() string
	BMC     func(bmc string) string
	// Kick is called when there is something new to be done in the room.
	Kick func()
	// Courier takes notifications away.
	Courier *wire.Courier
	// Counts counts the requests.
	Counts *wire.Counts
	// Inventory is what HSM knows of the BMCs: InventoryDiscovered, the
	// default, or another of Inventories.
	Inventory string
	// Tenants map a name to the nodes of the tenant, which may be folded as
	// in x1000c0s[0-7]b0n0.
	Tenants map[string]string
}

// New is the face of the services of a room.
func New(c Config) (*Face, error) {
	if c.Inventory != "" && !slices.Contains(Inventories, c.Inventory) {
		return nil, fmt.Errorf("HSM cannot know of the BMCs what is %q; use one of %s", c.Inventory, strings.Join(Inventories, ", "))
	}
	f := &Face{config: c, room: c.Room}
	var err error
	if f.objects, err = objects(); err != nil {
		return nil, err
	}
	f.images.of = newImages(f.objects)
	return f, f.setTenants()
}

// Handler is HSM, BSS, PCS, CFS, IMS, TAPMS and S3 on one listener.
func (f *Face) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /hsm/v2/State/Components":                    f.listComponents,
		"GET /hsm/v2/State/Components/{id}":               f.oneComponent,
		"PATCH /hsm/v2/State/Components/{id}/Enabled":     f.setEnabled,
		"GET /hsm/v2/Inventory/ComponentEndpoints":        f.listEndpoints,
		"GET /hsm/v2/Inventory/ComponentEndpoints/{id}":   f.oneEndpoint,
		"GET /hsm/v2/groups":                              f.listGroups,
		"POST /hsm/v2/groups":                             f.createGroup,
		"GET /hsm/v2/groups/{group}":                      f.oneGroup,
		"DELETE /hsm/v2/groups/{group}":                   f.deleteGroup,
		"POST /hsm/v2/groups/{group}/members":             f.addMember,
		"DELETE /hsm/v2/groups/{group}/members/{id}":      f.removeMember,
		"GET /hsm/v2/partitions":                          f.listPartitions,
		"GET /hsm/v2/memberships":                         f.listMemberships,
		"GET /hsm/v2/memberships/{id}":                    f.oneMembership,
		"GET /hsm/v2/locks/status":                        f.lockStatus,
		"POST /hsm/v2/locks/status":                       f.someLockStatus,
		"POST /hsm/v2/locks/service/reservations":         f.reserve,
		"POST /hsm/v2/locks/service/reservations/release": f.releaseReservations,
		"POST /hsm/v2/locks/service/reservations/renew":   f.renewReservations,
		"POST /hsm/v2/locks/lock":                         f.lock(true),
		"POST /hsm/v2/locks/unlock":                       f.lock(false),
		"GET /hsm/v2/Inventory/EthernetInterfaces":        f.listInterfaces,
		"GET /hsm/v2/service/ready": func(w http.ResponseWriter, _ *http.Request) {
			wire.Answer(w, http.StatusOK, map[string]any{"code": 0, "message": "HSM is healthy"})
		},
		"PUT /boot/v1/bootparameters":    f.putBootParameters,
		"POST /boot/v1/bootparameters":   f.putBootParameters,
		"GET /boot/v1/bootparameters":    f.getBootParameters,
		"DELETE /boot/v1/bootparameters": f.deleteBootParameters,
		"GET /boot/v1/bootscript":        f.bootScript,
		"GET /boot/v1/service/status": func(w http.ResponseWriter, _ *http.Request) {
			wire.Answer(w, http.StatusOK, map[string]string{"bss-status": "running"})
		},
		"/" + machineroom.Bucket:       f.bucket,
		"/" + machineroom.Bucket + "/": f.bucket,
	} {
		mux.HandleFunc(pattern, handler)
	}
	for _, routes := range []map[string]http.HandlerFunc{f.pcsRoutes(), f.cfsRoutes(), f.imsRoutes(), f.tapmsRoutes(), f.scnRoutes(), f.nodesRoutes()} {
		for pattern, handler := range routes {
			mux.HandleFunc(pattern, handler)
		}
	}
	for pattern, handler := range f.faultRoutes() {
		mux.HandleFunc(pattern, handler)
	}
	return f.config.Counts.Counted(mux, f.troubled(mux))
}
