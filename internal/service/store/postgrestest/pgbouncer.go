package postgrestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Bouncer is a running PgBouncer before a server.
type Bouncer struct {
	dir     string
	program string
	cmd     *exec.Cmd
	ended   chan struct{}
}

// SkipBouncer skips a test where PgBouncer is not installed.
func SkipBouncer(t testing.TB) {
	t.Helper()
	Skip(t)
	if bouncer() == "" {
		t.Skip("there is no PgBouncer here; the package pgbouncer has it")
	}
}

func bouncer() string {
	for _, name := range []string{"/usr/sbin/pgbouncer", "pgbouncer"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	return ""
}

// Bounce starts a PgBouncer before a server, with a mode of its pools and more settings
// (name=value).
func Bounce(to *Server, mode string, settings ...string) (*Bouncer, error) {
	dir, err := os.MkdirTemp("", "bosbouncer")
	if err != nil {
		return nil, err
	}
	b := &Bouncer{dir: dir, program: bouncer()}
	lines := []string{
		// Each user is taken for the one that is named there.
		"[databases]", "* = user=bos host=" + to.dir, "[pgbouncer]", "pool_mode=" + mode, "auth_type=any", "listen_addr=", "unix_socket_dir=" + dir,
		"pidfile=" + filepath.Join(dir, "pid"), "max_client_conn=300", "default_pool_size=40", "server_login_retry=1", "server_idle_timeout=2", "autodb_idle_timeout=5", "log_connections=0", "log_disconnections=0",
	}
	lines = append(lines, settings...)
	err = os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(strings.Join(lines, "\n")+"\n"), 0o644) //nolint:gosec // it is read by another user
	if err == nil && os.Getuid() == 0 {
		err = os.Chown(dir, Unprivileged, Unprivileged)
	}
	if err == nil {
		err = b.Run()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return b, nil
}

// Run starts one that was made and does not run, and returns when it takes connections.
func (b *Bouncer) Run() error {
	var said bytes.Buffer
	b.cmd = exec.CommandContext(context.Background(), b.program, filepath.Join(b.dir, "pgbouncer.ini")) //nolint:gosec // it is that
	b.cmd.Dir, b.cmd.Env = b.dir, []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + b.dir}
	b.cmd.Stdout, b.cmd.Stderr = &said, &said
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		b.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: Unprivileged, Gid: Unprivileged}
	}
	if err := b.cmd.Start(); err != nil {
		return err
	}
	b.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // however it ended
		close(ended)
	}(b.cmd, b.ended)
	over := time.Now().Add(startTime)
	for {
		if _, err := os.Stat(filepath.Join(b.dir, ".s.PGSQL.6432")); err == nil {
			return nil
		}
		select {
		case <-b.ended:
			return fmt.Errorf("PgBouncer ended while it started: %s", said.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(over) {
			return errors.Join(fmt.Errorf("PgBouncer does not start: %s", said.String()), b.Stop())
		}
	}
}

// Stop ends it at once.
func (b *Bouncer) Stop() error {
	if err := b.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	select {
	case <-b.ended:
		// One that ends at once leaves its socket, which the next would not take.
		return errors.Join(remove(filepath.Join(b.dir, ".s.PGSQL.6432")), remove(filepath.Join(b.dir, "pid")))
	case <-time.After(startTime):
		return errors.New("PgBouncer does not stop")
	}
}

func remove(file string) error {
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Close ends it and removes its files.
func (b *Bouncer) Close() error {
	var err error
	select {
	case <-b.ended:
	default:
		err = b.Stop()
	}
	return errors.Join(err, os.RemoveAll(b.dir))
}

// Through is the connection string of a database of its server through a PgBouncer, where
// nothing is prepared.
func (b *Bouncer) Through(name string) string {
	return "postgres://bos@/" + name + "?" + url.Values{"host": {b.dir}, "port": {"6432"}, "default_query_exec_mode": {"exec"}}.Encode()
}

// Database makes a database, as a copy of another one that nobody has open, and returns its
// name and its connection string. Who is behind a PgBouncer needs one: a schema would be a
// setting of the connection, which a pool does not keep.
func (s *Server) Database(ctx context.Context, like string) (name, dsn string, err error) {
	name = "t" + strings.ReplaceAll(uuid.NewString(), "-", "")
	err = ask(ctx, s.Address(), func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+like)
		return err
	})
	return name, "postgres://bos@/" + name + "?" + url.Values{"host": {s.dir}}.Encode(), err
}
