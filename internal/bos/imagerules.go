package bos

import "strings"

// SBPSTag and SBPSTagValue mark an image in the registry as one that is
// projected to nodes (bos-contract section 4, provider sbps).
const (
	SBPSTag      = "sbps-project"
	SBPSTagValue = "true"
)

// ImageID is the id in the image registry of the image whose manifest is at an
// S3 path: the first segment of the key. It is empty for what is no S3 path.
func ImageID(path string) string {
	rest, ok := strings.CutPrefix(path, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	id, _, more := strings.Cut(key, "/")
	if !ok || bucket == "" || !more {
		return ""
	}
	return id
}
