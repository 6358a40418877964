// Package bootservice writes boot parameters to OpenCHAMI's boot-service: one boot
// configuration of its own for each set of nodes that boot the same. What others
// stored there is read and never changed.
package bootservice

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

const (
	// maxBody bounds one answer: 10,000 nodes are about 5 MB.
	maxBody        = 64 << 20
	defaultTimeout = 30 * time.Second
	retries        = 2
	setting        = "boot_parameters.bootservice"
	// tokenParameter is how a node is told its token on the kernel's line.
	tokenParameter = "bss_referral_token=" //nolint:gosec // the name of a parameter
	// maxScripts is of how many nodes the script is read after a write.
	maxScripts = 4
)

// Config is a boot-service and what is written to it.
type Config struct {
	transport.Upstream
	// Link makes an address of an object that every node can load; nil is none, and
	// s3:// paths are refused.
	Link func(ctx context.Context, path string) (string, error)
}

// Client writes to one boot-service. It is safe for concurrent use.
type Client struct {
	http *transport.Client
	url  string
	link func(ctx context.Context, path string) (string, error)
	// turn lets one write through at a time: each reads what the others made.
	turn chan struct{}
}

var _ bos.BootParameters = (*Client)(nil)

// New writes to the boot-service at c.URL, the prefix before /bootconfigurations, such
// as http://boot-service:8080. It connects when it is first used.
func New(c Config) *Client {
	return &Client{
		http: c.Open(transport.Config{
			Upstream: "boot-service", WayOut: wayOut, Timeout: defaultTimeout, MaxBody: maxBody, Retries: retries,
			Own: func(body []byte) bool { return message(body) != "" }, Message: message,
		}),
		url: c.Base(), link: c.Link, turn: make(chan struct{}, 1),
	}
}

func wayOut(e *transport.Error) string {
	switch {
	case transport.Unauthorized(e.Status):
		return "give " + setting + " the token of somebody who may read, write and delete boot configurations, such as one with the role admin"
	case e.Kind == transport.Refused && e.Status == http.StatusBadRequest:
		return "correct what it names, or check boot-service and " + setting + ".url"
	}
	return "check boot-service and " + setting + ".url"
}

// message is what boot-service says of an error.
func message(body []byte) string {
	var said struct{ Error, Message, Detail, Title string }
	if json.Unmarshal(body, &said) != nil {
		return ""
	}
	for _, text := range []string{said.Error, said.Detail, said.Title, said.Message} {
		if text != "" {
			return text
		}
	}
	return ""
}

// document is a boot configuration as boot-service takes and gives it.
type document struct {
	Metadata metadata `json:"metadata"`
	Spec     spec     `json:"spec"`
}

type metadata struct {
	Name   string            `json:"name"`
	UID    string            `json:"uid,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

const (
	// namePrefix begins the names of this service's configurations, and ownLabel has
	// the name: a copy that somebody made of one is theirs.
	namePrefix = "bos-"
	ownLabel   = "bos-configuration"
)

func (m metadata) own() bool {
	return strings.HasPrefix(m.Name, namePrefix) && m.Labels[ownLabel] == m.Name
}

// Write stores the artifacts for all ids as one configuration, and returns the token
// that is in their parameters. Earlier configurations of this service lose these
// nodes, and go when they have none left. What was written is read back. The error is
// a *bos.CallError, or bos.NodeErrors for nodes that cannot boot it.
func (c *Client) Write(ctx context.Context, ids []string, a bos.BootArtifacts) (string, error) {
	if len(ids) == 0 {
		return "", nil
	}
	token := uuid.NewString()
	boots, err := c.boots(ctx, ids, a, token)
	if err != nil {
		return "", refused(err.Error())
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return "", &bos.CallError{Outcome: bos.CallNotAttempted, Detail: "nothing was written to boot-service, as the call ended before its turn"}
	}
	known, err := c.read(ctx)
	if err != nil {
		return "", judge(err, false)
	}
	p := known.plan(ids, namePrefix+token, boots)
	if len(p.ids) > 0 {
		if failed := c.carryOut(bos.ActingOn(ctx, p.ids...), p); failed != nil {
			return "", failed
		}
	} else {
		token = ""
	}
	if len(p.refused) == 0 {
		return token, nil
	}
	errs := make(bos.NodeErrors, len(p.refused))
	for id, why := range p.refused {
		errs[id] = refused(why)
	}
	return token, errs
}

func refused(why string) *bos.CallError {
	return &bos.CallError{Outcome: bos.CallRefused, Cause: bos.CauseBootParameters, Detail: why}
}

// carryOut makes the new configuration before it takes nodes from the others, so that
// each has one at all times, and reads back what has become of it.
func (c *Client) carryOut(ctx context.Context, p plan) *bos.CallError {
	made, err := c.store(ctx, http.MethodPost, "", p.made)
	if err != nil {
		return judge(err, false)
	}
	for _, rest := range p.rest {
		if rest.Spec.targets() {
			_, err = c.store(ctx, http.MethodPut, "/"+url.PathEscape(rest.UID), rest)
		} else {
			_, err = c.http.Do(ctx, transport.Request{Method: http.MethodDelete, URL: c.url + configurationsPath + "/" + url.PathEscape(rest.UID)})
		}
		if err != nil && transport.ClassOf(err) != transport.ClassAbsent { // else somebody has removed it
			return judge(err, true)
		}
	}
	return c.verify(ctx, made, p)
}

const configurationsPath = "/bootconfigurations"

// store writes a configuration and returns its uid.
func (c *Client) store(ctx context.Context, method, at string, what configuration) (uid string, err error) {
	q := transport.Request{Method: method, URL: c.url + configurationsPath + at, Body: document{
		metadata{Name: what.Name, Labels: map[string]string{ownLabel: what.Name}}, what.Spec,
	}}
	res, err := c.http.Do(ctx, q)
	if err != nil {
		return "", err
	}
	var stored document
	if err := json.Unmarshal(res.Body, &stored); err != nil {
		return "", c.http.Broken(q, res, err)
	}
	if stored.Metadata.UID == "" {
		return "", c.http.Broken(q, res, fmt.Errorf("it has no metadata.uid"))
	}
	return stored.Metadata.UID, nil
}

// read is all that boot-service knows of nodes and what they boot.
func (c *Client) read(ctx context.Context) (room, error) {
	var (
		nodes []struct{ Spec node }
		list  []document
		r     room
	)
	if err := c.http.JSON(ctx, transport.Request{Method: http.MethodGet, URL: c.url + "/nodes"}, &nodes); err != nil {
		return r, err
	}
	if err := c.http.JSON(ctx, transport.Request{Method: http.MethodGet, URL: c.url + configurationsPath}, &list); err != nil {
		return r, err
	}
	for _, n := range nodes {
		r.nodes = append(r.nodes, n.Spec)
	}
	for _, d := range list {
		r.configurations = append(r.configurations, configuration{Name: d.Metadata.Name, UID: d.Metadata.UID, Own: d.Metadata.own(), Spec: d.Spec})
	}
	return r, nil
}

// verify reads back what was written: that boot-service has it as it was sent, that it
// is what each of the nodes boots, and that scripts say so.
func (c *Client) verify(ctx context.Context, uid string, p plan) *bos.CallError {
	now, err := c.read(ctx)
	if err != nil {
		return judge(err, true)
	}
	ours := p.made
	ours.UID = uid
	found := false
	for _, stored := range now.configurations {
		if stored.UID == uid {
			found = reflect.DeepEqual(stored.Spec, ours.Spec)
		}
	}
	if !found {
		return undone(fmt.Sprintf("boot-service took configuration %s and does not have it as it was sent; check boot-service and its storage", ours.Name))
	}
	ids := make(map[string]bool, len(p.ids))
	for _, id := range p.ids {
		ids[id] = true
	}
	for _, why := range now.check(choicesOf(now.configurations), ours, ids) {
		return undone(why + "; it came while boot parameters were written, which are written again")
	}
	return c.scripts(ctx, now, ours, p.ids)
}

// scripts asks for those of a few nodes, as the nodes do: boot-service may hand out
// one that it made before.
func (c *Client) scripts(ctx context.Context, now room, ours configuration, ids []string) *bos.CallError {
	for _, id := range few(ids) {
		for _, n := range now.of(id) {
			if n.BootMAC == "" {
				continue
			}
			res, err := c.http.Do(ctx, transport.Request{Method: http.MethodGet, URL: c.url + "/bootscript?mac=" + url.QueryEscape(strings.ToLower(n.BootMAC))})
			if err != nil {
				return judge(err, true)
			}
			text := string(res.Body)
			if !strings.Contains(text, "set kernel "+ours.Spec.Kernel+"\n") || !strings.Contains(text, "set params "+ours.Spec.Params) {
				return undone(fmt.Sprintf("boot-service has what was written and hands out another script for %s (%s): it keeps those of a configuration named default for five minutes; "+
					"boot parameters are written again until it hands out the new one; give that configuration another name", n.XName, n.BootMAC))
			}
		}
	}
	return nil
}

// few are up to maxScripts of the ids, spread over all.
func few(ids []string) []string {
	if len(ids) <= maxScripts {
		return ids
	}
	some := make([]string, maxScripts)
	for i := range some {
		some[i] = ids[i*(len(ids)-1)/(maxScripts-1)]
	}
	return some
}

// undone is a write that had its effect, and not the one that it was to have.
func undone(why string) *bos.CallError {
	return &bos.CallError{Outcome: bos.CallBusy, Cause: bos.CauseUpstreamOutage, Detail: why}
}

// objects are the paths of objects within kernel parameters.
var objects = regexp.MustCompile(`s3://[^\s,;"']+`)

// boots is what nodes boot, as boot-service is told: links in place of paths, the
// token, and the name by which UEFI firmware finds the initrd.
func (c *Client) boots(ctx context.Context, ids []string, a bos.BootArtifacts, token string) (spec, error) {
	var s spec
	for _, check := range []error{bos.CheckBootFiles(a), bos.CheckKernelParameters(a.KernelParameters)} {
		if check != nil {
			return s, check
		}
	}
	var err error
	if s.Kernel, err = c.linked(ctx, a.Kernel); err != nil {
		return s, err
	}
	if s.Initrd, err = c.linked(ctx, a.Initrd); err != nil {
		return s, err
	}
	words := []string{tokenParameter + token}
	if u, err := url.Parse(s.Initrd); err == nil && s.Initrd != "" {
		words = append(words, "initrd="+path.Base(u.Path))
	}
	parameters, err := c.linkedWithin(ctx, a.KernelParameters)
	if err != nil {
		return s, err
	}
	if parameters = strings.TrimSpace(parameters); parameters != "" {
		words = append(words, parameters)
	}
	// The token comes first: a kernel drops the end of a line that is too long.
	s.Params = strings.Join(words, " ")
	for name, text := range map[string]string{"the link to the kernel": s.Kernel, "the link to the initrd": s.Initrd, "kernel parameters": s.Params} {
		if i := strings.IndexAny(text, unwritable); i >= 0 {
			return s, fmt.Errorf("%s: boot-service writes scripts as if for HTML, in which the character %q at byte %d of %.200q becomes another; leave it out, or use boot_parameters.builtin", name, text[i], i, text)
		}
	}
	longest := ""
	for _, id := range ids {
		if len(id) > len(longest) {
			longest = id
		}
	}
	return s, bos.CheckCommandLine(longest, "", strings.Replace(s.Params, tokenParameter+token, bootIF, 1))
}

const (
	// unwritable are the characters that do not arrive in scripts of boot-service.
	unwritable = "\"'&<>+"
	// bootIF is what boot-service adds to the parameters.
	bootIF = "BOOTIF=01-00-00-00-00-00-00"
)

// linked is an address that a node can load a file from.
func (c *Client) linked(ctx context.Context, at string) (string, error) {
	switch {
	case !strings.HasPrefix(at, "s3://"):
		return at, nil
	case c.link == nil:
		return "", fmt.Errorf("boot-service hands out no link to %.200q: it takes http addresses alone and signs none; set %s.artifacts_url to where nodes may load the objects without keys, or use boot_parameters.builtin, which signs links", at, setting)
	}
	return c.link(ctx, at)
}

func (c *Client) linkedWithin(ctx context.Context, parameters string) (text string, err error) {
	text = objects.ReplaceAllStringFunc(parameters, func(at string) string {
		link, failed := c.linked(ctx, at)
		if failed != nil && err == nil {
			err = failed
		}
		return link
	})
	return text, err
}

// judge says what is known about a write that failed; begun says that something of
// it was sent before, so that what was there is not there any more.
func judge(err error, begun bool) *bos.CallError {
	failed := &bos.CallError{Outcome: bos.CallUnknown, Cause: bos.CauseUpstreamOutage, Detail: err.Error()}
	switch transport.ClassOf(err) {
	case transport.ClassAway, transport.ClassCaller, transport.ClassGateway, transport.ClassUnsupported, transport.ClassAbsent:
		if !begun {
			failed.Outcome = bos.CallNotAttempted
			if transport.Cancelled(err) {
				failed.Cause = bos.CauseNone
			}
		}
	case transport.ClassBusy:
		failed.Outcome = bos.CallBusy
	case transport.ClassRefused:
		failed.Outcome, failed.Cause = bos.CallRefused, bos.CauseBootParameters
	case transport.ClassNone, transport.ClassMaybe:
	}
	return failed
}
