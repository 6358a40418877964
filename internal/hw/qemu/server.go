package qemu

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// MostNodes is how many machines a room has at most: they run on one host.
const MostNodes = 64

// DefaultListen is where the image store listens.
const DefaultListen = "127.0.0.1:8790"

// What a machine has where nothing is said.
const (
	defaultMemory   = 384
	defaultProgram  = "qemu-system-x86_64"
	defaultFirmware = "/usr/share/OVMF"
	// user is that of all BMCs.
	user = "admin"
)

// Config is a room. Nodes, Images, StateDir and BootScripts must be given.
type Config struct {
	// Nodes is how many machines there are.
	Nodes int
	// Listen is the address of the image store; the BMCs take the ports after it,
	// or any if it is 0.
	Listen string
	// Images is the folder whose folders are the buckets of the image store.
	Images string
	// StateDir gets consoles, the certificate of the BMCs and their password.
	StateDir string
	// BootScripts is the URL before /bootscript from which machines get what they
	// boot, as they see it.
	BootScripts string
	// UEFI gives machines UEFI firmware in place of a BIOS, from the folder Firmware.
	UEFI     bool
	Firmware string
	// Memory is what a machine has, in MiB.
	Memory int
	// QEMU is the program.
	QEMU string
	Log  *slog.Logger
}

// Node is a machine of a room.
type Node struct {
	// ID is its xname, MAC its address, BMC the host and port of its BMC.
	ID, MAC, BMC string
	// Console is the file that its serial port writes.
	Console string
}

// Server is a room that runs.
type Server struct {
	config   Config
	machines []*machine
	nodes    []Node
	// store is where the image store is.
	store    string
	password string
	servers  []*http.Server
	serving  sync.WaitGroup
	files    *os.Root
}

// Start opens a room in which everything is off.
func Start(c Config) (*Server, error) {
	c.Listen, c.QEMU = cmp.Or(c.Listen, DefaultListen), cmp.Or(c.QEMU, defaultProgram)
	c.Memory, c.Firmware = cmp.Or(c.Memory, defaultMemory), cmp.Or(c.Firmware, defaultFirmware)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Nodes < 1 || c.Nodes > MostNodes {
		return nil, fmt.Errorf("a room has 1 to %d virtual machines, not %d", MostNodes, c.Nodes)
	}
	if err := os.MkdirAll(c.StateDir, 0o700); err != nil {
		return nil, err
	}
	var err error
	// A machine is started by whoever asks its BMC, perhaps from elsewhere.
	if c.StateDir, err = filepath.Abs(c.StateDir); err != nil {
		return nil, err
	}
	s := &Server{config: c, password: rand.Text()}
	if err := s.open(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) open() (err error) {
	c := s.config
	if s.files, err = os.OpenRoot(c.Images); err != nil {
		return fmt.Errorf("the folder with images: %w", err)
	}
	host, port, err := loopback(c.Listen)
	if err != nil {
		return err
	}
	certificate, err := s.certify(host)
	if err != nil {
		return err
	}
	if s.store, err = s.serve(c.Listen, nil, store{s.files, c.Log}); err != nil {
		return err
	}
	for i := range c.Nodes {
		id, mac := fmt.Sprintf("x3000c0s%db0n0", i+1), fmt.Sprintf("52:54:00:00:00:%02x", i+1)
		m := &machine{id: id, mac: mac, uuid: uuid.NewSHA1(uuid.Nil, []byte(id)).String(), log: c.Log}
		if m.command, err = c.arguments(id, mac, m.uuid); err != nil {
			return err
		}
		at := "0"
		if port > 0 {
			at = strconv.Itoa(port + 1 + i)
		}
		address, err := s.serve(net.JoinHostPort(host, at), &certificate, bmc{m, user, s.password})
		if err != nil {
			return err
		}
		s.machines = append(s.machines, m)
		s.nodes = append(s.nodes, Node{ID: id, MAC: mac, BMC: address, Console: c.console(id)})
	}
	return nil
}

// loopback splits an address and refuses all that other machines could reach: a
// machine reaches the host's own.
func loopback(listen string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(listen)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	if ip := net.ParseIP(host); err != nil || ip == nil || ip.To4() == nil || !ip.IsLoopback() || port < 0 || port > 65535-MostNodes {
		return "", 0, fmt.Errorf("virtual machines reach the host by its loopback addresses, and %q is none with a port; use an address such as %s", listen, DefaultListen)
	}
	return host, port, nil
}

// serve answers at an address, over TLS if there is a certificate, and returns where.
func (s *Server) serve(listen string, certificate *tls.Certificate, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", listen) //nolint:noctx // it binds at once
	if err != nil {
		return "", err
	}
	address := l.Addr().String()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 6 * time.Minute, ErrorLog: log.New(quiet{s.config.Log}, "", 0)}
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12})
	}
	s.servers = append(s.servers, server)
	s.serving.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.config.Log.Error("a listener has ended", "address", address, "error", err)
		}
	})
	return address, nil
}

// quiet notes what goes wrong in connections, which is for who looks for it.
type quiet struct{ log *slog.Logger }

func (q quiet) Write(p []byte) (int, error) {
	q.log.Debug("connection", "said", string(p))
	return len(p), nil
}

// The files of a state folder that who asks BMCs needs.
func (s *Server) caFile() string       { return filepath.Join(s.config.StateDir, "bmc-ca.pem") }
func (s *Server) passwordFile() string { return filepath.Join(s.config.StateDir, "bmc-password") }

// certify makes the certificate of all BMCs and keeps it, and their password, in
// files.
func (s *Server) certify(host string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "BMCs of virtual machines"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), IPAddresses: []net.IP{net.ParseIP(host)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	err = errors.Join(
		os.WriteFile(s.caFile(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(s.passwordFile(), []byte(s.password+"\n"), 0o600),
	)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// Nodes are the machines of the room.
func (s *Server) Nodes() []Node { return append([]Node(nil), s.nodes...) }

// Store is the URL of the image store, as the host sees it.
func (s *Server) Store() string { return "http://" + s.store }

// Close ends everything, machines included.
func (s *Server) Close() error {
	var failed []error
	for _, server := range s.servers {
		failed = append(failed, server.Close())
	}
	s.serving.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), powerOffTime)
	defer cancel()
	for _, m := range s.machines {
		failed = append(failed, m.stop(ctx))
	}
	if s.files != nil {
		failed = append(failed, s.files.Close())
	}
	return errors.Join(failed...)
}
