package helm

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }

// program is the program of the image, built once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bos")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "bos")
	out, err := exec.Command("go", "build", "-C", repository, "-o", path, ".").CombinedOutput() //nolint:noctx // it ends
	return path + string(out), err
})

// container runs what a pod of the chart runs, with its files in folders of the test.
type container struct {
	t    *testing.T
	of   core.Container
	root string
	cmd  *exec.Cmd
	url  string
	said bytes.Buffer
}

// run starts a container, with secrets as Kubernetes would mount them. The port is a free
// one, and addresses of the site are replaced.
func run(t *testing.T, o *objects, secrets map[string]string, replace ...string) *container {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(path, err)
	}
	_, pod, _, _ := o.pod(t)
	c := &container{t: t, of: pod.Spec.Containers[0], root: t.TempDir()}
	here := strings.NewReplacer(append([]string{"/run/", c.root + "/run/", "/etc/bos", c.root + "/etc/bos", "/var/lib/bos", c.root + "/var/lib/bos", `:8770`, "127.0.0.1:0", `:8771`, "127.0.0.1:0"}, replace...)...)
	for _, m := range c.of.VolumeMounts {
		if err := errors.Join(os.MkdirAll(c.root+m.MountPath, 0o700), os.Chmod(c.root+m.MountPath, 0o777)); err != nil { // as Kubernetes makes volumes
			t.Fatal(err)
		}
	}
	files := map[string]string{}
	for name, text := range o.configMap.Data {
		if name == "bos.yaml" {
			text = here.Replace(text)
		}
		files["/etc/bos/"+name] = text
	}
	for name, text := range secrets {
		files[name] = text
	}
	for name, text := range files {
		if err := os.WriteFile(c.root+name, []byte(text), 0o600); err != nil { // its folder is mounted
			t.Fatal(err)
		}
	}
	var args []string
	for _, arg := range c.of.Args {
		args = append(args, here.Replace(arg))
	}
	c.cmd = exec.CommandContext(t.Context(), path, args...) //nolint:gosec // the program of the image
	c.cmd.Dir = c.root + "/var/lib/bos"
	c.cmd.Env = []string{"PATH=/none"}
	for _, e := range c.of.Env {
		c.cmd.Env = append(c.cmd.Env, e.Name+"="+here.Replace(e.Value))
	}
	c.cmd.Stderr = &c.said
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.cmd.ProcessState == nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait() // it was killed
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ready := strings.Cut(strings.TrimSpace(line), "BOS is ready at ")
	if err != nil || !ready {
		_ = c.cmd.Wait()
		t.Fatalf("%q is never ready: %q, %v\n%s", args, line, err, c.said.String())
	}
	c.url = url
	return c
}

// well asks what the probes ask.
func (c *container) well() {
	c.t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} //nolint:gosec // as the kubelet does
	for _, probe := range []*core.Probe{c.of.StartupProbe, c.of.LivenessProbe, c.of.ReadinessProbe} {
		if scheme := strings.ToLower(string(probe.HTTPGet.Scheme)); !strings.HasPrefix(c.url, scheme+"://") {
			c.t.Errorf("a probe asks by %s, and it is at %s", scheme, c.url)
		}
		r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+probe.HTTPGet.Path, nil)
		if err != nil {
			c.t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			c.t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		if res.Body.Close() != nil || res.StatusCode != http.StatusOK {
			c.t.Errorf("the probe %s is answered %d %s", probe.HTTPGet.Path, res.StatusCode, text)
		}
	}
}

// end ends it as Kubernetes does.
func (c *container) end() {
	c.t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("it ended with %v\n%s", err, c.said.String())
	}
}

func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	is := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bos"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"bos"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, is, is, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

// tokens is a file as "bos token make" writes it.
func tokens(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(path, err)
	}
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	if out, err := exec.CommandContext(t.Context(), path, "token", "make", "ops", "--role", "operator", "--file", file).CombinedOutput(); err != nil { //nolint:gosec // the program of the image
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mounted are the Secrets that the examples name.
func mounted(t *testing.T) map[string]string {
	t.Helper()
	cert, key := certificate(t)
	return map[string]string{
		"/run/tls/tls.crt": cert, "/run/tls/tls.key": key, "/run/tokens/tokens.yaml": tokens(t),
		"/run/secrets/bmc/ca.pem": cert, "/run/secrets/bmc/password": "a password\n",
	}
}

func TestTheContainerOfOneReplicaRunsWithWhatTheChartMakes(t *testing.T) {
	all := values(t)
	for _, name := range []string{"bare", "one"} {
		secrets := mounted(t)
		if name == "bare" {
			secrets = nil
		}
		c := run(t, made(t, all[name]), secrets)
		c.well()
		c.end()
		if strings.Contains(c.said.String(), "no place for the local token") {
			t.Errorf("there is no token in its container: %s", c.said.String())
		}
		if _, err := os.Stat(c.root + "/var/lib/bos/bos.db"); err != nil {
			t.Errorf("%s: its records are not on the volume: %v", name, err)
		}
	}
}

func TestTheContainersOfThreeReplicasShareADatabaseAndHandOver(t *testing.T) {
	postgrestest.Skip(t)
	o := made(t, values(t)["three"])
	secrets := mounted(t)
	for name, text := range map[string]string{"/run/database/password": "a password\n", "/run/secrets/s3/access-key": "a\n", "/run/secrets/s3/secret-key": "b\n"} {
		secrets[name] = text
	}
	dsn := postgrestest.New(t)
	var all []*container
	for range 3 {
		c := run(t, o, secrets, "postgres://bos@bos-db-rw.databases.svc/bos?sslmode=verify-full&sslrootcert=/run/secrets/bos-db-ca/ca.crt", dsn)
		c.well()
		all = append(all, c)
	}
	for _, c := range all {
		c.end() // whichever drives gives its lease up, and the next one takes it
	}
	for _, c := range all {
		if _, err := os.Stat(c.root + "/var/lib/bos/bos.db"); err == nil {
			t.Error("one of three has a database file")
		}
	}
}
