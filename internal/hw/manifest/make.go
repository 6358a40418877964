package manifest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// File is one file of an image.
type File struct {
	// Path is where it is, such as s3://boot-images/ID/kernel.
	Path string
	// ETag is what its store calls its content, empty if it has no such word; MD5 is of
	// its content, in hexadecimal, and Size its bytes.
	ETag, MD5 string
	Size      int64
}

// Files are those of an image. Rootfs and Parameters may be nil.
type Files struct {
	Kernel, Initrd, Rootfs, Parameters *File
}

// Make writes the manifest of an image as the image service of CSM does. The error says
// why this service could not read it.
func Make(f Files, created time.Time) ([]byte, error) {
	type link struct {
		Path string `json:"path"`
		ETag string `json:"etag"`
		Type string `json:"type"`
	}
	type artifact struct {
		Link link   `json:"link"`
		Type string `json:"type"`
		MD5  string `json:"md5,omitempty"`
		Size int64  `json:"size,omitempty"`
	}
	m := struct {
		Version   string     `json:"version"`
		Created   string     `json:"created"`
		Artifacts []artifact `json:"artifacts"`
	}{Version: "1.0", Created: created.UTC().Format(time.DateTime)}
	for _, of := range []struct {
		file *File
		kind string
	}{{f.Kernel, typeKernel}, {f.Initrd, typeInitrd}, {f.Rootfs, typeRootfs}, {f.Parameters, typeParameters}} {
		if of.file == nil {
			continue
		}
		m.Artifacts = append(m.Artifacts, artifact{
			Link: link{of.file.Path, of.file.ETag, schemeOf(of.file.Path)}, Type: of.kind, MD5: of.file.MD5, Size: of.file.Size,
		})
	}
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	found, err := parse(body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("no session could use the manifest: %w", err)
	case found.initrd.Path == "":
		return nil, bos.ImageFaultf("the manifest names no initrd, without which no node boots; name it")
	}
	return body, nil
}
