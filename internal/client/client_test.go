package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// server answers requests in place of the network, in the order they come.
type server struct {
	mu      sync.Mutex
	log     []string
	headers []http.Header
	bodies  []string
	answer  func(n int, r *http.Request) (*http.Response, error)
}

func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	s.log = append(s.log, r.Method+" "+r.URL.RequestURI())
	s.headers, s.bodies = append(s.headers, r.Header.Clone()), append(s.bodies, body)
	resp, err := s.answer(len(s.log), r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

func answer(status int, body string, headers ...string) *http.Response {
	w := httptest.NewRecorder()
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
	w.WriteHeader(status)
	_, _ = w.WriteString(body)
	return w.Result()
}

func problem(status int, title, detail string) *http.Response {
	return answer(status, fmt.Sprintf(`{"status":%d,"title":%q,"detail":%q}`, status, title, detail), "Content-Type", "application/problem+json")
}

// dial makes a client of a server that answers so.
func dial(t *testing.T, retries int, each func(n int, r *http.Request) (*http.Response, error)) (*Client, *server) {
	t.Helper()
	s := &server{answer: each}
	c, err := New(Config{Endpoint: "http://bos/apis/bos/", Token: "geheim", Tenant: "blue", MaxRetries: retries, Transport: s})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

func TestARequestCarriesTenantAndToken(t *testing.T) {
	c, s := dial(t, 0, func(int, *http.Request) (*http.Response, error) { return answer(200, `{"name":"t"}`), nil })
	if _, err := c.Template(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if s.log[0] != "GET /apis/bos/v2/sessiontemplates/t" || s.headers[0].Get("Cray-Tenant-Name") != "blue" || s.headers[0].Get("Authorization") != "Bearer geheim" {
		t.Errorf("the request was %s with %v", s.log[0], s.headers[0])
	}
	if _, err := c.ForTenant("").Template(t.Context(), "t"); err != nil {
		t.Fatal(err)
	}
	if _, has := s.headers[1]["Cray-Tenant-Name"]; has {
		t.Error("a request without tenant names one")
	}
}

func TestAReadIsTriedAgainAndAWriteIsNot(t *testing.T) {
	for name, failure := range map[string]func() (*http.Response, error){
		"no connection":  func() (*http.Response, error) { return nil, errors.New("connection refused") },
		"an outage":      func() (*http.Response, error) { return problem(503, "Service Unavailable", "later"), nil },
		"a busy gateway": func() (*http.Response, error) { return answer(429, "", "Retry-After", "30"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, s := dial(t, 3, func(int, *http.Request) (*http.Response, error) { return failure() })
				if _, err := c.Component(t.Context(), "x0"); err == nil {
					t.Error("the read succeeded")
				}
				if len(s.log) != 4 {
					t.Errorf("the read was sent %d times instead of 4", len(s.log))
				}
				s.log = nil
				enabled := true
				if _, err := c.PatchComponent(t.Context(), "x0", bos.ComponentPatch{Enabled: &enabled}); err == nil {
					t.Error("the write succeeded")
				}
				if len(s.log) != 1 {
					t.Errorf("the write was sent %d times", len(s.log))
				}
			})
		})
	}
}

func TestAnAnswerThatIsFinalIsNotAskedForAgain(t *testing.T) {
	for _, status := range []int{400, 401, 404, 409, 500, 302} {
		c, s := dial(t, 3, func(int, *http.Request) (*http.Response, error) {
			return answer(status, "", "Location", "http://elsewhere/"), nil
		})
		if _, err := c.Component(t.Context(), "x0"); err == nil {
			t.Errorf("%d was taken for success", status)
		}
		if len(s.log) != 1 {
			t.Errorf("%d was asked for %d times", status, len(s.log))
		}
	}
}

func TestAnInterruptEndsTheRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c, _ := dial(t, 1000, func(int, *http.Request) (*http.Response, error) { return nil, errors.New("refused") })
		_, err := c.Component(ctx, "x0")
		var unreachable *Unreachable
		if !errors.As(err, &unreachable) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAProblemBecomesAnErrorWithWhatTheServerSaid(t *testing.T) {
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		return problem(404, "The resource was not found", "Component 'x0' does not exist"), nil
	})
	_, err := c.Component(t.Context(), "x0")
	var e *Error
	if !errors.As(err, &e) || e.Status != 404 || e.Title != "The resource was not found" || e.Detail != "Component 'x0' does not exist" || e.Method != "GET" || e.URL != "http://bos/apis/bos/v2/components/x0" {
		t.Errorf("the error is %#v", err)
	}
	if !IsNotFound(err) || IsConflict(err) || Undecided(err) {
		t.Error("a 404 is taken for something else")
	}
}

func TestAPageInPlaceOfJSONIsAnErrorThatPointsAtTheEndpoint(t *testing.T) {
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) { return answer(200, "<html>welcome</html>"), nil })
	if _, err := c.Component(t.Context(), "x0"); err == nil || !strings.Contains(err.Error(), "endpoint") {
		t.Errorf("the error is %v", err)
	}
}

func TestErrorsDoNotShowTheToken(t *testing.T) {
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) { return nil, errors.New("refused") })
	if _, err := c.Component(t.Context(), "x0"); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("the error is %v", err)
	}
	if _, err := New(Config{Endpoint: "https://me:geheim@bos"}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("the error is %v", err)
	}
}

func pinned(name string) bos.PinnedSession {
	return bos.PinnedSession{SessionCreate: bos.SessionCreate{Name: name, Operation: bos.OperationBoot, TemplateName: "t"}, Pin: "p"}
}

const found = `{"name":"s","operation":"boot","template_name":"t","status":{"status":"running"}}`

// htmlPage is what a gateway says in place of BOS.
type htmlPage string

const page htmlPage = "<html>no route</html>"

// story answers a create: each POST and each look-up as told, and capabilities
// with pins.
func story(posts, lookUps []any) func(int, *http.Request) (*http.Response, error) {
	next := func(list *[]any) (*http.Response, error) {
		if len(*list) == 0 {
			return nil, errors.New("one request too many")
		}
		this := (*list)[0]
		*list = (*list)[1:]
		switch this := this.(type) {
		case error:
			return nil, this
		case string:
			return answer(201, this), nil
		case htmlPage:
			return answer(http.StatusNotFound, string(this), "Content-Type", "text/html"), nil
		case int:
			return problem(this, "The resource to be created already exists", "said the server"), nil
		default:
			return nil, fmt.Errorf("a story cannot hold %T", this)
		}
	}
	return func(_ int, r *http.Request) (*http.Response, error) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/capabilities"):
			return answer(200, `{"extensions":["pinned_sessions","folded_limits"]}`), nil
		case r.Method == http.MethodPost:
			return next(&posts)
		default:
			return next(&lookUps)
		}
	}
}

func TestASessionIsPostedAgainOnlyOnceItIsKnownNotToBeThere(t *testing.T) {
	lost := errors.New("connection reset")
	for name, c := range map[string]struct {
		posts, lookUps []any
		wantPosts      int
		wantErr        string
	}{
		"accepted":                                 {[]any{found}, nil, 1, ""},
		"accepted without an answer":               {[]any{lost}, []any{found}, 1, ""},
		"accepted behind a 502":                    {[]any{502}, []any{found}, 1, ""},
		"refused":                                  {[]any{400}, nil, 1, "400"},
		"name taken by another":                    {[]any{409}, nil, 1, "409"},
		"lost before it was accepted":              {[]any{lost, found}, []any{404}, 2, ""},
		"lost, and accepted after the look-up":     {[]any{lost, 409}, []any{404, found}, 2, ""},
		"lost, found and it does something else":   {[]any{lost}, []any{strings.Replace(found, "boot", "shutdown", 1)}, 1, "taken by another"},
		"lost, found and it has another limit":     {[]any{lost}, []any{strings.Replace(found, "{", `{"limit":"x1",`, 1)}, 1, "taken by another"},
		"lost, found and it stages":                {[]any{lost}, []any{strings.Replace(found, "{", `{"stage":true,`, 1)}, 1, "taken by another"},
		"lost, found and it takes disabled nodes":  {[]any{lost}, []any{strings.Replace(found, "{", `{"include_disabled":true,`, 1)}, 1, "taken by another"},
		"lost, found and it is last month's":       {[]any{lost}, []any{strings.Replace(found, `"status":"`, `"start_time":"1999-12-01T00:00:00","status":"`, 1)}, 1, "taken by another"},
		"lost again and again":                     {[]any{lost, lost}, []any{404, 404}, 2, "not known whether"},
		"lost, and a gateway knows no such path":   {[]any{lost}, []any{page}, 1, "not known whether"},
		"lost, and then refused by a gateway":      {[]any{lost, 403}, []any{404, 404}, 2, "not known whether"},
		"lost, and then refused by BOS":            {[]any{lost, 400}, []any{404, 404}, 2, "said the server"},
		"timed out at a gateway":                   {[]any{408}, []any{found}, 1, ""},
		"lost, and the look-up gets no answer too": {[]any{lost}, []any{500}, 1, "not known whether"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, s := dial(t, 1, story(c.posts, c.lookUps))
				_, err := client.CreateSession(t.Context(), pinned("s"))
				if c.wantErr == "" && err != nil || c.wantErr != "" && (err == nil || !strings.Contains(err.Error(), c.wantErr)) {
					t.Errorf("the error is %v instead of %q", err, c.wantErr)
				}
				posts := 0
				for _, line := range s.log {
					if strings.HasPrefix(line, "POST") {
						posts++
					}
				}
				if posts != c.wantPosts {
					t.Errorf("it was posted %d times instead of %d: %v", posts, c.wantPosts, s.log)
				}
			})
		})
	}
}

func TestAnInterruptBetweenTwoOffersLeavesItOpenWhetherTheFirstWasAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		tell := story([]any{errors.New("connection reset")}, []any{404})
		c, _ := dial(t, 3, func(n int, r *http.Request) (*http.Response, error) {
			resp, err := tell(n, r)
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/sessions/s") {
				interrupt()
			}
			return resp, err
		})
		_, err := c.CreateSession(ctx, pinned("s"))
		var unconfirmed *Unconfirmed
		if !errors.As(err, &unconfirmed) {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAnInterruptDuringThePOSTStillLearnsTheOutcome(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	c, _ := dial(t, 0, func(_ int, r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/capabilities") {
			return problem(404, "Not Found", "no such path"), nil
		}
		interrupt()
		if err := r.Context().Err(); err != nil {
			return nil, err
		}
		return answer(201, found), nil
	})
	unpinned := pinned("s")
	unpinned.Pin = ""
	s, err := c.CreateSession(ctx, unpinned)
	if err != nil || s.Name != "s" {
		t.Errorf("the session is %+v, the error %v", s, err)
	}
	if _, err := c.CreateSession(ctx, unpinned); !errors.Is(err, context.Canceled) {
		t.Errorf("a create that begins after the interrupt gives %v", err)
	}
}

func TestCapabilitiesAreAskedForOnceAndNoneIsAnAnswer(t *testing.T) {
	c, s := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		return problem(404, "Not Found", "nothing here"), nil
	})
	for range 3 {
		caps, err := c.ForTenant("green").Capabilities(t.Context())
		if err != nil || len(caps.Extensions) != 0 {
			t.Errorf("a plain server has %v (%v)", caps, err)
		}
	}
	if len(s.log) != 1 {
		t.Errorf("it was asked %d times", len(s.log))
	}
}

func TestAnOutageIsNotTakenForAPlainServer(t *testing.T) {
	down := true
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		if down {
			return problem(503, "Service Unavailable", "later"), nil
		}
		return answer(200, `{"extensions":["previews"]}`), nil
	})
	if _, err := c.Capabilities(t.Context()); err == nil {
		t.Error("an outage is an answer")
	}
	down = false
	if caps, err := c.Capabilities(t.Context()); err != nil || !Has(caps, bos.ExtensionPreviews) {
		t.Errorf("after the outage: %v (%v)", caps, err)
	}
}

func TestAGatewayThatHidesTheExtensionsOfABOSThatAnswersIsAPlainServer(t *testing.T) {
	for _, status := range []int{200, 403, 404} {
		c, _ := dial(t, 0, func(_ int, r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/v2/version") {
				return answer(200, `{"major":"2","minor":"5","patch":"1"}`), nil
			}
			return answer(status, "<html>nothing for you</html>"), nil
		})
		if caps, err := c.Capabilities(t.Context()); err != nil || len(caps.Extensions) != 0 {
			t.Errorf("behind a %d: %v (%v)", status, caps, err)
		}
	}
}

func TestAGatewayThatHasLostItsWayToBOSIsNotTakenForAPlainServer(t *testing.T) {
	lost := true
	c, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		if lost {
			return answer(404, "<html>no route</html>"), nil
		}
		return answer(200, `{"extensions":["previews"]}`), nil
	})
	if _, err := c.Capabilities(t.Context()); err == nil {
		t.Error("a gateway without a route is a plain BOS")
	}
	lost = false
	if caps, err := c.Capabilities(t.Context()); err != nil || !Has(caps, bos.ExtensionPreviews) {
		t.Errorf("afterwards: %v (%v)", caps, err)
	}
}

func TestOnlyBOSItselfSaysThatSomethingIsNotThere(t *testing.T) {
	for name, c := range map[string]struct {
		answer *http.Response
		want   bool
	}{
		"BOS":                      {problem(404, "The resource was not found", "no such session"), true},
		"a gateway's page":         {answer(404, "<html>not found</html>", "Content-Type", "text/html"), false},
		"a gateway's empty answer": {answer(404, ""), false},
		"a gateway's JSON":         {answer(404, `{"message":"no route"}`, "Content-Type", "application/json"), false},
		"a page that claims to be": {answer(404, "<html>", "Content-Type", "application/problem+json"), false},
		"another refusal of BOS":   {problem(400, "Bad Request", "no"), false},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := dial(t, 0, func(int, *http.Request) (*http.Response, error) { return c.answer, nil })
			_, err := client.Session(t.Context(), "s")
			if IsNotFound(err) != c.want {
				t.Errorf("not found is %t for %v", !c.want, err)
			}
		})
	}
}

func TestThePinGoesToAServerThatComparesItAndToNoOther(t *testing.T) {
	for extensions, want := range map[string]string{`["pinned_sessions"]`: "POST /apis/bos/x/v1/sessions", `[]`: ""} {
		c, s := dial(t, 0, func(_ int, r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return answer(200, `{"extensions":`+extensions+`}`), nil
			}
			return answer(201, found), nil
		})
		_, err := c.CreateSession(t.Context(), pinned("s"))
		var unpinnable *Unpinnable
		if errors.As(err, &unpinnable) != (want == "") {
			t.Errorf("with %s the error is %v", extensions, err)
		}
		if got := strings.Join(s.log[1:], ", "); got != want {
			t.Errorf("with %s it was %q", extensions, got)
		}
		if want != "" && !strings.Contains(s.bodies[1], `"pin":"p"`) {
			t.Errorf("the body is %s", s.bodies[1])
		}
	}
}

func TestASessionIsKnownAgainHoweverBOSWritesItsLimit(t *testing.T) {
	wanted := pinned("s")
	limit := "X1000c0s[0-1]b0n0, !x1000c0s1b0n0"
	wanted.Limit = &limit
	for stored, want := range map[string]bool{
		limit: true,
		"x1000c0s0b0n0,x1000c0s1b0n0,!x1000c0s1b0n0": true,
		"x1000c0s0b0n0,x1000c0s1b0n0":                false,
		"!x1000c0s1b0n0,x1000c0s[0-1]b0n0":           false,
		"":                                           false,
	} {
		found := bos.Session{Name: "s", Operation: wanted.Operation, TemplateName: wanted.TemplateName, Limit: stored}
		if SameSession(found, wanted, time.Now()) != want {
			t.Errorf("limit %q is the same: %t", stored, !want)
		}
	}
}

func TestAnEmptyLimitIsNeverPosted(t *testing.T) {
	for _, limit := range []string{"", " "} {
		c, s := dial(t, 0, story([]any{found}, nil))
		wanted := pinned("s")
		wanted.Limit = &limit
		if _, err := c.CreateSession(t.Context(), wanted); err == nil || len(s.log) != 0 {
			t.Errorf("limit %q was sent: %v (%v)", limit, s.log, err)
		}
	}
}

func TestOutcomesAreReadPageByPage(t *testing.T) {
	c, s := dial(t, 0, func(n int, _ *http.Request) (*http.Response, error) {
		return answer(200, []string{
			`{"extensions":["session_components"]}`, `{"components":[{"id":"x0","status":"stable"}],"next":"x0"}`, `{"components":[{"id":"x1","status":"failed"}]}`,
		}[n-1]), nil
	})
	all, err := c.Outcomes(t.Context(), "s")
	if err != nil || len(all) != 2 || all[1].Status != "failed" || !strings.Contains(s.log[2], "start_after_id=x0") {
		t.Errorf("the outcomes are %v (%v) after %v", all, err, s.log)
	}
}

func TestALongListOfIDsIsFilteredHere(t *testing.T) {
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprintf("x%d", i))
	}
	c, s := dial(t, 0, func(int, *http.Request) (*http.Response, error) {
		return answer(200, `[{"id":"x1"},{"id":"x999"}]`), nil
	})
	records, err := c.Components(t.Context(), bos.ComponentFilter{IDs: ids})
	if err != nil || len(records) != 1 || records[0].ID != "x1" || strings.Contains(s.log[0], "ids") {
		t.Errorf("%v (%v) for %v", records, err, s.log)
	}
}

func TestAPlainLimitSelectsWhatTheFoldedOneDid(t *testing.T) {
	var nodes []string
	inv := bos.Inventory{Groups: map[string][]string{}}
	for i := range 20 {
		id := fmt.Sprintf("x1c0s%db0n0", i)
		nodes = append(nodes, id)
		inv.Nodes = append(inv.Nodes, bos.Node{ID: id})
		inv.Groups["odd"] = nodes[:i%2+1]
	}
	rapid.Check(t, func(t *rapid.T) {
		folded := func(prefix string) *rapid.Generator[string] {
			return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(nodes), 1, 6), func(ids []string) string { return prefix + bos.Fold(ids) })
		}
		terms := rapid.SliceOfN(rapid.OneOf(folded(""), rapid.SampledFrom([]string{"all", "odd", "&odd", "!odd"})), 1, 5).Draw(t, "terms")
		limit := strings.Join(terms, ",")
		plain, err := PlainLimit(limit)
		if err != nil || strings.Contains(plain, "[") {
			t.Fatalf("%q becomes %q (%v)", limit, plain, err)
		}
		before, errBefore := bos.ParseLimit(limit)
		after, errAfter := bos.ParseLimit(plain)
		if errBefore != nil || errAfter != nil {
			t.Fatal(errBefore, errAfter)
		}
		if a, b := before.Apply(inv, nodes), after.Apply(inv, nodes); strings.Join(a, ",") != strings.Join(b, ",") {
			t.Fatalf("%q selects %v and %q selects %v", limit, a, plain, b)
		}
	})
}

func TestAFoldedDifferenceIsWrittenOutAndAnIntersectionRefused(t *testing.T) {
	if got, err := PlainLimit("all,!x1c0s[1-2]b0n0"); err != nil || got != "all,!x1c0s1b0n0,!x1c0s2b0n0" {
		t.Errorf("the difference is %q (%v)", got, err)
	}
	if got, err := PlainLimit("all,&x1c0s[1-2]b0n0"); err == nil {
		t.Errorf("the intersection is %q", got)
	}
}
