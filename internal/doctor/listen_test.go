package doctor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// shown is a certificate for a name with its key.
func shown(t *testing.T, name string, from, until time.Time) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, is, is, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := config.TLS{CertFile: filepath.Join(dir, "tls.crt"), KeyFile: filepath.Join(dir, "tls.key")}
	writeFile(t, files.CertFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o600)
	writeFile(t, files.KeyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})), 0o600)
	return files
}

func TestAnAddressThatIsServedOverTLSIsCheckedAsOne(t *testing.T) {
	now := time.Now()
	year := 365 * 24 * time.Hour
	for name, c := range map[string]struct {
		tls   config.TLS
		names []string
		level doctor.Level
		what  string
		says  string
	}{
		"good":                   {shown(t, "bos.example", now.Add(-time.Hour), now.Add(year)), []string{"bos.example"}, doctor.LevelOK, "tls", "the certificate is good until"},
		"listens for all":        {shown(t, "bos.example", now.Add(-time.Hour), now.Add(year)), nil, doctor.LevelOK, "listen", "free to listen at"},
		"expired":                {shown(t, "bos.example", now.Add(-year), now.Add(-time.Hour)), nil, doctor.LevelError, "tls", "expired"},
		"expires soon":           {shown(t, "bos.example", now.Add(-year), now.Add(24*time.Hour)), nil, doctor.LevelWarning, "tls", "expires at"},
		"not good yet":           {shown(t, "bos.example", now.Add(time.Hour), now.Add(year)), nil, doctor.LevelError, "tls", "clock"},
		"without one of names":   {shown(t, "bos.example", now.Add(-time.Hour), now.Add(year)), []string{"bos.example", "bos1.example"}, doctor.LevelWarning, "tls", "bos1.example"},
		"that cannot be read":    {config.TLS{CertFile: "/none/tls.crt", KeyFile: "/none/tls.key"}, nil, doctor.LevelError, "tls", "no such file"},
		"none, and not loopback": {config.TLS{}, nil, doctor.LevelError, "listen", "there is no TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := config.Config{Listen: "0.0.0.0:0", TLS: c.tls, Names: c.names, Database: filepath.Join(t.TempDir(), "bos.db")}
			r := checked(t, doctor.Options{Config: settings})
			want(t, r, c.level, c.what, c.says)
			if c.tls.On() && len(found(r, "listen", doctor.LevelError)) > 0 {
				t.Errorf("an address with TLS: %v", found(r, "listen", doctor.LevelError))
			}
		})
	}
}

func TestAServiceThatRunsIsKnownWhetherItHasTLSOrNot(t *testing.T) {
	now := time.Now()
	answer := says(http.StatusOK, "application/json", `{"dbStatus":"ok","apiStatus":"ok"}`)
	for name, server := range map[string]*httptest.Server{"TLS": httptest.NewTLSServer(answer), "no TLS": httptest.NewServer(answer)} {
		t.Cleanup(server.Close)
		at, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		for wanted, files := range map[string]config.TLS{"TLS": shown(t, "bos.example", now.Add(-time.Hour), now.Add(time.Hour)), "no TLS": {}} {
			t.Run("it has "+name+" and is to have "+wanted, func(t *testing.T) {
				settings := config.Config{Listen: at.Host, TLS: files, Database: filepath.Join(t.TempDir(), "bos.db")}
				want(t, checked(t, doctor.Options{Config: settings}), doctor.LevelOK, "listen", "a BOS answers there already")
			})
		}
	}
}
