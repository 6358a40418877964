package reports

import (
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
)

// PhoneHome is where nodes say that they are up, as phone_home of cloud-init does: with
// a form, and behind a slash the node, if they know it.
const PhoneHome = "/x/v1/phone-home"

// The words of a form that say what was booted, and by whom; cloud-init sends none of
// them, and a line of a script can.
const (
	formReferral  = "bss_referral_token"
	formNodeToken = "bos_node_token" //nolint:gosec // the name of one
)

// phonesHome tells the requests that are for PhoneHome, with the name behind it.
func phonesHome(path string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(path, PhoneHome)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.Trim(rest, "/"), true
}

// takeHome is one node that phones home. One that says its referral token reports by
// it, as ever. Another proves its boot by the time: the API takes it for the boot that
// is under way, and where phone-homes are a proof.
func (s *Reports) takeHome(w http.ResponseWriter, r *http.Request, name string) *edge.Problem {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return edge.Problemf(http.StatusMethodNotAllowed, "%.20q is not how a node phones home; POST a form", r.Method)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return edge.Problemf(http.StatusUnsupportedMediaType, "the body is %.100q; send a form, application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	var large *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &large):
		return edge.Problemf(http.StatusRequestEntityTooLarge, "the body has more than %d bytes; post instance_id, hostname and fqdn", maxBody)
	case err != nil:
		return edge.Problemf(http.StatusBadRequest, "the form cannot be read; encode it")
	}
	return s.placed(func() *edge.Problem { return s.home(w, r, name) })
}

// home is a form that has been read.
func (s *Reports) home(w http.ResponseWriter, r *http.Request, name string) *edge.Problem {
	id := s.whose(r, name)
	if id == "" {
		return edge.Problemf(http.StatusNotFound, "nothing says which node phones home: neither the path (POST %s/XNAME), nor the address, of which the inventory knows none, nor hostname, fqdn or instance_id are that of one", PhoneHome)
	}
	referral, token := r.PostForm.Get(formReferral), tokenOf(r)
	if token == "" {
		token = r.PostForm.Get(formNodeToken)
	}
	if p := s.prove(r, id, referral, token); p != nil {
		s.tell(w, r, id, p)
		return p
	}
	r = r.WithContext(access.With(r.Context(), s.caller(id, token)))
	if referral != "" {
		s.report(w, r, id, referral)
		return nil
	}
	s.pass(w, r, http.MethodPost, "/x/v1/components/"+url.PathEscape(id)+"/booted", map[string]any{"by": bos.ProofPhoneHome}, map[string]any{"id": id})
	return nil
}

// whose is the node that phones home: that of the path, that of the address, or that
// of a name it has. An instance id of a cloud is in none of these places.
func (s *Reports) whose(r *http.Request, name string) string {
	if id, ok := s.node(r, name); ok {
		return id
	}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		if id, ok := s.Names.ByAddress(r.Context(), from.Addr()); ok {
			return id
		}
	}
	for _, word := range []string{"hostname", "fqdn", "instance_id"} {
		short, _, _ := strings.Cut(r.PostForm.Get(word), ".")
		if id, ok := s.node(r, short); ok {
			return id
		}
	}
	return ""
}

// node is the node of a name, which is an xname, or one of the inventory.
func (s *Reports) node(r *http.Request, name string) (id string, ok bool) {
	id = bos.CanonicalXname(name)
	return id, bos.IsNodeXname(id) || id != "" && s.Names.Has(r.Context(), id)
}
