package bootscript

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

// query says which node a request is about.
type query struct {
	name, mac string
	nid       int
	hasNID    bool
	// retry says that the node could not load or start what its script named.
	retry bool
}

func (q query) given() bool { return q.name != "" || q.mac != "" || q.hasNID }

// readQuery reads name, mac, nid and retry; what else scripts of BSS send along (arch,
// ts) says nothing about which node it is.
func readQuery(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, refusef(http.StatusBadRequest, "the query %q cannot be read; encode it", clip(r.URL.RawQuery))
	}
	q := query{name: values.Get("name"), retry: values.Get("retry") != ""}
	if len(q.name) > maxHost || strings.ContainsFunc(q.name, unprintable) {
		return q, refusef(http.StatusBadRequest, "name %q is no xname", clip(q.name))
	}
	if text := values.Get("mac"); text != "" {
		mac, ok := nodenames.CanonicalMAC(text)
		if !ok {
			return q, refusef(http.StatusBadRequest, "mac %q is no MAC address such as 00:40:a6:5f:a5:ac", clip(text))
		}
		q.mac = mac
	}
	if text := values.Get("nid"); text != "" {
		if q.nid, err = strconv.Atoi(text); err != nil || q.nid < 0 {
			return q, refusef(http.StatusBadRequest, "nid %q is no number", clip(text))
		}
		q.hasNID = true
	}
	return q, nil
}

// encode is the query of the line that asks again.
func (q query) encode() string {
	values := make(url.Values)
	switch {
	case q.name != "":
		values.Set("name", q.name)
	case q.mac != "":
		values.Set("mac", q.mac)
	default:
		values.Set("nid", strconv.Itoa(q.nid))
	}
	return values.Encode()
}

// keys are the hosts under which the store may have the node, the better first.
func (e *Endpoint) keys(r *http.Request, q query) []string {
	var keys []string
	for _, name := range []string{q.name, q.mac} {
		if name == "" {
			continue
		}
		key := hostKey(name)
		keys = append(keys, key)
		// A name may be a MAC address as well, and then is a node's all the same.
		if id, ok := e.names.ByMAC(r.Context(), key); ok {
			keys = append(keys, id)
		}
	}
	if q.hasNID {
		if id, ok := e.names.ByNID(r.Context(), q.nid); ok {
			keys = append(keys, id)
		}
	}
	return keys
}

// script answers the iPXE script of a node. One for which there is nothing, or
// whose files cannot be linked to now, is told to ask again: it is booting and
// has nothing else to do.
func (e *Endpoint) script(w http.ResponseWriter, r *http.Request) error {
	q, err := readQuery(r)
	if err == nil && !q.given() {
		err = refusef(http.StatusBadRequest, "the query says no node; ask with name=XNAME, mac=ADDRESS or nid=NUMBER")
	}
	if err != nil {
		e.lost(r, err)
		return err
	}
	again, err := e.again(r, q)
	if err != nil {
		return err
	}
	keys := e.keys(r, q)
	source, err := e.source(r, keys)
	if err != nil {
		return err
	}
	text := ""
	if source == nodenames.MayBe {
		if text, err = e.found(r, again, q, keys); err != nil {
			return err
		}
	}
	if text == "" {
		text = "#!ipxe\n" + askingAgain("again", e.config.AskAgain, again)
	}
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store") // a token is in it
	_, _ = w.Write([]byte(text))                // the client is gone if this fails
	return nil
}

// askingAgain is the end of a script, a loop that asks for the next one, also
// while nobody answers. The next script replaces this one: in a BIOS iPXE there
// is room for a dozen that wait for each other. What was loaded is let go before
// the pause, as memory that is given back after it is not found again.
func askingAgain(label string, pause time.Duration, url string) string {
	return fmt.Sprintf(":%s\nimgfree\nsleep %d\nchain --replace %s || goto %[1]s\n", label, int(pause/time.Second), url)
}

// found is the script of what one of the keys boots, empty for none.
func (e *Endpoint) found(r *http.Request, again string, q query, keys []string) (string, error) {
	list, err := e.config.Store.HostBoots(r.Context(), keys)
	if err != nil {
		// An error is the end of iPXE's patience.
		e.config.Log.Error("the database cannot be asked for what a node boots; it asks again", "error", err)
		return "", nil
	}
	boot, ok := first(list, keys)
	if !ok {
		return "", nil
	}
	text, err := e.compose(r.Context(), again, asker{q.asker(), e.reportsTo(r)}, boot)
	if err != nil {
		e.config.Log.Warn("the files a node boots cannot be linked to; it asks again", "host", boot.Host, "error", err)
		return "", nil
	}
	e.gave(boot, q)
	return text, nil
}

// gave tells of a script that a node is given.
func (e *Endpoint) gave(boot bos.HostBoot, q query) {
	if q.retry && e.warned.begin(boot.Host, boot.Token) {
		e.config.Log.Warn("a node could not load or start what its boot script names, and is given it again", "host", boot.Host,
			"kernel", bos.Unsigned(boot.Artifacts.Kernel), "initrd", bos.Unsigned(boot.Artifacts.Initrd))
	}
	if e.config.Fetched != nil {
		e.config.Fetched(bos.ScriptFetch{Host: boot.Host, Token: boot.Token, Again: q.retry})
	}
}

// once remembers for which token each host was warned of last.
type once struct {
	mu sync.Mutex
	of map[string]string
}

// begin reports whether it is the first time for the token.
func (o *once) begin(host, token string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.of == nil {
		o.of = make(map[string]string)
	}
	first := o.of[host] != token
	o.of[host] = token
	return first
}

// first is what the first of the keys that has something boots.
func first(found []bos.HostBoot, keys []string) (bos.HostBoot, bool) {
	for _, key := range keys {
		for _, b := range found {
			if b.Host == key {
				return b, true
			}
		}
	}
	return bos.HostBoot{}, false
}

// source keeps one node's script, and the token in it, from others.
func (e *Endpoint) source(r *http.Request, keys []string) (nodenames.Asker, error) {
	if e.config.AnySource {
		return nodenames.MayBe, nil
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return nodenames.Other, refusef(http.StatusForbidden, "it cannot be told who asks")
	}
	for _, key := range keys {
		verdict := e.names.Judge(r.Context(), from.Addr(), key)
		if verdict == nodenames.Unknown {
			return nodenames.Unknown, nil
		}
		if _, isMAC := nodenames.CanonicalMAC(key); isMAC {
			continue // the node it belongs to, if it is known, is a key too
		}
		if verdict == nodenames.Other {
			e.config.Log.Warn("a boot script was asked for from an address that is not the node's", "host", key, "address", from.Addr().String())
			return nodenames.Other, refusef(http.StatusForbidden, "the inventory knows %s by other addresses than %s, or that address as another node's; correct it there, or set boot_parameters.builtin.any_source if nodes ask through a proxy", key, from.Addr())
		}
	}
	return nodenames.MayBe, nil
}

// compose writes the script: load both files, boot, and after a failure ask
// again, as the links in it are good for a while only. Who the node is and its
// token come before the parameters: a kernel drops the end of a line that is too
// long for it.
func (e *Endpoint) compose(ctx context.Context, again string, who asker, b bos.HostBoot) (string, error) {
	kernel, err := e.link(ctx, b.Artifacts.Kernel)
	if err != nil {
		return "", err
	}
	line, err := e.commandLine(ctx, who, b)
	if err != nil {
		return "", err
	}
	var s strings.Builder
	fmt.Fprintf(&s, "#!ipxe\nkernel --name kernel %s %s || goto boot_retry\n", kernel, line)
	if b.Artifacts.Initrd != "" {
		initrd, err := e.link(ctx, b.Artifacts.Initrd)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&s, "initrd --name initrd %s || goto boot_retry\n", initrd)
	}
	s.WriteString("boot || goto boot_retry\n" + askingAgain("boot_retry", e.config.LoadAgain, again+"&retry=1"))
	return s.String(), nil
}

// xname is that of a host, if it is known.
func (e *Endpoint) xname(ctx context.Context, host string) (string, bool) {
	if _, isMAC := nodenames.CanonicalMAC(host); isMAC {
		return e.names.ByMAC(ctx, host)
	}
	return host, true
}

// link is an address of a file that iPXE can load.
func (e *Endpoint) link(ctx context.Context, path string) (string, error) {
	if e.config.Link == nil || !strings.HasPrefix(path, "s3://") {
		return path, nil
	}
	return e.config.Link(ctx, path)
}

// again is where to ask for the same script: where the settings say, or else where
// the node asked.
func (e *Endpoint) again(r *http.Request, q query) (string, error) {
	base := e.config.URL
	if base == "" {
		if r.Host == "" || strings.ContainsFunc(r.Host, strangeInHost) {
			return "", refusef(http.StatusBadRequest, "the Host %q cannot be carried in a boot script; ask by a plain name or address, or set boot_parameters.builtin.url", clip(r.Host))
		}
		base = "http://" + r.Host + strings.TrimSuffix(r.URL.Path, "/bootscript")
	}
	return base + "/bootscript?" + q.encode(), nil
}

// strangeInHost are characters that no name, address or port has.
func strangeInHost(r rune) bool {
	return !strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-_[]", r)
}
