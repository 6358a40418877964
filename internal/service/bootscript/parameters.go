package bootscript

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

// The limits of a request, those of the v2 API where it has the same fields.
const (
	maxBody     = 16 << 20
	maxHosts    = 65_535
	maxHost     = 127
	maxPath     = 4095
	tokenHeader = "Bss-Referral-Token" //nolint:gosec // the name of a header
)

// parameters is what BSS takes and gives for hosts. A member that is not given
// is nil.
type parameters struct {
	Hosts  few[string] `json:"hosts,omitempty"`
	MACs   few[string] `json:"macs,omitempty"`
	NIDs   few[int]    `json:"nids,omitempty"`
	Params *string     `json:"params,omitempty"`
	Kernel *string     `json:"kernel,omitempty"`
	Initrd *string     `json:"initrd,omitempty"`
}

// few is a list that is read only as far as a request may name hosts.
type few[T any] []T

// UnmarshalJSONFrom reads no more than maxHosts entries.
func (f *few[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == 'n' { // as BSS has it: a list that is not given
		return dec.SkipValue()
	}
	return edge.ReadList(dec, maxHosts, func(entry T) error {
		*f = append(*f, entry)
		return nil
	})
}

// artifacts are those given, others as they were.
func (p parameters) artifacts(a bos.BootArtifacts) bos.BootArtifacts {
	for to, from := range map[*string]*string{&a.Kernel: p.Kernel, &a.Initrd: p.Initrd, &a.KernelParameters: p.Params} {
		if from != nil {
			*to = *from
		}
	}
	return a
}

// What clients do to boot parameters, as kinds of events. What BOS itself writes
// is in the history as its power actions are.
const (
	eventStored  = "boot_parameters_stored"
	eventChanged = "boot_parameters_changed"
	eventDeleted = "boot_parameters_deleted"
)

// note is the event of a write, one for each host.
func (e *Endpoint) note(r *http.Request, kind string) bos.Event {
	return bos.Event{Time: e.config.Now().UTC(), Kind: kind, Actor: access.Actor(r), From: access.From(r), Request: edge.TraceOf(r.Context()).ID()}
}

// read decodes a request and resolves whom it is about.
func (e *Endpoint) read(w http.ResponseWriter, r *http.Request) (parameters, []string, error) {
	var p parameters
	read := &p // nil for null
	err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), &read, json.RejectUnknownMembers(true))
	if err == nil && read == nil {
		err = errors.New("it is null")
	}
	var tooLarge *http.MaxBytesError
	var many *edge.TooManyError
	switch busy := edge.Overload(err); {
	case busy != nil:
		return p, nil, refusef(busy.Status, "%s", busy.Detail)
	case errors.As(err, &tooLarge):
		return p, nil, refusef(http.StatusRequestEntityTooLarge, "the body has more than %d bytes; send fewer hosts at a time", maxBody)
	case errors.As(err, &many):
		return p, nil, refusef(http.StatusBadRequest, "a list %s; send fewer hosts at a time", many)
	case err != nil:
		return p, nil, refusef(http.StatusBadRequest, "the body is not what is expected: %s; this endpoint takes hosts, macs, nids, kernel, initrd and params", clip(strings.ToValidUTF8(err.Error(), "?")))
	}
	hosts, err := e.hosts(r, p)
	return p, hosts, err
}

// hosts are the keys under which the store has the hosts of a request.
func (e *Endpoint) hosts(r *http.Request, p parameters) ([]string, error) {
	if n := len(p.Hosts) + len(p.MACs) + len(p.NIDs); n > maxHosts {
		return nil, refusef(http.StatusBadRequest, "%d hosts are more than %d; send fewer at a time", n, maxHosts)
	}
	hosts := make([]string, 0, len(p.Hosts))
	for _, name := range p.Hosts {
		if name == "" || len(name) > maxHost || !utf8.ValidString(name) || strings.ContainsFunc(name, unprintable) {
			return nil, refusef(http.StatusBadRequest, "hosts: %q is no host name; use xnames", clip(name))
		}
		hosts = append(hosts, hostKey(name))
	}
	for _, text := range p.MACs {
		mac, ok := nodenames.CanonicalMAC(text)
		if !ok {
			return nil, refusef(http.StatusBadRequest, "macs: %q is no MAC address such as 00:40:a6:5f:a5:ac", clip(text))
		}
		hosts = append(hosts, mac)
	}
	for _, nid := range p.NIDs {
		id, ok := e.names.ByNID(r.Context(), nid)
		if !ok {
			return nil, refusef(http.StatusBadRequest, "nids: the inventory has no node with NID %d; use hosts or macs", nid)
		}
		hosts = append(hosts, id)
	}
	return bos.Distinct(hosts), nil
}

// hostKey is a host as it is stored: a MAC address or an xname in its
// canonical form.
func hostKey(name string) string {
	if mac, ok := nodenames.CanonicalMAC(name); ok {
		return mac
	}
	return bos.CanonicalXname(name)
}

// put replaces what hosts boot. As with BSS, hosts nobody knows are taken, and
// none at all is no error.
func (e *Endpoint) put(w http.ResponseWriter, r *http.Request) error {
	return e.store(w, r, http.StatusOK)
}

// post does the same; BSS' only other answer is its status.
func (e *Endpoint) post(w http.ResponseWriter, r *http.Request) error {
	return e.store(w, r, http.StatusCreated)
}

func (e *Endpoint) store(w http.ResponseWriter, r *http.Request, status int) error {
	p, hosts, err := e.read(w, r)
	if err != nil {
		return err
	}
	a := p.artifacts(bos.BootArtifacts{})
	if len(hosts) == 0 {
		return answer(w, status, nil)
	}
	if err := e.checkArtifacts(r.Context(), hosts, a); err != nil {
		return refusef(http.StatusBadRequest, "%s", err)
	}
	token := e.token()
	if err := e.config.Store.PutHostBoots(r.Context(), hosts, a, token, e.note(r, eventStored)); err != nil {
		return err
	}
	w.Header().Set(tokenHeader, token)
	return answer(w, status, nil)
}

// patch changes what hosts boot. There is no token in the answer: hosts that
// booted different things still do.
func (e *Endpoint) patch(w http.ResponseWriter, r *http.Request) error {
	p, hosts, err := e.read(w, r)
	if err != nil {
		return err
	}
	err = e.config.Store.MutateHostBoots(r.Context(), hosts, e.token, func(a *bos.BootArtifacts) error {
		*a = p.artifacts(*a)
		if err := e.checkArtifacts(r.Context(), hosts, *a); err != nil {
			return refusef(http.StatusBadRequest, "%s", err)
		}
		return nil
	}, e.note(r, eventChanged))
	if errors.Is(err, bos.ErrNotFound) {
		return refusef(http.StatusNotFound, "one of the hosts has no boot parameters to change (%s); PUT them first", clip(err.Error()))
	}
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, nil)
}

func (e *Endpoint) remove(w http.ResponseWriter, r *http.Request) error {
	_, hosts, err := e.read(w, r)
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		return refusef(http.StatusBadRequest, "the body names no host; this endpoint deletes by hosts, macs or nids only")
	}
	if err := e.config.Store.DeleteHostBoots(r.Context(), hosts, e.note(r, eventDeleted)); err != nil {
		return err
	}
	return answer(w, http.StatusOK, nil)
}

// list answers what the hosts named boot, or all of them. Tokens are not in it:
// they are for the node itself.
func (e *Endpoint) list(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	var hosts []string
	if q.given() {
		hosts = e.keys(r, q)
		for _, name := range r.URL.Query()["name"] { // as many as are asked for
			hosts = append(hosts, hostKey(name))
		}
		hosts = append(make([]string, 0, len(hosts)), hosts...) // nobody is not everybody
	}
	found, err := e.config.Store.HostBoots(r.Context(), hosts)
	if err != nil {
		return err
	}
	answers := make([]parameters, 0, len(found))
	for _, b := range found {
		p := parameters{Hosts: []string{b.Host}, Params: &b.Artifacts.KernelParameters, Kernel: &b.Artifacts.Kernel, Initrd: &b.Artifacts.Initrd}
		if _, ok := nodenames.CanonicalMAC(b.Host); ok {
			p.Hosts, p.MACs = nil, p.Hosts
		}
		answers = append(answers, p)
	}
	return answer(w, http.StatusOK, answers)
}

// checkArtifacts refuses what a script cannot carry, as it is and with links.
func (e *Endpoint) checkArtifacts(ctx context.Context, hosts []string, a bos.BootArtifacts) error {
	if err := checkArtifacts(a); err != nil {
		return err
	}
	if err := e.checkLength(hosts, a.KernelParameters); err != nil {
		return err
	}
	return e.checkLinks(ctx, hosts, a)
}

// checkArtifacts refuses what would become other lines or words of a script.
func checkArtifacts(a bos.BootArtifacts) error {
	for _, path := range []struct{ what, value string }{{"kernel", a.Kernel}, {"initrd", a.Initrd}} {
		switch {
		case len(path.value) > maxPath:
			return fmt.Errorf("%s has %d bytes, more than %d; give the path of a file", path.what, len(path.value), maxPath)
		case !utf8.ValidString(path.value) || strings.ContainsFunc(path.value, unprintable) || strings.Contains(path.value, " "):
			return fmt.Errorf("%s %q has characters that a boot script cannot carry; give a path without spaces and line breaks", path.what, clip(path.value))
		case strings.HasPrefix(path.value, "-") || bos.CheckIPXEWords(path.value) != nil:
			return fmt.Errorf("%s %q is no path to iPXE; give the path of a file", path.what, clip(path.value))
		}
	}
	if a.Kernel == "" {
		return errors.New("kernel is missing; give the path of one")
	}
	if err := bos.CheckKernelParameters(a.KernelParameters); err != nil {
		return fmt.Errorf("params: %w", err)
	}
	return nil
}

// longestName is the longest name that one of the hosts has in its script. A MAC
// address stands for an xname, which is hardly longer.
func longestName(hosts []string) string {
	longest := ""
	for _, host := range hosts {
		if len(host) > len(longest) {
			longest = host
		}
	}
	return longest
}

// unprintable are control characters: a line break would begin a command.
func unprintable(r rune) bool { return r < ' ' || r == 0x7f }
