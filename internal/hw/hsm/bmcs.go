package hsm

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

// addressesFresh is how old may be what HSM said of the addresses of BMCs.
const addressesFresh = 5 * time.Minute

// addressesRetry is the pause after a question that was not answered.
const addressesRetry = 15 * time.Second

// addresses are those of BMCs whose names cannot be resolved: inventories that are
// posted name them by xnames that are in no DNS.
type addresses struct {
	turn  turn.Turn // over the question
	asked time.Time
	of    map[string]netip.Addr
}

// BMCAddress is the IP address that HSM has of the BMC of a name; false if it has
// none, or does not say.
func (c *Client) BMCAddress(ctx context.Context, name string) (netip.Addr, bool) {
	a := &c.addresses
	if a.turn.Take(ctx) != nil {
		return netip.Addr{}, false
	}
	defer a.turn.Give()
	if now := c.bmcs.now(); a.asked.IsZero() || now.Sub(a.asked) >= addressesFresh {
		a.asked = now
		// Others wait for it as well.
		if of, err := c.bmcAddresses(context.WithoutCancel(ctx)); err == nil {
			a.of = of
		} else {
			a.asked = now.Add(addressesRetry - addressesFresh)
		}
	}
	ip, ok := a.of[strings.ToLower(name)]
	return ip, ok
}

func (c *Client) bmcAddresses(ctx context.Context) (map[string]netip.Addr, error) {
	var list struct {
		RedfishEndpoints []struct{ ID, FQDN, Hostname, IPAddress string }
	}
	if err := c.http.JSON(ctx, c.question("/Inventory/RedfishEndpoints"), &list); err != nil {
		return nil, err
	}
	of := make(map[string]netip.Addr, len(list.RedfishEndpoints))
	for _, e := range list.RedfishEndpoints {
		ip, err := netip.ParseAddr(e.IPAddress)
		if err != nil {
			continue
		}
		for _, name := range []string{e.ID, e.FQDN, e.Hostname} {
			if name != "" {
				of[strings.ToLower(name)] = ip
			}
		}
	}
	return of, nil
}
