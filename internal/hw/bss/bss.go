// Package bss writes boot parameters to the Boot Script Service. What a node
// boots is decided elsewhere.
package bss

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	maxBody        = 1 << 20
	defaultTimeout = 30 * time.Second
	tokenHeader    = "Bss-Referral-Token" //nolint:gosec // the name of a header
	maxToken       = 256
)

// Client writes to one BSS. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
}

var _ bos.BootParameters = (*Client)(nil)

// New writes to the BSS at u; its URL is the prefix before /bootparameters, such
// as http://bss:27778/boot/v1. It connects when it is first used.
func New(u transport.Upstream) *Client {
	return &Client{
		http: u.Open(transport.Config{
			Upstream: "BSS", WayOut: transport.Always("check BSS and boot_parameters.bss.url"), Timeout: defaultTimeout, MaxBody: maxBody,
		}),
		url: u.Base(),
	}
}

// Write stores the artifacts for all ids in one call and returns the referral
// token BSS gave it, empty where that BSS gives none. No ids is no call. The
// error is a *bos.CallError.
func (c *Client) Write(ctx context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	res, err := c.http.Do(ctx, transport.Request{
		Method: http.MethodPut, URL: c.url + "/bootparameters",
		Body: struct {
			Hosts  []string `json:"hosts"`
			Kernel string   `json:"kernel"`
			Initrd string   `json:"initrd"`
			Params string   `json:"params"`
		}{ids, a.Kernel, a.Initrd, a.KernelParameters},
	})
	if res != nil && res.Status >= 200 && res.Status <= 299 {
		// The write is done whatever became of the body, which is empty.
		token := res.Header.Get(tokenHeader)
		if len(token) > maxToken {
			return "", &bos.CallError{
				Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage,
				Detail: fmt.Sprintf("BSS answered with a %s of %d bytes; check that boot_parameters.bss.url is a BSS", tokenHeader, len(token)),
			}
		}
		return token, nil
	}
	return "", judge(err)
}

// judge says what is known about a write that failed.
func judge(err error) *bos.CallError {
	failed := &bos.CallError{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
	var e *transport.Error
	if !errors.As(err, &e) {
		return failed
	}
	switch e.Kind {
	case transport.NotSent:
		failed.Outcome = bos.CallNotAttempted
	case transport.Unanswered, transport.Broken:
	case transport.Refused:
		failed.Outcome, failed.Cause = refusal(e.Status)
	}
	return failed
}

// refusal tells what BSS says about the boot parameters from what it, or the
// gateway before it, says about the caller or itself.
func refusal(status int) (bos.CallOutcome, bos.Cause) {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		return bos.CallNotAttempted, bos.CauseUpstreamOutage
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500, status < 400:
		return bos.CallBusy, bos.CauseUpstreamOutage
	default:
		return bos.CallRefused, bos.CauseBootParameters
	}
}
