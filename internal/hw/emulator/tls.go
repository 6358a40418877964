package emulator

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// secured makes the connections to BMCs those of TLS, as each BMC speaks it.
type secured struct {
	net.Listener
	ordinary *tls.Config
	// of is what the BMC at an address speaks, the ordinary if nil; plain is no
	// TLS at all.
	of func(address string) (config *tls.Config, plain bool)
}

// Accept returns the next connection; the handshake is the server's.
func (l *secured) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	config, plain := l.of(conn.LocalAddr().String())
	switch {
	case plain:
		return conn, nil
	case config == nil:
		config = l.ordinary
	}
	return tls.Server(conn, config), nil
}

// ordinaryTLS is what BMCs speak.
func (s *Server) ordinaryTLS() *tls.Config {
	// X25519 alone: at 10,000 handshakes a post-quantum exchange would take
	// longer than the reboot that is measured, and BMCs have none.
	return &tls.Config{
		MinVersion: tls.VersionTLS12, CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}, GetCertificate: s.certificate,
	}
}

// tlsOf is what a BMC speaks that has a fault there.
func (s *Server) tlsOf(address string) (config *tls.Config, plain bool) {
	bmc, known := s.addresses.at[address]
	if !known {
		return nil, false
	}
	form, shows := s.room.Shows(fault.TLS, bmc, time.Now())
	if !shows {
		return nil, false
	}
	config = s.ordinaryTLS()
	switch form {
	case fault.FormPlain:
		return nil, true
	case fault.FormRSA:
		config.MaxVersion, config.CipherSuites, config.GetCertificate = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_256_GCM_SHA384}, s.rsaCertificate
	case fault.FormTLS10:
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	case fault.FormP384:
		config.MaxVersion, config.CurvePreferences = tls.VersionTLS12, []tls.CurveID{tls.CurveP384}
	case fault.FormP521:
		config.MaxVersion, config.CurvePreferences = tls.VersionTLS12, []tls.CurveID{tls.CurveP521}
	}
	return config, false
}

func (s *Server) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	local, ok := hello.Conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("no TCP connection")
	}
	return s.ca.certificate(local.IP, time.Now())
}

// rsaBits is the size of the key of a BMC that knows RSA key exchange alone.
const rsaBits = 2048

// oldKey is the key of all BMCs that know RSA key exchange alone, made when the first
// of them is asked.
var oldKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, rsaBits) })

func (s *Server) rsaCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	local, ok := hello.Conn.LocalAddr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("no TCP connection")
	}
	key, err := oldKey()
	if err != nil {
		return nil, err
	}
	return s.ca.mint(local.IP, time.Now(), key)
}
