//go:build unix

package cli

import (
	"database/sql"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// TestAServiceThatIsStoppedPastItsLeaseResetsNobodyWhenItGoesOn stops the process at
// random moments of a reboot, has another one take the database over, and lets the first
// go on: it has orders that are not its own any more. FAULTS_NODES and FAULTS_PAUSES
// make it larger.
func TestAServiceThatIsStoppedPastItsLeaseResetsNobodyWhenItGoesOn(t *testing.T) {
	t.Parallel()
	nodes, pauses := setting(t, "FAULTS_NODES", 40), setting(t, "FAULTS_PAUSES", 2)
	room, service := site(t, nodes)
	booted(t, room, service)
	author := writes(t, service.url)
	db := openDatabase(t, service.database)
	execute(t, db, "PRAGMA busy_timeout = 0")
	var late []string
	for i, moment := range moments(nodes, pauses) {
		after(room, nodes+moment)
		stopped := service
		stopBetweenWrites(t, stopped, db)
		service = &process{t: t, database: stopped.database, args: stopped.args}
		service.start()
		t.Cleanup(service.kill)
		author.url.Store(service.url)
		room.SetBOS(service.url)
		after(room, some(nodes, moment))
		stopped.signal(syscall.SIGCONT)
		if name := fmt.Sprintf("late-%d", i); put(t.Context(), stopped.url, name) {
			late = append(late, name)
		}
		if err := stopped.cmd.Wait(); err == nil {
			t.Errorf("the service that was overtaken ended as if nothing were wrong")
		}
		if n, _ := stopped.log.count("another service "); n == 0 {
			t.Errorf("the service that was overtaken does not say why it ended: %s", stopped.log.all())
		}
	}
	rebooted(t, complete(t, service.url, "reboot"), room.Room(), 1)
	ordered(t, service.url, room.Room())
	author.kept(t, service.url, late...)
}

// stopBetweenWrites stops a service, and not in the middle of a write: that would keep
// everybody from its database.
func stopBetweenWrites(t *testing.T, service *process, db *sql.DB) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		service.signal(syscall.SIGSTOP)
		stands(t, service)
		if _, err := db.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err == nil {
			execute(t, db, "ROLLBACK")
			return
		}
		service.signal(syscall.SIGCONT)
		<-tick.C
	}
}

// stands waits until a service that was told to stop has: until then a thread of it may
// begin a write.
func stands(t *testing.T, service *process) {
	t.Helper()
	var is unix.WaitStatus
	for {
		switch _, err := unix.Wait4(service.cmd.Process.Pid, &is, unix.WUNTRACED, nil); {
		case errors.Is(err, unix.EINTR):
		case err != nil || !is.Stopped():
			t.Fatalf("a service that was to stop for a while has ended: %v, status %d", err, is)
		default:
			return
		}
	}
}
