// Package files reads boot images from a folder of this machine. What an image
// consists of is in package manifest.
package files

import (
	"context"
	"crypto/md5" //nolint:gosec // an etag as S3 has it, not a protection
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
)

// Folder reads file:// paths below a folder. It is safe for concurrent use.
type Folder struct {
	root *os.Root
}

var _ manifest.Source = (*Folder)(nil)

// Open opens a folder, which must be there. Links in it that lead out of it are
// not followed.
func Open(root string) (*Folder, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("artifacts.files.root: %w", err)
	}
	return &Folder{dir}, nil
}

// Close lets go of the folder.
func (f *Folder) Close() error { return f.root.Close() }

// name is a path below the folder.
func (f *Folder) name(path string) (string, error) {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "file" || u.Host != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", bos.ImageFaultf("the path %.200q is not of the form file:///path; correct the template's path", bos.Unsigned(path))
	}
	name, ok := strings.CutPrefix(u.Path, filepath.ToSlash(f.root.Name())+"/")
	if !ok || !filepath.IsLocal(name) {
		return "", bos.ImageFaultf("%.200q is not below artifacts.files.root (%s); correct the template's path", path, f.root.Name())
	}
	return name, nil
}

// Takes refuses what is not below the folder.
func (f *Folder) Takes(path string) error {
	_, err := f.name(path)
	return err
}

// Check asks whether there is a file.
func (f *Folder) Check(_ context.Context, path string) error {
	name, err := f.name(path)
	if err != nil {
		return err
	}
	info, err := f.root.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return manifest.Missing(path, "it is no file")
	}
	return judge(path, err)
}

// Read reads a file of at most most bytes. Its etag is the MD5 of what it holds,
// which is what S3 has for an object that was put in one piece.
func (f *Folder) Read(ctx context.Context, path string, most int64) ([]byte, string, error) {
	if err := f.Check(ctx, path); err != nil {
		return nil, "", err
	}
	name, err := f.name(path)
	if err != nil {
		return nil, "", err
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, "", judge(path, err)
	}
	defer file.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, "", judge(path, err)
	}
	if int64(len(body)) > most {
		return nil, "", manifest.TooLarge(path, most)
	}
	sum := md5.Sum(body) //nolint:gosec // see the import
	return body, hex.EncodeToString(sum[:]), nil
}

// Hash reads a file to its end and writes it into a hash. Its etag is not known.
func (f *Folder) Hash(ctx context.Context, path string, into io.Writer) (size int64, etag string, err error) {
	if err := f.Check(ctx, path); err != nil {
		return 0, "", err
	}
	name, err := f.name(path)
	if err != nil {
		return 0, "", err
	}
	file, err := f.root.Open(name)
	if err != nil {
		return 0, "", judge(path, err)
	}
	defer file.Close() //nolint:errcheck // only read
	size, err = io.Copy(into, file)
	return size, "", judge(path, err)
}

// judge tells a file that is not there from one that cannot be read now.
func judge(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return manifest.Missing(path, "")
	default:
		return fmt.Errorf("read %s: %w; check artifacts.files.root and what this service may read there", path, err)
	}
}
