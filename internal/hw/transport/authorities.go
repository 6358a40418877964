package transport

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"sync"
	"time"
)

// Authorities are the certificates of a file in PEM form, read again when it changed, so
// that a site can change its authority while services run; nil where no file is named,
// which is the system's pool. While the file cannot be read, as in the middle of a change, they
// are those that it had. name is the setting, for errors.
func Authorities(name, file string) (func() *x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // the system's pool
	}
	a := &authorityFile{name: name, file: file}
	if err := a.read(); err != nil {
		return nil, err
	}
	return a.pool, nil
}

type authorityFile struct {
	name, file string

	mu      sync.Mutex
	changed time.Time
	size    int64
	have    *x509.CertPool
}

func (a *authorityFile) pool() *x509.CertPool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.read() // those that it had are good until it can be read
	return a.have
}

// read takes the certificates in, if they are others than before.
func (a *authorityFile) read() error {
	info, err := os.Stat(a.file)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	if a.have != nil && info.ModTime().Equal(a.changed) && info.Size() == a.size {
		return nil
	}
	text, err := os.ReadFile(a.file)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("%s %s holds no certificate in PEM form", a.name, a.file)
	}
	if cutOff(text) {
		return fmt.Errorf("%s %s ends within a certificate; write it anew, whole", a.name, a.file)
	}
	a.have, a.changed, a.size = pool, info.ModTime(), info.Size()
	return nil
}

// cutOff reports whether a file in PEM form ends within a certificate, as one does that is
// just being written. Those before that are not all that it is to have.
func cutOff(text []byte) bool {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return bytes.Contains(text, []byte("-----BEGIN "))
		}
		text = rest
	}
}
