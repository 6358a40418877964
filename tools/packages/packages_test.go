// Package packages_test reads the packages of the service back, and runs what is in
// them. "make packages" makes them and names their folder in BOS_PACKAGES.
package packages_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sassoftware/go-rpmutils"
)

// files are those of a package that a site relies on, with their modes.
var files = map[string]string{
	"/etc/bos/bos.yaml":                                        "-rw-r--r--",
	"/usr/bin/bos":                                             "-rwxr-xr-x",
	"/usr/lib/systemd/system/bos.service":                      "-rw-r--r--",
	"/usr/lib/systemd/system/bos-backup.service":               "-rw-r--r--",
	"/usr/lib/systemd/system/bos-backup.timer":                 "-rw-r--r--",
	"/usr/lib/sysusers.d/bos.conf":                             "-rw-r--r--",
	"/usr/lib/tmpfiles.d/bos.conf":                             "-rw-r--r--",
	"/usr/share/doc/bos/copyright":                             "-rw-r--r--",
	"/usr/share/doc/bos/THIRD-PARTIES.md":                      "-rw-r--r--",
	"/usr/share/doc/bos/guides/operate-the-service.md":         "-rw-r--r--",
	"/usr/share/doc/bos/examples/config/csm.yaml":              "-rw-r--r--",
	"/usr/share/doc/bos/examples/quadlet/bos.container":        "-rw-r--r--",
	"/usr/share/doc/bos/examples/quadlet/shared/bos.container": "-rw-r--r--",
}

// made is the only package of a kind for this machine, and the folder that it is in.
func made(t *testing.T, pattern string) (path, folder string) {
	t.Helper()
	folder = os.Getenv("BOS_PACKAGES")
	if folder == "" {
		t.Skip("BOS_PACKAGES names no folder of packages: run make packages")
	}
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0], folder
}

func deb(t *testing.T) string {
	t.Helper()
	path, _ := made(t, "bos_*_"+runtime.GOARCH+".deb")
	return path
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	c := exec.CommandContext(t.Context(), name, args...)
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, said.Bytes())
	}
	return string(out)
}

// unpacked is a folder with what is in the deb, and with its scripts in DEBIAN.
func unpacked(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	output(t, "dpkg-deb", "-R", deb(t), root)
	return root
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheDebHasWhatASiteReliesOn(t *testing.T) {
	left := map[string]string{}
	for name, mode := range files {
		left[name] = mode
	}
	for line := range strings.Lines(output(t, "dpkg-deb", "-c", deb(t))) {
		f := strings.Fields(line)
		name := strings.TrimPrefix(f[5], ".")
		if f[1] != "root/root" || strings.ContainsAny(f[0][4:], "wst") {
			t.Errorf("%s is not for root alone to write: %s", name, line)
		}
		if want, ok := left[name]; ok && f[0] != want {
			t.Errorf("%s has the mode %s, want %s", name, f[0], want)
		}
		delete(left, name)
	}
	if len(left) > 0 {
		t.Errorf("missing: %v", left)
	}
	root := unpacked(t)
	if got := read(t, root+"/DEBIAN/conffiles"); got != "/etc/bos/bos.yaml\n" {
		t.Errorf("an upgrade keeps %q alone", got)
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		output(t, "sh", "-n", root+"/DEBIAN/"+script)
	}
}

func TestTheRPMHasWhatTheDebHas(t *testing.T) {
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	path, _ := made(t, "bos-*."+arch+".rpm")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := rpmutils.ReadRpm(f)
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.Header.GetFiles()
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]string{}
	for name, mode := range files {
		left[name] = mode
	}
	for _, file := range in {
		if file.UserName() != "root" || file.GroupName() != "root" || file.Mode()&0o022 != 0 {
			t.Errorf("%s is of %s:%s, %o", file.Name(), file.UserName(), file.GroupName(), file.Mode())
		}
		if want, ok := left[file.Name()]; ok {
			if got := os.FileMode(file.Mode() & 0o777).String(); got != want {
				t.Errorf("%s has the mode %s, want %s", file.Name(), got, want)
			}
		}
		const config, keep = rpmutils.RPMFILE_CONFIG, rpmutils.RPMFILE_NOREPLACE
		if is := file.Flags()&(config|keep) == config|keep; is != (file.Name() == "/etc/bos/bos.yaml") {
			t.Errorf("%s is kept in an upgrade: %t", file.Name(), is)
		}
		delete(left, file.Name())
	}
	if len(left) > 0 {
		t.Errorf("missing: %v", left)
	}
	root := unpacked(t)
	for tag, script := range map[int]string{rpmutils.POSTIN: "postinst", rpmutils.PREUN: "prerm", rpmutils.POSTUN: "postrm"} {
		got, err := p.Header.GetString(tag)
		if err != nil || strings.TrimSpace(got) != strings.TrimSpace(read(t, root+"/DEBIAN/"+script)) {
			t.Errorf("%s of the rpm is %q, %v", script, got, err)
		}
	}
	payload, err := p.PayloadReaderExtended()
	if err != nil {
		t.Fatal(err)
	}
	for {
		file, err := payload.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("it has no program")
		}
		if err != nil {
			t.Fatal(err)
		}
		if file.Name() != "/usr/bin/bos" {
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, payload); err != nil {
			t.Fatal(err)
		}
		if want := sha256.Sum256([]byte(read(t, root+"/usr/bin/bos"))); !bytes.Equal(sum.Sum(nil), want[:]) {
			t.Error("its program is not that of the deb")
		}
		return
	}
}

// serving starts the service of the package, and returns its URL once it is ready.
func serving(t *testing.T, root string, args ...string) string {
	t.Helper()
	return started(t, root, "BOS is ready at ", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
}

// started runs the program until the test ends, and returns what follows on the line
// that says it is ready.
func started(t *testing.T, root, ready string, args ...string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	c := exec.CommandContext(ctx, root+"/usr/bin/bos", args...)
	c.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir(), "HOME="+t.TempDir())
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, at, ok := strings.Cut(lines.Text(), ready); ok {
			t.Cleanup(func() {
				stop()
				_, _ = io.Copy(io.Discard, out)
				if err := c.Wait(); err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("it ended with %v\n%s", err, said.Bytes())
				}
			})
			return strings.TrimSpace(at)
		}
	}
	stop()
	_ = c.Wait()
	t.Fatalf("bos %s was never ready:\n%s", strings.Join(args, " "), said.Bytes())
	return ""
}

func TestThePackagedServiceRunsWithTheSettingsThatAreShipped(t *testing.T) {
	root := unpacked(t)
	url := serving(t, root, "--config", root+"/etc/bos/bos.yaml", "--database", filepath.Join(t.TempDir(), "bos.db"), "--auth", "off")
	if got := output(t, root+"/usr/bin/bos", "export", "--endpoint", url, "-o", "-"); !json.Valid([]byte(got)) {
		t.Errorf("exported %q", got)
	}
}

func TestThePackagedServiceIsReadyBesideTheRoomThatItEmulates(t *testing.T) {
	root := unpacked(t)
	url := serving(t, root, "--emulate", "4", "--database", filepath.Join(t.TempDir(), "bos.db"), "--auth", "off")
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Error(url)
	}
}

// The user is made, and the settings are for it, as systemd of this machine does that.
func TestTheUserAndItsFoldersAreMadeFromWhatIsShipped(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("users of another root are made by root alone")
	}
	for _, tool := range []string{"systemd-sysusers", "systemd-tmpfiles"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not on this machine")
		}
	}
	root := unpacked(t)
	output(t, "systemd-sysusers", "--root="+root, "bos.conf")
	output(t, "systemd-tmpfiles", "--root="+root, "--create", "bos.conf")
	user := ""
	for line := range strings.Lines(read(t, root+"/etc/passwd")) {
		if f := strings.Split(strings.TrimSpace(line), ":"); f[0] == "bos" {
			user = f[2]
			if f[5] != "/var/lib/bos" || f[6] != "/usr/sbin/nologin" {
				t.Errorf("the user is %q", line)
			}
		}
	}
	for path, want := range map[string]string{"/etc/bos": "750 0", "/etc/bos/bos.yaml": "640 0", "/var/lib/bos": "700 " + user} {
		if got := strings.TrimSpace(output(t, "stat", "-c", "%a %u", root+path)); got != want {
			t.Errorf("%s has %q, want %q", path, got, want)
		}
	}
}

// A figure of systemd's own: 100 is a service that may do all, and what is here has 14.
func TestTheUnitsLetTheServiceDoLittle(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not on this machine")
	}
	root := unpacked(t)
	unit := root + "/usr/lib/systemd/system/bos.service"
	output(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", unit)
	text := read(t, unit)
	for _, line := range []string{"LimitCORE=0", "StartLimitIntervalSec=0", "Restart=always", "RuntimeDirectory=bos", "MemoryMax=4G", "TasksMax=1024", "Type=notify", "WatchdogSec=60s"} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("bos.service has no %s", line)
		}
	}
	// What a unit says has to be known to systemd, and its program to be in the package.
	for _, elsewhere := range []string{"/bin/sh", "/usr/bin/find"} { // of the system's own packages
		if err := errors.Join(os.MkdirAll(filepath.Dir(root+elsewhere), 0o755), os.WriteFile(root+elsewhere, nil, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bos.service", "bos-backup.service", "bos-backup.timer"} {
		if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--recursive-errors=no", "--man=no", "--root="+root, name).CombinedOutput(); err != nil || strings.Contains(string(out), name+":") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// The chart names the version of the packages, and its image by that.
func TestTheChartIsPackagedAsHelmDoes(t *testing.T) {
	path, _ := made(t, "bos-*.tgz")
	version := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "bos-"), ".tgz")
	dir := t.TempDir()
	output(t, "tar", "-xzf", path, "-C", dir)
	is := read(t, dir+"/bos/Chart.yaml")
	for _, line := range []string{"\nname: bos\n", "\nversion: " + version + "\n", "\nappVersion: \"" + version + "\"\n"} {
		if !strings.Contains(is, line) {
			t.Errorf("Chart.yaml has no %q:\n%s", line, is)
		}
	}
	for _, name := range []string{"values.yaml", "values.schema.json", "README.md", "templates/_helpers.tpl", "templates/deployment.yaml", "files/bos.rules.yaml", "examples/three.yaml"} {
		if text := read(t, dir+"/bos/"+name); text != read(t, "../../packaging/helm/bos/"+name) {
			t.Errorf("%s is another one", name)
		}
	}
}

func TestTheChecksumsAndTheBillOfMaterialsAreOfWhatIsThere(t *testing.T) {
	sums, folder := made(t, "SHA256SUMS")
	named := 0
	for line := range strings.Lines(read(t, sums)) {
		f := strings.Fields(line)
		sum := sha256.Sum256([]byte(read(t, filepath.Join(folder, f[1]))))
		if hex.EncodeToString(sum[:]) != f[0] {
			t.Errorf("the checksum of %s is wrong", f[1])
		}
		named++
	}
	if named < 3 {
		t.Errorf("%d checksums", named)
	}
	bill, _ := made(t, "bos_*_linux_"+runtime.GOARCH+".cdx.json")
	var says struct {
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal([]byte(read(t, bill)), &says); err != nil {
		t.Fatal(err)
	}
	var stands []string
	for _, c := range says.Components {
		stands = append(stands, c.Name+"@"+c.Version)
	}
	// The program itself says what is in it.
	for line := range strings.Lines(output(t, "go", "version", "-m", filepath.Join(unpacked(t), "usr/bin/bos"))) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "dep" && !slices.Contains(stands, f[1]+"@"+f[2]) {
			t.Errorf("%s %s is in the program and not in its bill of materials", f[1], f[2])
		}
	}
}
