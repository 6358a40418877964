// Package postgrestest starts a PostgreSQL for the tests and the measurements of one
// program, from what Debian installs.
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
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// oldest is the version of PostgreSQL from which on the program is tried.
const oldest = 15

// programs is where Debian's packages have those of the newest PostgreSQL that is
// installed, empty if there is none that is new enough.
var programs = sync.OnceValue(func() (newest string) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // the pattern is one
	version := oldest
	for _, program := range found {
		bin := filepath.Dir(program)
		if is, err := strconv.Atoi(filepath.Base(filepath.Dir(bin))); err == nil && is >= version {
			version, newest = is, bin
		}
	}
	return newest
})

// Programs is the folder of PostgreSQL's own programs, empty where there are none.
func Programs() string { return programs() }

// startTime bounds how long it may take to start or to stop.
const startTime = time.Minute

// Settings are those of a database whose disk does not matter. Its tests are about what
// it answers, not about what is left after a loss of power.
var Settings = []string{"fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB"}

// Server is a running PostgreSQL.
type Server struct {
	dir string
	// listen is where it is reached over the network, by TLS; empty for one that is not.
	listen string
	cmd    *exec.Cmd
	ended  chan struct{}
}

// shared is the one of the tests of this program.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Main runs the tests of a package and stops the database that they have started. It
// is what TestMain exits with.
func Main(m *testing.M) int {
	status := m.Run()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = max(status, 1)
		}
	}
	return status
}

// Installed reports whether there is one to start.
func Installed() bool { return programs() != "" }

// Skip skips a test where PostgreSQL is not installed.
func Skip(t testing.TB) {
	t.Helper()
	if !Installed() {
		t.Skip("there is no PostgreSQL here; the package postgresql-15 has it")
	}
}

// New is the connection string of an empty schema in the database of this program's
// tests, which TestMain has to stop by Main.
func New(t testing.TB) string {
	t.Helper()
	Skip(t)
	shared.once.Do(func() { shared.server, shared.err = Start(Settings...) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.Schema(t)
}

// Start makes a new database and starts it with settings (name=value).
func Start(settings ...string) (*Server, error) {
	return made(settings, func(s *Server) error {
		return s.do("initdb", "-D", s.data(), "-U", "bos", "-A", "trust", "-N", "-E", "UTF8", "--no-locale")
	})
}

// Standby starts a standby of a server that runs.
func (s *Server) Standby(settings ...string) (*Server, error) {
	return made(settings, func(standby *Server) error {
		return standby.do("pg_basebackup", "-h", s.dir, "-U", "bos", "-D", standby.data(), "-R", "-X", "stream", "-c", "fast")
	})
}

// WaitFor has a primary acknowledge nothing from here on that a standby does not have.
func (s *Server) WaitFor(ctx context.Context, standby *Server) error {
	conn, err := pgx.Connect(ctx, s.Address())
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the next one is another
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for waits := false; !waits; {
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')").Scan(&waits); err != nil {
			return err
		}
		select {
		case <-standby.ended:
			return errors.New("the standby ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Promote lets a standby be a primary.
func (s *Server) Promote() error { return s.do("pg_ctl", "promote", "-w", "-D", s.data()) }

// Demote lets a server that does not run be a standby when it runs next, of nobody.
func (s *Server) Demote() error {
	return os.WriteFile(filepath.Join(s.data(), "standby.signal"), nil, 0o644) //nolint:gosec // it is read by the user of the server
}

// made makes the files of a server and starts it.
func made(settings []string, makeIt func(*Server) error) (*Server, error) {
	dir, err := os.MkdirTemp("", "bospg")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if os.Getuid() == 0 {
		err = os.Chown(dir, Unprivileged, Unprivileged)
	}
	if err == nil {
		err = makeIt(s)
	}
	if err == nil {
		err = s.Run(settings...)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// do runs a program to its end.
func (s *Server) do(program string, args ...string) error {
	ctx, done := context.WithTimeout(context.Background(), startTime)
	defer done()
	if out, err := s.command(ctx, program, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, out)
	}
	return nil
}

// Unprivileged is the user that runs it for root, whom it refuses: nobody.
const Unprivileged = 65534

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(programs(), program), args...) //nolint:gosec // programs of PostgreSQL
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=" + s.dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: Unprivileged, Gid: Unprivileged}
	}
	return cmd
}

// Run starts a database that was made and does not run, and returns when it answers.
func (s *Server) Run(settings ...string) error {
	args := []string{"-D", s.data(), "-c", "listen_addresses=" + s.listen, "-c", "unix_socket_directories=" + s.dir}
	if s.listen != "" {
		settings = append([]string{"ssl=on", "ssl_ca_file=clients.crt"}, settings...)
	}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	var said bytes.Buffer
	s.cmd = s.command(context.Background(), "postgres", args...)
	s.cmd.Stderr, s.cmd.Stdout = &said, &said
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		_ = cmd.Wait() // however it ended
		close(ended)
	}(s.cmd, s.ended)
	ctx, done := context.WithTimeout(context.Background(), startTime)
	defer done()
	for {
		conn, err := pgx.Connect(ctx, s.Address())
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the database ended while it started: %s", said.String())
		case <-ctx.Done():
			return errors.Join(err, s.Signal(syscall.SIGQUIT))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Signal sends the server a signal: SIGINT ends it in an orderly way, SIGQUIT at once.
func (s *Server) Signal(signal syscall.Signal) error { return s.cmd.Process.Signal(signal) }

// Stop stops it by a signal and returns when it has ended.
func (s *Server) Stop(signal syscall.Signal) error {
	if err := s.Signal(signal); err != nil {
		return err
	}
	select {
	case <-s.ended:
		return nil
	case <-time.After(startTime):
		return errors.New("the database does not stop")
	}
}

// Close stops it and removes all of it.
func (s *Server) Close() error {
	var err error
	select {
	case <-s.ended:
	default:
		err = s.Stop(syscall.SIGQUIT)
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Of is a connection string of one server, in that of several: the one is meant that takes
// writes.
func Of(dsn string, servers ...*Server) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", err
	}
	var hosts []string
	for _, s := range servers {
		hosts = append(hosts, s.dir)
	}
	q := u.Query()
	q.Set("host", strings.Join(hosts, ","))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Schema is the connection string of an empty schema.
func (s *Server) Schema(t testing.TB) string {
	t.Helper()
	dsn, err := Fresh(t.Context(), s.Address())
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}
