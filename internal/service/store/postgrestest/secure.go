package postgrestest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Authority signs the certificates of a test.
type Authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	// File has its own certificate.
	File string
}

// Identity is a certificate and its key, as files.
type Identity struct{ Cert, Key string }

// NewAuthority makes an authority that nobody else knows.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	made, files := a.issue(template)
	a.cert, a.File = made, files.Cert
	return a
}

// Issue signs a certificate of a name, which is that of a user, for hosts, which may be
// none, until a time.
func (a *Authority) Issue(name string, until time.Time, hosts ...string) Identity {
	a.t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	_, files := a.issue(template)
	return files
}

// issue makes a key and has it signed, by itself where there is no authority yet.
func (a *Authority) issue(template *x509.Certificate) (*x509.Certificate, Identity) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		a.key = key
		parent, signer = template, key
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	dir := a.t.TempDir()
	files := Identity{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")}
	for file, block := range map[string]*pem.Block{files.Cert: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	return made, files
}

// StartSecure starts a server that lets nobody in over the network who does not use TLS and
// has no certificate of the authority clients with the name of the user, and then by a
// method (pg_hba.conf). The user is bos, with the password if there is one.
func StartSecure(own Identity, clients *Authority, method, password string, settings ...string) (*Server, error) {
	s, err := made(settings, func(s *Server) error {
		// Each has an address of its own on this machine, so that the port is nobody's.
		s.listen = fmt.Sprintf("127.%d.%d.%d", 1+mathrand.IntN(254), mathrand.IntN(255), 1+mathrand.IntN(254)) //nolint:gosec // chance, and no secret
		err := s.do("initdb", "-D", s.data(), "-U", "bos", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")
		if err == nil {
			err = s.Present(own)
		}
		if err == nil {
			err = s.place(clients.File, "clients.crt")
		}
		if err == nil {
			err = s.write("pg_hba.conf", []byte("local all all trust\nhostssl all all 127.0.0.0/8 "+method+" clientcert=verify-full\n"))
		}
		return err
	})
	if err != nil || password == "" {
		return s, err
	}
	ctx := context.Background()
	err = ask(ctx, s.Address(), func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "ALTER ROLE bos PASSWORD '"+password+"'")
		return err
	})
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Present has a server show another certificate when it runs next.
func (s *Server) Present(own Identity) error {
	return errors.Join(s.place(own.Cert, "server.crt"), s.place(own.Key, "server.key"))
}

// place copies a file into the folder of the server.
func (s *Server) place(file, name string) error {
	content, err := os.ReadFile(file) //nolint:gosec // of a test
	if err != nil {
		return err
	}
	return s.write(name, content)
}

func (s *Server) write(name string, content []byte) error {
	file := filepath.Join(s.data(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil { //nolint:gosec // a file of the test server
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	return os.Chown(file, Unprivileged, Unprivileged)
}
