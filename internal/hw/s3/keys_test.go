package s3_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
)

// TestOnlyTheBucketsThatMayBeReadAreReadAndLinkedTo: whoever writes a template could
// read all that the keys may, by a manifest of his own or by a link.
func TestOnlyTheBucketsThatMayBeReadAreReadAndLinkedTo(t *testing.T) {
	s := &store{objects: whole()}
	server := httptest.NewServer(s)
	defer server.Close()
	config := s3.Config{Endpoint: server.URL, AccessKey: accessKey, SecretKey: secretKey, Buckets: []string{"boot-images/1/", "shared"}}
	c, err := s3.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, ttl := range []time.Duration{0, time.Hour} {
		l, err := s3.NewLinks(config, ttl)
		if err != nil {
			t.Fatal(err)
		}
		for path, may := range map[string]bool{
			"s3://boot-images/1/kernel": true, "s3://shared/any/thing": true,
			"s3://boot-images/2/kernel": false, "s3://boot-images/1x/kernel": false, "s3://shared2/k": false, "s3://other/secret": false,
			"s3://boot-images/1/../2/kernel": false, "s3://boot-images/1/./kernel": false, "s3://boot-images/1//kernel": false,
		} {
			_, linked := l.Link(t.Context(), path)
			_, _, read := c.Read(t.Context(), path, 1000)
			checked := c.Check(t.Context(), path)
			for what, err := range map[string]error{"linked to": linked, "read": read, "checked": checked, "taken": c.Takes(path)} {
				refused := err != nil && errors.Is(err, bos.ErrImage) && strings.Contains(err.Error(), "artifacts.s3.buckets")
				if refused == may {
					t.Errorf("%s is %s with ttl %s: %v", path, what, ttl, err)
				}
			}
		}
	}
	for _, asked := range s.asked {
		if !strings.Contains(asked, " /boot-images/1/") && !strings.Contains(asked, " /shared/") {
			t.Errorf("the store was asked %s", asked)
		}
	}
}

// signing answers with what a request was signed for.
type signing struct{ headers chan http.Header }

func (s signing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.headers <- r.Header.Clone()
	w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	_, _ = w.Write([]byte("x"))
}

// TestAStoreOverTLSWithItsOwnAuthorityARegionAndATokenIsRead: as private ones and
// those of clouds are.
func TestAStoreOverTLSWithItsOwnAuthorityARegionAndATokenIsRead(t *testing.T) {
	asked := make(chan http.Header, 10)
	server := httptest.NewTLSServer(signing{asked})
	defer server.Close()
	ca := x509.NewCertPool()
	ca.AddCert(server.Certificate())
	for _, authority := range []*x509.CertPool{ca, x509.NewCertPool()} {
		c, err := s3.Open(s3.Config{Endpoint: server.URL, AccessKey: accessKey, SecretKey: secretKey, SessionToken: "for-a-while", Region: "eu-central-1", CA: func() *x509.CertPool { return authority }, Attempts: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = c.Read(t.Context(), path, 10)
		if trusted := authority == ca; (err == nil) != trusted {
			t.Errorf("trusted %t: %v", trusted, err)
		}
	}
	header := <-asked
	if signed := header.Get("Authorization"); !strings.Contains(signed, "/eu-central-1/s3/") || header.Get("X-Amz-Security-Token") != "for-a-while" {
		t.Errorf("signed as %s with the token %q", signed, header.Get("X-Amz-Security-Token"))
	}
}

// TestTheBucketMayBeInTheNameOfTheHost: some stores have no other way.
func TestTheBucketMayBeInTheNameOfTheHost(t *testing.T) {
	for _, ttl := range []time.Duration{0, time.Hour} {
		for virtual, want := range map[bool]string{true: "boot-images.s3.example:8080/1/kernel", false: "s3.example:8080/boot-images/1/kernel"} {
			l, err := s3.NewLinks(s3.Config{Endpoint: "https://s3.example:8080", AccessKey: accessKey, SecretKey: secretKey, Virtual: virtual}, ttl)
			if err != nil {
				t.Fatal(err)
			}
			text, err := l.Link(t.Context(), "s3://boot-images/1/kernel")
			u, wrong := url.Parse(text)
			if err != nil || wrong != nil || u.Host+u.Path != want || u.Scheme != "https" {
				t.Errorf("ttl %s, virtual %t: %s, %v", ttl, virtual, text, err)
			}
		}
	}
}

// TestKeysThatChangedAreReadAgain: those that are good for a while are replaced in
// their files.
func TestKeysThatChangedAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, broken, reads := s3.Keys{Access: "first", Secret: "s1", Session: "t1"}, error(nil), 0
		l, err := s3.NewLinks(s3.Config{Endpoint: "http://s3.example", Keys: func() (s3.Keys, error) { reads++; return keys, broken }}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		link := func() url.Values {
			text, err := l.Link(t.Context(), "s3://boot-images/1/kernel")
			if err != nil {
				return url.Values{"error": {err.Error()}}
			}
			u, _ := url.Parse(text)
			return u.Query()
		}
		for range 3 {
			if q := link(); !strings.HasPrefix(q.Get("X-Amz-Credential"), "first/") || q.Get("X-Amz-Security-Token") != "t1" {
				t.Errorf("%v", q)
			}
		}
		if reads != 1 {
			t.Errorf("the keys were read %d times", reads)
		}
		keys = s3.Keys{Access: "second", Secret: "s2"}
		<-time.After(61 * time.Second)
		if q := link(); !strings.HasPrefix(q.Get("X-Amz-Credential"), "second/") || q.Has("X-Amz-Security-Token") {
			t.Errorf("%v", q)
		}
		broken = errors.New("the file is gone")
		<-time.After(61 * time.Second)
		if q := link(); !strings.Contains(q.Get("error"), "the file is gone") {
			t.Errorf("%v", q)
		}
	})
}
