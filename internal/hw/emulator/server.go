package emulator

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/bmc"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// DefaultSeed is the seed of a server that is given none.
const DefaultSeed = 1

// DefaultReportEvery is how often nodes of a server repeat their report: the
// service forgets what a node runs after some hours without one.
const DefaultReportEvery = time.Hour

// ServerConfig is a room on real sockets.
type ServerConfig struct {
	// Config is the room. A Seed of 0 is the one kept in StateDir, a
	// ReportEvery of 0 is DefaultReportEvery.
	machineroom.Config
	// Listen is the loopback address of the services, by default
	// 127.0.0.1:8780; BMCs use the port after it. Port 0 is any free port,
	// with a StateDir the same one again.
	Listen string
	// BOSURL is where nodes report to, the prefix before /v2/components;
	// they wait while it is empty.
	BOSURL string
	// Token is the bearer token for what is at a URL of BOS, empty for none; it is
	// asked for each report and each boot script. nil is none.
	Token func(url string) string
	// Power is the way to the nodes' power that WriteConfig writes:
	// PowerRedfish, the default, or PowerPCS. Both ways are always open.
	Power string
	// Inventory is what HSM knows of the BMCs: services.InventoryDiscovered,
	// the default, or another of services.Inventories.
	Inventory string
	// Also are the other services that WriteConfig names: fault.CFS,
	// fault.IMS and fault.TAPMS, the last also if there are Tenants. All
	// services run whether named or not.
	Also []string
	// Script is what goes wrong and when, counted from the start.
	Script []fault.Rule
	// Tenants map a name to the nodes of the tenant, which may be folded as
	// in x1000c0s[0-7]b0n0.
	Tenants map[string]string
	// StateDir keeps CA, seed, addresses and, if the server was closed,
	// power and boot parameters over restarts; empty is a folder that is
	// removed by Close.
	StateDir string
	// WithService says that the service runs in this process too, and has the
	// other ends of all connections.
	WithService bool
	// Log gets what goes wrong; nil is nowhere.
	Log *slog.Logger

	// portPerBMC makes a system with many loopback addresses behave like
	// one with a single one.
	portPerBMC bool
}

// The ways to the nodes' power.
const (
	PowerRedfish = "redfish"
	PowerPCS     = "pcs"
)

// Server is a running room.
type Server struct {
	config    ServerConfig
	room      *machineroom.Room
	ca        *authority
	state     state
	temporary bool
	addresses addresses
	bmcs      *bmc.Face
	services  *services.Face
	courier   *wire.Courier
	counts    wire.Counts
	plain     net.Listener
	bmcPipes  *pipes // of an unplugged room
	servers   []*http.Server
	reporter  *reporter
	running   sync.WaitGroup
	stop      context.CancelFunc
	closing   sync.Once
	closed    error
}

// Endpoints says where the emulated services are and who may use them.
type Endpoints struct {
	// The URLs of the services, all but that of S3 up to the paths of the
	// service.
	HSM, BSS, PCS, CFS, IMS, TAPMS, S3 string

	AccessKey, SecretKey string
	// CAFile and CA hold the certificate that signs those of the BMCs.
	CAFile string
	CA     *x509.CertPool
	// User and Password are those of every BMC.
	User, Password string
}

// Start puts a room on sockets. Each BMC has an address of its own in
// 127.0.0.0/8, served by one listener that takes loopback connections only.
// The context bounds the start and the nodes' reports; the rest goes on until
// Close.
func Start(ctx context.Context, c ServerConfig) (*Server, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, s.removeTemporary())
	}
	s.warnOfLimit()
	if err := s.listen(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	if err := s.state.write(s.config.StateDir); err != nil {
		return nil, errors.Join(err, s.end())
	}
	run, stop := context.WithCancel(ctx)
	s.stop = stop
	s.running.Go(func() { s.reporter.run(run) })
	for range wire.Couriers {
		s.running.Go(func() { s.courier.Run(run) })
	}
	return s, nil
}

// prepare does all that needs no sockets.
func (s *Server) prepare() (err error) {
	if p := s.config.Power; p != "" && p != PowerRedfish && p != PowerPCS {
		return fmt.Errorf("the way to the nodes' power is %q; use %s or %s", p, PowerRedfish, PowerPCS)
	}
	for _, name := range s.config.Also {
		if _, ok := configKeys[name]; !ok {
			return fmt.Errorf("a configuration cannot name the service %q; use %s, %s or %s", name, fault.CFS, fault.IMS, fault.TAPMS)
		}
	}
	if s.config.StateDir == "" {
		s.temporary = true
		if s.config.StateDir, err = os.MkdirTemp("", "emulator"); err != nil {
			return fmt.Errorf("the emulator needs a folder for its CA: %w", err)
		}
	}
	if s.config.StateDir, err = filepath.Abs(s.config.StateDir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.config.StateDir, 0o700); err != nil {
		return fmt.Errorf("the emulator's state folder cannot be made: %w", err)
	}
	if s.state, err = readState(s.config.StateDir); err != nil {
		return err
	}
	now := time.Now()
	s.config.Seed = cmp.Or(s.config.Seed, s.state.Seed, DefaultSeed)
	s.config.ReportEvery = cmp.Or(s.config.ReportEvery, DefaultReportEvery)
	s.state.Seed = s.config.Seed
	if s.room, err = machineroom.New(s.config.Config); err != nil {
		return err
	}
	if s.state.Room != nil {
		s.room.Restore(s.state.Room, now)
		s.state.Room = nil // it is outdated from now on
	}
	if err := s.room.AddFaults(now, s.config.Script...); err != nil {
		return err
	}
	if s.ca, err = openAuthority(s.config.StateDir, now); err != nil {
		return err
	}
	s.courier = wire.NewCourier()
	s.reporter = newReporter(s.room, s.config, s.spread)
	s.bmcs = bmc.New(bmc.Config{
		Room: s.room, At: func(address string) string { return s.addresses.at[address] }, Kick: s.Kick, Courier: s.courier, Counts: &s.counts,
	})
	s.services, err = services.New(services.Config{
		Room: s.room, Address: func() string { return s.plain.Addr().String() }, BMC: s.BMCAddress, Kick: s.Kick, Courier: s.courier, Counts: &s.counts,
		Inventory: s.config.Inventory, Tenants: s.config.Tenants,
	})
	return err
}

// spread tells those who asked for it what is new.
func (s *Server) spread() {
	news := s.room.TakeNews()
	if len(news) == 0 {
		return
	}
	s.services.Notify(news)
	for _, n := range slices.DeleteFunc(news, func(n machineroom.News) bool { return n.Power == "" || n.BMC == "" }) {
		s.bmcs.Raise(n)
	}
}

// otherFiles is how many other files are open than connections to BMCs.
const otherFiles = 256

// warnOfLimit says so before connections fail for want of file descriptors:
// each BMC has a connection here, and another end of it where the service runs
// in this process too.
func (s *Server) warnOfLimit() {
	ends := 1
	if s.config.WithService {
		ends = 2
	}
	needed := uint64(ends*len(s.room.BMCs()) + otherFiles)
	if limit, ok := openFiles(); ok && limit < needed {
		s.config.Log.Warn(fmt.Sprintf("this process may open %d files, and %d emulated BMCs need about %d; connections to some will fail, raise the limit with: ulimit -n %d",
			limit, len(s.room.BMCs()), needed, needed))
	}
}

// Room is the model behind the sockets. Whoever calls its Reset should call
// Kick, or the node's report comes late.
func (s *Server) Room() *machineroom.Room { return s.room }

// BMCs are the BMCs of the room.
func (s *Server) BMCs() *bmc.Face { return s.bmcs }

// Services are the services around it.
func (s *Server) Services() *services.Face { return s.services }

// Requests is how often each route of the services was asked, and each method
// of the BMCs, since the start or since the last call with reset.
func (s *Server) Requests(reset bool) map[string]int { return s.counts.Take(reset) }

// Kick makes the server look at the room again.
func (s *Server) Kick() { s.reporter.kick() }

// SetBOS says where nodes report to, once it is known.
func (s *Server) SetBOS(url string) { s.reporter.setURL(url) }

// Endpoints says where the emulated services are.
func (s *Server) Endpoints() Endpoints {
	base := "http://" + s.plain.Addr().String()
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.cert)
	return Endpoints{
		HSM: base + "/hsm/v2", BSS: base + "/boot/v1", PCS: base + services.PCSBase,
		CFS: base + services.CFSBase, IMS: base + services.IMSBase, TAPMS: base + services.TAPMSBase, S3: base, AccessKey: services.AccessKey, SecretKey: services.SecretKey,
		CAFile: filepath.Join(s.config.StateDir, caCertFile), CA: pool, User: bmc.User, Password: s.bmcs.CurrentPassword(),
	}
}

// CAPEM is the certificate that signs the BMCs' certificates.
func (s *Server) CAPEM() []byte { return s.ca.pem() }

// BMCAddress is the address of a BMC with its port, empty for an unknown one.
func (s *Server) BMCAddress(bmc string) string { return s.addresses.of[bmc] }

// configKeys are where a configuration names the services that need not be in
// it.
var configKeys = map[string]string{fault.CFS: "configuration", fault.IMS: "images", fault.TAPMS: "tenants"}

// WriteConfig writes a configuration for serve that uses this room. Secrets go
// into files of the state folder, which it names.
func (s *Server) WriteConfig(path string) error {
	e := s.Endpoints()
	files := make(map[string]string)
	for name, value := range map[string]string{"bmc-password": e.Password, "s3-access-key": e.AccessKey, "s3-secret-key": e.SecretKey} {
		files[name] = filepath.Join(s.config.StateDir, name)
		if err := writeFile(files[name], []byte(value+"\n")); err != nil {
			return fmt.Errorf("write the configuration's secrets: %w", err)
		}
	}
	listen := ""
	if u, err := url.Parse(s.reporter.bosURL()); err == nil && u.Host != "" {
		listen = fmt.Sprintf("listen: %q\n", u.Host)
	}
	power := fmt.Sprintf("redfish: { ca_file: %q, credentials: { user: %q, password_file: %q } }", e.CAFile, e.User, files["bmc-password"])
	if s.config.Power == PowerPCS {
		power = fmt.Sprintf("pcs: { url: %q }", e.PCS)
	}
	text := fmt.Sprintf(`# the emulated machine room at %s
%sdatabase: bos.db
inventory: { hsm: { url: %q } }
power: { %s }
boot_parameters: { bss: { url: %q } }
artifacts: { s3: { endpoint: %q, access_key_file: %q, secret_key_file: %q, buckets: [%s] } }
`, e.S3, listen, e.HSM, power, e.BSS, e.S3, files["s3-access-key"], files["s3-secret-key"], machineroom.Bucket)
	urls := map[string]string{fault.CFS: e.CFS, fault.IMS: e.IMS, fault.TAPMS: e.TAPMS}
	for _, name := range slices.Sorted(maps.Keys(configKeys)) {
		if slices.Contains(s.config.Also, name) || name == fault.TAPMS && len(s.config.Tenants) > 0 {
			text += fmt.Sprintf("%s: { %s: { url: %q } }\n", configKeys[name], name, urls[name])
		}
	}
	if err := writeFile(path, []byte(text)); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// Close stops everything and keeps the room's state in StateDir.
func (s *Server) Close() error {
	s.closing.Do(func() {
		err := s.end()
		if !s.temporary {
			s.state.Room = s.room.Save(time.Now())
			err = errors.Join(err, s.state.write(s.config.StateDir))
		}
		s.closed = err
	})
	return s.closed
}

// end stops what runs.
func (s *Server) end() error {
	if s.stop != nil {
		s.stop()
	}
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	s.running.Wait()
	return errors.Join(append(errs, s.removeTemporary())...)
}

func (s *Server) removeTemporary() error {
	if !s.temporary {
		return nil
	}
	return os.RemoveAll(s.config.StateDir)
}
