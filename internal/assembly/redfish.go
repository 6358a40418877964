package assembly

import (
	"context"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/inventoryfile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func (w *wiring) redfish(c config.Redfish) error {
	rc, err := w.redfishConfig(c)
	if err != nil {
		return err
	}
	w.out.Power = redfish.New(rc)
	return nil
}

// redfishConfig is how BMCs are reached, by the settings and the inventory.
func (w *wiring) redfishConfig(c config.Redfish) (redfish.Config, error) {
	password := w.settings.Commanded(c.Credentials.Password("power.redfish.credentials")).Cached()
	if _, err := password(); err != nil {
		return redfish.Config{}, err
	}
	certificates, err := transport.Authorities("power.redfish.ca_file", c.CAFile)
	if err != nil {
		return redfish.Config{}, err
	}
	rc := redfish.Config{
		Insecure: c.Insecure, CA: certificates, User: c.Credentials.User, PasswordFrom: password, Sessions: c.Sessions, Log: w.log, Asked: w.asked("power.redfish"), IgnoreUUIDs: c.IgnoreUUIDs, Cautious: w.cautious, Concurrency: c.Concurrency,
		Timeouts: redfish.Timeouts{Connect: c.ConnectTimeout, TLS: c.TLSTimeout, Read: c.ReadTimeout, Reset: c.ResetTimeout},
	}
	if next := w.settings.Commanded(c.NextPassword()); !next.Empty() {
		rc.NextFrom = next.Cached()
	}
	if rc.Networks, err = c.Prefixes(); err != nil {
		return rc, err
	}
	switch inventory := w.out.Inventory.(type) {
	case *hsm.Client:
		rc.Endpoints, rc.Holds, rc.Resolve = ofHSM(inventory), inventory.HeedingReservations().Holds, inventory.BMCAddress
		if c.Reserve {
			rc.Reserve = inventory.Reserve
		}
	case *inventoryfile.File:
		// The file is there to be read, so a change holds at once.
		rc.Endpoints, rc.EndpointsTTL = ofFile(inventory), fileTTL
	}
	rc.Endpoints, err = w.withOwn(rc.Endpoints, c)
	return rc, err
}

// fileTTL is how old what is known of an inventory file may become.
const fileTTL = 5 * time.Second

func ofFile(inventory *inventoryfile.File) func(context.Context) (map[string]redfish.Endpoint, error) {
	return func(ctx context.Context) (map[string]redfish.Endpoint, error) {
		list, err := inventory.Endpoints(ctx)
		if err != nil {
			return nil, err
		}
		endpoints := make(map[string]redfish.Endpoint, len(list))
		for id, e := range list {
			endpoints[id] = redfish.Endpoint{
				Address: e.Address, System: e.System, Target: e.Target, ResetTypes: e.ResetTypes,
				User: e.User, Password: e.Password, Trust: transport.Trust{Pin: e.Pin, Insecure: e.Insecure, Legacy: e.Legacy},
				Sessions: e.Sessions, Read: e.Read, Reset: e.Reset,
				Fault: e.Fault, FaultCause: bos.CauseBMCAuth,
			}
		}
		return endpoints, nil
	}
}

func ofHSM(inventory *hsm.Client) func(context.Context) (map[string]redfish.Endpoint, error) {
	return func(ctx context.Context) (map[string]redfish.Endpoint, error) {
		list, err := inventory.Endpoints(ctx)
		if err != nil {
			return nil, err
		}
		endpoints := make(map[string]redfish.Endpoint, len(list))
		for id, e := range list {
			endpoints[id] = redfish.Endpoint{
				Address: e.FQDN, System: e.System, UUID: e.UUID, Name: e.Name, Disabled: e.Disabled, Target: e.Target, ResetTypes: e.ResetTypes, Fault: e.Fault,
			}
		}
		return endpoints, nil
	}
}

// endpointsFrom says where the BMCs of all nodes are.
type endpointsFrom = func(context.Context) (map[string]redfish.Endpoint, error)

// own is what one BMC has of its own by the settings.
type own struct {
	config.BMCs
	name     string // of the section
	pin      string
	password func() (string, error)
}

// withOwn adds to what the inventory says of BMCs what the settings have of some.
func (w *wiring) withOwn(endpoints endpointsFrom, c config.Redfish) (endpointsFrom, error) {
	pins, err := c.Pins()
	if err != nil || len(pins)+len(c.BMCs) == 0 || endpoints == nil {
		return endpoints, err
	}
	owns := make(map[string]*own)
	for i, b := range c.BMCs {
		o := &own{BMCs: b, name: fmt.Sprintf("power.redfish.bmcs[%d]", i)}
		o.pin, _ = config.Fingerprint(b.CertificateSHA256) // it was validated
		if b.Credentials.User != "" {
			o.password = w.settings.Commanded(b.Credentials.Password(o.name + ".credentials")).Cached()
		}
		names, err := b.Xnames()
		if err != nil {
			return nil, err
		}
		for _, bmc := range names {
			owns[bmc] = o
		}
		if b.TLS == config.TLSLegacy {
			w.log.Warn("these BMCs are spoken to with old TLS, which others on their network may read", "bmcs", b.Names)
		}
	}
	bmcOf := bos.BMCOf
	if named, ok := w.out.Inventory.(*hsm.Client); ok {
		bmcOf = named.BMCOf
	}
	return func(ctx context.Context) (map[string]redfish.Endpoint, error) {
		all, err := endpoints(ctx)
		for id, e := range all {
			bmc := bmcOf(id)
			if o := owns[bmc]; o != nil {
				e = o.of(e)
			}
			if pin := pins[bmc]; pin != "" {
				e.Trust.Pin, e.Trust.Insecure = pin, false
			}
			all[id] = e
		}
		return all, err
	}, nil
}

// of is an endpoint with what its BMC has of its own.
func (o *own) of(e redfish.Endpoint) redfish.Endpoint {
	if o.password != nil {
		password, err := o.password()
		if err != nil && e.Fault == "" {
			e.Fault, e.FaultCause = fmt.Sprintf("nothing is sent to its BMC, as the password of %s cannot be read: %v", o.name, err), bos.CauseBMCAuth
		}
		e.User, e.Password = o.Credentials.User, password
	}
	if o.pin != "" || o.Insecure {
		e.Trust.Pin, e.Trust.Insecure = o.pin, o.Insecure
	}
	e.Trust.Legacy = e.Trust.Legacy || o.TLS == config.TLSLegacy
	if o.Sessions != nil {
		e.Sessions = o.Sessions
	}
	if o.ReadTimeout > 0 {
		e.Read = o.ReadTimeout
	}
	if o.ResetTimeout > 0 {
		e.Reset = o.ResetTimeout
	}
	return e
}
