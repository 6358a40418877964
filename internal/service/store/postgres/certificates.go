package postgres

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// proven adds the way out to an error of a connection where the database, or this program
// to the database, could not be proven by a certificate: nobody is at a loss for a host or
// a port then, and trying again does not help.
func (a *address) proven(err error) error {
	if err == nil || errors.As(err, new(*tables.TroubleError)) {
		return err
	}
	out := a.ofDatabase(err)
	if out == "" {
		out = a.ofProgram(err)
	}
	if out == "" {
		return err
	}
	return &tables.TroubleError{Kind: tables.Refused, Err: err, Out: out}
}

// ofDatabase is what to do about the certificate of the database, empty if the error is of
// something else.
func (a *address) ofDatabase(err error) string {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return fmt.Sprintf("the certificate of the database is of none of the authorities in %s; name the file of the one that signed it by sslrootcert", a.file("sslrootcert"))
	case errors.As(err, &name):
		return "call the database in the settings by a name of its certificate, or give it a certificate with the name that it is called by there"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "renew the certificate of the database, or set the clock of this machine right"
	case errors.As(err, &invalid):
		return "give the database a certificate that its clients may take, of the authority in " + a.file("sslrootcert")
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return "the database speaks no TLS there; turn it on (ssl = on), or do without by sslmode where nobody else has its network"
	}
	return ""
}

// ofProgram is what to do about the certificate that this program shows.
func (a *address) ofProgram(err error) string {
	own := a.setting("sslcert")
	state := sqlState(err)
	alert, lost := broken(err)
	switch {
	case state != "" && !strings.HasPrefix(state, "28"), state == "" && !alert && !lost:
		return ""
	case own == "" && (alert || strings.Contains(err.Error(), "certificate")):
		return fmt.Sprintf("the database asks for a certificate of the user %q; name it and its key by sslcert and sslkey in the connection string", a.config.User)
	case own == "":
		return ""
	}
	leaf := leafOf(own)
	now := time.Now()
	switch {
	case leaf != nil && now.After(leaf.NotAfter):
		return fmt.Sprintf("the certificate in %s was good until %s; renew it, which each connection sees that is made afterwards", own, leaf.NotAfter.UTC().Format(time.RFC3339))
	case leaf != nil && now.Before(leaf.NotBefore):
		return fmt.Sprintf("the certificate in %s is good from %s on; set the clock of the machine right that has made it, or of this one", own, leaf.NotBefore.UTC().Format(time.RFC3339))
	case alert:
		return fmt.Sprintf("the database does not take the certificate in %s; have it signed by an authority in ssl_ca_file of the database, or name another by sslcert", own)
	case leaf != nil && state != "":
		return fmt.Sprintf("see whether user, password and database in the settings are right, and whether the certificate in %s, which is of %q, is one that the database takes of the user %q", own, leaf.Subject.CommonName, a.config.User)
	}
	return ""
}

// broken finds out how the connections ended that were tried: with an alert of the other
// side, which is how TLS refuses a certificate, or otherwise when they were there already, as
// that alert may get lost.
func broken(err error) (alert, lost bool) {
	if is, ok := err.(*net.OpError); ok { //nolint:errorlint // what it wraps is looked at below
		return is.Op == "remote error", is.Op != "dial"
	}
	switch wraps := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() []error }:
		for _, each := range wraps.Unwrap() {
			a, l := broken(each)
			alert, lost = alert || a, lost || l
		}
	case interface{ Unwrap() error }:
		return broken(wraps.Unwrap())
	}
	return alert, lost
}

// setting is what the connection string, or else the environment, says of a file.
func (a *address) setting(name string) string {
	if u, err := url.Parse(a.dsn); err == nil && u.Query().Has(name) {
		return u.Query().Get(name)
	}
	return os.Getenv("PG" + strings.ToUpper(name))
}

// file is such a file as it is called in messages.
func (a *address) file(name string) string {
	if file := a.setting(name); file != "" {
		return name + " " + file
	}
	return name + ", which is not set"
}

// leafOf is the first certificate in a file, nil if there is none.
func leafOf(file string) *x509.Certificate {
	text, err := os.ReadFile(file) //nolint:gosec // the settings name it
	if err != nil {
		return nil
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		return leaf
	}
	return nil
}
