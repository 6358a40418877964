package assembly

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/service"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// Parts are the adapters of settings without a service over them, for who looks at a
// site. Each is made by itself: what is wrong with one leaves the others.
type Parts struct {
	service.Config
	// Links are to the objects of the image store as nodes load them; nil where
	// there are none.
	Links *s3.Links
	// Faults are why adapters could not be made, by their section.
	Faults map[string]error
}

// Connect makes the adapters of settings, all that can be made. heard is told the
// headers of the answers of services, by their section; nil is nobody. What they
// give BMCs is given with care: see redfish.Config.Cautious.
func Connect(c config.Config, log *slog.Logger, heard func(service string, h http.Header)) Parts {
	w := &wiring{settings: c, log: log, heard: heard, cautious: true, options: func(context.Context) (bos.Options, error) { return bos.DefaultOptions(), nil }}
	p := Parts{Faults: make(map[string]error)}
	for _, part := range []struct {
		section string
		wire    func() error
	}{
		{"inventory", w.inventory},
		{"power", w.power},
		{"boot_parameters", w.boot},
		{"configuration", w.configuration},
		{"artifacts", w.artifacts},
		{"images", w.images},
		{"tenants", w.tenants},
		{"workload", w.workload},
		{"boot_parameters.builtin", func() (err error) {
			if b := c.BootParameters.Builtin; b != nil {
				p.Links, err = wireLinks(*b, c.Artifacts.S3)
			}
			return err
		}},
	} {
		if err := part.wire(); err != nil {
			p.Faults[part.section] = err
		}
	}
	p.Config = w.out
	return p
}
