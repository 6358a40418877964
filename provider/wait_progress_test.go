package provider

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// shower is a service that shows one session, or one that shows nothing.
func shower(t *testing.T, page string, extensions ...string) (c *client.Client, asked *[]string) {
	t.Helper()
	asked = &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.Path+" "+r.Header.Get("X-Terraform-Workspace")+" "+r.Header.Get("X-Terraform-Run"))
		var answer any
		switch strings.TrimPrefix(r.URL.Path, "/apis/bos") {
		case "/x/v1/capabilities":
			answer = bos.Capabilities{Service: "bootorch", Extensions: extensions}
		case "/x/v1/stream":
			answer = bos.StreamSnapshot{Sessions: []bos.StreamSession{{
				Name: "s", URL: page, Rollout: &bos.StreamRollout{Batch: "canary"},
				SessionProgress: bos.SessionProgress{Counts: map[string]int{"booting": 3, "done": 2, "failed": 1}, ETA: 1_800_000_090, Stragglers: bos.Stragglers{Count: 1, Nodes: "x1c0s1b0n0"}},
			}}}
		default:
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{Endpoint: server.URL + "/apis/bos", Token: "t", Workspace: "prod", Run: "run 7"})
	if err != nil {
		t.Fatal(err)
	}
	return c, asked
}

func TestProgressNamesPhasesEndBatchAndPage(t *testing.T) {
	t.Parallel()
	c, asked := shower(t, "/ui/#/sessions/s", bos.ExtensionStream)
	p := progress{now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	told := map[string]any{}
	p.further(t.Context(), c, "s", told)
	want := map[string]string{"phases": "3 booting, 2 done, 1 failed", "eta": "1m30s", "batch": "canary", "stragglers": "x1c0s1b0n0"}
	for name, value := range want {
		if told[name] != value {
			t.Errorf("%s is %v, want %s", name, told[name], value)
		}
	}
	if page := strings.TrimSuffix(c.Endpoint(), "/apis/bos") + "/ui/#/sessions/s"; told["page"] != page || p.page != page {
		t.Errorf("the page is %v, want %s", told["page"], page)
	}
	for _, request := range *asked {
		if !strings.HasSuffix(request, " prod run 7") {
			t.Errorf("a request does not say where it comes from: %s", request)
		}
	}
	if w := (waited{page: p.page}); !strings.Contains(w.seen(), p.page) || (waited{}).seen() != "" {
		t.Errorf("the wait says %q", w.seen())
	}
	c, _ = shower(t, "https://bos.example/ui/#/sessions/s", bos.ExtensionStream)
	p = progress{now: time.Now}
	p.further(t.Context(), c, "s", told)
	if p.page != "https://bos.example/ui/#/sessions/s" {
		t.Errorf("the page that the service names is %s", p.page)
	}
}

// passing passes requests on to another host.
type passing struct{ host string }

func (p passing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Host = p.host
	return http.DefaultTransport.RoundTrip(r)
}

// A link that nobody can open tells a tired reader that the service is away.
func TestNoPageIsNamedThatNoBrowserFinds(t *testing.T) {
	t.Parallel()
	c, _ := shower(t, "/ui/#/sessions/s", bos.ExtensionStream)
	host := strings.TrimSuffix(strings.TrimPrefix(c.Endpoint(), "http://"), "/apis/bos")
	local, err := client.New(client.Config{Endpoint: "unix:///run/bos/bos.sock", Token: "t", Transport: passing{host}, Workspace: "prod", Run: "run 7"})
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]struct {
		progress
		c *client.Client
	}{
		"a service behind a socket":         {progress{now: time.Now}, local},
		"a service that ends with an apply": {progress{now: time.Now, brief: true}, c},
	} {
		told := map[string]any{}
		p.further(t.Context(), p.c, "s", told)
		if _, named := told["page"]; named || p.page != "" || told["phases"] == nil {
			t.Errorf("%s: it names the page %q and says %v", name, p.page, told)
		}
	}
}

func TestAServiceThatShowsNothingIsAskedOnce(t *testing.T) {
	t.Parallel()
	c, asked := shower(t, "", bos.ExtensionEvents)
	p := progress{now: time.Now}
	told := map[string]any{}
	for range 3 {
		p.further(t.Context(), c, "s", told)
	}
	if len(told) > 0 || p.page != "" || len(*asked) != 1 {
		t.Errorf("it says %v after the requests %q", told, *asked)
	}
}

func TestTheWorkspaceIsThatOfTheEnvironmentOrTheOneThatWasChosen(t *testing.T) {
	t.Parallel()
	none := func(string) ([]byte, error) { return nil, errors.New("there is none") }
	for _, c := range []struct {
		env  map[string]string
		read func(string) ([]byte, error)
		want string
	}{
		{map[string]string{"TFC_WORKSPACE_NAME": "hcp", "TF_WORKSPACE": "local"}, none, "hcp"},
		{map[string]string{"TF_WORKSPACE": "local"}, none, "local"},
		{nil, none, ""},
		{map[string]string{"TF_DATA_DIR": "/d"}, func(name string) ([]byte, error) { return []byte(name + "\n"), nil }, "/d/environment"},
	} {
		if got := workspaceName(func(name string) string { return c.env[name] }, c.read); got != c.want {
			t.Errorf("%v is %q, want %q", c.env, got, c.want)
		}
	}
}
