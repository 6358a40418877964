// Package hostile makes requests that nobody means well with: by a seed, so that what
// is found can be found again. None of them may change anything: whatever answers a
// write of theirs with success has taken what it should have refused.
package hostile

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
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
	reads  []string
	writes []Route
}

// New makes requests for a service called host, with the routes that it has, by a
// seed. Some of them carry a token that is good, so that they come as far as they can.
func New(seed uint64, host, token string, routes []Route) *Source {
	s := &Source{random: rand.New(rand.NewPCG(seed, 17)), host: host, token: token} //nolint:gosec // to be repeated, not secret
	for _, r := range routes {
		if r.Method == http.MethodGet {
			s.reads = append(s.reads, r.Path)
		} else {
			s.writes = append(s.writes, r)
		}
	}
	return s
}

// kinds are what is made, by name.
var kinds = []struct {
	name string
	make func(s *Source) Request
}{
	{"path", (*Source).path},
	{"name", (*Source).name},
	{"method", (*Source).method},
	{"body that is none", (*Source).body},
	{"deep body", (*Source).deep},
	{"many entries", (*Source).many},
	{"long body", (*Source).long},
	{"content type", (*Source).contentType},
	{"encoding", (*Source).encoding},
	{"origin", (*Source).origin},
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

// base is a path that is read, with a name in it that nobody has.
func (s *Source) base() string { return named(pick(s, s.reads...), "none") }

// target is a line of a write, with a name in it that nobody has.
func (s *Source) target() (line string, r Route) {
	r = pick(s, s.writes...)
	return r.Method + " " + named(r.Path, pick(s, "none", "x9999c0s0b0n0", "hostile")), r
}

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

// write is a body for a route. What would be done without one, or whatever it is, is
// asked for from a page of somebody else.
func (s *Source) write(body string, more ...string) Request {
	line, route := s.target()
	if route.obeys() {
		more = append(more, foreign)
	}
	more = append(more, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close")
	return Request{Raw: []byte(s.head(line, more...) + "\r\n" + body), Write: !route.lenient()}
}

// foreign is what a browser says of a page of somebody else.
const foreign = "Origin: https://evil.example"

func (s *Source) path() Request {
	base := s.base()
	odd := []string{
		base + "/..", "/.." + base, "//" + base, base + "/%2e%2e/%2e%2e/etc/passwd", strings.ReplaceAll(base, "/", "%2f"), base + "/%00", base + "%zz",
		base + "/" + strings.Repeat("a", s.random.IntN(100_000)), base + strings.Repeat("/x", s.random.IntN(5000)), "*", "http://evil.example" + base,
		strings.ToUpper(base), base + "\\..\\", base + ";a=b", base + "/\xff\xfe", "/x/v1/../../v2/options", base + "#a",
	}
	return s.read(pick(s, odd...))
}

// odd are names that nobody has.
func (s *Source) odd() string {
	return pick(s, "%00", "%2f", "%2e%2e%2fnone", "..%2f..", "%ff%fe", "a%0d%0aSet-Cookie:%20b", strings.Repeat("n", 1+s.random.IntN(20_000)), "none,none",
		"%F0%9F%92%A9", "-1", "none;drop", "%25%30%30", "x%20y", "x1000c0s0b0n99999999999999999999", "[0-99999999]", "'%20OR%201=1--", "${jndi:x}", "*", "null")
}

func (s *Source) name() Request {
	if s.random.IntN(2) == 0 {
		return s.read(named(pick(s, s.reads...), s.odd()))
	}
	r := pick(s, s.writes...)
	body := pick(s, "17", "[[", `{"unheard_of":1}`)
	more := []string{"Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close"}
	if r.obeys() {
		more = append(more, foreign)
	}
	return Request{Raw: []byte(s.head(r.Method+" "+named(r.Path, s.odd()), more...) + "\r\n" + body), Write: !r.lenient()}
}

func (s *Source) method() Request {
	m := pick(s, "BREW", "TRACE", "CONNECT", "OPTIONS", "HEAD", "PROPFIND", "get", "G ET", "", strings.Repeat("M", 1+s.random.IntN(10_000)), "GET\x00", "PRI")
	return Request{Raw: []byte(s.head(m+" "+s.base(), "Connection: close") + "\r\n")}
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
		line, _ := s.target()
		head := s.head(line, foreign, "Content-Type: application/json", "Content-Length: "+pick(s, "999999999999", "-1", "1e3", "18446744073709551616", "67108865", "0x10"))
		return Request{Raw: []byte(head + "\r\n" + `{"a":`), Ending: Trail, Write: true}
	}
	most := 1 << 20
	if s.random.IntN(rare) == 0 {
		most = 72 << 20 // more than anybody takes
	}
	return s.write(pick(s, `{"name":"`, `[{"id":"`, " ") + strings.Repeat("a", s.random.IntN(most)))
}

// rare is one in how many is very large.
const rare = 50

func (s *Source) contentType() Request {
	line, route := s.target()
	body := pick(s, "{}", "[]", `{"name":"hostile"}`, "a=b&c=d", "<a/>")
	kind := pick(s, "Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded", "Content-Type: multipart/form-data; boundary=x", "Content-Type: ",
		"Content-Type: application/json, text/plain", "Content-Type: application/xml", "Content-Type: "+strings.Repeat("a/", 5000), "Content-Type: \xff/\xff", "X-None: 1")
	return Request{Raw: []byte(s.head(line, kind, fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close") + "\r\n" + body), Write: !route.hint()}
}

func (s *Source) encoding() Request {
	// A gzip that would become very long, and texts in other alphabets than UTF-8.
	bomb := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + strings.Repeat("\xec\xc0\x81\x00\x00", 1+s.random.IntN(20_000))
	return s.write(pick(s, bomb, "\xff\xfe{\x00}\x00", "\xfe\xff\x00{\x00}", "+AHsAfQ-", "{\"name\":\"\xc3\x28\"}", "\xed\xa0\x80"),
		pick(s, "Content-Encoding: gzip", "Content-Encoding: deflate, gzip, br", "Content-Encoding: "+strings.Repeat("gzip,", 1000), "Accept-Encoding: gzip;q=0", "Accept-Charset: utf-7"))
}

func (s *Source) origin() Request {
	line, route := s.target()
	body := pick(s, "{}", "[]", `{"reason":"hostile"}`, `{"name":"hostile"}`, `{"name":"hostile","operation":"reboot","template_name":"compute"}`)
	where := pick(s, foreign, "Origin: null", "Sec-Fetch-Site: cross-site", "Origin: http://localhost:1", "Host: evil.example", "Sec-Fetch-Site: same-site", "Origin: https://"+s.host+".evil.example")
	head := s.head(line, where, "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body)), "Connection: close")
	if strings.HasPrefix(where, "Host:") { // and no other one
		head = strings.Replace(head, "Host: "+s.host+"\r\n", "", 1)
	}
	return Request{Raw: []byte(head + "\r\n" + body), Write: !route.hint()}
}

func (s *Source) chunks() Request {
	line, route := s.target()
	head := s.head(line, "Content-Type: application/json", "Transfer-Encoding: "+pick(s, "chunked", "chunked", "gzip", "chunked, chunked", "identity"))
	body := pick(s, "zz\r\n{}\r\n0\r\n\r\n", "ffffffffffffffff\r\n{", "2\r\n{}garbage", "5;"+strings.Repeat("e", 20_000)+"\r\nabcde\r\n0\r\n\r\n", "-1\r\n\r\n", strings.Repeat("1\r\n[\r\n", 1+s.random.IntN(20_000)))
	if route.obeys() {
		head += foreign + "\r\n"
	}
	return Request{Raw: []byte(head + "\r\n" + body), Ending: Trail, Write: !route.hint()}
}

func (s *Source) headers() Request {
	more := make([]string, 1+s.random.IntN(2000))
	for i := range more {
		more[i] = fmt.Sprintf("X-%d: %s", i, strings.Repeat("v", s.random.IntN(50)))
	}
	odd := pick(s, "Host: other.example", "Content-Length: 5\r\nContent-Length: 6", ": empty", "No colon", "X: \x00", "Expect: 100-continue", "Upgrade: h2c",
		"X-Long: "+strings.Repeat("l", s.random.IntN(300_000)), "Accept: "+strings.Repeat("a/b,", 20_000), "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", " folded: x")
	return s.read(s.base(), append(more, odd)...)
}

func (s *Source) query() Request {
	return s.read(pick(s, "/v2/components", "/x/v1/events", "/v2/sessions", "/boot/v1/bootscript", s.base()) + "?" + pick(s,
		"ids="+strings.Repeat("x1000c0s0b0n0,", s.random.IntN(60_000)), "limit=99999999999999999999", "limit=-1", "after=-9223372036854775809", "enabled=maybe", "a=%zz",
		strings.Repeat("a=b&", s.random.IntN(50_000)), "min_age=9e99d", "max_age=-1", "session=%00", "mac=", "status=%ff", "name="+strings.Repeat("n", 10_000), ";;;", "ids=%2c%2c%2c",
	))
}

func (s *Source) tenant() Request {
	t := pick(s, "none", "", "../x", "a\tb", strings.Repeat("t", 20_000), "a\r\nCray-Tenant-Name: b", "\xff", "*", "x'; DROP TABLE components;--")
	return s.read(s.base(), "Cray-Tenant-Name: "+t)
}

func (s *Source) oddToken() Request {
	segment := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := segment(fmt.Sprintf(`{"sub":"root","roles":["admin"],"exp":%d}`, s.random.Int64()))
	token := pick(s, "x", "", ".", "..", strings.Repeat(".", 10_000), strings.Repeat("a", 40_000), segment(`{"alg":"none"}`)+"."+claims+".",
		segment(fmt.Sprintf(`{"alg":"RS256","kid":"k%d"}`, s.random.Int()))+"."+claims+"."+segment("signature"), "a.b.c", "\xff.\xff.\xff")
	line, route := s.target()
	head := fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s%s\r\nContent-Type: application/json\r\nContent-Length: 8\r\nConnection: close\r\n%s\r\n\r\nnonsense",
		line, s.host, pick(s, "Bearer ", "Basic ", "bearer", "Bearer  "), token, foreign)
	return Request{Raw: []byte(head), Write: !route.hint()}
}

func (s *Source) ranges() Request {
	return s.read(s.base(), "Range: "+pick(s, "bytes=0-0", "bytes=-1", "bytes=9-1", "bytes="+strings.Repeat("0-,", 10_000), "items=0-5"), "If-None-Match: *", "If-Modified-Since: yesterday")
}

func (s *Source) stream() Request {
	r := s.read("/x/v1/events", "Accept: text/event-stream", "Last-Event-ID: "+pick(s, "-1", "x", "9223372036854775808", "9223372036854775807", "0", "", "1e3"))
	r.Ending = Trail
	return r
}

func (s *Source) version() Request {
	line := pick(s, "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/1.", "")
	return Request{Raw: []byte("GET " + s.base() + " " + line + "\r\nConnection: close\r\n\r\n")}
}

func (s *Source) pipeline() Request {
	var all strings.Builder
	for range 1 + s.random.IntN(50) {
		all.WriteString(s.head("GET "+s.base()) + "\r\n")
	}
	last := s.read(s.base())
	return Request{Raw: append([]byte(all.String()), last.Raw...)}
}

func (s *Source) half() Request {
	r := s.body()
	return Request{Raw: r.Raw[:s.random.IntN(len(r.Raw))], Ending: Leave, Write: true}
}

func (s *Source) endless() Request {
	return Request{Raw: []byte(s.head("GET "+s.base()) + "X-Never: " + strings.Repeat("x", s.random.IntN(20_000))), Ending: Trail}
}

func (s *Source) noise() Request {
	b := make([]byte, 1+s.random.IntN(5000))
	for i := range b {
		b[i] = byte(s.random.Uint32())
	}
	return Request{Raw: b, Ending: pick(s, Leave, Trail)}
}
