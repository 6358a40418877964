package bootscript

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// commandLine is that of a node's kernel: who it is, its token, and its parameters,
// with links in place of the paths of objects.
func (e *Endpoint) commandLine(ctx context.Context, mac string, b bos.HostBoot) (string, error) {
	var words []string
	if b.Artifacts.Initrd != "" {
		words = append(words, "initrd=initrd")
	}
	if id, ok := e.xname(ctx, b.Host); ok {
		words = append(words, "xname="+id)
		if nid := e.names.nid(ctx, id); nid > 0 {
			words = append(words, fmt.Sprintf("nid=%d", nid))
		}
	}
	words = append(words, "bss_referral_token="+b.Token)
	parameters, err := e.linked(ctx, b.Artifacts.KernelParameters)
	if err != nil {
		return "", err
	}
	if parameters != "" {
		words = append(words, parameters)
	}
	line := strings.Join(words, " ")
	if mac == "" || e.config.NoBootIF || hasBootIF(parameters) {
		return line, nil
	}
	with := "BOOTIF=01-" + strings.ReplaceAll(mac, ":", "-") + " " + line
	if len(with) > bos.MaxCommandLine {
		return line, nil
	}
	return with, nil
}

// asker is the MAC address by which a node asks, empty if it asks by another name.
func (q query) asker() string {
	if q.mac != "" {
		return q.mac
	}
	mac, _ := canonicalMAC(q.name)
	return mac
}

// hasBootIF reports whether parameters say themselves over which interface the node
// was booted.
func hasBootIF(parameters string) bool {
	for word := range strings.FieldsSeq(parameters) {
		if strings.HasPrefix(word, "BOOTIF=") {
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
	if err := bos.CheckCommandLine(longestName(hosts), bos.ScriptAdds+text); err != nil {
		return fmt.Errorf("params: with %d bytes of links in place of s3:// paths %w", len(text)-len(a.KernelParameters), err)
	}
	return nil
}
