package bos

// Artifact is one file of a boot image.
type Artifact struct {
	Path string
	ETag string
}

// Image is a boot image as its manifest describes it, read once per session
// and path.
type Image struct {
	// Path is the manifest's own path, ETag the etag it has now.
	Path   string
	ETag   string
	Kernel Artifact
	Initrd Artifact
	Rootfs Artifact
	// Parameters is the content of the image's own boot_parameters file,
	// empty if it has none.
	Parameters string
	// Fault says what keeps nodes from booting the image although its
	// manifest and kernel can be read, empty if nothing does. A session is
	// accepted with it, and fails in its setup (bos-contract section 3).
	Fault string
}
