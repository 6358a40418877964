package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// connectTime bounds how long one connection takes to come about, with each host that
// is tried.
const connectTime = 3 * time.Second

// Is reports whether settings name a PostgreSQL by database, and not a file.
func Is(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

// address is where a database is, and how to get in.
type address struct {
	// dsn is what config was read from, with files and an environment that may change.
	dsn    string
	config *pgx.ConnConfig
	// password is nil where the settings have none.
	password func() (string, error)
}

// errPassword is a password where everybody who sees the settings or a list of processes
// reads it.
var errPassword = errors.New("the connection string of the database has a password, which others would read; take it out and name database_password_file, database_password_env or database_password_command, or set PGPASSWORD (PGSSLPASSWORD for that of a key)")

// parse reads a connection string.
func parse(dsn string, password func() (string, error)) (*address, error) {
	if hasPassword(dsn) {
		return nil, errPassword
	}
	config, err := configOf(dsn)
	if err != nil {
		return nil, err
	}
	return &address{dsn, config, password}, nil
}

// configOf is what a connection string and the files that it names say now. Of several
// hosts the one is meant that takes writes.
func configOf(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if file := new(fs.PathError); errors.As(err, &file) {
		return nil, &tables.TroubleError{Kind: tables.Refused, Err: fmt.Errorf("read the files that the connection string of the database names: %w", file), Out: "name one that is there and that this program may read, or give it to its user"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the connection string of the database: %w; it is like postgres://user@host:5432/bos", err)
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTime {
		config.ConnectTimeout = connectTime
	}
	if config.ValidateConnect == nil && !strings.Contains(dsn, "target_session_attrs") {
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "bos"
	}
	// What answers no more is given up while it is waited for, not after minutes.
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3}}
	config.DialFunc = dialer.DialContext
	return config, nil
}

// hasPassword reports whether a connection string may have a password, also where it
// cannot be read.
func hasPassword(dsn string) bool {
	u, err := url.Parse(dsn)
	if err != nil || !Is(dsn) {
		return strings.Contains(dsn, "password") || strings.Contains(dsn, "@") && strings.Count(dsn, ":") > 1
	}
	_, set := u.User.Password()
	return set || u.Query().Has("password") || u.Query().Has("sslpassword")
}

// String is the database as it is called in messages: without user and password.
func (a *address) String() string {
	hosts := []string{net.JoinHostPort(a.config.Host, strconv.Itoa(int(a.config.Port)))}
	for _, f := range a.config.Fallbacks {
		if host := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); host != hosts[len(hosts)-1] {
			hosts = append(hosts, host)
		}
	}
	return "postgres://" + strings.Join(hosts, ",") + "/" + a.config.Database
}

// authenticate gives a connection that is about to be made its certificates and its
// password as they are now: both are renewed while the service runs.
func (a *address) authenticate(_ context.Context, config *pgx.ConnConfig) error {
	fresh, err := configOf(a.dsn)
	if err != nil {
		return err
	}
	fresh.Tracer = config.Tracer
	*config = *fresh
	if a.password == nil {
		return nil
	}
	password, err := a.password()
	if err != nil {
		return fmt.Errorf("read the password of the database: %w", err)
	}
	config.Password = password
	return nil
}

func (a *address) connect(ctx context.Context) (*pgx.Conn, error) {
	// Each address has its own time (connectTime), so that the first ones that are silent
	// leave some for the one that answers; most hosts have no more than two.
	ctx, done := context.WithTimeout(ctx, roundTrip+time.Duration(2*len(a.config.Fallbacks)+1)*connectTime)
	defer done()
	config := a.config.Copy()
	if err := a.authenticate(ctx, config); err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, a.proven(err)
}

// Name is the database of a connection string as it is called in messages.
func Name(dsn string) string {
	where, err := parse(dsn, nil)
	if err != nil {
		return "a PostgreSQL"
	}
	return where.String()
}

// Connect opens a database for who moves its records.
func Connect(dsn string, password func() (string, error)) (*sql.DB, error) {
	where, err := parse(dsn, password)
	if err != nil {
		return nil, err
	}
	return stdlib.OpenDB(*where.config, stdlib.OptionBeforeConnect(where.authenticate)), nil
}
