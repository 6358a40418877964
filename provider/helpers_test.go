package provider_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// request sends a request without a body, wants it to succeed and returns the
// answer.
func request(t *testing.T, method, url string) string {
	t.Helper()
	return send(t, method, url, http.NoBody)
}

// put sends a JSON body.
func put(t *testing.T, url, body string) {
	t.Helper()
	send(t, http.MethodPut, url, strings.NewReader(body))
}

func send(t *testing.T, method, url string, body io.Reader) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Error(err)
		return ""
	}
	r.Header.Set("Content-Type", "application/json")
	if token := localtoken.Find(url); token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		t.Errorf("%s %s answered %s: %s (%v)", method, url, resp.Status, answer, err)
	}
	return string(answer)
}
