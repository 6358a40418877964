package emulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// SetBootScripts makes nodes fetch their scripts over HTTP, as iPXE does, from
// the endpoint at url, the prefix before /bootscript, and load from this
// server's S3 what it holds of the files the script names.
func (s *Server) SetBootScripts(url string) {
	s.reporter.setScripts(url)
	s.room.FetchScripts()
}

func (p *reporter) setScripts(url string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.scripts = strings.TrimSuffix(url, "/")
}

// maxScript and maxFile bound what a node loads, in bytes.
const (
	maxScript = 64 << 10
	maxFile   = 1 << 20
)

var (
	errAskAgain = errors.New("there is nothing to boot yet")
	// kernelLine is the URL of the kernel and its command line, initrdLine
	// that of the initrd.
	kernelLine = regexp.MustCompile(`(?m)^kernel --name kernel (\S+)(.*) \|\|`)
	// added is what a script adds to the kernel parameters, in front of them or
	// behind; of these the token is the one that the node reports.
	added      = regexp.MustCompile(` (?:initrd=initrd|xname=\S+|nid=\d+)`)
	tokenWord  = regexp.MustCompile(` bss_referral_token=(\S+)`)
	initrdLine = regexp.MustCompile(`(?m)^initrd --name initrd (\S+) \|\|`)
)

// deliver tells BOS what a node booted, after fetching that where it must.
func (p *reporter) deliver(ctx context.Context, bosURL string, d *delivery) verdict {
	if d.Token != machineroom.Elsewhere {
		return p.tell(ctx, bosURL, d.Report)
	}
	p.mu.Lock()
	scripts := p.scripts
	p.mu.Unlock()
	fetched, err := p.boot(ctx, scripts, d.Node)
	switch {
	case errors.Is(err, errAskAgain):
		return verdictUnknown
	case err != nil:
		p.log.Warn("a node cannot boot what its script says; it tries again", "node", d.Node, "error", err)
		return verdictUnknown
	case !p.room.Fetched(d.Report, fetched.artifacts, fetched.token):
		return verdictOver
	}
	d.Token, d.Artifacts = fetched.token, fetched.artifacts
	return p.tell(ctx, bosURL, d.Report)
}

// script is what a node boots.
type script struct {
	artifacts bos.BootArtifacts
	token     string
}

// boot fetches a node's script and loads what it names.
func (p *reporter) boot(ctx context.Context, scripts, id string) (script, error) {
	text, err := p.load(ctx, scripts+"/bootscript?name="+url.QueryEscape(id), maxScript, p.authorize)
	if err != nil {
		return script{}, err
	}
	kernel, initrd := kernelLine.FindStringSubmatch(text), initrdLine.FindStringSubmatch(text)
	if kernel == nil {
		return script{}, errAskAgain
	}
	token := tokenWord.FindStringSubmatch(kernel[2])
	if token == nil {
		return script{}, errAskAgain
	}
	parameters := added.ReplaceAllString(strings.Replace(kernel[2], token[0], "", 1), "")
	s := script{artifacts: bos.BootArtifacts{KernelParameters: strings.TrimPrefix(parameters, " ")}, token: token[1]}
	if s.artifacts.Kernel, err = p.file(ctx, kernel[1]); err != nil {
		return script{}, err
	}
	if initrd != nil {
		s.artifacts.Initrd, err = p.file(ctx, initrd[1])
	}
	return s, err
}

// file loads a file of this server's S3 and returns its s3:// path. Any other
// address is returned as it is: no real image store is asked for a file by
// thousands of emulated nodes.
func (p *reporter) file(ctx context.Context, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%q is no URL: %w", address, err)
	}
	if u.Host != p.store {
		return address, nil
	}
	if _, err := p.load(ctx, address, maxFile, func(*http.Request) {}); err != nil {
		return "", err
	}
	return "s3:/" + u.Path, nil
}

func (p *reporter) load(ctx context.Context, address string, most int64, prepare func(*http.Request)) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	prepare(req)
	res, err := p.client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %s answered %s: %.200s", req.URL.Path, res.Status, body)
	}
	return string(body), nil
}
