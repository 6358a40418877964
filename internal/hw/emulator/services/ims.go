package services

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// IMSBase is where IMS is on the services' listener.
const IMSBase = "/ims/v3"

// imsImage is an image as IMS shows it.
type imsImage struct {
	ID       string            `json:"id"`
	Created  string            `json:"created"`
	Name     string            `json:"name"`
	Link     *imsLink          `json:"link"`
	Arch     string            `json:"arch"`
	Metadata map[string]string `json:"metadata"`
}

type imsLink struct {
	Path string `json:"path"`
	ETag string `json:"etag"`
	Type string `json:"type"`
}

// images are those of the bucket. Their tags are gone after a restart.
type images struct {
	mu sync.Mutex
	of map[string]imsImage
}

// imageArchs are the images and what they run on, as IMS calls it.
var imageArchs = map[string]string{ImageX86: "x86_64", ImageARM: "aarch64"}

func newImages(objects map[string][]byte) map[string]imsImage {
	of := make(map[string]imsImage, len(imageArchs))
	for id, arch := range imageArchs {
		key := id + "/manifest.json"
		of[id] = imsImage{
			ID: id, Created: imagesMade.Format(time.RFC3339), Name: "emulated-" + arch, Arch: arch, Metadata: map[string]string{},
			Link: &imsLink{Path: "s3://" + machineroom.Bucket + "/" + key, ETag: etag(objects[key]), Type: "s3"},
		}
	}
	return of
}

// image is an image; its metadata are the caller's own.
func (m *images) image(id string) (imsImage, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.of[id]
	i.Metadata = maps.Clone(i.Metadata)
	return i, ok
}

func (m *images) all() []imsImage {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]imsImage, 0, len(m.of))
	for _, i := range m.of {
		i.Metadata = maps.Clone(i.Metadata)
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b imsImage) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// tag sets or removes a tag; it reports whether there is such an image.
func (m *images) tag(id, key, value string, set bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.of[id]
	if ok && set {
		i.Metadata[key] = value
	} else if ok {
		delete(i.Metadata, key)
	}
	return ok
}

func (f *Face) imsRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET " + IMSBase + "/images": func(w http.ResponseWriter, _ *http.Request) {
			wire.Answer(w, http.StatusOK, f.images.all())
		},
		"GET " + IMSBase + "/images/{id}":   f.oneImage,
		"PATCH " + IMSBase + "/images/{id}": f.patchImage,
	}
}

func (f *Face) oneImage(w http.ResponseWriter, r *http.Request) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		wire.Problem(w, http.StatusBadRequest, "an image id is a UUID")
		return
	}
	i, ok := f.images.image(id.String())
	if !ok {
		wire.Problem(w, http.StatusNotFound, "Requested image does not exist. Re-run request with valid ID.")
		return
	}
	wire.Answer(w, http.StatusOK, i)
}

// patchImage tags an image. The other things that IMS can change are refused,
// as the bucket holds what it holds.
func (f *Face) patchImage(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Metadata *struct {
			Operation string `json:"operation"`
			Key       string `json:"key"`
			Value     string `json:"value"`
		} `json:"metadata"`
	}
	if !wire.Decode(w, r, &body) {
		return
	}
	tag := body.Metadata
	if tag == nil || tag.Key == "" || tag.Operation != "set" && tag.Operation != "remove" {
		wire.Problem(w, http.StatusBadRequest, "only tags can be patched here: metadata with operation set or remove, and a key")
		return
	}
	if !f.images.tag(r.PathValue("id"), tag.Key, tag.Value, tag.Operation == "set") {
		wire.Problem(w, http.StatusNotFound, "Requested image does not exist. Re-run request with valid ID.")
		return
	}
	f.oneImage(w, r)
}
