package qemu

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
)

// store serves the folders of a folder as buckets of an S3 whose objects all may
// read, and nothing else.
type store struct {
	root *os.Root
	log  *slog.Logger
}

func (s store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		s.fail(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed", "objects can only be read")
		return
	}
	file, info, err := s.open(strings.TrimPrefix(r.URL.Path, "/"))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		s.log.Info("no such object", "path", r.URL.Path, "by", r.RemoteAddr)
		s.fail(w, r, http.StatusNotFound, "NoSuchKey", "there is no object at "+r.URL.Path)
		return
	case err != nil:
		s.log.Error("an object cannot be read", "path", r.URL.Path, "error", err)
		s.fail(w, r, http.StatusInternalServerError, "InternalError", "the object cannot be read")
		return
	}
	defer file.Close() //nolint:errcheck // it is only read
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		s.fail(w, r, http.StatusInternalServerError, "InternalError", "the object cannot be read")
		return
	}
	w.Header().Set("ETag", `"`+hex.EncodeToString(hash.Sum(nil)[:16])+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), file) // it seeks to the begin
}

// open opens a file that is no folder.
func (s store) open(path string) (*os.File, fs.FileInfo, error) {
	if path == "" {
		return nil, nil, fs.ErrNotExist
	}
	file, err := s.root.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = file.Close() // it was not read
		return nil, nil, err
	}
	return file, info, nil
}

func (s store) fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	type failure struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}
	text, err := xml.Marshal(failure{Code: code, Message: message})
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(w, "%s%s", xml.Header, text) // who asked is gone if this fails
}
