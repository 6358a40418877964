package certificates_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/certificates"
)

var until = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func shown(uris, names []string) *x509.Certificate {
	c := &x509.Certificate{DNSNames: names, NotAfter: until}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			panic(err)
		}
		c.URIs = append(c.URIs, u)
	}
	return c
}

func TestWhoIsFoundByTheNamesOfAVerifiedCertificate(t *testing.T) {
	source := certificates.Source{
		{URI: "spiffe://shasta/compute/{node}/workload/bos-reporter", Roles: []access.Role{access.Reporter}},
		{URI: "spiffe://shasta/ops", Roles: []access.Role{access.Operator}},
		{DNS: "ci.example", Roles: []access.Role{access.TenantAdmin}, Tenants: []string{"red"}},
	}
	for _, c := range []struct {
		what        string
		uris, names []string
		subject     string
		nodes       string
	}{
		{"a node", []string{"spiffe://shasta/compute/X1c0s1b0n0/workload/bos-reporter"}, nil, "spiffe://shasta/compute/X1c0s1b0n0/workload/bos-reporter", "x1c0s1b0n0"},
		{"another workload of a node", []string{"spiffe://shasta/compute/x1/workload/cfs"}, nil, "", ""},
		{"more than a segment", []string{"spiffe://shasta/compute/x1/workload/bos-reporter/workload/bos-reporter"}, nil, "", ""},
		{"no node", []string{"spiffe://shasta/compute//workload/bos-reporter"}, nil, "", ""},
		{"another domain of trust", []string{"spiffe://other/ops"}, nil, "", ""},
		{"an exact one", []string{"spiffe://shasta/ops"}, nil, "spiffe://shasta/ops", ""},
		{"the second of two", []string{"spiffe://shasta/none", "spiffe://shasta/ops"}, nil, "spiffe://shasta/ops", ""},
		{"a host", nil, []string{"ci.example"}, "ci.example", ""},
		{"a host in capitals", nil, []string{"CI.Example"}, "ci.example", ""},
		{"a wildcard that the host is one of", nil, []string{"*.example"}, "", ""},
		{"another host", nil, []string{"ci.example.evil"}, "", ""},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{shown(c.uris, c.names)}}}
		got, err := source.Connection(r)
		if got.Subject != c.subject || strings.Join(got.Nodes, ",") != c.nodes || (err == nil) != (c.subject != "") {
			t.Errorf("%s: %+v, %v", c.what, got, err)
		}
		if errors.Is(err, access.ErrUnknown) {
			t.Errorf("%s: a certificate that has no entry shall not pass as nobody", c.what)
		}
		if err == nil && !got.Expires.Equal(until) {
			t.Errorf("%s: it ends at %s", c.what, got.Expires)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	for _, state := range []*tls.ConnectionState{nil, {}, {PeerCertificates: []*x509.Certificate{shown([]string{"spiffe://shasta/ops"}, nil)}}} {
		r.TLS = state
		if got, err := source.Connection(r); !errors.Is(err, access.ErrUnknown) {
			t.Errorf("without a verified certificate: %+v, %v", got, err)
		}
	}
}

func TestARuleSaysWhoHasWhichRoles(t *testing.T) {
	some := []access.Role{access.Reader}
	for says, rule := range map[string]certificates.Rule{
		"either uri or dns": {Roles: some}, "either uri": {URI: "a", DNS: "b", Roles: some}, "of many": {DNS: "*.example", Roles: some}, "more than once": {URI: "{node}{node}", Roles: some},
		"no roles": {URI: "a"}, "of no tenant": {URI: "a", Roles: []access.Role{access.TenantAdmin}},
	} {
		if err := rule.Check(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", rule, err, says)
		}
	}
	if err := (certificates.Rule{DNS: "a", Roles: some}).Check(); err != nil {
		t.Error(err)
	}
}
