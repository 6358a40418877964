package bootscript

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

// asker is who asks for a script: by which MAC address, empty if by another name, and
// where it reports, empty for nowhere that is known here.
type asker struct{ mac, reportsTo string }

// The words by which a node reports what it booted, as the agent in it reads them.
const (
	wordAPI       = "bos_api="
	wordNodeToken = "bos_node_token=" //nolint:gosec // the word, no token
)

// nodeTokenAdds is how long node tokens make a command line.
const nodeTokenAdds = len(wordNodeToken) + 32 + 1

// commandLine is that of a node's kernel: who it is, its tokens, and its parameters,
// with links in place of the paths of objects. What comes first counts where words are
// there twice.
func (e *Endpoint) commandLine(ctx context.Context, who asker, b bos.HostBoot) (string, error) {
	var words []string
	if b.Artifacts.Initrd != "" {
		words = append(words, "initrd=initrd")
	}
	id, known := e.xname(ctx, b.Host)
	if known {
		words = append(words, "xname="+id)
		if nid := e.names.NID(ctx, id); nid > 0 {
			words = append(words, fmt.Sprintf("nid=%d", nid))
		}
	}
	words = append(words, "bss_referral_token="+b.Token)
	if known && e.config.NodeToken != nil {
		token, err := e.config.NodeToken(ctx, id, b.Token)
		if err != nil {
			return "", err
		}
		words = append(words, wordNodeToken+token)
	}
	parameters, err := e.linked(ctx, b.Artifacts.KernelParameters)
	if err != nil {
		return "", err
	}
	if parameters != "" {
		words = append(words, parameters)
	}
	line := strings.Join(words, " ")
	if who.mac != "" && !e.config.NoBootIF && !hasWord(parameters, "BOOTIF=") {
		line = ifRoom("BOOTIF=01-"+strings.ReplaceAll(who.mac, ":", "-"), line)
	}
	if who.reportsTo != "" && !hasWord(parameters, wordAPI) {
		line = ifRoom(wordAPI+who.reportsTo, line)
	}
	return line, nil
}

// ifRoom puts a word that a node can do without in front of a line, if a kernel keeps
// both.
func ifRoom(word, line string) string {
	if with := word + " " + line; len(with) <= bos.MaxCommandLine {
		return with
	}
	return line
}

// reportsTo is where a node reports that asks for its script by a request.
func (e *Endpoint) reportsTo(r *http.Request) string {
	switch {
	case !e.config.Reports:
		return ""
	case e.config.ReportURL != "":
		return e.config.ReportURL
	case e.config.URL != "":
		for _, prefix := range slices.Backward(Prefixes) { // the longer one first
			if base, ours := strings.CutSuffix(e.config.URL, prefix); ours {
				return base
			}
		}
		return "" // a proxy has it under a path of its own
	default:
		return "http://" + r.Host // which again has looked at
	}
}

// asker is the MAC address by which a node asks, empty if it asks by another name.
func (q query) asker() string {
	if q.mac != "" {
		return q.mac
	}
	mac, _ := nodenames.CanonicalMAC(q.name)
	return mac
}

// hasWord reports whether parameters have a word that begins so: what a template says
// itself is not said again.
func hasWord(parameters, begin string) bool {
	for word := range strings.FieldsSeq(parameters) {
		if strings.HasPrefix(word, begin) {
			return true
		}
	}
	return false
}

// objects are the paths of objects within kernel parameters, such as in
// root=live:s3://bucket/key. A comma ends one, as in lists of settings.
var objects = regexp.MustCompile(`s3://[^\s,;"']+`)

// linked are parameters with links in place of the paths of objects, which nothing in
// a node can load.
func (e *Endpoint) linked(ctx context.Context, parameters string) (string, error) {
	if e.config.Link == nil {
		return parameters, nil
	}
	var failed error
	text := objects.ReplaceAllStringFunc(parameters, func(path string) string {
		link, err := e.config.Link(ctx, path)
		if err != nil && failed == nil {
			failed = err
		}
		return link
	})
	return text, failed
}

// unfilled are passages that boot script services elsewhere fill in. Here iPXE takes
// them for settings of its own, and has none.
var unfilled = regexp.MustCompile(`\$\{[A-Z][A-Z0-9_]*\}`)

// checkLinks refuses parameters whose command line becomes longer than a kernel keeps
// by the links that take the place of paths.
func (e *Endpoint) checkLinks(ctx context.Context, hosts []string, a bos.BootArtifacts) error {
	if word := unfilled.FindString(a.KernelParameters); word != "" {
		e.config.Log.Warn("kernel parameters have a passage that nobody fills in, so that it is empty when the node boots; write the value, or take it out",
			"passage", word, "hosts", bos.Fold(hosts[:min(len(hosts), 10)]))
	}
	for _, path := range []string{a.Kernel, a.Initrd} {
		if _, err := e.link(ctx, path); errors.Is(err, bos.ErrImage) {
			return err
		}
	}
	text, err := e.linked(ctx, a.KernelParameters)
	if err != nil {
		return fmt.Errorf("params: %w", err)
	}
	if text == a.KernelParameters {
		return nil
	}
	if err := e.checkLength(hosts, text); err != nil {
		return fmt.Errorf("params: with %d bytes of links in place of s3:// paths %w", len(text)-len(a.KernelParameters), err)
	}
	return nil
}

// checkLength refuses parameters whose command line is longer than a kernel keeps, with
// all that it must have.
func (e *Endpoint) checkLength(hosts []string, parameters string) error {
	adds := bos.ScriptAdds
	if e.config.NodeToken != nil {
		adds += strings.Repeat(" ", nodeTokenAdds)
	}
	return bos.CheckCommandLine(longestName(hosts), adds, parameters)
}
