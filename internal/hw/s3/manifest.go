package s3

import (
	"encoding/json"
	"fmt"
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

// contents is what a manifest names. The path of parameters is empty if the
// image has none.
type contents struct {
	kernel, initrd, rootfs, parameters bos.Artifact
}

// parseManifest takes exactly one kernel, initrd and rootfs and at most one
// file of boot parameters; artifacts of other types are not ours. The error
// says what is wrong, without naming the manifest.
func parseManifest(body []byte) (contents, error) {
	var m struct {
		Artifacts []struct {
			Link struct {
				Path string `json:"path"`
				ETag string `json:"etag"`
			} `json:"link"`
			Type string `json:"type"`
		} `json:"artifacts"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return contents{}, fmt.Errorf("it is no manifest: %w", err)
	}
	var found contents
	wanted := []struct {
		kind     string
		into     *bos.Artifact
		optional bool
	}{
		{typeKernel, &found.kernel, false},
		{typeInitrd, &found.initrd, false},
		{typeRootfs, &found.rootfs, false},
		{typeParameters, &found.parameters, true},
	}
	for _, w := range wanted {
		count := 0
		for _, a := range m.Artifacts {
			if a.Type != w.kind {
				continue
			}
			count++
			if _, _, err := splitPath(a.Link.Path); err != nil {
				return contents{}, fmt.Errorf("its artifact of type %s: %w", w.kind, err)
			}
			*w.into = bos.Artifact{Path: a.Link.Path, ETag: unquote(a.Link.ETag)}
		}
		if count > 1 || count == 0 && !w.optional {
			return contents{}, fmt.Errorf("it names %d artifacts of type %s instead of one", count, w.kind)
		}
	}
	return found, nil
}

// splitPath takes s3://bucket/key apart.
func splitPath(path string) (bucket, key string, err error) {
	rest, ok := strings.CutPrefix(path, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !ok || bucket == "" || key == "" {
		return "", "", fmt.Errorf("the path %.200q is not of the form s3://bucket/key", path)
	}
	return bucket, key, nil
}

func unquote(etag string) string { return strings.Trim(etag, `"`) }
