// Package bss writes boot parameters to the Boot Script Service.
package bss

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Client writes to one BSS.
type Client struct {
	http *resty.Client
	url  string
}

// New writes to the BSS at url, the prefix before /bootparameters.
func New(url string, timeout time.Duration) *Client {
	return &Client{http: transport.New(transport.Config{Timeout: timeout}), url: strings.TrimSuffix(url, "/")}
}

var _ bos.BootParameters = (*Client)(nil)

// Write stores the artifacts for all ids in one call. A write is idempotent,
// so one that was not answered may simply be repeated.
func (c *Client) Write(ctx context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	body := map[string]any{"hosts": ids, "kernel": a.Kernel, "initrd": a.Initrd, "params": a.KernelParameters}
	res, err := c.http.R().SetContext(ctx).SetBody(body).Put(c.url + "/bootparameters")
	if err != nil {
		return "", &bos.CallError{Outcome: bos.CallBusy, Cause: bos.CauseUpstreamOutage, Detail: fmt.Sprintf("BSS at %s: %s", c.url, transport.Reason(err))}
	}
	detail := fmt.Sprintf("BSS at %s answered %s to boot parameters: %s", c.url, res.Status(), clip(res.String()))
	switch {
	case res.StatusCode() == http.StatusOK:
		return res.Header().Get("Bss-Referral-Token"), nil
	case res.StatusCode() >= http.StatusInternalServerError || res.StatusCode() == http.StatusTooManyRequests:
		return "", &bos.CallError{Outcome: bos.CallBusy, Cause: bos.CauseUpstreamOutage, Detail: detail}
	default:
		return "", &bos.CallError{Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: detail}
	}
}

func clip(s string) string {
	const most = 300
	s = strings.TrimSpace(s)
	return s[:min(len(s), most)]
}
