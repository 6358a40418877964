package bos

import (
	"fmt"
	"strings"
)

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

// registeredArchs maps the architecture of a boot set to the image registry's
// word for it; Other is not checked.
var registeredArchs = map[Arch]string{ArchX86: "x86_64", ArchUnknown: "x86_64", ArchARM: "aarch64", "": "x86_64"}

// ImageMisfit says how the architecture that the registry has for an image
// contradicts a boot set's; it is empty if it does not. An image without
// architecture is one for x86_64. checked is false for a boot set whose
// architecture cannot be compared.
func ImageMisfit(b BootSet, image ImageRecord) (text string, checked bool) {
	wanted, checked := registeredArchs[b.Arch]
	if !checked {
		return "", false
	}
	arch := image.Arch
	if arch == "" {
		arch = registeredArchs[ArchX86]
	}
	if arch == wanted {
		return "", true
	}
	requested := b.Arch
	if requested == "" {
		requested = ArchX86
	}
	return fmt.Sprintf("its arch %s needs an image for %s, and the image registry says that %s is for %s; correct arch, or name another image",
		requested, wanted, clip(image.ID), clip(arch)), true
}

// NeedsTag reports whether nodes of a boot set take their rootfs from an image
// that has to be tagged with SBPSTag first.
func NeedsTag(b BootSet) bool { return strings.EqualFold(b.RootfsProvider, "sbps") }

// BootableType reports whether images of a boot set's type can be booted. The
// path says where they are; the type of the original is s3.
func BootableType(t string) bool {
	switch t {
	case "s3", "http", "https", "file":
		return true
	default:
		return false
	}
}
