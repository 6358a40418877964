package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// Pinned is what a BMC shows beside what it is pinned to.
type Pinned string

// What a BMC shows.
const (
	// PinNew: it has no pin yet. PinSame: it shows the one that it has.
	PinNew  Pinned = "new"
	PinSame Pinned = "same"
	// PinChanged: it shows another certificate than that of its pin.
	PinChanged Pinned = "changed"
	// PinSilent: it shows none.
	PinSilent Pinned = "silent"
)

// Pin is the certificate of a BMC.
type Pin struct {
	BMC, Address string
	State        Pinned
	// Was is its pin and Is what it shows, each empty if there is none.
	Was, Is string
	// Elsewhere says that its pin is in the inventory file or in power.redfish.bmcs.
	Elsewhere bool
	// Subject is for whom the certificate is, Until how long.
	Subject string
	Until   time.Time
	// Err is why it shows none.
	Err error
}

// pinsAtOnce is how many BMCs are connected to at the same time.
const pinsAtOnce = 32

// Pins connects to the BMCs of the inventory, or those that are wanted, and compares their
// certificates with their pins. No user and password are sent.
func Pins(ctx context.Context, c config.Config, wanted []string) ([]Pin, error) {
	if c.Power.Redfish == nil {
		return nil, errors.New("power.redfish is not configured, so there are no BMCs to pin; name it in bos.yaml")
	}
	settings := *c.Power.Redfish
	c.Power.Redfish = &settings
	pins, err := settings.Pins()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// Neither is needed, and the file may not be there yet.
	settings.PinsFile, settings.Credentials = "", config.Credentials{}
	settings.NextPasswordEnv, settings.NextPasswordFile, settings.NextPasswordCommand = "", "", nil
	parts := assembly.Connect(c, slog.New(slog.DiscardHandler), nil)
	for _, section := range []string{"inventory", "power"} {
		if err := parts.Faults[section]; err != nil {
			return nil, err
		}
	}
	client, ok := parts.Power.(*redfish.Client)
	if !ok {
		return nil, errors.New("power.redfish has nothing that says where the BMCs are; name inventory.hsm or inventory.file")
	}
	defer client.Close()
	all, err := client.BMCs(ctx)
	if err != nil {
		return nil, err
	}
	return certificatesOf(ctx, client, all, pins, wanted)
}

// certificatesOf is what BMCs show.
func certificatesOf(ctx context.Context, client *redfish.Client, all []redfish.BMC, pins map[string]string, wanted []string) ([]Pin, error) {
	var (
		mu    sync.Mutex
		found []Pin
		group errgroup.Group
	)
	unknown := slices.Clone(wanted)
	group.SetLimit(pinsAtOnce)
	for _, b := range all {
		names := namesOf(b)
		if len(wanted) > 0 {
			names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(wanted, n) })
			unknown = slices.DeleteFunc(unknown, func(n string) bool { return slices.Contains(names, n) })
		}
		if len(names) == 0 {
			continue
		}
		group.Go(func() error {
			one := show(ctx, client, b)
			mu.Lock()
			defer mu.Unlock()
			for _, name := range names {
				found = append(found, one.named(name, b.Pin(), pins[name]))
			}
			return nil
		})
	}
	_ = group.Wait() // every failure is kept
	if len(unknown) > 0 {
		return nil, fmt.Errorf("the inventory has no BMC %s; correct the names, or discover the BMCs", bos.Fold(unknown))
	}
	slices.SortFunc(found, func(a, b Pin) int { return bos.CompareXnames(a.BMC, b.BMC) })
	return found, nil
}

// namesOf are the names by which a BMC is pinned: mostly one.
func namesOf(b redfish.BMC) (names []string) {
	for _, id := range b.Nodes {
		if name := bos.BMCOf(id); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func show(ctx context.Context, client *redfish.Client, b redfish.BMC) Pin {
	p := Pin{Address: b.Address, State: PinSilent}
	if b.Fault != "" && b.Address == "" {
		p.Err = errors.New(b.Fault)
		return p
	}
	certificate, err := client.Certificate(ctx, b)
	if err != nil {
		p.Err = err
		return p
	}
	p.State, p.Is = PinNew, transport.Fingerprint(certificate)
	p.Subject, p.Until = transport.Excerpt(certificate.Subject.String()), certificate.NotAfter
	return p
}

// named is what a BMC shows beside its pin, which may be in another place than the file.
func (p Pin) named(name, elsewhere, inFile string) Pin {
	p.BMC, p.Was = name, inFile
	if inFile == "" && elsewhere != "" {
		p.Was, p.Elsewhere = elsewhere, true
	}
	switch {
	case p.State == PinSilent || p.Was == "":
	case p.Was == p.Is:
		p.State = PinSame
	default:
		p.State = PinChanged
	}
	return p
}
