// Package localtoken is how the programs of one machine find the token of a BOS
// that runs on it: the service leaves a fresh one in a file that only its own user
// and group can read, named after its port, and a client of the same user looks
// there. So a service that asks for proofs needs no settings on its own machine,
// and another user of the machine can do nothing with it.
package localtoken

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

const (
	// Prefix begins each token of this service, so that those who look for leaked
	// secrets know one.
	Prefix = "bos_"
	// secretBytes are drawn for a token.
	secretBytes = 32
	// maxFile bounds what is read of a file.
	maxFile = 1 << 10
	// system is the folder of a service that the machine runs.
	system = "/run/bos"
	// The file is for the user of the service, and for its group where an
	// administrator opens the folder to it.
	fileMode   = 0o640
	folderMode = 0o700
)

// New draws a token.
func New() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	return Prefix + base64.RawURLEncoding.EncodeToString(secret)
}

// Leave writes the token of a service that listens at an address, and says where.
// It is in place at once and whole, whoever reads meanwhile.
func Leave(address, token string) (path string, err error) {
	dir, err := own()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return "", fmt.Errorf("cannot make the folder of the local token: %w; set XDG_RUNTIME_DIR to a folder that only you can read", err)
	}
	name, err := fileName(address)
	if err != nil {
		return "", err
	}
	temporary, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return "", fmt.Errorf("cannot write the local token: %w; set XDG_RUNTIME_DIR to a folder that only you can read", err)
	}
	path = filepath.Join(dir, name)
	_, err = temporary.WriteString(token + "\n")
	err = errors.Join(err, temporary.Chmod(fileMode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return "", fmt.Errorf("cannot write the local token: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return path, nil
}

// Take removes what Leave wrote, unless another service has written there since.
func Take(path, token string) error {
	if left, err := read(path); err != nil || left != token {
		return err
	}
	return os.Remove(path)
}

// Find is the token of the service at an endpoint, empty if the endpoint is not on
// this machine or none was left that this user may use.
func Find(endpoint string) string {
	token, _, _ := look(endpoint)
	return token
}

// Sought says for an error where the token of the service at an endpoint was found,
// or why there is none in each place where it may be; empty if the endpoint is not on
// this machine.
func Sought(endpoint string) (found string, missing []error) {
	_, found, missing = look(endpoint)
	return found, missing
}

func look(endpoint string) (token, path string, missing []error) {
	u, err := url.Parse(endpoint)
	if err != nil || !loopback(u.Hostname()) {
		return "", "", nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	name, err := fileName(net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", "", nil
	}
	for _, dir := range folders() {
		path := filepath.Join(dir, name)
		token, err := read(path)
		if err == nil {
			return token, path, nil
		}
		missing = append(missing, err)
	}
	return "", "", missing
}

// read takes a token from a file that nobody but this user, root, or a service of
// the machine can have written.
func read(path string) (string, error) {
	file, err := os.Open(path) //nolint:gosec // in one of the folders of this user
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	if err := trusted(path, info); err != nil {
		return "", err
	}
	body, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(body))
	if !strings.HasPrefix(token, Prefix) {
		return "", fmt.Errorf("%s holds no token", path)
	}
	return token, nil
}

// own is the folder that this process leaves its token in: that which its service
// manager made for it, else the user's.
func own() (string, error) {
	if dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); dir != "" {
		return dir, nil
	}
	all := folders()
	if len(all) == 0 {
		return "", errors.New("there is no folder for the local token; set XDG_RUNTIME_DIR to one that only you can read")
	}
	return all[0], nil
}

// folders are where a token may be, the user's own first.
func folders() (all []string) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		all = append(all, filepath.Join(dir, "bos"))
	}
	if os.Getuid() == 0 {
		all = append(all, system)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		all = append(all, filepath.Join(dir, "bos"))
	}
	if os.Getuid() != 0 {
		all = append(all, system)
	}
	return all
}

// fileName is that of the token of a service: by its port, as it may be asked by any
// of the names of the machine.
func fileName(address string) (string, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil || port == "" || strings.ContainsAny(port, "/\\") {
		return "", fmt.Errorf("%q is no address with a port", address)
	}
	return "token-" + port, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") || ip != nil && ip.IsLoopback()
}
