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
	"io/fs"
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
	// The file is for the user of the service alone; in the folder of a service that the
	// machine runs also for its group, to which an administrator may open that folder.
	// Elsewhere the group may be everybody's.
	ownMode, systemMode = 0o600, 0o640
	folderMode          = 0o700
)

// New draws a token.
func New() string {
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	return Prefix + base64.RawURLEncoding.EncodeToString(secret)
}

// Leave writes the token of a service that listens at an address, and says where.
// It is in place at once and whole, whoever reads meanwhile. A folder that another
// user has made or may write is not used.
func Leave(address, token string) (path string, err error) {
	name, err := fileName(address)
	if err != nil {
		return "", err
	}
	dirs, mode := folders(), fs.FileMode(ownMode)
	if dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); dir != "" {
		dirs, mode = []string{dir}, systemMode
	}
	var tried []error
	for _, dir := range dirs {
		path, err := leave(filepath.Join(dir, name), token+"\n"+address+"\n", mode)
		if err == nil {
			return path, nil
		}
		tried = append(tried, err)
	}
	return "", fmt.Errorf("there is no place for the local token: %w; set XDG_RUNTIME_DIR to a folder that only you can read", errors.Join(tried...))
}

func leave(path, text string, mode fs.FileMode) (string, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, folderMode); err != nil { //nolint:gosec // the folder is named by the environment of this user
		return "", err
	}
	if err := ownFolder(dir); err != nil {
		return "", err
	}
	temporary, err := os.CreateTemp(dir, filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = temporary.WriteString(text)
	err = errors.Join(err, temporary.Chmod(mode), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path) //nolint:gosec // the same
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(temporary.Name())) //nolint:gosec // the same
	}
	return path, nil
}

// Take removes what Leave wrote, unless another service has written there since.
func Take(path, token string) error {
	if left, _, err := read(path); err != nil || left != token {
		return err
	}
	return os.Remove(path)
}

// Find is the token of the service at an endpoint, empty if the endpoint is not on
// this machine or none was left that this user may use. Who sends it to an endpoint
// by name connects to At: another user may listen at another address of the name.
func Find(endpoint string) string {
	token, _, _, _ := find(endpoint)
	return token
}

// At is the address of the service that has left the token which Find finds, where the
// endpoint names no address itself; else empty.
func At(endpoint string) string {
	_, address, _, _ := find(endpoint)
	u, err := url.Parse(endpoint)
	if err != nil || address == "" || net.ParseIP(u.Hostname()) != nil {
		return ""
	}
	return reachable(address)
}

// Sought says for an error where the token of the service at an endpoint was found,
// or why there is none in each place where it may be; empty if the endpoint is not on
// this machine.
func Sought(endpoint string) (found string, missing []error) {
	_, _, found, missing = find(endpoint)
	return found, missing
}

func find(endpoint string) (token, address, path string, missing []error) {
	u, err := url.Parse(endpoint)
	if err != nil || !loopback(u.Hostname()) {
		return "", "", "", nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	name, err := fileName(net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return "", "", "", nil
	}
	for _, dir := range folders() {
		path := filepath.Join(dir, name)
		token, address, err := read(path)
		if err == nil {
			err = listens(address, u.Hostname(), path)
		}
		if err == nil {
			return token, address, path, nil
		}
		missing = append(missing, err)
	}
	return "", "", "", missing
}

// listens is nil if a service that listens at an address is who answers at a host: at
// another address of this machine, and the same port, any user may listen.
func listens(address, host, path string) error {
	bound, asked := ipOf(address), net.ParseIP(host)
	switch {
	case asked == nil || asked.Equal(bound): // of a name the client takes At
		return nil
	case bound.IsUnspecified() && (bound.To4() == nil || asked.To4() != nil):
		return nil
	}
	return fmt.Errorf("the token in %s is of the service at %s; ask it there", path, address)
}

// reachable is where a client connects to a service that listens at an address.
func reachable(address string) string {
	_, port, _ := net.SplitHostPort(address)
	switch ip := ipOf(address); {
	case !ip.IsUnspecified():
		return address
	case ip.To4() != nil:
		return net.JoinHostPort("127.0.0.1", port)
	default:
		return net.JoinHostPort("::1", port)
	}
}

// ipOf is the IP address of one with a port, nil if it has none.
func ipOf(address string) net.IP {
	host, _, _ := net.SplitHostPort(address)
	return net.ParseIP(host)
}

// read takes a token, and where its service listens, from a file that nobody but this
// user, root, or a service of the machine can have written.
func read(path string) (token, address string, err error) {
	file, err := openPlain(path)
	if err != nil {
		return "", "", err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return "", "", err
	}
	if err := trusted(path, info); err != nil {
		return "", "", err
	}
	body, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return "", "", err
	}
	token, address, _ = strings.Cut(strings.TrimSpace(string(body)), "\n")
	if !strings.HasPrefix(token, Prefix) || ipOf(address) == nil {
		return "", "", fmt.Errorf("%s holds no token with the address of its service", path)
	}
	return token, address, nil
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
