package assembly

import (
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

func TestThePageIsReadWithoutATokenAndWhatItShowsIsNot(t *testing.T) {
	a := everything(t)
	a.auth.Mode = access.Enforce
	h := a.Handler()
	for path, want := range map[string]int{
		"/ui": http.StatusPermanentRedirect, "/ui/": http.StatusOK, "/apis/bos/ui/": http.StatusOK,
		"/ui/none": http.StatusNotFound, "/ui/../v2/components": http.StatusNotFound, "/ui//": http.StatusNotFound,
		"/v2/components": http.StatusUnauthorized, "/x/v1/events": http.StatusUnauthorized, "/uix": http.StatusUnauthorized, "/apis/bos/v2/sessions": http.StatusUnauthorized,
	} {
		if w := send(t, h, "GET", path, "", nil); w.Code != want {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, want, w.Body)
		}
	}
	// Its own scripts ask the service; a page of another site has none of it but a link.
	own := map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Origin": "http://127.0.0.1:8770", "Content-Type": "application/json"}
	if w := send(t, h, "POST", "/x/v1/sessions/s/cancel", `{"reason":"r"}`, own); w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("the page without a token: %d: %s", w.Code, w.Body)
	}
	for mode, want := range map[string]int{"navigate": http.StatusOK, "no-cors": http.StatusForbidden, "cors": http.StatusForbidden} {
		if w := send(t, h, "GET", "/ui/", "", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": mode}); w.Code != want {
			t.Errorf("from another site by %s: %d, want %d", mode, w.Code, want)
		}
	}
	if w := send(t, h, "GET", "/ui/", "", map[string]string{"Host": "evil.example"}); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("under another name: %d", w.Code)
	}
}
