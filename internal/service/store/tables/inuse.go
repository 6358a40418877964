package tables

import (
	"context"
	"database/sql"
	"time"
)

const (
	// leasePoll is how often the lease is read before an upgrade.
	leasePoll = 250 * time.Millisecond
	// LeasePolls is after how many reads without a change its holder is dead: a service
	// renews it every two seconds.
	LeasePolls = 28
	// leaseRenewals is by how many changes its holder is alive; one may have been the
	// last of a service that was killed.
	leaseRenewals = 2
)

// Pausing waits for so long, or until ctx ends.
type Pausing func(ctx context.Context, d time.Duration) error

// Pause waits for so long, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// heldLease is the lease as any version of the program keeps it.
type heldLease struct {
	holder         string
	expires, fence int64
}

// Renewed is the service that is seen to renew the lease of a database, empty if none is.
// One that nobody has given up is watched for some seconds.
func Renewed(ctx context.Context, db *sql.DB, pause Pausing) (string, error) {
	var last heldLease
	same, renewals := 0, 0
	for reads := 0; ; reads++ {
		var now heldLease
		err := db.QueryRowContext(ctx, "SELECT holder, expires, fence FROM lease").Scan(&now.holder, &now.expires, &now.fence)
		if notThere(err) || err == nil && (now.holder == "" || now.expires == 0) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		switch {
		case now == last:
			same++
		case reads > 0:
			same = 0
			renewals++
		}
		last = now
		if renewals >= leaseRenewals {
			return now.holder, nil
		}
		if same >= LeasePolls {
			return "", nil
		}
		if err := pause(ctx, leasePoll); err != nil {
			return "", err
		}
	}
}
