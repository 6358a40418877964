package assembly

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/service/bootscript"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

// wireBuiltin makes the built-in boot script endpoint, nil where the settings
// name none.
func wireBuiltin(c config.Config, store bos.HostBoots, inventory bos.InventorySource, log *slog.Logger) (*bootscript.Endpoint, error) {
	b := c.BootParameters.Builtin
	if b == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	bc := bootscript.Config{Store: store, URL: b.URL, AnySource: b.AnySource, NoBootIF: b.BootIF != nil && !*b.BootIF, Log: log}
	if names, ok := inventory.(bos.NodeNames); ok {
		bc.Names = names
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
		var err error
		if lc.AccessKey, lc.SecretKey, err = s3Keys(*store); err != nil {
			return nil, err
		}
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

func s3Keys(c config.S3) (access, secret string, err error) {
	if access, err = config.Secret("artifacts.s3.access_key", c.AccessKeyEnv, c.AccessKeyFile); err != nil {
		return "", "", err
	}
	secret, err = config.Secret("artifacts.s3.secret_key", c.SecretKeyEnv, c.SecretKeyFile)
	return access, secret, err
}

// withScripts serves the endpoint beside the API.
func withScripts(api http.Handler, scripts *bootscript.Endpoint) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	for _, prefix := range bootscript.Prefixes {
		mux.Handle(prefix+"/", scripts.Handler())
	}
	return mux
}
