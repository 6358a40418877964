package s3_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
)

func TestALinkIsSignedForOneObjectAndATime(t *testing.T) {
	l, err := s3.NewLinks(s3.Config{Endpoint: "http://rgw:8080", AccessKey: accessKey, SecretKey: secretKey}, 90*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	text, err := l.Link(t.Context(), "s3://boot-images/1/kernel")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "http" || u.Host != "rgw:8080" || u.Path != "/boot-images/1/kernel" || q.Get("X-Amz-Expires") != "5400" ||
		!strings.HasPrefix(q.Get("X-Amz-Credential"), accessKey+"/") || len(q.Get("X-Amz-Signature")) != 64 {
		t.Errorf("the link is %s", text)
	}
	if strings.Contains(text, secretKey) {
		t.Error("the secret key is in the link")
	}
	if strings.ContainsAny(text, " \n") {
		t.Errorf("%q is no word", text)
	}
}

func TestAPlainLinkIsTheBaseWithBucketAndKey(t *testing.T) {
	for endpoint, want := range map[string]string{
		"http://rgw:8080":      "http://rgw:8080/boot-images/a%20b/kernel",
		"https://cache/s3/":    "https://cache/s3/boot-images/a%20b/kernel",
		"http://10.0.0.1:9000": "http://10.0.0.1:9000/boot-images/a%20b/kernel",
	} {
		l, err := s3.NewLinks(s3.Config{Endpoint: endpoint, AccessKey: accessKey, SecretKey: secretKey}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.Link(t.Context(), "s3://boot-images/a b/kernel"); got != want || err != nil {
			t.Errorf("the link is %s, %v, want %s", got, err, want)
		}
	}
}

func TestWhatCannotBeLinkedToIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config s3.Config
		ttl    time.Duration
		want   string
	}{
		"no keys to sign with": {s3.Config{Endpoint: "http://rgw:8080"}, time.Hour, "presign"},
		"too long":             {s3.Config{Endpoint: "http://rgw:8080", AccessKey: "a", SecretKey: "b"}, 8 * 24 * time.Hour, "up to 168h"},
		"no URL":               {s3.Config{Endpoint: "rgw"}, 0, "no URL"},
	} {
		if _, err := s3.NewLinks(c.config, c.ttl); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	l, err := s3.NewLinks(s3.Config{Endpoint: "http://rgw:8080"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Link(t.Context(), "s3://bucket"); !errors.Is(err, bos.ErrImage) {
		t.Errorf("a path without a key: %v", err)
	}
}
