package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
)

// smallDisk is a file system of its own, of so many MiB.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", size)); err != nil {
		t.Skipf("a file system of its own needs root: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) }) // the test is over
	return dir
}

// limited has a process have no more of something than most, and gives it back what it had.
func (p *process) limited(resource int, most uint64) (back func()) {
	p.t.Helper()
	var before unix.Rlimit
	if err := unix.Prlimit(p.cmd.Process.Pid, resource, nil, &before); err != nil {
		p.t.Fatal(err)
	}
	if err := unix.Prlimit(p.cmd.Process.Pid, resource, &unix.Rlimit{Cur: most, Max: before.Max}, nil); err != nil {
		p.t.Fatal(err)
	}
	return func() {
		p.t.Helper()
		if err := unix.Prlimit(p.cmd.Process.Pid, resource, &before, nil); err != nil {
			p.t.Fatal(err)
		}
	}
}

// moved takes a file away, and puts it back.
func moved(t *testing.T, path string) (back func()) {
	t.Helper()
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Rename(away, path); err != nil {
			t.Fatal(err)
		}
	}
}

// databaseFaults are what becomes of a database under a service that runs. Each is mended
// by what it returns.
var databaseFaults = map[string]struct {
	happen func(t *testing.T, p *process) (mend func())
	// says is what /readyz says of it.
	says string
}{
	"the disk is full": {func(t *testing.T, p *process) func() {
		t.Helper()
		filler := filepath.Join(filepath.Dir(p.database), "filler")
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
			t.Fatalf("the disk is filled: %v", err)
		}
		_ = f.Close() // it is full
		return func() {
			if err := os.Remove(filler); err != nil {
				t.Error(err)
			}
		}
	}, "disk is full"},
	"each write is an I/O error": {func(_ *testing.T, p *process) func() { return p.limited(unix.RLIMIT_FSIZE, 0) }, "disk answers with errors"},
	"another process has it locked": {func(t *testing.T, p *process) func() {
		t.Helper()
		db := openDatabase(t, p.database)
		execute(t, db, "BEGIN IMMEDIATE")
		return func() { execute(t, db, "ROLLBACK") }
	}, "another process has been in the middle of a write"},
	"its file was deleted": {func(t *testing.T, p *process) func() { t.Helper(); return moved(t, p.database) }, "was deleted or replaced"},
	"its log was deleted":  {func(t *testing.T, p *process) func() { t.Helper(); return moved(t, p.database+"-wal") }, "was deleted or replaced"},
	"a backup was put in its place": {func(t *testing.T, p *process) func() {
		t.Helper()
		copied := filepath.Join(filepath.Dir(p.database), "backup.db")
		if text, err := beside(t, "backup", "--database", p.database, "-o", copied); err != nil {
			t.Fatal(err, text)
		}
		back := moved(t, p.database)
		if err := os.Rename(copied, p.database); err != nil {
			t.Fatal(err)
		}
		return back
	}, "was deleted or replaced"},
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// readiness is what /readyz says of the database, and its status.
func readiness(t *testing.T, url string) (status int, says string) {
	t.Helper()
	var report health.Report
	status = call(t, http.MethodGet, url+"/readyz", nil, &report)
	for _, part := range report.Parts {
		if part.Name == "database" {
			says = part.Says
		}
	}
	return status, says
}

// until asks again and again; the test's own deadline ends the wait.
func until(is func() bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		<-tick.C
	}
}

func TestADatabaseThatTakesNoWritesStopsTheWorkSafelyAndItGoesOnAfterwards(t *testing.T) {
	t.Parallel()
	const nodes = 20
	for name, fault := range databaseFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			disk := t.TempDir()
			if strings.Contains(name, "disk is full") {
				disk = smallDisk(t, 24)
			}
			room, service := siteOn(t, nodes, disk)
			booted(t, room, service)
			after(room, nodes+nodes/2)
			mend := fault.happen(t, service)
			status, says := 0, ""
			until(func() bool {
				status, says = readiness(t, service.url)
				return status == http.StatusServiceUnavailable && strings.Contains(says, fault.says)
			})
			for n := range 3 {
				if put(t.Context(), service.url, fmt.Sprintf("lost-%d", n)) {
					t.Errorf("a write was acknowledged while %s", name)
				}
			}
			var components []bos.Component
			if status := call(t, http.MethodGet, service.url+"/v2/components", nil, &components); status != http.StatusOK || len(components) != nodes {
				t.Errorf("reads are answered with %d, and %d components", status, len(components))
			}
			mend()
			until(func() bool { return put(t.Context(), service.url, "afterwards") })
			until(func() bool { status, _ := readiness(t, service.url); return status == http.StatusOK })
			rebooted(t, complete(t, service.url, "reboot"), room.Room(), 1)
			ordered(t, service.url, room.Room())
		})
	}
}

func TestAServiceWithoutFileDescriptorsFailsNobodyAndGoesOnOnceItHasSome(t *testing.T) {
	t.Parallel()
	const nodes = 20
	room, service := site(t, nodes)
	booted(t, room, service)
	after(room, nodes+nodes/2)
	idle()
	back := service.limited(unix.RLIMIT_NOFILE, 8) // it has more already, and gets no other
	refused := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		idle()
		return !put(ctx, service.url, "lost")
	}
	until(refused)
	back()
	until(func() bool { return put(t.Context(), service.url, "afterwards") })
	rebooted(t, complete(t, service.url, "reboot"), room.Room(), 1)
	ordered(t, service.url, room.Room())
}

// ends runs serve until it ends, and is its status and what it says.
func ends(t *testing.T, args ...string) (status int, says string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	c.Env = append(os.Environ(), asCommand+"=1")
	var text bytes.Buffer
	c.Stderr = &text
	err := c.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("serve ended with %v: %s", err, text.String())
	}
	return exit.ExitCode(), text.String()
}

func TestAServiceThatCannotUseItsDatabaseEndsWithAStatusAndTheWayOut(t *testing.T) {
	t.Parallel()
	room, service := site(t, 1)
	inUse := service.database
	idle()
	newDatabase := func() string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "bos.db")
		if text, err := beside(t, "backup", "--database", service.database, "-o", path); err != nil {
			t.Fatal(err, text)
		}
		return path
	}
	config := service.args[2]
	_ = room
	for name, fault := range map[string]struct {
		database func(t *testing.T) string
		status   int
		says     string
	}{
		"of a newer program": {func(t *testing.T) string {
			t.Helper()
			path := newDatabase()
			db := openDatabase(t, path)
			execute(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			return path
		}, statusNewer, "use the newer program"},
		"no database": {func(t *testing.T) string {
			t.Helper()
			path := filepath.Join(t.TempDir(), "bos.db")
			if err := os.WriteFile(path, bytes.Repeat([]byte("this is text"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}, statusDamaged, "restore a backup"},
		"a damaged one": {func(t *testing.T) string {
			t.Helper()
			path := newDatabase()
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 32<<10), 100); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			return path
		}, statusDamaged, "restore a backup"},
		"in a folder that is not there": {func(t *testing.T) string {
			t.Helper()
			return filepath.Join(t.TempDir(), "none", "bos.db")
		}, statusClosed, "permissions of the file and its folder"},
		"a folder":           {func(t *testing.T) string { t.Helper(); return t.TempDir() }, statusClosed, "permissions of the file and its folder"},
		"of another service": {func(t *testing.T) string { t.Helper(); return inUse }, statusInUse, "stop the other service"},
		"on a full disk": {func(t *testing.T) string {
			t.Helper()
			dir := smallDisk(t, 1)
			f, err := os.Create(filepath.Join(dir, "filler"))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(f, zeros{}) // until it is full
			_ = f.Close()
			return filepath.Join(dir, "bos.db")
		}, statusFull, "make room there"},
		"on a read-only file system": {func(t *testing.T) string {
			t.Helper()
			dir := smallDisk(t, 8)
			path := filepath.Join(dir, "bos.db")
			if text, err := beside(t, "backup", "--database", service.database, "-o", path); err != nil {
				t.Fatal(err, text)
			}
			if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			return path
		}, statusReadOnly, "mount it for writing"},
		"new, on a read-only file system": {func(t *testing.T) string {
			t.Helper()
			dir := smallDisk(t, 1)
			if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(dir, "bos.db")
		}, statusReadOnly, "mount it for writing"},
	} {
		t.Run(name, func(t *testing.T) {
			path := fault.database(t)
			status, says := ends(t, "--config", config, "--database", path)
			if status != fault.status || !strings.Contains(says, fault.says) {
				t.Errorf("it ended with %d, want %d with %q: %s", status, fault.status, fault.says, says)
			}
			if fault.status != statusInUse && !strings.Contains(says, path) {
				t.Errorf("it does not name %s: %s", path, says)
			}
		})
	}
	if !put(t.Context(), service.url, "still") {
		t.Error("the service that was there before takes no writes any more")
	}
}
