package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

const echoed = `t0ken/with "all" & sorts`

// echoing are the ways in which a server may repeat what it was sent.
var echoing = map[string]func(text string) *http.Response{
	"the detail of a problem": func(text string) *http.Response {
		return answer(http.StatusBadRequest, fmt.Sprintf(`{"title":"Bad Request","detail":%q}`, "you sent "+text))
	},
	"its title": func(text string) *http.Response {
		return answer(http.StatusUnauthorized, fmt.Sprintf(`{"title":%q}`, text))
	},
	"a gateway's page": func(text string) *http.Response {
		return answer(http.StatusBadGateway, "<pre>Authorization: "+text+"</pre>")
	},
	"where the page is cut": func(text string) *http.Response { return answer(http.StatusBadGateway, strings.Repeat("x", 180)+text) },
	"what is no BOS":        func(text string) *http.Response { return answer(http.StatusOK, text) },
}

func TestASecretThatAServerRepeatsIsInNoError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("t0ken-of-the-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config Config
		secret string
	}{
		"a token":             {Config{Token: echoed}, echoed},
		"a token of a file":   {Config{TokenFile: file}, "t0ken-of-the-file"},
		"a fetched token":     {Config{ClientCredentials: &Credentials{TokenURL: "https://idp/token", ClientID: "boot", ClientSecret: secret}}, "t0ken-that-was-fetched"},
		"the client's secret": {Config{ClientCredentials: &Credentials{TokenURL: "https://idp/token", ClientID: "boot", ClientSecret: secret}}, secret},
	} {
		for way, echo := range echoing {
			t.Run(name+" in "+way, func(t *testing.T) {
				config := c.config
				config.Endpoint, config.Transport = "http://bos", &server{answer: func(_ int, r *http.Request) (*http.Response, error) {
					if r.URL.Host == "idp" {
						return answer(http.StatusOK, `{"access_token":"t0ken-that-was-fetched","expires_in":60}`), nil
					}
					return echo("Bearer " + c.secret), nil
				}}
				client, err := New(config)
				if err != nil {
					t.Fatal(err)
				}
				_, read := client.Template(t.Context(), "x")
				_, write := client.PutTemplate(t.Context(), bos.SessionTemplate{Name: "x"})
				_, follow := client.Follow(t.Context(), "x", 0, func(bos.Event) {})
				for _, err := range []error{read, write, follow} {
					if err == nil {
						t.Fatal("there was no error")
					}
					if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, c.secret) || strings.Contains(text, c.secret[:len(c.secret)-2]) {
						t.Errorf("the secret is in %s", text)
					}
				}
			})
		}
	}
}

func TestAnAnswerThatIsNoHTTPShowsNoToken(t *testing.T) {
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = conn.Write([]byte("Bearer s3cret-token\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	client, err := New(Config{Endpoint: "http://" + listener.Addr().String(), Token: "s3cret-token"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PutTemplate(t.Context(), bos.SessionTemplate{Name: "x"})
	var silence *Unreachable
	if !errors.As(err, &silence) || !Undecided(err) || strings.Contains(err.Error(), "s3cret-token") || !strings.Contains(err.Error(), concealed) {
		t.Errorf("the error is %v", err)
	}
}

func TestAReplacedTokenIsHiddenAsWellAndAWordIsNot(t *testing.T) {
	var s secrets
	s.fixed = spellings("the-client's-secret")
	for i := range 200 {
		s.remember(fmt.Sprintf("token-%03d", i))
	}
	s.remember("token-199-and-more")
	s.remember("a")
	got := s.conceal("a token-199-and-more, token-198, the-client's-secret and a word")
	if want := "a (hidden), (hidden), (hidden) and a word"; got != want {
		t.Errorf("the text is %q instead of %q", got, want)
	}
	if n := len(s.texts()); n > mostRecent+4 {
		t.Errorf("%d texts are remembered", n)
	}
}

func TestKindsOfErrorsAreToldApartWhereSecretsAreHidden(t *testing.T) {
	s := secrets{fixed: spellings("s3cret")}
	cause := errors.New("cause")
	for name, err := range map[string]error{
		"not found":  &Error{Status: http.StatusNotFound, Detail: "s3cret"},
		"no answer":  &Unreachable{Err: fmt.Errorf("s3cret: %w", cause)},
		"some other": fmt.Errorf("s3cret: %w", cause),
	} {
		got := s.concealIn(err)
		if strings.Contains(got.Error(), "s3cret") || IsNotFound(got) != IsNotFound(err) || Undecided(got) != Undecided(err) || errors.Is(got, cause) != errors.Is(err, cause) {
			t.Errorf("%s became %v", name, got)
		}
	}
	if got := s.concealIn(cause); fmt.Sprintf("%p", got) != fmt.Sprintf("%p", cause) || s.concealIn(nil) != nil {
		t.Errorf("an error without secrets is replaced by %v", got)
	}
}
