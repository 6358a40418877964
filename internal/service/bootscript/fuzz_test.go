package bootscript

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzBootScriptQuery asks for scripts with any query from any address: there
// is no server error, and a script holds no command but those of the endpoint.
func FuzzBootScriptQuery(f *testing.F) {
	for _, query := range []string{
		"name=" + nodeA, "mac=" + macA, "nid=1", "name=x9&mac=zz", "", "nid=-1", "nid=99999999999999999999", "name=%zz", "a;b",
		"name=" + nodeA + "&retry=1&arch=${buildarch}", "name=%0Ashell", "mac=0040A65FA5AC&name=&nid=2",
	} {
		f.Add(query, "10.1.0.1:1", "bos")
	}
	f.Add("name="+nodeB, "[fd00::1%eth0]:7", "bos:8771")
	f.Add("name="+nodeB, "@", "")
	s := newSite(f)
	token := s.write(plain, nodeA)
	f.Fuzz(func(t *testing.T, query, from, host string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://bos/boot/v1/bootscript", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.RawQuery, r.RemoteAddr = query, from
		if !strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"#/<>?@\^{}|`+"`", r) }) {
			r.Host = host // net/http lets no other through
		}
		w := s.serveTo(s.Scripts(), r)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%q from %q answered %d %s", query, from, w.Code, w.Body)
		}
		text := w.Body.String()
		if strings.Contains(text, token) && !mayBeNodeA(from) {
			t.Errorf("%q from %q got the token:\n%s", query, from, text)
		}
		if w.Code != http.StatusOK {
			return
		}
		for line := range strings.Lines(text) {
			word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch word {
			case "#!ipxe", "kernel", "initrd", "boot", ":again", ":boot_retry", "imgfree", "sleep", "chain":
			default:
				t.Errorf("%q made the line %q", query, line)
			}
		}
	})
}

// FuzzBootParametersBody writes any boot parameters: there is no server error,
// and what is taken is one kernel line in the script of its host.
func FuzzBootParametersBody(f *testing.F) {
	for _, body := range []string{
		`{"hosts":["x1c0s0b0n0"],"kernel":"http://images/k","initrd":"http://images/i","params":"quiet root=live:x ${mac}"}`, `{"hosts":["x1c0s0b0n0"],"kernel":"k","params":"quiet && shell"}`,
		`{"hosts":["x1c0s0b0n0"],"kernel":"s3://b/k","params":"a\nb"}`, `{"macs":["0040a65fa5ac"],"nids":[1,2],"kernel":"k"}`,
		`{"hosts":[]}`, `{"hosts":null,"kernel":null}`, `[]`, ``, `{"kernel":"k\u0000","hosts":["x1c0s0b0n0"]}`, `{"hosts":["x1c0s0b0n0"],"kernel":"k"} x`,
		`{"hosts":["X1C0S0B0N0"],"kernel":"\u2028","params":"\u0085"}`,
	} {
		for which := range uint8(4) {
			f.Add(which, body)
		}
	}
	s := newSite(f)
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		s.t = t
		s.write(plain, nodeA)
		method := []string{http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete}[which%4]
		w := s.api(method, "/boot/v1/bootparameters", body)
		if w.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %q answered %d %s", method, body, w.Code, w.Body)
		}
		if w := s.api(http.MethodGet, "/boot/v1/bootparameters", ""); w.Code != http.StatusOK {
			t.Errorf("after %s %q the list answers %d %s", method, body, w.Code, w.Body)
		}
		script := s.api(http.MethodGet, "/boot/v1/bootscript?name="+nodeA, "").Body.String()
		if kernels := strings.Count(script, "\nkernel "); kernels > 1 || strings.Count(script, "\n") > 8 || kernels == 0 && strings.Count(script, "\n") != 5 {
			t.Errorf("%s %q made the script\n%s", method, body, script)
		}
	})
}
