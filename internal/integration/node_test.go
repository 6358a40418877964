//go:build linux

package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// node does what hardware does once its power is on: it asks BSS for its script,
// and tells BOS what it booted.
type node struct {
	*bmc
	bss, bos string
}

// live plays the nodes until the test ends.
func live(t *testing.T, bmcs []*bmc, bss, bosURL string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, b := range bmcs {
		n := node{b, bss, bosURL}
		all.Go(func() { n.live(ctx, t) })
	}
	t.Cleanup(all.Wait)
	t.Cleanup(stop)
}

func (n node) live(ctx context.Context, t *testing.T) {
	off := func() {}
	var booting sync.WaitGroup
	defer booting.Wait()
	defer func() { off() }()
	for {
		select {
		case <-ctx.Done():
			return
		case reset := <-n.accepted:
			off()
			booting.Wait()
			if reset != "On" {
				continue
			}
			power, cut := context.WithCancel(ctx)
			off = cut
			booting.Go(func() {
				if err := n.boot(power, t); err != nil && power.Err() == nil {
					t.Errorf("%s: %v", n.Node, err)
				}
			})
		}
	}
}

func (n node) boot(ctx context.Context, t *testing.T) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n.power(t) != "On" {
		if err := next(ctx, tick); err != nil {
			return err
		}
	}
	for {
		artifacts, err := n.script(ctx)
		if err != nil {
			return err
		}
		state := map[string]any{"boot_artifacts": artifacts}
		if token := tokenWord.FindStringSubmatch(artifacts.KernelParameters); token != nil {
			state = map[string]any{"bss_token": token[1]}
		}
		report, err := json.Marshal(map[string]any{"id": n.Node, "actual_state": state})
		if err != nil {
			return err
		}
		status, answer, err := ask(ctx, http.MethodPatch, n.bos+"/v2/components/"+n.Node, string(report))
		switch {
		case err != nil:
			return err
		case status == http.StatusOK:
			return nil
		case status != http.StatusConflict:
			return fmt.Errorf("the report was answered %d %s", status, answer)
		}
		if err := next(ctx, tick); err != nil {
			return err
		}
	}
}

func next(ctx context.Context, tick *time.Ticker) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-tick.C:
		return nil
	}
}

var (
	kernelLine = regexp.MustCompile(`(?m)^kernel --name kernel (\S+) initrd=initrd (.*) xname=(\S+) nid=\d+((?: \S+=\S+)*) \|\|`)
	initrdLine = regexp.MustCompile(`(?m)^initrd --name initrd (\S+) \|\|`)
	tokenWord  = regexp.MustCompile(`(?:^| )bss_referral_token=(\S+)`)
	setLine    = regexp.MustCompile(`(?m)^set (kernel|initrd|params) (.*)$`)
)

// ofBootService reads a script of boot-service, in which there is no name of the node.
func (n node) ofBootService(ctx context.Context) (bos.BootArtifacts, error) {
	status, script, err := ask(ctx, http.MethodGet, n.bss+"/bootscript?mac="+n.MAC, "")
	if err != nil {
		return bos.BootArtifacts{}, err
	}
	set := make(map[string]string)
	for _, line := range setLine.FindAllSubmatch(script, -1) {
		set[string(line[1])] = string(line[2])
	}
	a := bos.BootArtifacts{Kernel: set["kernel"], Initrd: set["initrd"], KernelParameters: set["params"]}
	if status != http.StatusOK || !strings.HasSuffix(a.KernelParameters, " BOOTIF=01-"+strings.ReplaceAll(n.MAC, ":", "-")) || !tokenWord.MatchString(a.KernelParameters) {
		return a, fmt.Errorf("the boot script was answered %d %s", status, script)
	}
	return a, nil
}

// script reads what BSS tells the node to boot. OpenCHAMI's BSS tells no token of
// its own, so without one among the parameters the kernel, the initrd and the
// parameters are all that the node can report.
func (n node) script(ctx context.Context) (bos.BootArtifacts, error) {
	if !strings.HasSuffix(n.bss, "/boot/v1") {
		return n.ofBootService(ctx)
	}
	query := "name=" + n.Node
	if n.MAC != "" {
		query = "mac=" + n.MAC
	}
	status, script, err := ask(ctx, http.MethodGet, n.bss+"/bootscript?"+query, "")
	if err != nil {
		return bos.BootArtifacts{}, err
	}
	kernel, initrd := kernelLine.FindSubmatch(script), initrdLine.FindSubmatch(script)
	if status != http.StatusOK || kernel == nil || initrd == nil || string(kernel[3]) != n.Node || strings.Count(string(script), "bss_referral_token=") > 1 {
		return bos.BootArtifacts{}, fmt.Errorf("the boot script was answered %d %s", status, script)
	}
	a := bos.BootArtifacts{KernelParameters: string(kernel[2])}
	if token := tokenWord.FindSubmatch(kernel[4]); token != nil { // BSS on etcd tells one of its own
		a.KernelParameters += " bss_referral_token=" + string(token[1])
	}
	if a.Kernel, err = unsigned(string(kernel[1])); err != nil {
		return a, err
	}
	a.Initrd, err = unsigned(string(initrd[1]))
	return a, err
}

// unsigned is the s3:// path of the signed address that BSS makes of it.
func unsigned(signed string) (string, error) {
	u, err := url.Parse(signed)
	if err != nil || !u.Query().Has("X-Amz-Signature") {
		return "", fmt.Errorf("%q is no signed address", signed)
	}
	return "s3:/" + u.Path, nil
}
