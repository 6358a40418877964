package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// listen opens the address of the API. One that others reach needs to know who asks,
// and TLS, or tokens could be read on the way.
func listen(ctx context.Context, settings config.Config, allowRemote bool) (net.Listener, error) {
	address := settings.Listen
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("--listen %q is no address such as %s", address, defaultListen)
	}
	ip := net.ParseIP(host)
	remote := host != "localhost" && (ip == nil || !ip.IsLoopback())
	switch {
	case remote && settings.Auth.Mode == config.AuthOff:
		return nil, fmt.Errorf("--listen %q is not a loopback address, and with auth.mode off whoever reaches it could reboot the machine; use enforce, or shadow while clients get their tokens", address)
	case remote && !settings.TLS.On() && !allowRemote:
		return nil, fmt.Errorf("--listen %q is not a loopback address and there is no TLS; give tls.cert_file and tls.key_file, put a proxy in front, or add --allow-remote if nobody can listen on that network", address)
	}
	settled, err := serverTLS(settings.TLS)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", ofThisMachine(address))
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w; choose another --listen", err)
	}
	l = edge.Bound(l, maxClients, maxClientsAddress)
	if settled != nil {
		l = tls.NewListener(l, settled)
	}
	return l, nil
}

// ofThisMachine is the address with loopback in place of localhost, of which a resolver
// could make any other.
func ofThisMachine(address string) string {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "localhost" {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

func scheme(t config.TLS) string {
	if t.On() {
		return "https"
	}
	return "http"
}

// serverTLS is nil where the API is served without TLS.
func serverTLS(t config.TLS) (*tls.Config, error) {
	if !t.On() {
		return nil, nil //nolint:nilnil // there is none
	}
	pair := &keyPair{certFile: t.CertFile, keyFile: t.KeyFile}
	if _, err := pair.certificate(nil); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.certificate, NextProtos: []string{"h2", "http/1.1"}}
	if t.ClientCAFile == "" {
		return c, nil
	}
	clients, err := transport.Authorities("tls.client_ca_file", t.ClientCAFile)
	if err != nil {
		return nil, err
	}
	c.ClientAuth, c.ClientCAs = tls.VerifyClientCertIfGiven, clients()
	settled := &atomic.Pointer[tls.Config]{}
	settled.Store(c)
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now, have := settled.Load(), clients()
		if now.ClientCAs != have {
			now = now.Clone()
			now.ClientCAs = have
			settled.Store(now)
		}
		return now, nil
	}
	return c, nil
}

// keyPair is a certificate with its key, read again when one of the files changed.
type keyPair struct {
	certFile, keyFile string

	mu   sync.Mutex
	is   [2]fileVersion
	have *tls.Certificate
}

type fileVersion struct {
	changed time.Time
	size    int64
}

// certificate is the pair as the files have it. While they cannot be read, as in the
// middle of a change, it is the one that they had.
func (k *keyPair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var is [2]fileVersion
	for i, name := range []string{k.certFile, k.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return k.kept(err)
		}
		is[i] = fileVersion{info.ModTime(), info.Size()}
	}
	if k.have != nil && is == k.is {
		return k.have, nil
	}
	pair, err := tls.LoadX509KeyPair(k.certFile, k.keyFile)
	if err != nil {
		return k.kept(err)
	}
	k.have, k.is = &pair, is
	return k.have, nil
}

func (k *keyPair) kept(err error) (*tls.Certificate, error) {
	if k.have != nil {
		return k.have, nil
	}
	return nil, err
}
