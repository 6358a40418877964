package assembly

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bootservice"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/cfs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/files"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/ims"
	"github.com/bootorch/terraform-provider-bos/internal/hw/inventoryfile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/hw/tapms"
	"github.com/bootorch/terraform-provider-bos/internal/hw/tenantsfile"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/hw/web"
	"github.com/bootorch/terraform-provider-bos/internal/service"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/metrics"
)

// wiring makes the adapters that the settings name. Options of the API, such as
// read timeouts, are read when they are needed, so that they hold at once.
type wiring struct {
	settings config.Config
	options  func(context.Context) (bos.Options, error)
	log      *slog.Logger
	out      service.Config
	// metrics count what upstreams answer; nil is nobody.
	metrics *metrics.Metrics
	// heard is told the headers of the answers of a service; nil is nobody.
	heard func(service string, h http.Header)
	// cautious is for who only tries whether passwords are right.
	cautious bool
}

func wire(c config.Config, options func(context.Context) (bos.Options, error), log *slog.Logger, counted *metrics.Metrics) (service.Config, error) {
	w := &wiring{settings: c, options: options, log: log, metrics: counted, out: service.Config{MaxUnreachable: c.MaxUnreachable, MaxSetupWait: c.MaxSetupWait, PublicURL: c.PublicURL, Streams: c.Streams, Limits: bos.PowerLimits{
		Window: c.Power.Limits.Window, Starts: c.Power.Limits.Starts, CabinetStarts: c.Power.Limits.StartsCabinet,
		Actions: c.Power.Limits.Actions, CabinetActions: c.Power.Limits.ActionsCabinet,
	}}}
	for _, part := range []func() error{w.inventory, w.power, w.boot, w.configuration, w.artifacts, w.images, w.tenants, w.workload} {
		if err := part(); err != nil {
			return w.out, err
		}
	}
	return w.out, nil
}

// upstream is a service as its adapter takes it; name is its section.
func (w *wiring) upstream(name string, u config.Upstream, timeout func(bos.Options) int) (transport.Upstream, error) {
	made := transport.Upstream{URL: u.URL, Log: w.log, Heard: w.hear(name), Asked: w.asked(name)}
	if timeout != nil {
		made.Timeout = w.seconds(timeout)
	}
	if token := w.settings.Commanded(u.Token(name)); !token.Empty() {
		made.Bearer, made.Refused = token.CachedUntilRefused()
	}
	var err error
	made.CA, err = transport.Authorities(name+".ca_file", u.CAFile)
	return made, err
}

// asked counts the requests to one upstream; nil where nobody counts.
func (w *wiring) asked(name string) func(transport.Class, time.Duration) {
	if w.metrics == nil {
		return nil
	}
	return func(outcome transport.Class, took time.Duration) { w.metrics.Asked(name, outcome.String(), took) }
}

// hear tells the headers of one service's answers; nil where nobody listens.
func (w *wiring) hear(name string) func(http.Header) {
	if w.heard == nil {
		return nil
	}
	return func(h http.Header) { w.heard(name, h) }
}

// seconds reads an option each time it is asked; 0 if that is not possible now.
func (w *wiring) seconds(pick func(bos.Options) int) func() time.Duration {
	return func() time.Duration {
		o, err := w.options(context.Background())
		if err != nil {
			return 0
		}
		return time.Duration(pick(o)) * time.Second
	}
}

func (w *wiring) inventory() error {
	if path := w.settings.Inventory.File; path != "" {
		file := inventoryfile.New(path, func(s inventoryfile.Secret) func() (string, error) {
			return w.settings.Commanded(config.SecretSource{What: s.What, Env: s.Env, File: s.File, Command: s.Command}).Cached()
		})
		w.out.Inventory = file
		if err := file.Check(); err != nil {
			return err
		}
		for _, fault := range file.Faults() {
			w.log.Warn("the BMCs that have these credentials are asked for nothing until they can be read", "error", fault)
		}
		return nil
	}
	if of := w.settings.Inventory.InventoryService; of != nil {
		u, err := w.upstream("inventory.inventory_service", *of, func(o bos.Options) int { return o.HSMReadTimeout })
		w.out.Inventory = hsm.NewInventoryService(u).Telling(w.log)
		return err
	}
	if w.settings.Inventory.HSM == nil {
		return nil
	}
	u, err := w.upstream("inventory.hsm", *w.settings.Inventory.HSM, func(o bos.Options) int { return o.HSMReadTimeout })
	if err == nil {
		w.out.Inventory = hsm.New(u).Telling(w.log)
	}
	return err
}

func (w *wiring) power() error {
	switch p := w.settings.Power; {
	case p.PCS != nil:
		u, err := w.upstream("power.pcs", p.PCS.Upstream, func(o bos.Options) int { return o.PCSReadTimeout })
		if err != nil {
			return err
		}
		w.out.Power = pcs.New(pcs.Config{Upstream: u, TaskDeadline: p.PCS.TaskDeadline})
	case p.Redfish != nil:
		return w.redfish(*p.Redfish)
	}
	return nil
}

func (w *wiring) boot() error {
	if b := w.settings.BootParameters.BootService; b != nil {
		return w.bootService(*b)
	}
	if w.settings.BootParameters.BSS == nil {
		return nil
	}
	u, err := w.upstream("boot_parameters.bss", *w.settings.BootParameters.BSS, func(o bos.Options) int { return o.BSSReadTimeout })
	if err == nil {
		client := bss.New(u)
		if names, ok := w.out.Inventory.(bos.NodeNames); ok {
			client.NamedBy(names)
		}
		w.out.Boot = client
	}
	return err
}

func (w *wiring) bootService(b config.BootService) error {
	u, err := w.upstream("boot_parameters.bootservice", b.Upstream, func(o bos.Options) int { return o.BSSReadTimeout })
	if err != nil {
		return err
	}
	made := bootservice.Config{Upstream: u}
	links, err := publicLinks(b, w.settings.Artifacts.S3)
	if links != nil {
		made.Link = links.Link
	}
	w.out.Boot = bootservice.New(made)
	return err
}

func (w *wiring) configuration() error {
	if w.settings.Configuration.CFS == nil {
		return nil
	}
	u, err := w.upstream("configuration.cfs", *w.settings.Configuration.CFS, func(o bos.Options) int { return o.CFSReadTimeout })
	if err == nil {
		w.out.Configuration = cfs.New(u)
	}
	return err
}

// artifacts reads images by the scheme of their path.
func (w *wiring) artifacts() error {
	c := w.settings.Artifacts
	sources := make(manifest.Sources)
	if c.S3 != nil {
		sc, err := s3Config(*c.S3)
		if err != nil {
			return err
		}
		sc.Heard = w.hear("artifacts.s3")
		sc.Asked = w.asked("artifacts.s3")
		if sources["s3"], err = s3.Open(sc); err != nil {
			return err
		}
	}
	if c.HTTP != nil {
		certificates, err := transport.Authorities("artifacts.http.ca_file", c.HTTP.CAFile)
		if err != nil {
			return err
		}
		client := web.New(web.Config{Prefixes: c.HTTP.Prefixes, CA: certificates, Asked: w.asked("artifacts.http")})
		sources["http"], sources["https"] = client, client
	}
	if c.Files != nil {
		folder, err := files.Open(c.Files.Root)
		if err != nil {
			return err
		}
		sources["file"] = folder
	}
	if len(sources) > 0 {
		w.out.Artifacts = sources
	}
	return nil
}

func (w *wiring) images() error {
	if w.settings.Images.IMS == nil {
		return nil
	}
	u, err := w.upstream("images.ims", *w.settings.Images.IMS, func(o bos.Options) int { return o.IMSReadTimeout })
	if err == nil {
		w.out.Images = ims.New(u)
	}
	return err
}

func (w *wiring) tenants() error {
	if path := w.settings.Tenants.File; path != "" {
		file := tenantsfile.New(path)
		w.out.Tenants = file
		return file.Check()
	}
	if w.settings.Tenants.TAPMS == nil {
		return nil
	}
	u, err := w.upstream("tenants.tapms", *w.settings.Tenants.TAPMS, nil)
	if err == nil {
		w.out.Tenants = tapms.New(u)
	}
	return err
}
