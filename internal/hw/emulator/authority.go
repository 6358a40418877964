package emulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The files of the CA in a state folder.
const (
	caCertFile = "ca.pem"
	caKeyFile  = "ca.key"
	bmcKeyFile = "bmc.key"
)

// How long certificates hold. Clients of some systems refuse server
// certificates that hold for longer than 825 days.
const (
	caYears        = 10
	bmcCertificate = 800 * 24 * time.Hour
)

// authority signs the BMCs' certificates; they all share one key.
type authority struct {
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	bmcKey *ecdsa.PrivateKey
	// certs hold a func of each IP that mints its certificate once; those of
	// others go on meanwhile.
	certs sync.Map
}

// openAuthority reads the CA of a state folder, or makes what is missing. A
// new CA is made with its key only: neither is of use without the other.
func openAuthority(dir string, now time.Time) (*authority, error) {
	a := &authority{}
	err := a.read(dir)
	if errors.Is(err, os.ErrNotExist) {
		err = a.create(dir, now)
	}
	if err == nil && now.After(a.cert.NotAfter) {
		err = fmt.Errorf("it expired on %s", a.cert.NotAfter.Format(time.DateOnly))
	}
	if err != nil {
		return nil, fmt.Errorf("the emulator's CA in %s: %w; remove %s, %s and %s there to have them made anew", dir, err, caCertFile, caKeyFile, bmcKeyFile)
	}
	return a, nil
}

func (a *authority) read(dir string) (err error) {
	if a.key, err = readKey(filepath.Join(dir, caKeyFile)); err != nil {
		return err
	}
	if a.bmcKey, err = readKey(filepath.Join(dir, bmcKeyFile)); err != nil {
		return err
	}
	der, err := readPEM(filepath.Join(dir, caCertFile))
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	if !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return fmt.Errorf("%s is not the key of %s", caKeyFile, caCertFile)
	}
	return nil
}

// create makes a CA that is good for loopback addresses only, so that whoever
// trusts it does not trust it with anything else.
func (a *authority) create(dir string, now time.Time) (err error) {
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if a.bmcKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	_, loopback, err := net.ParseCIDR("127.0.0.0/8")
	if err != nil {
		return err
	}
	serial, err := serialNumber()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "emulated machine room"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(caYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
		PermittedIPRanges: []*net.IPNet{loopback}, PermittedDNSDomains: []string{"localhost"}, PermittedDNSDomainsCritical: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	return errors.Join(
		writeKey(filepath.Join(dir, caKeyFile), a.key), writeKey(filepath.Join(dir, bmcKeyFile), a.bmcKey),
		writeFile(filepath.Join(dir, caCertFile), a.pem()),
	)
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// certificate mints the certificate of one address when it is first needed.
func (a *authority) certificate(ip net.IP, now time.Time) (*tls.Certificate, error) {
	key, ok := netip.AddrFromSlice(ip)
	if !ok {
		return nil, fmt.Errorf("%v is no IP address", ip)
	}
	have, ok := a.certs.Load(key)
	if !ok {
		have, _ = a.certs.LoadOrStore(key, sync.OnceValues(func() (*tls.Certificate, error) { return a.mint(ip, now, a.bmcKey) }))
	}
	mint, ok := have.(func() (*tls.Certificate, error))
	if !ok {
		return nil, fmt.Errorf("the certificate of %s is a %T", ip, have)
	}
	return mint()
}

func (a *authority) mint(ip net.IP, now time.Time, key crypto.Signer) (*tls.Certificate, error) {
	serial, err := serialNumber()
	if err != nil {
		return nil, err
	}
	until := now.Add(bmcCertificate)
	if until.After(a.cert.NotAfter) {
		until = a.cert.NotAfter
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: ip.String()}, IPAddresses: []net.IP{ip},
		NotBefore: now.Add(-time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func serialNumber() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
}

func readPEM(path string) ([]byte, error) {
	body, err := os.ReadFile(path) //nolint:gosec // the state folder is the administrator's
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(body)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM file", filepath.Base(path))
	}
	return block.Bytes, nil
}

func readKey(path string) (*ecdsa.PrivateKey, error) {
	der, err := readPEM(path)
	if err != nil {
		return nil, err
	}
	return x509.ParseECPrivateKey(der)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writeFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

// writeFile replaces a file as a whole, for its owner's eyes only.
func writeFile(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
