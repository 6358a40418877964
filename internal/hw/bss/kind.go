package bss

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

// kindFresh is how old may be that a service is a BSS.
const kindFresh = 10 * time.Minute

// kind is when the service at the URL was last seen to be no boot-service.
type kind struct {
	now func() time.Time

	turn  turn.Turn // over the question
	asked time.Time
}

// refuseBootService keeps from writing to a boot-service of OpenCHAMI where it speaks
// like BSS: a write there replaces the whole boot configuration of the first of the
// hosts that it finds, also those of others. A service that has no such status, or
// keeps it from this one, counts as BSS.
func (c *Client) refuseBootService(ctx context.Context) *bos.CallError {
	k := &c.kind
	if err := k.turn.Take(ctx); err != nil {
		return &bos.CallError{Outcome: bos.CallNotAttempted, Cause: bos.CauseUpstreamOutage, Detail: fmt.Sprintf("others wait for BSS to say what it is, and this call ended before: %v", err)}
	}
	defer k.turn.Give()
	if now := k.now(); !k.asked.IsZero() && now.Sub(k.asked) < kindFresh {
		return nil
	}
	res, err := c.http.Do(ctx, transport.Request{Method: http.MethodGet, URL: c.url + "/service/status"})
	switch class := transport.ClassOf(err); {
	case res == nil || class == transport.ClassBusy || class == transport.ClassMaybe:
		failed := judge(err)
		if failed.Outcome == bos.CallUnknown {
			failed.Outcome = bos.CallNotAttempted // it was a question
		}
		return failed
	case isBootService(res.Body):
		return &bos.CallError{Outcome: bos.CallNotAttempted, Cause: bos.CauseUpstreamOutage, Detail: "boot_parameters.bss.url is a boot-service of OpenCHAMI, in which a write as to BSS would replace boot configurations of others, so nothing is written; set boot_parameters.bootservice.url in place of boot_parameters.bss.url"}
	case err == nil:
		k.asked = k.now()
	}
	return nil
}

// isBootService reports whether a status is one of boot-service: BSS says bss-status,
// and boot-service how it was built.
func isBootService(body []byte) bool {
	var status struct {
		Version string            `json:"service_version"`
		Details map[string]string `json:"details"`
	}
	return json.Unmarshal(body, &status) == nil &&
		(strings.Contains(strings.ToLower(status.Version), "fabrica") || strings.EqualFold(status.Details["framework"], "fabrica"))
}
