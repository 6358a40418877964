package s3

import (
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
)

// Keys are what requests are signed with; all empty is a public bucket.
type Keys struct{ Access, Secret, Session string }

// keysFresh is how old keys may become that can change.
const keysFresh = time.Minute

func (c Config) credentials() *credentials.Credentials {
	if c.Keys == nil {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return credentials.New(&changing{keys: c.Keys})
}

// changing are keys that are read anew. It is called by one at a time.
type changing struct {
	keys  func() (Keys, error)
	until time.Time
}

// Retrieve reads the keys.
func (c *changing) Retrieve() (credentials.Value, error) {
	k, err := c.keys()
	if err != nil {
		return credentials.Value{}, err
	}
	c.until = time.Now().Add(keysFresh)
	v := credentials.Value{AccessKeyID: k.Access, SecretAccessKey: k.Secret, SessionToken: k.Session, SignerType: credentials.SignatureV4}
	if k.Access == "" {
		v.SignerType = credentials.SignatureAnonymous
	}
	return v, nil
}

// RetrieveWithCredContext reads the keys.
func (c *changing) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	return c.Retrieve()
}

// IsExpired says that they are to be read again.
func (c *changing) IsExpired() bool { return !time.Now().Before(c.until) }

// allowed are the buckets, or parts of buckets, that may be read; none is all.
type allowed []string

// split takes the path of an object apart that may be read. The error wraps
// bos.ErrImage.
func (a allowed) split(text string) (bucket, key string, err error) {
	bucket, key, err = manifest.SplitS3(text)
	if err != nil {
		return "", "", bos.ImageFaultf("%w; correct the template's path", err)
	}
	if len(a) == 0 {
		return bucket, key, nil
	}
	// A gateway before the store may resolve dots; nothing may be read by them.
	if whole := bucket + "/" + key; path.Clean(whole) == whole {
		for _, may := range a {
			if whole == may || strings.HasPrefix(whole, strings.TrimSuffix(may, "/")+"/") {
				return bucket, key, nil
			}
		}
	}
	return "", "", bos.ImageFaultf("%.200q is in none of artifacts.s3.buckets (%s), which this service may read; correct the template's path, or add it there", text, strings.Join(a, ", "))
}
