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
}
