package emulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// authority signs the BMCs' certificates; they all share one key.
type authority struct {
	key   *ecdsa.PrivateKey
	cert  *x509.Certificate
	der   []byte
	mu    sync.Mutex
	certs map[string]*tls.Certificate
}

// openAuthority reads the CA of a state folder, or makes it.
func openAuthority(dir string) (*authority, error) {
	keyFile, certFile := filepath.Join(dir, "ca.key"), filepath.Join(dir, "ca.pem")
	key, cert, err := readAuthority(keyFile, certFile)
	if errors.Is(err, os.ErrNotExist) {
		key, cert, err = makeAuthority(keyFile, certFile)
	}
	if err != nil {
		return nil, fmt.Errorf("the emulator's CA in %s: %w", dir, err)
	}
	parsed, err := x509.ParseCertificate(cert)
	if err != nil {
		return nil, fmt.Errorf("the emulator's CA in %s: %w", dir, err)
	}
	return &authority{key: key, cert: parsed, der: cert, certs: make(map[string]*tls.Certificate)}, nil
}

func readAuthority(keyFile, certFile string) (*ecdsa.PrivateKey, []byte, error) {
	keyPEM, err := os.ReadFile(keyFile) //nolint:gosec // the state folder is the administrator's
	if err != nil {
		return nil, nil, err
	}
	certPEM, err := os.ReadFile(certFile) //nolint:gosec // the state folder is the administrator's
	if err != nil {
		return nil, nil, err
	}
	keyBlock, _ := pem.Decode(keyPEM)
	certBlock, _ := pem.Decode(certPEM)
	if keyBlock == nil || certBlock == nil {
		return nil, nil, errors.New("ca.key or ca.pem is no PEM file; remove both to have them made anew")
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	return key, certBlock.Bytes, err
}

func makeAuthority(keyFile, certFile string) (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "emulated machine room"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	err = errors.Join(
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600),
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
	)
	return key, cert, err
}

// certificate mints the certificate of one address when it is first needed.
func (a *authority) certificate(ip string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.certs[ip]; ok {
		return c, nil
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(a.certs) + 2)), Subject: pkix.Name{CommonName: ip}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
	a.certs[ip] = c
	return c, nil
}

// loopbackListener accepts loopback connections only, and keeps those to dead
// BMCs open without a word, so many at a time at most.
type loopbackListener struct {
	net.Listener
	silent func(ip string) bool
	held   chan net.Conn
}

const maxHeld = 1024

// Accept returns the next connection to a BMC that answers.
func (l *loopbackListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		local, ok1 := conn.LocalAddr().(*net.TCPAddr)
		remote, ok2 := conn.RemoteAddr().(*net.TCPAddr)
		if !ok1 || !ok2 || !local.IP.IsLoopback() || !remote.IP.IsLoopback() {
			_ = conn.Close()
			continue
		}
		if !l.silent(local.IP.String()) {
			return conn, nil
		}
		select {
		case l.held <- conn:
		default:
			oldest := <-l.held
			_ = oldest.Close()
			l.held <- conn
		}
	}
}

// Close ends the listener and the connections kept waiting.
func (l *loopbackListener) Close() error {
	err := l.Listener.Close()
	for {
		select {
		case conn := <-l.held:
			_ = conn.Close()
		default:
			return err
		}
	}
}

// redfish serves every BMC; which one is told by the address connected to.
func (s *Server) redfish(w http.ResponseWriter, r *http.Request) {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		answer(w, 500, nil)
		return
	}
	bmc := s.bmcAt[local.IP.String()]
	if s.room.Silent(bmc) {
		// It fell silent on a connection that was open.
		<-r.Context().Done()
		return
	}
	if user, password, ok := r.BasicAuth(); r.URL.Path != "/redfish/v1" && (!ok || user != bmcUser || password != bmcPassword) {
		answer(w, http.StatusUnauthorized, map[string]any{"Status": 401, "Message": "Unauthorized"})
		return
	}
	s.redfishResource(w, r, bmc)
}

func (s *Server) redfishResource(w http.ResponseWriter, r *http.Request, bmc string) {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case path == "/redfish/v1":
		answer(w, 200, map[string]any{"@odata.id": "/redfish/v1", "RedfishVersion": "1.5.0", "Systems": map[string]string{"@odata.id": "/redfish/v1/Systems"}})
		return
	case path == "/redfish/v1/Systems":
		members := []map[string]string{}
		for _, id := range s.nodesOf[bmc] {
			members = append(members, map[string]string{"@odata.id": s.room.nodes[id].endpoint.System})
		}
		answer(w, 200, map[string]any{"@odata.id": path, "Members": members, "Members@odata.count": len(members)})
		return
	}
	for _, id := range s.nodesOf[bmc] {
		e := s.room.nodes[id].endpoint
		switch {
		case path == e.System && r.Method == http.MethodGet:
			s.system(w, id, e)
			return
		case path == e.System+"/ResetActionInfo" && r.Method == http.MethodGet:
			answer(w, 200, map[string]any{"@odata.id": path, "Parameters": []map[string]any{{"Name": "ResetType", "Required": true, "AllowableValues": e.ResetTypes}}})
			return
		case path == e.System+"/Actions/ComputerSystem.Reset" && r.Method == http.MethodPost:
			s.reset(w, r, id)
			return
		}
	}
	answer(w, 404, map[string]any{"Status": 404, "Message": "Not Found"})
}

var redfishPower = map[bos.PowerState]string{
	bos.PowerStateOn: "On", bos.PowerStateOff: "Off", bos.PowerStatePoweringOn: "PoweringOn", bos.PowerStatePoweringOff: "PoweringOff",
}

func (s *Server) system(w http.ResponseWriter, id string, e Endpoint) {
	power, _ := s.room.Power(id, time.Now())
	answer(w, 200, map[string]any{
		"@odata.id": e.System, "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "Id": e.System[strings.LastIndexByte(e.System, '/')+1:],
		"PowerState": redfishPower[power], "Status": map[string]string{"State": "Enabled"},
		"Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{
			"@Redfish.ActionInfo": e.System + "/ResetActionInfo", "target": e.System + "/Actions/ComputerSystem.Reset",
		}},
	})
}

func (s *Server) reset(w http.ResponseWriter, r *http.Request, id string) {
	var body struct{ ResetType string }
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&body) != nil {
		answer(w, 400, map[string]any{"Status": 400, "Message": "Invalid JSON"})
		return
	}
	switch status := s.room.Reset(id, body.ResetType, time.Now()); status {
	case 200:
		s.kick()
		w.WriteHeader(http.StatusNoContent)
	case 409:
		answer(w, 409, map[string]any{"Status": 409, "Message": "resource locked: power is changing"})
	default:
		answer(w, status, map[string]any{"Status": status, "Message": "Invalid ResetType"})
	}
}
