// Package hostile makes requests that nobody means well with: by a seed, so that what
// is found can be found again. None of them may change anything: whatever answers a
// write of theirs with success has taken what it should have refused.
package hostile

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Ending is what the sender of a request does behind it.
type Ending int

// The endings.
const (
	// Wait reads the answer.
	Wait Ending = iota
	// Leave closes the connection at once.
	Leave
	// Trail says that more would have to come: the sender waits for a moment, and leaves.
	Trail
)

// Request is what is sent on one connection.
type Request struct {
	// Kind names what is wrong with it.
	Kind string
	// Raw are its bytes.
	Raw    []byte
	Ending Ending
	// Write says that its method changes something where it is taken.
	Write bool
}

// Source makes requests.
type Source struct {
	random *rand.Rand
	host   string
	token  string
}

// New makes requests for a service called host, by a seed. Some of them carry a
// token that is good, so that they come as far as they can.
func New(seed uint64, host, token string) *Source {
	return &Source{random: rand.New(rand.NewPCG(seed, 17)), host: host, token: token} //nolint:gosec // to be repeated, not secret
}

// kinds are what is made, by name.
var kinds = []struct {
	name string
	make func(s *Source) Request
}{
	{"path", (*Source).path},
	{"method", (*Source).method},
	{"body that is none", (*Source).body},
	{"deep body", (*Source).deep},
	{"many entries", (*Source).many},
	{"long body", (*Source).long},
	{"chunks", (*Source).chunks},
	{"headers", (*Source).headers},
	{"query", (*Source).query},
	{"tenant", (*Source).tenant},
	{"token", (*Source).oddToken},
	{"range", (*Source).ranges},
	{"stream", (*Source).stream},
	{"version", (*Source).version},
	{"pipeline", (*Source).pipeline},
	{"half", (*Source).half},
	{"without end", (*Source).endless},
	{"noise", (*Source).noise},
}

// Next is the next request.
func (s *Source) Next() Request {
	kind := kinds[s.random.IntN(len(kinds))]
	r := kind.make(s)
	r.Kind = kind.name
	return r
}

func pick[T any](s *Source, of ...T) T { return of[s.random.IntN(len(of))] }

// Writes that no body below may pass for, and reads.
var (
	writes = []string{
		"PATCH /v2/components", "PUT /v2/components", "PATCH /v2/components/x9999c0s0b0n0", "PUT /v2/components/x9999c0s0b0n0",
		"POST /v2/sessions", "PATCH /v2/sessions/none", "PUT /v2/sessiontemplates/hostile", "PATCH /v2/sessiontemplates/none",
		"PATCH /v2/options", "POST /v2/applystaged", "POST /x/v1/previews", "POST /apis/bos/v2/sessions",
		"PUT /boot/v1/bootparameters", "POST /boot/v1/bootparameters", "PATCH /boot/v1/bootparameters",
	}
	reads = []string{
		"/", "/v2", "/v2/components", "/v2/sessions", "/v2/sessiontemplates", "/v2/options", "/v2/healthz", "/v2/version", "/x/v1/events",
		"/openapi.yaml", "/boot/v1/bootparameters", "/boot/v1/bootscript", "/v2/sessions/none/status", "/apis/bos/v2/components",
	}
)

// head is the beginning of a request, without the empty line.
func (s *Source) head(line string, more ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s HTTP/1.1\r\nHost: %s\r\n", line, s.host)
	if s.random.IntN(2) == 0 {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", s.token)
	}
	for _, header := range more {
		b.WriteString(header + "\r\n")
	}
	return b.String()
}

func (s *Source) read(target string, more ...string) Request {
	return Request{Raw: []byte(s.head("GET "+target, append(more, "Connection: close")...) + "\r\n")}
}

func (s *Source) write(body string) Request {
	head := s.head(pick(s, writes...), "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close")
	return Request{Raw: []byte(head + "\r\n" + body), Write: true}
}

func (s *Source) path() Request {
	base := pick(s, reads...)
	odd := []string{
		base + "/..", "/.." + base, "//" + base, base + "/%2e%2e/%2e%2e/etc/passwd", strings.ReplaceAll(base, "/", "%2f"), base + "/%00", base + "%zz",
		base + "/" + strings.Repeat("a", s.random.IntN(100_000)), base + strings.Repeat("/x", s.random.IntN(5000)), "*", "http://evil.example" + base,
		strings.ToUpper(base), base + "\\..\\", base + ";a=b", base + "/\xff\xfe", "/x/v1/../../v2/options", base + "#a",
	}
	return s.read(pick(s, odd...))
}

func (s *Source) method() Request {
	m := pick(s, "BREW", "TRACE", "CONNECT", "OPTIONS", "HEAD", "PROPFIND", "get", "G ET", "", strings.Repeat("M", 1+s.random.IntN(10_000)), "GET\x00")
	return Request{Raw: []byte(s.head(m+" "+pick(s, reads...), "Connection: close") + "\r\n")}
}

func (s *Source) body() Request {
	return s.write(pick(s,
		"nonsense", "null", "\"text\"", "17", "[null]", "[17]", "true", "{\"\x00\":1}", "{\"a\":\"\xff\xfe\"}", `{"name":17}`, `{"id":null}`, `{"operation":{}}`,
		`{"operation":"boot","operation":"reboot"}`, `{"name":1e999999}`, `{"boot_sets":[]}`, `{"boot_sets":{"a":{"rootfs_provider":[]}}}`, `[{"id":"x9999c0s0b0n0","enabled":"yes"}]`,
		`{"limit":-99999999999999999999999}`, `{"max_boot_wait_time":1e300}`, `{"patch":{},"filters":{"ids":17}}`, `{"hosts":17}`, `{"enabled":`, "\xef\xbb\xbf{", "{}{}",
		`{"unheard_of":1}`, "{\"name\":\"a\\u0000b\",\"unheard_of\":2}",
	))
}

func (s *Source) deep() Request {
	n := 1 + s.random.IntN(200_000)
	return s.write(pick(s, strings.Repeat("[", n), strings.Repeat(`{"a":`, n), strings.Repeat("[", n)+strings.Repeat("]", n), `{"boot_sets":`+strings.Repeat(`{"a":`, n)))
}

func (s *Source) many() Request {
	n := 1 + s.random.IntN(60_000)
	return s.write("[" + strings.TrimSuffix(strings.Repeat(pick(s, "{},", "1,", `"x",`, "null,", `{"id":"n"},`, `{"id":""},`), n), ",") + ",17]")
}

func (s *Source) long() Request {
	// A length that is announced and not sent, or sent and not JSON.
	if s.random.IntN(2) == 0 {
		head := s.head(pick(s, writes...), "Content-Type: application/json", "Content-Length: "+pick(s, "999999999999", "-1", "1e3", "18446744073709551616", "67108865", "0x10"))
		return Request{Raw: []byte(head + "\r\n" + `{"a":`), Ending: Trail, Write: true}
	}
	return s.write(`{"name":"` + strings.Repeat("a", s.random.IntN(1<<20)))
}

func (s *Source) chunks() Request {
	head := s.head(pick(s, writes...), "Content-Type: application/json", "Transfer-Encoding: "+pick(s, "chunked", "chunked", "gzip", "chunked, chunked", "identity"))
	body := pick(s, "zz\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n{", "2\r\n{}garbage", "5;"+strings.Repeat("e", 20_000)+"\r\nabcde\r\n0\r\n\r\n", "-1\r\n\r\n", strings.Repeat("1\r\n[\r\n", 1+s.random.IntN(20_000)))
	return Request{Raw: []byte(head + "\r\n" + body), Ending: Trail, Write: true}
}

func (s *Source) headers() Request {
	more := make([]string, 1+s.random.IntN(2000))
	for i := range more {
		more[i] = fmt.Sprintf("X-%d: %s", i, strings.Repeat("v", s.random.IntN(50)))
	}
	odd := pick(s, "Host: other.example", "Content-Length: 5\r\nContent-Length: 6", ": empty", "No colon", "X: \x00", "Expect: 100-continue", "Upgrade: h2c",
		"X-Long: "+strings.Repeat("l", s.random.IntN(300_000)), "Accept: "+strings.Repeat("a/b,", 20_000), "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", " folded: x")
	return s.read(pick(s, reads...), append(more, odd)...)
}

func (s *Source) query() Request {
	return s.read(pick(s, "/v2/components", "/x/v1/events", "/v2/sessions", "/boot/v1/bootscript") + "?" + pick(s,
		"ids="+strings.Repeat("x1000c0s0b0n0,", s.random.IntN(60_000)), "limit=99999999999999999999", "limit=-1", "after=-9223372036854775809", "enabled=maybe", "a=%zz",
		strings.Repeat("a=b&", s.random.IntN(50_000)), "min_age=9e99d", "max_age=-1", "session=%00", "mac=", "status=%ff", "name="+strings.Repeat("n", 10_000), ";;;", "ids=%2c%2c%2c",
	))
}

func (s *Source) tenant() Request {
	t := pick(s, "none", "", "../x", "a\tb", strings.Repeat("t", 20_000), "a\r\nCray-Tenant-Name: b", "\xff", "*", "x'; DROP TABLE components;--")
	return s.read(pick(s, reads...), "Cray-Tenant-Name: "+t)
}

func (s *Source) oddToken() Request {
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := segment(fmt.Sprintf(`{"sub":"root","roles":["admin"],"exp":%d}`, s.random.Int64()))
	token := pick(s, "x", "", ".", "..", strings.Repeat(".", 10_000), strings.Repeat("a", 40_000), segment(`{"alg":"none"}`)+"."+claims+".",
		segment(fmt.Sprintf(`{"alg":"RS256","kid":"k%d"}`, s.random.Int()))+"."+claims+"."+segment("signature"), "a.b.c", "\xff.\xff.\xff")
	head := fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s%s\r\nContent-Type: application/json\r\nContent-Length: 8\r\nConnection: close\r\n\r\nnonsense",
		pick(s, writes...), s.host, pick(s, "Bearer ", "Basic ", "bearer", "Bearer  "), token)
	return Request{Raw: []byte(head), Write: true}
}

func (s *Source) ranges() Request {
	return s.read(pick(s, reads...), "Range: "+pick(s, "bytes=0-0", "bytes=-1", "bytes=9-1", "bytes="+strings.Repeat("0-,", 10_000), "items=0-5"), "If-None-Match: *", "If-Modified-Since: yesterday")
}

func (s *Source) stream() Request {
	r := s.read("/x/v1/events", "Accept: text/event-stream", "Last-Event-ID: "+pick(s, "-1", "x", "9223372036854775808", "9223372036854775807", "0", "", "1e3"))
	r.Ending = Trail
	return r
}

func (s *Source) version() Request {
	line := pick(s, "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/1.", "")
	return Request{Raw: []byte("GET " + pick(s, reads...) + " " + line + "\r\nConnection: close\r\n\r\n")}
}

func (s *Source) pipeline() Request {
	var all strings.Builder
	for range 1 + s.random.IntN(50) {
		all.WriteString(s.head("GET "+pick(s, reads...)) + "\r\n")
	}
	last := s.read(pick(s, reads...))
	return Request{Raw: append([]byte(all.String()), last.Raw...)}
}

func (s *Source) half() Request {
	r := s.body()
	return Request{Raw: r.Raw[:s.random.IntN(len(r.Raw))], Ending: Leave, Write: true}
}

func (s *Source) endless() Request {
	return Request{Raw: []byte(s.head("GET "+pick(s, reads...)) + "X-Never: " + strings.Repeat("x", s.random.IntN(20_000))), Ending: Trail}
}

func (s *Source) noise() Request {
	b := make([]byte, 1+s.random.IntN(5000))
	for i := range b {
		b[i] = byte(s.random.Uint32())
	}
	return Request{Raw: b, Ending: pick(s, Leave, Trail)}
}
