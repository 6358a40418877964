package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"
)

// certificate is a certificate and its key, in PEM and as they are used.
type certificate struct {
	cert, key string
	parsed    *x509.Certificate
	signer    *ecdsa.PrivateKey
}

// issued makes a certificate; without an issuer, one that can issue others.
func issued(t *testing.T, name string, by *certificate) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if by == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	} else {
		parent, signer = by.parsed, by.signer
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := func(kind string, content []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
	}
	return certificate{inPEM("CERTIFICATE", der), inPEM("PRIVATE KEY", private), parsed, key}
}

// mutual puts TLS in front of a BOS that lets in only who has a certificate of
// the same authority.
func mutual(t *testing.T, behind string) (endpoint string, authority, client certificate) {
	t.Helper()
	target, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	authority = issued(t, "authority", nil)
	own, client := issued(t, "localhost", &authority), issued(t, "client", &authority)
	pair, err := tls.X509KeyPair([]byte(own.cert), []byte(own.key))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority.parsed)
	server := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are the test
	server.StartTLS()
	t.Cleanup(server.Close)
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return "https://localhost:" + at.Port(), authority, client
}

func TestWithoutTheClientsCertificateTheHandshakeIsRefusedAndSaysSo(t *testing.T) {
	t.Parallel()
	endpoint, authority, client := mutual(t, startFake(t.Cleanup, room...).URL())
	stranger := issued(t, "client", nil)
	w := newWorkspace(t)
	block := func(c *certificate) string {
		settings := "ca_certificate = <<EOT\n" + authority.cert + "EOT\n"
		if c != nil {
			settings += "client_certificate = <<EOT\n" + c.cert + "EOT\nclient_key = <<EOT\n" + c.key + "EOT\n"
		}
		return "provider \"bos\" {\n endpoint = \"" + endpoint + "\"\n max_retries = 0\n" + settings + "}\ndata \"bos_service\" \"b\" {}\n"
	}
	for name, c := range map[string]*certificate{"none": nil, "another authority's": &stranger} {
		w.write(block(c))
		refused := w.plan()
		refused.exits(t, 1)
		refused.says(t, "give one in client_certificate and client_key", endpoint)
		if t.Failed() {
			t.Fatalf("with the certificate: %s", name)
		}
	}
	w.write(block(&client))
	w.plan().exits(t, 0)
}
