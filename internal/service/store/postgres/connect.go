package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// connectTime bounds how long one connection takes to come about, with each host that
// is tried.
const connectTime = 3 * time.Second

// parse reads a connection string. Of several hosts the one is meant that takes writes.
func parse(dsn string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the connection string of the database: %w; it is like postgres://user@host:5432/bos", withoutPassword(dsn, err))
	}
	if config.ConnectTimeout == 0 || config.ConnectTimeout > connectTime {
		config.ConnectTimeout = connectTime
	}
	if config.ValidateConnect == nil {
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

// withoutPassword is an error without the password of a connection string.
func withoutPassword(dsn string, err error) error {
	if u, bad := url.Parse(dsn); bad == nil && u.User != nil {
		if password, set := u.User.Password(); set && password != "" && strings.Contains(err.Error(), password) {
			return errors.New("it cannot be read")
		}
	}
	return err
}

// name is a database as it is called in messages: without user and password.
func name(config *pgx.ConnConfig) string {
	hosts := []string{net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))}
	for _, f := range config.Fallbacks {
		if host := net.JoinHostPort(f.Host, strconv.Itoa(int(f.Port))); host != hosts[len(hosts)-1] {
			hosts = append(hosts, host)
		}
	}
	return "postgres://" + strings.Join(hosts, ",") + "/" + config.Database
}

func connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	ctx, done := context.WithTimeout(ctx, roundTrip)
	defer done()
	return pgx.ConnectConfig(ctx, config)
}
