package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// soonExpired is how long before its end a certificate is worth a word.
const soonExpired = 14 * 24 * time.Hour

// place is where a service that listens is asked whether it is one of ours.
type place struct{ scheme, path string }

// listen looks at the address of the API.
func (d *doctor) listen(ctx context.Context, s *section) {
	const what = "listen"
	host, _, err := net.SplitHostPort(d.Listen)
	if err != nil {
		s.bad(what, d.Listen, "it is no address", "write one such as 127.0.0.1:8770")
		return
	}
	ip := net.ParseIP(host)
	local := host == "localhost" || ip != nil && ip.IsLoopback()
	if !local && d.Auth.Mode == config.AuthOff {
		s.bad(what, d.Listen, "all who reach it may reboot nodes: auth.mode is off", "take auth.mode out, and give those who may a token")
	}
	asked := place{"http", "/v2/healthz"}
	switch {
	case d.TLS.On():
		asked.scheme = "https"
		d.shown(s)
	case local:
	case !d.AllowRemote:
		s.bad(what, d.Listen, "it is not a loopback address and there is no TLS, and serve refuses it without --allow-remote",
			"give tls.cert_file and tls.key_file; or listen on loopback, with a proxy in front that has a certificate; or check with --allow-remote if the network is trusted")
	default:
		s.warn(what, d.Listen, "it has no TLS, so whoever is on this network reads the tokens of others", "give tls.cert_file and tls.key_file, or put a proxy with a certificate in front")
	}
	if d.Auth.Mode == config.AuthShadow {
		s.warn("auth.mode", d.Auth.Mode, "requests by those who may not make them are logged, and let pass", "take it out when the log names nobody any more")
	}
	d.address(ctx, s, what, d.Listen, asked, "a BOS answers there already")
}

// shown looks at the certificate that the API shows to clients.
func (d *doctor) shown(s *section) {
	const what = "tls"
	pair, err := tls.LoadX509KeyPair(d.TLS.CertFile, d.TLS.KeyFile)
	if err != nil {
		s.failed(what, d.TLS.CertFile, err)
		return
	}
	leaf := pair.Leaf
	now := time.Now()
	switch {
	case now.Before(leaf.NotBefore):
		s.bad(what, d.TLS.CertFile, "the certificate is good from "+leaf.NotBefore.UTC().Format(time.RFC3339)+" on", "wait for it, correct the clock of this machine, or have another certificate made")
	case now.After(leaf.NotAfter):
		s.bad(what, d.TLS.CertFile, "the certificate expired at "+leaf.NotAfter.UTC().Format(time.RFC3339)+", so clients refuse it", "have a new one made; it is read again when it changes")
	case now.After(leaf.NotAfter.Add(-soonExpired)):
		s.warn(what, d.TLS.CertFile, "the certificate expires at "+leaf.NotAfter.UTC().Format(time.RFC3339), "have a new one made; it is read again when it changes")
	default:
		s.ok(what, d.TLS.CertFile, "the certificate is good until %s", leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	if without := notIn(leaf, d.Names); len(without) > 0 {
		s.warn(what, d.TLS.CertFile, "the certificate has not all of names: "+strings.Join(without, ", ")+"; clients that ask for these refuse it", "have one made for all of them, or take those out that no client asks for")
	}
}

// notIn are the names for which a certificate is not good.
func notIn(leaf *x509.Certificate, names []string) (without []string) {
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			without = append(without, name)
		}
	}
	return without
}

// address tries to listen at an address, as the service would; where somebody does
// already, it is asked whether it is this service.
func (d *doctor) address(ctx context.Context, s *section, what, at string, asked place, already string) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", at)
	switch {
	case err == nil:
		_ = l.Close()
		s.ok(what, at, "it is free to listen at")
	case errors.Is(err, syscall.EADDRINUSE):
		if status, own := ours(ctx, at, asked); own {
			s.ok(what, at, "%s", already)
		} else {
			s.bad(what, at, "another program listens there"+status, "stop it, or use another port")
		}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		s.bad(what, at, "it is no address of this machine", "correct it: ip address lists those that there are")
	case errors.Is(err, syscall.EACCES):
		s.bad(what, at, "this user may not listen there", "use a port above 1023")
	default:
		s.bad(what, at, fmt.Sprintf("it cannot be listened at: %v", err), "correct it")
	}
}

// ours reports whether whoever listens at an address answers as this service does, over
// TLS or without: the one that runs may have had other settings when it was started.
func ours(ctx context.Context, at string, asked place) (status string, own bool) {
	host, port, _ := net.SplitHostPort(at)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	schemes := []string{asked.scheme, "http"}
	if asked.scheme == schemes[1] {
		schemes[1] = "https"
	}
	// Whose certificate it is does not matter: nothing is told to it.
	client := transport.New(transport.Config{Upstream: "the server there"}, transport.NewConn(transport.ConnConfig{MaxIdle: 1, Insecure: true, Direct: true}))
	defer client.Close()
	for i, scheme := range schemes {
		res, err := client.Do(ctx, transport.Request{Method: http.MethodGet, URL: scheme + "://" + net.JoinHostPort(host, port) + asked.path})
		said := fmt.Sprintf(" (%v)", err)
		if res != nil {
			said = fmt.Sprintf(" (it answers %d)", res.Status)
			if answersAsOurs(res) {
				return "", true
			}
		}
		if i == 0 {
			status = said
		}
	}
	return status, false
}

func answersAsOurs(res *transport.Response) bool {
	return strings.Contains(string(res.Body), "dbStatus") || strings.HasPrefix(string(res.Body), "#!ipxe") ||
		res.Status == http.StatusForbidden || res.Status == http.StatusMethodNotAllowed
}
