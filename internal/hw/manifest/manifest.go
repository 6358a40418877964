// Package manifest says what a boot image is: a manifest that names one kernel
// and one initrd, mostly a rootfs, and perhaps a file of boot parameters. Where these
// are read from is the business of the sources, by the scheme of their path.
package manifest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// Limits on what is read, in bytes.
const (
	MaxManifest   = 1 << 20
	MaxParameters = 64 << 10
)

// Source reads the objects of one or more schemes. An error wraps bos.ErrImage
// if the object is missing or too large or the path is none, and does not if it
// could not be read now.
type Source interface {
	// Read reads an object of at most most bytes, and its etag, without
	// quotes and empty if it has none.
	Read(ctx context.Context, path string, most int64) (body []byte, etag string, err error)
	// Check asks whether an object is there.
	Check(ctx context.Context, path string) error
	// Takes is an error that wraps bos.ErrImage if a path is none of what the
	// source may read.
	Takes(path string) error
}

// Sources are the sources by scheme: s3, http, https, file.
type Sources map[string]Source

var _ bos.Artifacts = Sources(nil)

// settings name what is to be configured for a scheme.
var settings = map[string]string{
	"s3": "artifacts.s3", "http": "artifacts.http", "https": "artifacts.http", "file": "artifacts.files",
}

// schemeOf is what is before the colon of a path.
func schemeOf(path string) string {
	scheme, _, ok := strings.Cut(path, "://")
	if !ok {
		return ""
	}
	return scheme
}

// source is who reads a path.
func (s Sources) source(path string) (Source, error) {
	scheme := schemeOf(path)
	if source, ok := s[scheme]; ok {
		return source, source.Takes(path)
	}
	if setting, known := settings[scheme]; known {
		return nil, bos.ImageFaultf("%.200q is of the kind %s, which this service does not read; configure %s, or correct the template's path", bos.Unsigned(path), scheme, setting)
	}
	var forms []string
	for _, scheme := range slices.Sorted(maps.Keys(s)) {
		forms = append(forms, form(scheme))
	}
	return nil, bos.ImageFaultf("the path %.200q is not of the form %s; correct the template's path", bos.Unsigned(path), strings.Join(forms, " or "))
}

// Of is who reads a path; the error wraps bos.ErrImage if nobody may.
func (s Sources) Of(path string) (Source, error) { return s.source(path) }

func form(scheme string) string {
	switch scheme {
	case "s3":
		return "s3://bucket/key"
	case "file":
		return "file:///path"
	default:
		return scheme + "://host/path"
	}
}

// Image reads the manifest at path and the boot parameters it names, and checks
// that its kernel and initrd are there, if that is somewhere this service may
// read.
func (s Sources) Image(ctx context.Context, path string) (bos.Image, error) {
	source, err := s.source(path)
	if err != nil {
		return bos.Image{}, err
	}
	body, etag, err := source.Read(ctx, path, MaxManifest)
	if err != nil {
		return bos.Image{}, err
	}
	found, err := parse(body)
	if err != nil {
		return bos.Image{}, bos.ImageFaultf("manifest %s: %w; rebuild the image or correct the template's path", path, err)
	}
	image := bos.Image{Path: path, ETag: etag, Kernel: found.kernel, Initrd: found.initrd, Rootfs: found.rootfs}
	if err := s.check(ctx, image.Kernel.Path); err != nil {
		return bos.Image{}, err
	}
	fault := s.checkInitrd(ctx, path, image.Initrd.Path)
	if image.Parameters, err = s.parameters(ctx, found.parameters.Path); err != nil && fault == nil {
		fault = err
	}
	switch {
	case errors.Is(fault, bos.ErrImage):
		image.Fault = fault.Error()
	case fault != nil:
		return bos.Image{}, fault
	}
	return image, nil
}

// check asks whether an object is there, if it is somewhere this service may
// read.
func (s Sources) check(ctx context.Context, path string) error {
	source, err := s.source(path)
	if err != nil {
		return nil //nolint:nilerr // nodes load it, not the service
	}
	return source.Check(ctx, path)
}

func (s Sources) checkInitrd(ctx context.Context, manifest, path string) error {
	if path == "" {
		return bos.ImageFaultf("manifest %s does not name one artifact of type %s; rebuild the image or correct the template's path", manifest, typeInitrd)
	}
	return s.check(ctx, path)
}

// parameters are the image's own, none where it has no file of them.
func (s Sources) parameters(ctx context.Context, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	source, err := s.source(path)
	if err != nil {
		return "", err
	}
	text, _, err := source.Read(ctx, path, MaxParameters)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(text) {
		return "", bos.ImageFaultf("the boot parameters at %s are no text; rebuild the image", path)
	}
	return string(text), nil
}

// Missing says that there is nothing at a path, for sources.
func Missing(path, detail string) error {
	if detail != "" {
		detail = " (" + detail + ")"
	}
	return bos.ImageFaultf("there is nothing at %s%s; correct the template's path or rebuild the image", bos.Unsigned(path), detail)
}

// TooLarge says that an object is larger than it may be, for sources.
func TooLarge(path string, most int64) error {
	return bos.ImageFaultf("%s is larger than %d bytes, which no such file is; correct the template's path", bos.Unsigned(path), most)
}
