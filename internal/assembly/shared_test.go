package assembly

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// sharing is one of several services on a database.
type sharing struct {
	*Assembly
	t     *testing.T
	url   string
	stop  context.CancelFunc
	ended chan error
}

// share starts one.
func share(t *testing.T, dsn string) *sharing {
	t.Helper()
	a, err := New(t.Context(), config.Config{Database: dsn, Auth: config.Auth{Mode: config.AuthOff}}, "1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(a.Driven())
	t.Cleanup(server.Close)
	ctx, stop := context.WithCancel(t.Context())
	s := &sharing{Assembly: a, t: t, url: server.URL, stop: stop, ended: make(chan error, 1)}
	go func() { s.ended <- a.Run(ctx) }()
	return s
}

func (s *sharing) end() {
	s.t.Helper()
	s.stop()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
	if err := s.Close(); err != nil {
		s.t.Error(err)
	}
}

// ask sends a request and returns the status and the answer.
func (s *sharing) ask(method, path, body string) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestSeveralServicesOnOnePostgresServeTheSame: what was written through one is read
// through any other, and who waits behind the one that drives takes its place.
func TestSeveralServicesOnOnePostgresServeTheSame(t *testing.T) {
	dsn := postgrestest.New(t)
	services := []*sharing{share(t, dsn)}
	<-services[0].Ready()
	for range 2 {
		services = append(services, share(t, dsn))
	}
	for _, s := range services {
		<-s.Ready()
	}
	for round := range 9 {
		writer, reader := services[round%3], services[(round+1)%3]
		path := fmt.Sprintf("/v2/sessiontemplates/t%d", round)
		if status, text := writer.ask("PUT", path, `{"boot_sets":{"c":{"path":"s3://b/one","type":"s3","node_roles_groups":["Compute"]}}}`); status != http.StatusOK {
			t.Fatalf("writing template %d: %d %s", round, status, text)
		}
		if status, text := reader.ask("GET", path, ""); status != http.StatusOK {
			t.Errorf("template %d was written through one service and is not read through another: %d %s", round, status, text)
		}
	}
	for i, s := range services {
		if status, text := s.ask("GET", "/readyz", ""); status != http.StatusOK {
			t.Errorf("service %d is not ready: %d %s", i, status, text)
		}
	}
	services[0].end()
	// One of the others has its place as soon as its lease was given up.
	for drives := false; !drives; {
		for _, s := range services[1:] {
			drives = drives || s.service.Live().Well() && s.driven()
		}
	}
	for _, s := range services[1:] {
		s.end()
	}
}

// driven reports whether this service itself drives the database.
func (s *sharing) driven() bool {
	_, text := s.ask("GET", "/readyz", "")
	return strings.Contains(text, "this service drives its database")
}

// TestWhatOneServiceAcknowledgedIsInWhatAnyOtherAnswers: the answers that are kept, or
// follow what changes, are no older than a request for them.
func TestWhatOneServiceAcknowledgedIsInWhatAnyOtherAnswers(t *testing.T) {
	dsn := postgrestest.New(t)
	services := []*sharing{share(t, dsn)}
	<-services[0].Ready()
	services = append(services, share(t, dsn))
	<-services[1].Ready()
	const node = "x1c0s1b0n0"
	must := func(s *sharing, method, path, body string) string {
		t.Helper()
		status, text := s.ask(method, path, body)
		if status >= http.StatusBadRequest {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return text
	}
	must(services[0], "PUT", "/v2/components/"+node, `{"id":"`+node+`","enabled":false}`)
	type shown struct {
		Pause struct{ Paused bool }
		Nodes struct {
			ID   []string
			Held []int
		}
	}
	for round := range 10 {
		writer, reader := services[round%2], services[(round+1)%2]
		on := round%4 < 2
		if on {
			must(writer, "POST", "/x/v1/holds", `{"ids":["`+node+`"],"reason":"a test"}`)
			must(writer, "POST", "/x/v1/pause", `{"reason":"a test"}`)
		} else {
			must(writer, "POST", "/x/v1/holds/release", `{"ids":["`+node+`"]}`)
			must(writer, "POST", "/x/v1/resume", `{"reason":"a test"}`)
		}
		for what, s := range map[string]*sharing{"which took it": writer, "beside it": reader} {
			var got shown
			if err := json.Unmarshal([]byte(must(s, "GET", "/x/v1/stream", "")), &got); err != nil {
				t.Fatal(err)
			}
			if got.Pause.Paused != on || !slices.Contains(got.Nodes.ID, node) || (got.Nodes.Held[0] == 1) != on {
				t.Errorf("round %d: held and paused is %t, and the service %s shows %+v", round, on, what, got)
			}
			if why := must(s, "GET", "/x/v1/components/"+node+"/why", ""); strings.Contains(why, `"held"`) != on {
				t.Errorf("round %d: held is %t, and the service %s says %s", round, on, what, why)
			}
		}
	}
	for _, s := range services {
		s.end()
	}
}
