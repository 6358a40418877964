package assembly

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/refusals"
	"github.com/bootorch/terraform-provider-bos/internal/service/bootscript"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/nodenames"
)

// wireBuiltin makes the built-in boot script endpoint, nil where the settings
// name none.
func wireBuiltin(c config.Config, store database, names *nodenames.Names, fetched func(bos.ScriptFetch), log *slog.Logger) (*bootscript.Endpoint, error) {
	b := c.BootParameters.Builtin
	if b == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	bc := bootscript.Config{
		Store: store, Names: names, URL: b.URL, AnySource: b.AnySource, NoBootIF: b.BootIF != nil && !*b.BootIF,
		Reports: true, ReportURL: strings.TrimRight(c.Report.URL, "/"), Fetched: fetched, Log: log,
		Refusals: refusals.New(store.Note, time.Now, log),
	}
	if c.Report.HandsOutTokens() {
		bc.NodeToken = nodeTokens(store)
	}
	links, err := wireLinks(*b, c.Artifacts.S3)
	if err != nil {
		return nil, err
	}
	if links != nil {
		bc.Link = links.Link
	}
	return bootscript.New(bc), nil
}

// wireLinks makes links to the objects of an image store, nil where there is
// none.
func wireLinks(b config.Builtin, store *config.S3) (*s3.Links, error) {
	lc := s3.Config{Endpoint: b.ArtifactsURL}
	if store != nil {
		if lc.Endpoint == "" {
			lc.Endpoint = store.Endpoint
		}
		endpoint := lc.Endpoint
		var err error
		if lc, err = s3Config(*store); err != nil {
			return nil, err
		}
		lc.Endpoint = endpoint
	}
	if lc.Endpoint == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	links, err := s3.NewLinks(lc, b.Signs(lc.AccessKey != ""))
	if err != nil {
		return nil, fmt.Errorf("boot_parameters.builtin: %w", err)
	}
	return links, nil
}

// publicLinks makes links that need no keys to the objects of an image store, nil
// where there is none that everybody may read.
func publicLinks(b config.BootService, store *config.S3) (*s3.Links, error) {
	lc := s3.Config{Endpoint: b.ArtifactsURL}
	if store != nil {
		lc.Buckets, lc.Virtual = store.Buckets, store.VirtualHosts
		if keys := store.AccessKeyEnv != "" || store.AccessKeyFile != ""; lc.Endpoint == "" && !keys {
			lc.Endpoint = store.Endpoint
		}
	}
	if lc.Endpoint == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	links, err := s3.NewLinks(lc, 0)
	if err != nil {
		return nil, fmt.Errorf("boot_parameters.bootservice: %w", err)
	}
	return links, nil
}

// s3Config is an image store as its adapter takes it. Keys are read once to see that
// they can be, and again later.
func s3Config(c config.S3) (s3.Config, error) {
	keys := func() (k s3.Keys, err error) {
		for _, secret := range []struct {
			into            *string
			what, env, file string
		}{
			{&k.Access, "artifacts.s3.access_key", c.AccessKeyEnv, c.AccessKeyFile},
			{&k.Secret, "artifacts.s3.secret_key", c.SecretKeyEnv, c.SecretKeyFile},
			{&k.Session, "artifacts.s3.session_token", c.SessionTokenEnv, c.SessionTokenFile},
		} {
			if *secret.into, err = config.Secret(secret.what, secret.env, secret.file); err != nil {
				return s3.Keys{}, err
			}
		}
		return k, nil
	}
	now, err := keys()
	if err != nil {
		return s3.Config{}, err
	}
	certificates, err := transport.Authorities("artifacts.s3.ca_file", c.CAFile)
	return s3.Config{
		Endpoint: c.Endpoint, AccessKey: now.Access, SecretKey: now.Secret, Keys: keys, Region: c.Region, CA: certificates, Virtual: c.VirtualHosts, Buckets: c.Buckets,
	}, err
}

// withScripts serves the endpoint beside the API.
func withScripts(api http.Handler, scripts *bootscript.Endpoint) http.Handler {
	// No ServeMux: it sends who is nobody to the clean form of a path.
	own := scripts.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, prefix := range bootscript.Prefixes {
			if strings.HasPrefix(r.URL.Path, prefix+"/") {
				own.ServeHTTP(w, r)
				return
			}
		}
		api.ServeHTTP(w, r)
	})
}
