package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// anyBucket is asked for where the settings name none.
const anyBucket = "boot-images"

// artifacts tries the stores of images, and reads the images that are named.
func (d *doctor) artifacts(ctx context.Context, s *section) {
	if err := d.parts.Faults["artifacts"]; err != nil {
		s.failed("artifacts", "", err)
		return
	}
	sources, _ := d.parts.Artifacts.(manifest.Sources)
	if len(sources) == 0 {
		s.warn("artifacts", "", "no store of images is configured, so no template with a path can be used", "name artifacts.s3, artifacts.http or artifacts.files")
		return
	}
	if store, ok := sources["s3"].(*s3.Client); ok {
		d.store(ctx, s, store)
	}
	if c := d.Artifacts.Files; c != nil {
		s.ok("artifacts.files.root", c.Root, "it can be read")
	}
	if c := d.Artifacts.HTTP; c != nil {
		s.ok("artifacts.http.prefixes", strings.Join(c.Prefixes, ", "), "images are read below these; name one with --image to try")
	}
	for _, path := range d.Images {
		d.image(ctx, s, sources, path)
	}
	if len(d.Images) == 0 {
		s.ok("images", "", "none was named with --image, so none was read")
	}
}

// store tries the keys on each bucket.
func (d *doctor) store(ctx context.Context, s *section, store *s3.Client) {
	c := d.Artifacts.S3
	at := transport.Address(c.Endpoint)
	buckets := c.Buckets
	if len(buckets) == 0 {
		if d.Tenants.TAPMS == nil && d.Tenants.File == "" {
			s.warn("artifacts.s3.buckets", "", "it is not set, so whoever writes a template can have all read and linked to that the keys may read", "name the buckets of images, such as boot-images")
		}
		d.bucket(ctx, s, store, at, anyBucket, "", true)
		return
	}
	for _, b := range buckets {
		name, prefix, _ := strings.Cut(strings.TrimSuffix(b, "/"), "/")
		d.bucket(ctx, s, store, at+" "+b, name, prefix, false)
	}
}

// bucket judges what a store says to a question for an object that is not there.
func (d *doctor) bucket(ctx context.Context, s *section, store *s3.Client, value, bucket, prefix string, guessed bool) {
	const what = "artifacts.s3"
	code, message, err := store.Try(ctx, bucket, prefix)
	if err != nil {
		s.failed(what, value, err)
		return
	}
	said := fmt.Sprintf("the store answers %s (%s)", code, transport.Said(message))
	switch code {
	case s3.CodeForeign:
		s.bad(what, value, "what answers there is no S3: "+transport.Said(message), "correct artifacts.s3.endpoint: it is the address of the S3 API, without a path, and not that of a console or a web server (MinIO has its API at port 9000)")
	case s3.CodeNoSuchKey:
		s.ok(what, value, "the store takes the keys, and the bucket is there")
	case s3.CodeNoSuchBucket, s3.CodeInvalidBucket:
		if guessed {
			s.ok(what, value, "the store takes the keys")
			return
		}
		s.bad(what, value, said+": there is no bucket "+bucket, "make the bucket, or correct artifacts.s3.buckets; a store that wants the bucket in the host's name needs artifacts.s3.virtual_hosts")
	case s3.CodeDenied:
		s.warn(what, value, said+": the keys may not read this bucket, or may read its objects and not list them, in which case the store says so of every object that is not there",
			"name a manifest with --image to see which; else let the keys read the bucket")
	case s3.CodeUnknownKey:
		s.bad(what, value, said+": it does not know the access key", "correct artifacts.s3.access_key_env or _file")
	case s3.CodeSignature:
		s.bad(what, value, said+": the secret key does not belong to the access key, or something between changes requests", "correct artifacts.s3.secret_key_env or _file; a proxy before the store must keep the Host header")
	case s3.CodeClock:
		s.bad(what, value, said+": the clocks of the store and of this machine differ by more than a quarter of an hour", "set both by NTP (chronyc tracking, timedatectl)")
	case s3.CodeRegion, "IllegalLocationConstraintException", "InvalidRegion":
		s.bad(what, value, said+": the bucket is of another region", "set artifacts.s3.region to it")
	case s3.CodeExpiredToken, s3.CodeInvalidToken:
		s.bad(what, value, said+": the session token is not good any more", "renew the keys and artifacts.s3.session_token_file")
	case s3.CodeElsewhere:
		s.bad(what, value, said+": the bucket is at another address", "set artifacts.s3.endpoint and region to those of the bucket, and virtual_hosts where the store wants it")
	default:
		s.bad(what, value, said, "check artifacts.s3, its keys and the store")
	}
}

// image reads an image as a session would, and its files as nodes would.
func (d *doctor) image(ctx context.Context, s *section, sources manifest.Sources, path string) {
	shown := bos.Unsigned(path)
	image, err := sources.Image(ctx, path)
	switch {
	case err != nil:
		s.failed("image", shown, err)
		return
	case image.Fault != "":
		s.told(LevelError, "image", shown, image.Fault)
		return
	}
	parameters := ""
	if image.Parameters != "" {
		parameters = fmt.Sprintf("; its own parameters are %q", transport.Excerpt(image.Parameters))
	}
	s.ok("image", shown, "manifest, kernel and initrd are there%s", parameters)
	if d.BootParameters.Builtin == nil {
		return
	}
	for _, file := range []string{image.Kernel.Path, image.Initrd.Path} {
		d.loaded(ctx, s, file)
	}
}

// loaded asks for a file in the way that a node does which has no keys.
func (d *doctor) loaded(ctx context.Context, s *section, path string) {
	const what = "boot_parameters.builtin"
	address := path
	switch {
	case strings.HasPrefix(path, "s3://") && d.parts.Links == nil:
		s.bad(what, path, "nodes cannot load it: iPXE does not speak S3, and there is no address for it", "set boot_parameters.builtin.artifacts_url, or artifacts.s3")
		return
	case strings.HasPrefix(path, "s3://"):
		var err error
		if address, err = d.parts.Links.Link(ctx, path); err != nil {
			s.failed(what, path, err)
			return
		}
	case !strings.HasPrefix(path, "http://") && !strings.HasPrefix(path, "https://"):
		s.bad(what, path, "nodes cannot load it: iPXE loads http and https only", "store the image where nodes can load it from")
		return
	}
	client := transport.New(transport.Config{Upstream: "the store, asked without keys as nodes ask it,", MaxBody: 1}, transport.NewConn(transport.ConnConfig{CA: nil, MaxIdle: 1}))
	defer client.Close()
	_, err := client.Do(ctx, transport.Request{Method: http.MethodGet, URL: address, Header: map[string]string{"Range": "bytes=0-0", "Accept": "*/*"}})
	if class := transport.ClassOf(err); err != nil && class != transport.ClassMaybe {
		s.bad(what, path, err.Error(), "nodes load it by this address: let them read the bucket, have links signed (boot_parameters.builtin.presign), or correct artifacts_url")
		return
	}
	s.ok(what, path, "it can be loaded without keys, as nodes do (from here: they may be on another network)")
}
