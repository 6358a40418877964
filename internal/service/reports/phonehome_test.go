package reports

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

var formHeader = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

// cloudInit is what phone_home of cloud-init posts.
func cloudInit(hostname string, more ...string) string {
	form := url.Values{
		"pub_key_rsa": {"ssh-rsa " + strings.Repeat("A", 544) + " root@node\n"}, "pub_key_ecdsa": {"ecdsa-sha2-nistp256 " + strings.Repeat("B", 140)},
		"pub_key_ed25519": {"ssh-ed25519 " + strings.Repeat("C", 68)}, "instance_id": {"i-0123456"}, "hostname": {hostname}, "fqdn": {hostname + ".cluster"},
	}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form.Encode()
}

func TestANodePhonesHomeAsCloudInitDoes(t *testing.T) {
	const booted = "POST /x/v1/components/" + nodeA + `/booted {"by":"phone_home"}`
	for name, c := range map[string]struct {
		from, path, body string
		any              bool
		want             int
	}{
		"known by its address":               {ipA, PhoneHome, cloudInit("nid0001"), false, 200},
		"with a slash at the end":            {ipA, PhoneHome + "/", cloudInit("nid0001"), false, 200},
		"behind the path of CSM":             {ipA, "/apis/bos" + PhoneHome, cloudInit("nid0001"), false, 200},
		"known by the path":                  {ipA, PhoneHome + "/" + nodeA, cloudInit("nid0001"), false, 200},
		"with its instance id in the path":   {ipA, PhoneHome + "/i-0123456/", cloudInit("nid0001"), false, 200},
		"known by its name, through a proxy": {"127.0.0.1", PhoneHome, cloudInit(nodeA), false, 200},
		"by its full name":                   {"127.0.0.1", PhoneHome, cloudInit("", "fqdn", nodeA+".cluster.example"), false, 200},
		"by its instance id":                 {"127.0.0.1", PhoneHome, cloudInit("", "fqdn", "", "instance_id", strings.ToUpper(nodeA)), false, 200},
		"in the name of another":             {ipB, PhoneHome + "/" + nodeA, cloudInit("nid0001"), false, 403},
		"from nobody's address":              {"10.9.9.9", PhoneHome + "/" + nodeA, cloudInit("nid0001"), false, 403},
		"from nobody's address, allowed":     {"10.9.9.9", PhoneHome + "/" + nodeA, cloudInit("nid0001"), true, 200},
		"from nobody, of nobody":             {"10.9.9.9", PhoneHome, cloudInit("nid0001"), false, 404},
		"more than a form":                   {ipA, PhoneHome, cloudInit("x", "pub_key_rsa", strings.Repeat("A", maxBody)), false, 413},
		"no form":                            {ipA, PhoneHome, "%zz", false, 400},
		"another path":                       {ipA, PhoneHome + "s", cloudInit("x"), false, 404},
	} {
		s := newSite(t, func(cfg *Config) { cfg.AnySource = c.any })
		w := s.send(report{from: c.from, method: http.MethodPost, path: c.path, body: c.body, header: formHeader})
		if w.Code != c.want || (c.want == 200) != (len(s.passed) == 1 && s.passed[0] == booted) {
			t.Errorf("%s: %d %s; passed %q", name, w.Code, w.Body, s.passed)
		}
	}
}

// One line of a shell in the image, in place of the agent, reports as the agent does.
func TestAPhoneHomeWithTheReferralTokenIsAReport(t *testing.T) {
	s := newSite(t)
	w := s.send(report{from: ipA, method: http.MethodPost, path: PhoneHome, body: "bss_referral_token=T", header: formHeader})
	if w.Code != http.StatusOK || len(s.passed) != 1 || s.passed[0] != "PATCH "+path+` {"actual_state":{"bss_token":"T"}}` {
		t.Errorf("%d %s; passed %q", w.Code, w.Body, s.passed)
	}
}

func TestAPhoneHomeProvesWhoItIsWhereItMust(t *testing.T) {
	own, other := bos.NodeToken(key, nodeA, "T"), bos.NodeToken(key, nodeB, "T")
	for name, c := range map[string]struct {
		form string
		want int
	}{
		"cloud-init":                         {cloudInit(nodeA), 401},
		"the referral token alone":           {cloudInit(nodeA, formReferral, "T"), 401},
		"its token":                          {cloudInit(nodeA, formReferral, "T", formNodeToken, own), 200},
		"its token without what it is for":   {cloudInit(nodeA, formNodeToken, own), 403},
		"that of another":                    {cloudInit(nodeA, formReferral, "T", formNodeToken, other), 403},
		"that of another, in another's name": {cloudInit(nodeB, formReferral, "T", formNodeToken, other), 403},
	} {
		s := newSite(t, func(cfg *Config) {
			cfg.NodeKey, cfg.Required = func(context.Context) ([]byte, error) { return key, nil }, true
		})
		w := s.send(report{from: ipA, method: http.MethodPost, path: PhoneHome, body: c.form, header: formHeader})
		if w.Code != c.want || (len(s.passed) == 1) != (c.want == 200) {
			t.Errorf("%s: %d %s; passed %q", name, w.Code, w.Body, s.passed)
		}
		if strings.Contains(s.log.String()+w.Body.String(), own) {
			t.Errorf("%s: the token is in the log or the answer", name)
		}
	}
}

func TestAPhoneHomeIsAFormThatIsPosted(t *testing.T) {
	for name, c := range map[string]struct {
		report
		want int
	}{
		"a GET":          {report{method: http.MethodGet}, 405},
		"a PATCH":        {report{method: http.MethodPatch}, 405},
		"JSON":           {report{method: http.MethodPost, body: "{}"}, 415},
		"another page's": {report{method: http.MethodPost, header: map[string]string{"Content-Type": formHeader["Content-Type"], "Origin": "http://elsewhere", "Sec-Fetch-Site": "cross-site"}}, 403},
	} {
		s := newSite(t)
		c.from, c.path = ipA, PhoneHome
		if w := s.send(c.report); w.Code != c.want || len(s.passed) > 0 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
