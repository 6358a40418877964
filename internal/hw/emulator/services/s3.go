package services

import (
	"bytes"
	"crypto/md5" //nolint:gosec // S3 etags are MD5
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// Images the emulator's S3 holds, in the bucket boot-images.
const (
	ImageX86 = "00000000-0000-4000-8000-000000000001"
	ImageARM = "00000000-0000-4000-8000-000000000002"
)

// The keys to the bucket. They guard nothing.
const (
	AccessKey = "emulator"
	SecretKey = "emulator-secret"
)

// imagesMade is when all objects were last modified: the same over restarts,
// as are their etags.
var imagesMade = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func etag(b []byte) string {
	sum := md5.Sum(b) //nolint:gosec // S3 etags are MD5
	return hex.EncodeToString(sum[:])
}

// objects is the content of the bucket by key.
func objects() (map[string][]byte, error) {
	all := make(map[string][]byte)
	for image, arch := range imageArchs {
		var artifacts []map[string]any
		add := func(name, kind, content string) {
			all[image+"/"+name] = []byte(content)
			artifacts = append(artifacts, map[string]any{
				"link": map[string]string{"path": "s3://" + machineroom.Bucket + "/" + image + "/" + name, "etag": etag([]byte(content)), "type": "s3"},
				"md5":  etag([]byte(content)), "type": "application/vnd.cray.image." + kind,
			})
		}
		add("kernel", "kernel", "kernel "+arch)
		add("initrd", "initrd", "initrd "+arch)
		add("rootfs", "rootfs.squashfs", "rootfs "+arch)
		add("boot_parameters", "parameters.boot", "console=ttyS0,115200 ip=dhcp\n")
		manifest, err := json.MarshalIndent(map[string]any{
			"version": "1.0", "created": imagesMade.Format(time.DateTime), "artifacts": artifacts,
		}, "", "  ")
		if err != nil {
			return nil, err
		}
		all[image+"/manifest.json"] = manifest
	}
	return all, nil
}

// signature is the Authorization header of a request signed with version 4.
var signature = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/, ]+)/\d{8}/[^/, ]+/s3/aws4_request, *SignedHeaders=[^, ]+, *Signature=[0-9a-f]{64}$`)

// signatureOf is the signature of a request as in the header, also of one that
// has it in its query (a presigned URL) and is not older than it says.
func signatureOf(r *http.Request, now time.Time) string {
	q := r.URL.Query()
	if !q.Has("X-Amz-Signature") {
		return r.Header.Get("Authorization")
	}
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	age, errAge := strconv.Atoi(q.Get("X-Amz-Expires"))
	if err != nil || errAge != nil || now.After(signed.Add(time.Duration(age)*time.Second)) {
		return ""
	}
	return fmt.Sprintf("%s Credential=%s, SignedHeaders=%s, Signature=%s",
		q.Get("X-Amz-Algorithm"), q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"))
}

// bucket serves objects to holders of the access key. That a signature is
// well-formed is enough: there is no secret to guard.
func (f *Face) bucket(w http.ResponseWriter, r *http.Request) {
	signed := signature.FindStringSubmatch(signatureOf(r, time.Now()))
	switch {
	case signed == nil:
		s3Error(w, r, http.StatusForbidden, "AccessDenied", "the request has no signature of version 4")
		return
	case signed[1] != AccessKey:
		s3Error(w, r, http.StatusForbidden, "InvalidAccessKeyId", "the access key is not known")
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPut:
		s3Error(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", "objects can only be read and written")
		return
	}
	key := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/"+machineroom.Bucket), "/")
	switch {
	case key == "":
		f.bucketItself(w, r)
		return
	case r.Method == http.MethodPut:
		f.putObject(w, r, key)
		return
	}
	body, ok := f.object(key)
	if !ok {
		s3Error(w, r, http.StatusNotFound, "NoSuchKey", "there is no object "+key)
		return
	}
	w.Header().Set("ETag", `"`+etag(body)+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", imagesMade, bytes.NewReader(body))
}

// maxObject bounds an object that is written.
const maxObject = 64 << 20

// putObject stores an object for as long as the room runs.
func (f *Face) putObject(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxObject))
	if err != nil {
		s3Error(w, r, http.StatusBadRequest, "EntityTooLarge", err.Error())
		return
	}
	f.written.Store(key, body)
	w.Header().Set("ETag", `"`+etag(body)+`"`)
}

// object is one that was written, or that the room has from the beginning.
func (f *Face) object(key string) ([]byte, bool) {
	if written, ok := f.written.Load(key); ok {
		body, _ := written.([]byte)
		return body, true
	}
	body, ok := f.objects[key]
	return body, ok
}

// bucketItself answers whether the bucket is there and where.
func (f *Face) bucketItself(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && !r.URL.Query().Has("location") {
		s3Error(w, r, http.StatusNotImplemented, "NotImplemented", "objects are not listed")
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	if r.Method == http.MethodGet {
		_, _ = fmt.Fprint(w, xml.Header+`<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></LocationConstraint>`) // the client is gone if this fails
	}
}

func s3Error(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	type s3Failure struct {
		XMLName  xml.Name `xml:"Error"`
		Code     string
		Message  string
		Resource string
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = xml.NewEncoder(w).Encode(s3Failure{Code: code, Message: message, Resource: r.URL.Path}) // the client is gone if this fails
	}
}
