package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// The types of the artifacts a boot image consists of, as IMS writes them.
const (
	typeKernel     = "application/vnd.cray.image.kernel"
	typeInitrd     = "application/vnd.cray.image.initrd"
	typeRootfs     = "application/vnd.cray.image.rootfs.squashfs"
	typeParameters = "application/vnd.cray.image.parameters.boot"
)

// contents is what a manifest names. Of initrd, rootfs and parameters the path
// is empty if there is none, and that of initrd also if there are more.
type contents struct {
	kernel, initrd, rootfs, parameters bos.Artifact
}

// parse takes exactly one kernel and at most one rootfs and one file of boot
// parameters. What is wrong with the initrd is not told here: it keeps nodes
// from booting, but no session from being created. Artifacts of other types are
// not ours. The error says what is wrong, without naming the manifest.
func parse(body []byte) (contents, error) {
	var m struct {
		Artifacts []struct {
			Link struct {
				Path string `json:"path"`
				ETag string `json:"etag"`
			} `json:"link"`
			Type string `json:"type"`
		} `json:"artifacts"`
	}
	var shape *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, &m); {
	case errors.As(err, &shape):
		return contents{}, fmt.Errorf("it is no manifest: it is JSON of another shape, with something of the kind %s at byte %d", shape.Value, shape.Offset)
	case err != nil:
		return contents{}, fmt.Errorf("it is no manifest: %w", err)
	}
	var found contents
	wanted := []struct {
		kind        string
		into        *bos.Artifact
		least, most int
	}{
		{typeKernel, &found.kernel, 1, 1},
		{typeInitrd, &found.initrd, 0, math.MaxInt},
		{typeRootfs, &found.rootfs, 0, 1},
		{typeParameters, &found.parameters, 0, 1},
	}
	for _, w := range wanted {
		count := 0
		for _, a := range m.Artifacts {
			if a.Type != w.kind {
				continue
			}
			count++
			if err := checkLink(a.Link.Path); err != nil {
				return contents{}, fmt.Errorf("its artifact of type %s: %w", w.kind, err)
			}
			*w.into = bos.Artifact{Path: a.Link.Path, ETag: Unquote(a.Link.ETag)}
		}
		if count < w.least || count > w.most {
			return contents{}, fmt.Errorf("it names %d artifacts of type %s instead of one", count, w.kind)
		}
		if count > 1 {
			*w.into = bos.Artifact{}
		}
	}
	return found, nil
}

// checkLink refuses the path of an artifact that nobody could load.
func checkLink(path string) error {
	switch scheme := schemeOf(path); scheme {
	case "http", "https", "file":
		u, err := url.Parse(path)
		if err != nil || u.User != nil || len(u.Path) < 2 || (u.Host == "") != (scheme == "file") {
			return fmt.Errorf("the path %.200q is not of the form %s", bos.Unsigned(path), form(scheme))
		}
		return nil
	default:
		_, _, err := SplitS3(path)
		return err
	}
}

// SplitS3 takes s3://bucket/key apart.
func SplitS3(path string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(path, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" || key == "" {
		return "", "", fmt.Errorf("the path %.200q is not of the form s3://bucket/key", bos.Unsigned(path))
	}
	return bucket, key, nil
}

// Unquote is an etag without its quotes.
func Unquote(etag string) string { return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) }
