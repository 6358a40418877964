//go:build linux

package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// watched is BOS as SMD reaches it. It tells which nodes SMD notified it of, once
// BOS has taken that.
type watched struct {
	url  string
	told chan []string
}

func watch(t *testing.T, bosURL string) watched {
	t.Helper()
	u, err := url.Parse(bosURL)
	if err != nil {
		t.Fatal(err)
	}
	w := watched{told: make(chan []string, 100)}
	proxy := httputil.NewSingleHostReverseProxy(u)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent struct{ Components []string }
		if err != nil || json.Unmarshal(body, &sent) != nil || r.URL.Path != "/x/v1/hsm-notifications" {
			t.Errorf("SMD sent %s %s %q", r.Method, r.URL, body)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answered := &status{rw, http.StatusOK}
		proxy.ServeHTTP(answered, r)
		if answered.code == http.StatusOK {
			w.told <- sent.Components
		}
	}))
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// wantNotified changes the state of nodes in SMD, as what watches over them does,
// and waits until BOS has been told of each.
func (w watched) wantNotified(t *testing.T, smd string, nodes []string) {
	t.Helper()
	await(t, "BOS has subscribed", func() (bool, string) {
		list := must(t, http.MethodGet, smd+"/Subscriptions/SCN", "")
		return strings.Contains(string(list), w.url), string(list)
	})
	ids, err := json.Marshal(nodes)
	if err != nil {
		t.Fatal(err)
	}
	must(t, http.MethodPatch, smd+"/State/Components/BulkStateData", fmt.Sprintf(`{"ComponentIDs":%s,"State":"Ready"}`, ids))
	var told []string
	await(t, "SMD notifies BOS", func() (bool, string) {
		select {
		case some := <-w.told:
			told = append(told, some...)
		default:
		}
		missing := slices.DeleteFunc(slices.Clone(nodes), func(id string) bool { return slices.Contains(told, id) })
		return len(missing) == 0, fmt.Sprintf("it told of %v", told)
	})
}

// wantForgotten expects that SMD has no subscription of BOS any more.
func (w watched) wantForgotten(t *testing.T, smd string) {
	t.Helper()
	if list := must(t, http.MethodGet, smd+"/Subscriptions/SCN", ""); strings.Contains(string(list), w.url) {
		t.Errorf("BOS has stopped, and SMD still has %s", list)
	}
}
