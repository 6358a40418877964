package bos

// Artifact is one file of a boot image.
type Artifact struct {
	Path string `json:"path"`
	ETag string `json:"etag"`
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

// ImageFacts is what GET /x/v1/images answers about one image: what nodes would boot,
// without what would let somebody else load it.
type ImageFacts struct {
	Path string `json:"path"`
	// ETag is that of the manifest now: it is another once the image is.
	ETag string `json:"etag"`
	// Arch is the image registry's word, empty where it has none or there is none.
	Arch   string   `json:"arch,omitempty"`
	Kernel Artifact `json:"kernel"`
	// Initrd and Rootfs have an empty path where the image has none.
	Initrd     Artifact `json:"initrd"`
	Rootfs     Artifact `json:"rootfs"`
	Parameters string   `json:"parameters"`
	// Fault keeps nodes from booting it, empty if nothing is known to.
	Fault string `json:"fault,omitempty"`
	// Warnings are what could not be found out.
	Warnings []string `json:"warnings"`
}

// Facts is what may be shown of an image.
func (i Image) Facts() ImageFacts {
	public := func(a Artifact) Artifact { return Artifact{Path: Unsigned(a.Path), ETag: a.ETag} }
	return ImageFacts{
		Path: i.Path, ETag: i.ETag, Kernel: public(i.Kernel), Initrd: public(i.Initrd), Rootfs: public(i.Rootfs),
		Parameters: Unsigned(i.Parameters), Fault: Unsigned(i.Fault), Warnings: []string{},
	}
}
