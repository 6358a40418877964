// Package bss writes boot parameters to the Boot Script Service. What a node
// boots is decided elsewhere.
package bss

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	maxBody        = 1 << 20
	defaultTimeout = 30 * time.Second
	tokenHeader    = "Bss-Referral-Token" //nolint:gosec // the name of a header
	maxToken       = 256
	// tokenParameter is how a node is told its token on the kernel's line.
	tokenParameter = "bss_referral_token=" //nolint:gosec // the name of a parameter
)

// Client writes to one BSS. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
	macs macs
	kind kind
}

var _ bos.BootParameters = (*Client)(nil)

// New writes to the BSS at u; its URL is the prefix before /bootparameters, such
// as http://bss:27778/boot/v1. It connects when it is first used.
func New(u transport.Upstream) *Client {
	return &Client{
		http: u.Open(transport.Config{
			Upstream: "BSS", WayOut: transport.Look("check BSS and boot_parameters.bss.url", "boot_parameters.bss"), Timeout: defaultTimeout, MaxBody: maxBody,
		}),
		url:  u.Base(),
		macs: macs{now: time.Now}, kind: kind{now: time.Now},
	}
}

// bootParameters is what BSS takes and gives for hosts.
type bootParameters struct {
	Hosts  []string `json:"hosts,omitempty"`
	MACs   []string `json:"macs,omitempty"`
	Kernel string   `json:"kernel"`
	Initrd string   `json:"initrd"`
	Params string   `json:"params"`
}

// Write stores the artifacts for all ids in one call and returns the referral
// token BSS gave it, empty where that BSS gives none. Where BSS does not know whose
// the MAC addresses of nodes are, they are stored under these too, and looked at. No
// ids is no call. The error is a *bos.CallError.
func (c *Client) Write(ctx context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	if err := check(ids, a); err != nil {
		return "", &bos.CallError{Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: err.Error()}
	}
	if failed := c.refuseBootService(ctx); failed != nil {
		return "", failed
	}
	for {
		stored, token := a, c.tokenFor()
		if token != "" {
			stored.KernelParameters = strings.TrimSpace(a.KernelParameters + " " + tokenParameter + token)
		}
		stored.KernelParameters = spared(stored)
		given, failed := c.put(ctx, ids, bootParameters{Hosts: ids, Kernel: a.Kernel, Initrd: a.Initrd, Params: stored.KernelParameters})
		if failed != nil {
			return "", failed
		}
		again, failed := c.byMAC(ctx, ids, stored)
		switch {
		case failed != nil:
			return "", failed
		case again:
			continue
		}
		return cmp.Or(token, given), nil
	}
}

// spared are the kernel parameters as BSS has to be given them. It puts initrd=initrd in
// front of them, and cuts out what it takes for another one: from the first "initrd",
// wherever that is, to the next space. So root=http://images/initrd-tools/rootfs would
// become root=http://images/ without a word. An initrd= of our own is what is cut out.
func spared(a bos.BootArtifacts) string {
	at := strings.Index(a.KernelParameters, "initrd")
	if a.Initrd == "" || at < 0 {
		return a.KernelParameters
	}
	if whole := at == 0 || a.KernelParameters[at-1] == ' '; whole && strings.HasPrefix(a.KernelParameters[at:], "initrd=") {
		return a.KernelParameters
	}
	return "initrd=initrd " + a.KernelParameters
}

// put is one write. The token is BSS' own.
func (c *Client) put(ctx context.Context, ids []string, p bootParameters) (token string, failed *bos.CallError) {
	res, err := c.http.Do(bos.ActingOn(ctx, ids...), transport.Request{Method: http.MethodPut, URL: c.url + "/bootparameters", Body: p})
	if res == nil || !transport.Accepted(res.Status) || transport.ClassOf(err) == transport.ClassGateway {
		return "", judge(err)
	}
	// The write is done whatever became of the body, which is empty.
	token = res.Header.Get(tokenHeader)
	if len(token) > maxToken {
		return "", &bos.CallError{
			Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage,
			Detail: fmt.Sprintf("BSS answered with a %s of %d bytes; check that boot_parameters.bss.url is a BSS", tokenHeader, len(token)),
		}
	}
	return token, nil
}

// check refuses what would become other lines of BSS' scripts, and parameters with
// which these would lose the node's name and token: BSS takes any, and writes them
// as they are.
func check(ids []string, a bos.BootArtifacts) error {
	if err := bos.CheckBootFiles(a); err != nil {
		return err
	}
	if err := bos.CheckKernelParameters(a.KernelParameters); err != nil {
		return err
	}
	longest := ""
	for _, id := range ids {
		if len(id) > len(longest) {
			longest = id
		}
	}
	return bos.CheckCommandLine(longest, "", a.KernelParameters)
}

// judge says what is known about a write that failed. BSS has boot parameters for
// hosts that it does not know as well, so that it lacks something is about the
// service or the gateway before it, never about the nodes.
func judge(err error) *bos.CallError {
	failed := &bos.CallError{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
	switch transport.ClassOf(err) {
	case transport.ClassAway, transport.ClassCaller, transport.ClassGateway, transport.ClassUnsupported, transport.ClassAbsent:
		failed.Outcome = bos.CallNotAttempted
		if transport.Cancelled(err) {
			failed.Cause = bos.CauseNone
		}
	case transport.ClassBusy:
		failed.Outcome = bos.CallBusy
	case transport.ClassRefused:
		failed.Outcome, failed.Cause = bos.CallRefused, bos.CauseBootParameters
	case transport.ClassNone, transport.ClassMaybe:
	}
	return failed
}
