package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
)

// The answers of a store that tell something of the settings, by its own words.
const (
	CodeNoSuchKey     = minio.NoSuchKey
	CodeNoSuchBucket  = minio.NoSuchBucket
	CodeDenied        = "AccessDenied"
	CodeUnknownKey    = "InvalidAccessKeyId"
	CodeSignature     = "SignatureDoesNotMatch"
	CodeClock         = "RequestTimeTooSkewed"
	CodeRegion        = "AuthorizationHeaderMalformed"
	CodeExpiredToken  = "ExpiredToken"
	CodeInvalidToken  = "InvalidToken"
	CodeElsewhere     = "PermanentRedirect"
	CodeInvalidBucket = minio.InvalidBucketName
	// CodeForeign is no word of a store: whoever answers is none, such as a page for
	// browsers.
	CodeForeign = "no S3"
)

// nobodysName is an object that no bucket has.
const nobodysName = "bos-check/there-is-no-such-object"

// Try asks for an object of a bucket that is not there, or below bucket/prefix, and
// says what the store makes of it: CodeNoSuchKey where all is well, CodeForeign where
// what answers is no store. The error is that of a store that gave no answer.
func (c *Client) Try(ctx context.Context, bucket, prefix string) (code, message string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	key := nobodysName
	if prefix != "" {
		key = prefix + "/" + key
	}
	object, info, _, err := c.core.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err == nil {
		_ = object.Close()
		return CodeForeign, fmt.Sprintf("it has something of the type %q where nobody stored anything", c.told(info.ContentType)), nil
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode != 0 {
		// The client makes a code of S3 up where the answer has none.
		if made := answer.Code == CodeNoSuchKey || answer.Code == CodeNoSuchBucket || answer.Code == CodeDenied; made && answer.XMLName.Local == "" {
			return CodeForeign, fmt.Sprintf("%d %s, and not in the words of S3", answer.StatusCode, http.StatusText(answer.StatusCode)), nil
		}
		return c.told(answer.Code), c.told(answer.Message), nil
	}
	return "", "", c.failed(ctx, "s3://"+bucket+"/"+key, err)
}

// Hash reads an object to its end and writes it into a hash.
func (c *Client) Hash(ctx context.Context, path string, into io.Writer) (size int64, etag string, err error) {
	bucket, key, err := c.allowed.split(path)
	if err != nil {
		return 0, "", err
	}
	object, info, _, err := c.core.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return 0, "", c.failed(ctx, path, err)
	}
	defer object.Close()
	size, err = io.Copy(into, object)
	if err != nil {
		return size, "", c.failed(ctx, path, err)
	}
	return size, manifest.Unquote(info.ETag), nil
}

// Put stores an object of some KB.
func (c *Client) Put(ctx context.Context, path string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	bucket, key, err := c.allowed.split(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	_, err = c.core.PutObject(ctx, bucket, key, bytes.NewReader(body), int64(len(body)), "", hex.EncodeToString(sum[:]), minio.PutObjectOptions{
		ContentType: "application/json", DisableContentSha256: true, // not in pieces, which some gateways do not take
	})
	var answer minio.ErrorResponse
	switch {
	case errors.As(err, &answer) && answer.StatusCode != 0:
		return fmt.Errorf("store %s: S3 at %s answered %d %s: %s; the keys of artifacts.s3 may only read: write it into a file, and store that with keys that may write",
			path, c.at, answer.StatusCode, c.told(answer.Code), c.told(answer.Message))
	case err != nil:
		return c.failed(ctx, path, err)
	}
	return nil
}
