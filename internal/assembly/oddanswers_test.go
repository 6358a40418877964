package assembly

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bootservice"
	"github.com/bootorch/terraform-provider-bos/internal/hw/bss"
	"github.com/bootorch/terraform-provider-bos/internal/hw/cfs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/hsm"
	"github.com/bootorch/terraform-provider-bos/internal/hw/ims"
	"github.com/bootorch/terraform-provider-bos/internal/hw/manifest"
	"github.com/bootorch/terraform-provider-bos/internal/hw/pcs"
	"github.com/bootorch/terraform-provider-bos/internal/hw/redfish"
	"github.com/bootorch/terraform-provider-bos/internal/hw/s3"
	"github.com/bootorch/terraform-provider-bos/internal/hw/tapms"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/hw/web"
)

// oddAnswer is what a site, its gateway or a broken program answers.
type oddAnswer struct {
	name string
	// says writes it.
	says func(w http.ResponseWriter, r *http.Request)
	// maybe is true where what was asked may have been done, done where it may have
	// been and the answer says no other.
	maybe, done bool
}

// saying is an answer of a status, a type and a text.
func saying(status int, contentType, text string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// raw is an answer to the byte, after which the connection is closed.
func raw(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
}

const (
	asJSON = "application/json"
	asHTML = "text/html"
	page   = "<html><head><title>Sign in</title></head><body>Sign in</body></html>"
)

// oddAnswers are of every kind that reports of users have: of gateways, of proxies, of
// programs that are starting, and of others at the same address.
func oddAnswers() []oddAnswer {
	return []oddAnswer{
		{"a page to sign in", saying(200, asHTML, page), false, true},
		{"nothing", saying(200, asJSON, ""), true, true},
		{"null", saying(200, asJSON, "null"), true, true},
		{"a number", saying(200, asJSON, "42"), true, true},
		{"a text", saying(200, asJSON, `"ok"`), true, true},
		{"an error with status 200", saying(200, asJSON, `{"error":{"code":"Base.1.8.GeneralError","message":"A general error has occurred."}}`), true, true},
		{"a problem with status 200", saying(200, "application/problem+json", `{"type":"about:blank","title":"Internal Server Error","status":500}`), true, true},
		{"half a document", saying(200, asJSON, `{"Components":[{"ID":"x1c0`), true, true},
		{"a document and garbage", saying(200, asJSON, `{} trailing`), true, true},
		{"no UTF-8", saying(200, asJSON, "{\"a\":\"\xff\xfe\"}"), true, true},
		{"a mark of its byte order", saying(200, asJSON, "\ufeff{}"), true, true},
		{"gzip that is none", saying(200, asJSON, "{}", "Content-Encoding", "gzip"), true, true},
		{"a body that breaks off", raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"Components\":["), true, true},
		{"chunks that break off", raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"), true, true},
		{"no content", saying(204, asJSON, ""), true, true},
		{"a part of the content", saying(206, asJSON, `{"Comp`), true, true},
		{"a way elsewhere", saying(302, asHTML, page, "Location", "https://sso.example/login"), false, false},
		{"a way to itself", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.String())
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, false, false},
		{"not modified", saying(304, asJSON, ""), false, false},
		{"a bad request", saying(400, asHTML, page), false, false},
		{"nobody", saying(401, asHTML, page, "WWW-Authenticate", "Negotiate"), false, false},
		{"forbidden by a policy", saying(403, "text/plain", "RBAC: access denied"), false, false},
		{"no such path, by a gateway", saying(404, asHTML, "<html>nginx</html>"), false, false},
		{"no such path, by a router", saying(404, "text/plain", "404 page not found\n"), false, false},
		{"no such method", saying(405, asHTML, page), false, false},
		{"a proxy that wants to know who asks", saying(407, asHTML, page), false, false},
		{"a request that took too long", saying(408, asHTML, page), false, false},
		{"too large", saying(413, asHTML, page), false, false},
		{"too many", saying(429, asHTML, page, "Retry-After", "1"), false, false},
		{"headers too large", saying(431, asHTML, page), false, false},
		{"an error", saying(500, "text/plain", "panic: runtime error"), false, false},
		{"not built", saying(501, asHTML, page), false, false},
		{"a bad gateway", saying(502, asHTML, page), true, false},
		{"unavailable", saying(503, asHTML, page, "Retry-After", "1"), false, false},
		{"a gateway that did not wait", saying(504, asHTML, page), true, false},
		{"a status of a cloud", saying(520, asHTML, page), true, false},
		{"nothing at all", raw(""), true, false},
		{"no HTTP", raw("SSH-2.0-OpenSSH_9.2\r\n"), true, false},
		{"half a head", raw("HTTP/1.1 200 OK\r\nContent-Ty"), true, false},
		{"a status that is none", raw("HTTP/1.1 2OO OK\r\n\r\n"), true, false},
	}
}

// how an asked upstream was taken.
type taken struct {
	// fine: what it says was taken for what was asked for.
	fine bool
	said string
	// outcome is that of what acts.
	outcome bos.CallOutcome
}

func read(err error) taken { return taken{fine: err == nil, said: fmt.Sprint(err)} }

func wrote(err error) taken {
	var call *bos.CallError
	if !errors.As(err, &call) {
		if nodes := (bos.NodeErrors{}); errors.As(err, &nodes) {
			call = nodes[oddNode]
		}
	}
	switch {
	case err == nil:
		return taken{fine: true, outcome: bos.CallDone}
	case call == nil:
		return taken{said: fmt.Sprintf("no *bos.CallError but %T: %v", err, err)}
	}
	return taken{said: call.Detail, outcome: call.Outcome}
}

func applied(r bos.CallResult) taken {
	return taken{fine: r.Outcome == bos.CallDone, said: r.Detail, outcome: r.Outcome}
}

const oddNode = "x1c0s0b0n0"

// asking is one question or order to an upstream.
type asking struct {
	name string
	// names are of the upstream or of its setting: an error has one of them.
	names []string
	acts  bool
	// reads are what is answered in order to what it reads before it acts.
	reads map[string]string
	do    func(ctx context.Context, url string) taken
	// tls says that it is asked over TLS alone.
	tls bool
}

func at(url string) transport.Upstream {
	return transport.Upstream{URL: url, Timeout: func() time.Duration { return 5 * time.Second }}
}

func askings() []asking {
	artifacts := bos.BootArtifacts{Kernel: "s3://boot-images/k", Initrd: "s3://boot-images/i", KernelParameters: "quiet"}
	bmc := func(url string) *redfish.Client {
		address := strings.TrimPrefix(url, "https://")
		return redfish.New(redfish.Config{
			Endpoints: func(context.Context) (map[string]redfish.Endpoint, error) {
				return map[string]redfish.Endpoint{oddNode: {
					Address: address, System: "/redfish/v1/Systems/1", Target: "/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", ResetTypes: []string{"On", "ForceOff", "GracefulShutdown"},
				}}, nil
			},
			Insecure: true, User: "root", Password: "hunter2",
		})
	}
	return []asking{
		{"the inventory of HSM", []string{"HSM"}, false, nil, func(ctx context.Context, url string) taken {
			_, err := hsm.New(at(url)).Inventory(ctx)
			return read(err)
		}, false},
		{"the BMCs of HSM", []string{"HSM"}, false, nil, func(ctx context.Context, url string) taken {
			_, err := hsm.New(at(url)).Endpoints(ctx)
			return read(err)
		}, false},
		{"the inventory of inventory-service", []string{"inventory-service"}, false, nil, func(ctx context.Context, url string) taken {
			_, err := hsm.NewInventoryService(at(url)).Inventory(ctx)
			return read(err)
		}, false},
		{"the power of a node by PCS", []string{"PCS"}, false, nil, func(ctx context.Context, url string) (got taken) {
			pcs.New(pcs.Config{Upstream: at(url)}).Probe(ctx, []string{oddNode}, func(r bos.PowerReading) {
				got = taken{fine: r.State != bos.PowerStateUnknown, said: r.Detail}
			})
			return got
		}, false},
		{"a transition of PCS", []string{"PCS"}, true, nil, func(ctx context.Context, url string) (got taken) {
			pcs.New(pcs.Config{Upstream: at(url)}).Apply(ctx, bos.PowerOn, []string{oddNode}, func(r bos.CallResult) { got = applied(r) })
			return got
		}, false},
		{"the power of a node by its BMC", []string{"BMC"}, false, nil, func(ctx context.Context, url string) (got taken) {
			bmc(url).Probe(ctx, []string{oddNode}, func(r bos.PowerReading) {
				got = taken{fine: r.State != bos.PowerStateUnknown, said: r.Detail}
			})
			return got
		}, true},
		{"a reset by a BMC", []string{"BMC"}, true, nil, func(ctx context.Context, url string) (got taken) {
			bmc(url).Apply(ctx, bos.PowerOn, []string{oddNode}, func(r bos.CallResult) { got = applied(r) })
			return got
		}, true},
		{"boot parameters for BSS", []string{"BSS"}, true, map[string]string{"/service/status": `{"bss-status":"running"}`}, func(ctx context.Context, url string) taken {
			_, err := bss.New(at(url)).Write(ctx, []string{oddNode}, artifacts)
			return wrote(err)
		}, false},
		{"boot parameters for boot-service", []string{"boot-service"}, true, map[string]string{
			"/nodes": `[{"metadata":{"uid":"n1","name":"` + oddNode + `"},"spec":{"xname":"` + oddNode + `","bootMac":"02:00:00:00:00:01"}}]`, "/bootconfigurations": "[]",
		}, func(ctx context.Context, url string) taken {
			link := func(_ context.Context, path string) (string, error) { return "http://images/" + path, nil }
			_, err := bootservice.New(bootservice.Config{Upstream: at(url), Link: link}).Write(ctx, []string{oddNode}, artifacts)
			return wrote(err)
		}, false},
		{"the configuration of a node by CFS", []string{"CFS"}, false, nil, func(ctx context.Context, url string) (got taken) {
			cfs.New(at(url)).Probe(ctx, []string{oddNode}, func(r bos.ConfigurationReading) { got = taken{fine: r.Symptom == bos.SymptomNone, said: r.Detail} })
			return got
		}, false},
		{"a configuration for CFS", []string{"CFS"}, true, nil, func(ctx context.Context, url string) (got taken) {
			cfs.New(at(url)).Set(ctx, bos.ConfigurationTarget{Name: "c"}, []string{oddNode}, func(r bos.CallResult) { got = applied(r) })
			return got
		}, false},
		{"an image of IMS", []string{"IMS"}, false, nil, func(ctx context.Context, url string) taken {
			_, err := ims.New(at(url)).ImageRecord(ctx, "00000000-0000-4000-8000-000000000001")
			return read(err)
		}, false},
		{"a tenant of TAPMS", []string{"TAPMS"}, false, nil, func(ctx context.Context, url string) taken {
			_, err := tapms.New(at(url)).TenantNodes(ctx, "red")
			return read(err)
		}, false},
		{"an image of the store", []string{"image store", "s3://", "S3"}, false, nil, func(ctx context.Context, url string) taken {
			c, err := s3.Open(s3.Config{Endpoint: url, AccessKey: "a", SecretKey: "hunter2", Attempts: 1})
			if err != nil {
				return taken{fine: true, said: err.Error()}
			}
			_, err = c.Image(ctx, "s3://boot-images/one/manifest.json")
			return read(err)
		}, false},
		{"an image of a web server", []string{"image server", "http://"}, false, nil, func(ctx context.Context, url string) taken {
			_, err := manifest.Sources{"http": web.New(web.Config{Prefixes: []string{url + "/"}})}.Image(ctx, url+"/manifest.json")
			return read(err)
		}, false},
	}
}

// TestNoOddAnswerOfAnUpstreamIsTakenForWhatWasAskedForAndEachIsToldWithItsName: each of
// the answers to each question. What acts has been done only where the answer has a
// status that says so, and is never said not to have been where it may have been.
func TestNoOddAnswerOfAnUpstreamIsTakenForWhatWasAskedForAndEachIsToldWithItsName(t *testing.T) {
	for _, ask := range askings() {
		t.Run(ask.name, func(t *testing.T) {
			t.Parallel()
			for _, odd := range oddAnswers() {
				server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if body, there := ask.reads[r.URL.Path]; there && r.Method == http.MethodGet {
						saying(http.StatusOK, asJSON, body)(w, r)
						return
					}
					odd.says(w, r)
				}))
				if server.Config.ErrorLog = log.New(io.Discard, "", 0); ask.tls {
					server.StartTLS()
				} else {
					server.Start()
				}
				got := ask.do(bos.ActingOn(t.Context(), oddNode), server.URL)
				server.Close()
				switch {
				case got.fine && (!ask.acts || !odd.done):
					t.Errorf("%s is taken for what was asked for (%s)", odd.name, got.said)
				case got.fine:
				case !hasOne(got.said, ask.names):
					t.Errorf("%s is told as %q, without one of %q", odd.name, got.said, ask.names)
				case strings.Contains(got.said, "hunter2"):
					t.Errorf("%s repeats a secret: %s", odd.name, got.said)
				case ask.acts && odd.maybe && got.outcome != bos.CallUnknown:
					t.Errorf("%s: it may have been done, and the outcome is %v (%s)", odd.name, got.outcome, got.said)
				}
			}
		})
	}
}

func hasOne(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
