package client

import (
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestACancellationCarriesItsReason(t *testing.T) {
	c, s := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		return answer(200, `{"name":"s","status":{"status":"complete","error":"cancelled: why"}}`), nil
	})
	got, err := c.CancelSession(t.Context(), "s", "why")
	if err != nil || got.Status.Status != bos.SessionComplete {
		t.Errorf("%+v, %v", got, err)
	}
	if s.log[0] != "POST /apis/bos/x/v1/sessions/s/cancel" || s.bodies[0] != `{"reason":"why"}` {
		t.Errorf("it sent %s with %s", s.log[0], s.bodies[0])
	}
}

func TestTemplatesAndOptionsAreListedAndChanged(t *testing.T) {
	c, s := dial(t, 0, func(n int, _ *http.Request) (*http.Response, error) {
		return answer(200, []string{`[{"name":"t","new_member":1}]`, `{"polling_frequency":7,"unknown":true}`, `{"polling_frequency":8}`}[n-1]), nil
	})
	templates, err := c.Templates(t.Context())
	if err != nil || len(templates) != 1 || templates[0].Name != "t" {
		t.Errorf("%+v, %v", templates, err)
	}
	options, err := c.Options(t.Context())
	if err != nil || options.PollingFrequency != 7 {
		t.Errorf("%+v, %v", options, err)
	}
	eight := 8
	options, err = c.PatchOptions(t.Context(), bos.OptionsPatch{PollingFrequency: &eight})
	if err != nil || options.PollingFrequency != 8 || s.log[2] != "PATCH /apis/bos/v2/options" || s.bodies[2] != `{"polling_frequency":8}` {
		t.Errorf("%+v, %v after %s", options, err, s.bodies)
	}
}
