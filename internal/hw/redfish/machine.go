package redfish

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// uuidDigits is a UUID as its 32 digits in lower case, empty for what is none. That
// all digits are the same is how boards say that they have none.
func uuidDigits(text string) string {
	text = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "urn:uuid:")
	text = strings.NewReplacer("-", "", "{", "", "}", "").Replace(text)
	const digits = 32
	if len(text) != digits || strings.Trim(text, "0123456789abcdef") != "" || strings.Trim(text, text[:1]) == "" {
		return ""
	}
	return text
}

// swapped is a UUID with the bytes of its first three fields the other way round:
// SMBIOS before 2.6 and iDRACs write them so.
func swapped(digits string) string {
	var b strings.Builder
	for _, field := range [][2]int{{0, 8}, {8, 12}, {12, 16}} {
		for i := field[1]; i > field[0]; i -= 2 {
			b.WriteString(digits[i-2 : i])
		}
	}
	return b.String() + digits[16:]
}

// sameMachine compares two UUIDs; known is that both are some.
func sameMachine(a, b string) (same, known bool) {
	a, b = uuidDigits(a), uuidDigits(b)
	if a == "" || b == "" {
		return false, false
	}
	return a == b || a == swapped(b), true
}

// stranger says that the system which a BMC answered with is another machine than
// the inventory's; nothing may be done to it.
func (c *Client) stranger(t target, body []byte) (text string, is bool) {
	if c.config.IgnoreUUIDs || t.UUID == "" {
		return "", false
	}
	var system struct{ UUID string }
	if json.Unmarshal(body, &system) != nil {
		return "", false // how it is no system is told by its power
	}
	same, known := sameMachine(system.UUID, t.UUID)
	if same || !known {
		return "", false
	}
	return fmt.Sprintf("the machine at %s has the UUID %s, and by the inventory the node has %s, so nothing is sent to it; correct the BMC's address, rediscover the node, "+
		"or set power.redfish.ignore_uuids if the UUIDs in the inventory are made up", t.url(t.System), transport.Excerpt(system.UUID), t.UUID), true
}

// doubt forgets all that came from a BMC with a machine that should not be there, and
// where it is: its name may mean another BMC by now.
func (c *Client) doubt(ctx context.Context, e Endpoint) {
	c.forget(e)
	c.mu.Lock()
	was := c.strangers[e.Address]
	if len(c.strangers) >= maxLearned {
		clear(c.strangers)
	}
	c.strangers[e.Address] = true
	if !was {
		delete(c.sessions, e.Address)
	}
	c.mu.Unlock()
	if was {
		return
	}
	c.locator.outdated()
	// The connection is to whom the name meant when it was made.
	_, _ = c.http.Do(ctx, transport.Request{Method: http.MethodGet, URL: e.url("/redfish/v1"), Header: map[string]string{"Connection": "close"}})
}

// recognize notes that the machine of a BMC is the one that should be there.
func (c *Client) recognize(e Endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.strangers, e.Address)
}

// estranged is the reading of a node in whose place another machine is.
func estranged(r bos.PowerReading, text string) bos.PowerReading {
	r.State, r.Symptom, r.Cause, r.Detail = bos.PowerStateUnknown, bos.SymptomRefusing, bos.CauseOtherMachine, text
	return r
}
