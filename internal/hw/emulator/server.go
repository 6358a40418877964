package emulator

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Credentials of the emulated services. They guard nothing.
const (
	bmcUser     = "root"
	bmcPassword = "initial0"
	accessKey   = "emulator"
	secretKey   = "emulator-secret"
)

// ServerConfig is a room on real sockets.
type ServerConfig struct {
	Config
	// Listen is the address of HSM, BSS and S3; BMCs listen on the port after it.
	Listen string
	// BOSURL is where nodes report to.
	BOSURL string
	// StateDir keeps the CA over restarts; empty is a folder that is removed.
	StateDir string
	Log      *slog.Logger
}

// Server is a running room.
type Server struct {
	config  ServerConfig
	room    *Room
	ca      *authority
	objects map[string][]byte
	started time.Time
	bmcAt   map[string]string // IP -> BMC
	ipOf    map[string]string
	nodesOf map[string][]string
	bmcPort int
	plain   net.Listener
	servers []*http.Server
	wake    chan struct{}
	running sync.WaitGroup
	stop    context.CancelFunc
	temp    string
}

// Endpoints says where the emulated services are.
type Endpoints struct {
	HSM, BSS, S3         string
	AccessKey, SecretKey string
	CAFile               string
	CA                   *x509.CertPool
	User, Password       string
}

// Start puts a room on sockets. Each BMC has an address of its own in
// 127.0.0.0/8, served by one listener that takes loopback connections only.
func Start(ctx context.Context, c ServerConfig) (*Server, error) {
	room, err := NewRoom(c.Config)
	if err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{config: c, room: room, objects: objects(), started: time.Now(), wake: make(chan struct{}, 1)}
	dir := c.StateDir
	if dir == "" {
		if s.temp, err = os.MkdirTemp("", "emulator"); err != nil {
			return nil, err
		}
		dir = s.temp
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s.config.StateDir = dir
	if s.ca, err = openAuthority(dir); err != nil {
		return nil, err
	}
	s.assign()
	if err := s.listen(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	run, stop := context.WithCancel(ctx)
	s.stop = stop
	s.running.Go(func() { s.reportLoop(run) })
	return s, nil
}

// assign gives each BMC an address, always the same for the same room.
func (s *Server) assign() {
	s.bmcAt, s.ipOf, s.nodesOf = make(map[string]string), make(map[string]string), make(map[string][]string)
	for _, id := range s.room.order {
		bmc := s.room.nodes[id].endpoint.BMC
		if bmc == "" {
			continue
		}
		if _, have := s.ipOf[bmc]; !have {
			n := len(s.ipOf) + 2
			ip := fmt.Sprintf("127.%d.%d.%d", 1+n/62500, n/250%250, n%250+2)
			s.ipOf[bmc], s.bmcAt[ip] = ip, bmc
		}
		s.nodesOf[bmc] = append(s.nodesOf[bmc], id)
	}
}

func (s *Server) bmcAddress(bmc string) string {
	return net.JoinHostPort(s.ipOf[bmc], fmt.Sprint(s.bmcPort))
}

func (s *Server) listen(ctx context.Context) error {
	var lc net.ListenConfig
	plain, err := lc.Listen(ctx, "tcp", cmp.Or(s.config.Listen, "127.0.0.1:8780"))
	if err != nil {
		return fmt.Errorf("the emulator cannot listen: %w; choose another --listen", err)
	}
	s.plain = plain
	address, ok := plain.Addr().(*net.TCPAddr)
	if !ok || !address.IP.IsLoopback() {
		return fmt.Errorf("the emulator listens on loopback addresses only, not on %s", plain.Addr())
	}
	wildcard, err := lc.Listen(ctx, "tcp4", fmt.Sprintf("0.0.0.0:%d", address.Port+1))
	if err != nil {
		return fmt.Errorf("the emulated BMCs cannot listen on the port after --listen: %w; choose another --listen", err)
	}
	s.bmcPort = address.Port + 1
	s.serve(plain, s.services())
	bmcs := &loopbackListener{Listener: wildcard, held: make(chan net.Conn, maxHeld), silent: func(ip string) bool {
		return s.room.Silent(s.bmcAt[ip])
	}}
	s.serve(tls.NewListener(bmcs, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String())
			if err != nil {
				return nil, err
			}
			return s.ca.certificate(host)
		},
	}), http.HandlerFunc(s.redfish))
	return nil
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	s.servers = append(s.servers, server)
	s.running.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.config.Log.Error("the emulator stopped listening", "address", l.Addr().String(), "error", err)
		}
	})
}

// Room is the model behind the sockets.
func (s *Server) Room() *Room { return s.room }

// SetBOS says where nodes report to, once it is known.
func (s *Server) SetBOS(url string) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.config.BOSURL = url
}

func (s *Server) bosURL() string {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	return s.config.BOSURL
}

// Endpoints says where the emulated services are.
func (s *Server) Endpoints() Endpoints {
	base := "http://" + s.plain.Addr().String()
	pool := x509.NewCertPool()
	pool.AddCert(s.ca.cert)
	return Endpoints{
		HSM: base + "/hsm/v2", BSS: base + "/boot/v1", S3: base, AccessKey: accessKey, SecretKey: secretKey,
		CAFile: filepath.Join(s.config.StateDir, "ca.pem"), CA: pool, User: bmcUser, Password: bmcPassword,
	}
}

// WriteConfig writes a configuration for serve that uses this room.
func (s *Server) WriteConfig(path string) error {
	e := s.Endpoints()
	secrets := map[string]string{"bmc-password": e.Password, "s3-access-key": e.AccessKey, "s3-secret-key": e.SecretKey}
	dir, err := filepath.Abs(s.config.StateDir)
	if err != nil {
		return err
	}
	for name, value := range secrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(value+"\n"), 0o600); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(`inventory: { hsm: { url: %q } }
power: { redfish: { ca_file: %q, credentials: { user: %q, password_file: %q } } }
boot_parameters: { bss: { url: %q } }
artifacts: { s3: { endpoint: %q, access_key_file: %q, secret_key_file: %q } }
`, e.HSM, filepath.Join(dir, "ca.pem"), e.User, filepath.Join(dir, "bmc-password"), e.BSS, e.S3,
		filepath.Join(dir, "s3-access-key"), filepath.Join(dir, "s3-secret-key"))
	return os.WriteFile(path, []byte(text), 0o600)
}

// CAPEM is the certificate that signs the BMCs' certificates.
func (s *Server) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.ca.der})
}

// Close stops everything.
func (s *Server) Close() error {
	if s.stop != nil {
		s.stop()
	}
	var errs []error
	for _, server := range s.servers {
		errs = append(errs, server.Close())
	}
	if s.plain != nil && len(s.servers) == 0 {
		errs = append(errs, s.plain.Close())
	}
	s.running.Wait()
	if s.temp != "" {
		errs = append(errs, os.RemoveAll(s.temp))
	}
	return errors.Join(errs...)
}

// kick makes the report loop look at the room again.
func (s *Server) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

const (
	reporters    = 32
	reportRetry  = 500 * time.Millisecond
	maxReportTry = 600
)

// reportLoop sends the reports of nodes that have booted.
func (s *Server) reportLoop(ctx context.Context) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: reporters}}
	slots := make(chan struct{}, reporters)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		for _, report := range s.room.Advance(time.Now()) {
			s.running.Go(func() { s.report(ctx, client, slots, report) })
		}
		if at, ok := s.room.Next(); ok {
			timer.Reset(max(time.Until(at), 0))
		}
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
		}
	}
}

// report tells BOS what the node booted, again while BOS is away, until the
// node is powered off.
func (s *Server) report(ctx context.Context, client *http.Client, slots chan struct{}, report Report) {
	body, err := json.Marshal(map[string]any{"id": report.Node, "actual_state": map[string]string{"bss_token": report.Token}})
	if err != nil {
		return
	}
	for range maxReportTry {
		if !s.room.Reporting(report) || s.tell(ctx, client, slots, report.Node, body) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(reportRetry):
		}
	}
}

func (s *Server) tell(ctx context.Context, client *http.Client, slots chan struct{}, id string, body []byte) bool {
	slots <- struct{}{}
	defer func() { <-slots }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, s.bosURL()+"/v2/components/"+id, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close() //nolint:errcheck // nothing is read from it
	return res.StatusCode == http.StatusOK
}
