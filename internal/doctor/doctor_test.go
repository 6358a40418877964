package doctor_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/doctor"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// The secrets that are planted; none of them may be told.
const (
	token     = "planted-t0ken"
	secretKey = "planted-s3cret"
)

const image = "s3://boot-images/" + services.ImageX86 + "/manifest.json"

// room starts an emulated room and is the settings for it.
func room(t *testing.T, c emulator.ServerConfig) (*emulator.Server, config.Config) {
	t.Helper()
	c.Listen, c.Also = "127.0.0.1:0", []string{"cfs", "ims", "tapms"}
	if c.Nodes == 0 {
		c.Nodes = 4
	}
	server, err := emulator.Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	file := filepath.Join(t.TempDir(), "bos.yaml")
	if err := server.WriteConfig(file); err != nil {
		t.Fatal(err)
	}
	settings, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	settings.Listen, settings.Database = "127.0.0.1:0", filepath.Join(t.TempDir(), "bos.db")
	return server, settings
}

// checked is what a check finds, and sees to it that no secret is in it and each
// finding is one whole line.
func checked(t *testing.T, o doctor.Options) doctor.Report {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	r := doctor.Check(t.Context(), o)
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{token, secretKey, "initial0", "emulator-secret", "planted-passw0rd", "X-Amz-Signature"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("a secret is told:\n%s", &b)
		}
	}
	for _, f := range r.Findings {
		if f.What == "" || f.Cause == "" || strings.ContainsAny(f.String(), "\r\n") || f.Level != doctor.LevelOK && f.WayOut == "" {
			t.Errorf("no whole finding: %+v", f)
		}
	}
	return r
}

// found is the findings about something, by the beginning of what it is called.
func found(r doctor.Report, what string, l doctor.Level) (all []doctor.Finding) {
	for _, f := range r.Findings {
		if strings.HasPrefix(f.What, what) && f.Level == l {
			all = append(all, f)
		}
	}
	return all
}

// want fails unless there is a finding of a level about something that says so.
func want(t *testing.T, r doctor.Report, l doctor.Level, what string, says ...string) {
	t.Helper()
	for _, f := range found(r, what, l) {
		all := true
		for _, s := range says {
			all = all && strings.Contains(f.String(), s)
		}
		if all {
			return
		}
	}
	var b bytes.Buffer
	_ = r.Write(&b)
	t.Errorf("there is no %s about %s that says %q:\n%s", l, what, says, &b)
}

// stub is a server that does what its handler does; url is of its root.
func stub(t *testing.T, h http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// says is a handler that gives one answer to everything.
func says(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestASiteInOrderHasNoErrorsAndIsOnlyRead(t *testing.T) {
	server, settings := room(t, emulator.ServerConfig{Config: machineroom.Config{Profiles: []machineroom.ProfileOf{{Profile: "idrac"}}}})
	settings.Power.Redfish.Networks = []string{"127.0.0.0/8"}
	r := checked(t, doctor.Options{Config: settings, Images: []string{image}})
	if n := r.Count(doctor.LevelError); n > 0 {
		t.Errorf("%d findings are errors: %+v", n, r.Findings)
	}
	want(t, r, doctor.LevelOK, "inventory.hsm", "4 nodes (4 Compute)")
	want(t, r, doctor.LevelOK, "bmc", "Dell Inc. PowerEdge R6515", "takes user and password", "is off", "GracefulShutdown")
	want(t, r, doctor.LevelOK, "image", "manifest, kernel and initrd are there", "ip=dhcp")
	want(t, r, doctor.LevelOK, "artifacts.s3", "boot-images", "takes the keys")
	want(t, r, doctor.LevelOK, "database", "is made when the service starts")
	want(t, r, doctor.LevelOK, "listen", "free")
	want(t, r, doctor.LevelOK, "clock", "inventory.hsm")
	for _, what := range []string{"boot_parameters.bss", "configuration.cfs", "images.ims", "tenants.tapms"} {
		want(t, r, doctor.LevelOK, what, "answers")
	}
	for _, n := range server.Room().Inventory().Nodes {
		if _, _, has := server.Room().BootParameters(n.ID); has {
			t.Errorf("boot parameters of %s were written", n.ID)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(settings.Database)); err != nil || len(files) > 0 {
		t.Errorf("the folder of the database has %v, %v", files, err)
	}
}

func TestOneBMCOfEachMakeIsTried(t *testing.T) {
	_, settings := room(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 12, NodesPerBMC: 1, Profiles: []machineroom.ProfileOf{
		{Profile: "idrac"}, {Nodes: "x1000c0s[0-3]b0", Profile: "ilo"}, {Nodes: "x1000c0s4b0", Profile: "gigabyte"},
	}}})
	r := checked(t, doctor.Options{Config: settings})
	if all := found(r, "bmc", doctor.LevelOK); len(all) != 3 {
		t.Errorf("%d BMCs were tried, want one of each of 3 makes: %+v", len(all), all)
	}
}

// odd are upstreams as sites have them, and what is to be told of each.
var odd = []struct {
	name   string
	change func(t *testing.T, c *config.Config)
	level  doctor.Level
	what   string
	says   []string
}{
	{"SMD that calls the question for locks bad while none is locked", func(t *testing.T, c *config.Config) {
		c.Inventory.HSM.URL = smd(t, `{"Components":[{"ID":"x3000c0s1b0n0","Type":"Node","State":"On","Role":"Compute","NID":1}]}`) + "/hsm/v2"
	}, doctor.LevelOK, "inventory.hsm", []string{"1 nodes (1 Compute)"}},
	{"SMD without nodes", func(t *testing.T, c *config.Config) {
		c.Inventory.HSM.URL = smd(t, `{"Components":[]}`) + "/hsm/v2"
	}, doctor.LevelError, "inventory.hsm", []string{"lists no node", "post them"}},
	{"SMD that is not there", func(_ *testing.T, c *config.Config) { c.Inventory.HSM.URL = "http://127.0.0.1:1/hsm/v2" }, doctor.LevelError, "inventory.hsm", []string{"connection refused", "inventory.hsm.url"}},
	{"a name that nobody resolves", func(_ *testing.T, c *config.Config) { c.Inventory.HSM.URL = "http://smd.invalid/hsm/v2" }, doctor.LevelError, "inventory.hsm", []string{`"smd.invalid" cannot be resolved`}},
	{"a token that is refused", func(t *testing.T, c *config.Config) {
		c.Inventory.HSM.URL, c.Inventory.HSM.TokenEnv = stub(t, says(401, "application/json", `{"detail":"token `+token+` expired"}`)), "DOCTOR_TOKEN"
	}, doctor.LevelError, "inventory.hsm", []string{"401 Unauthorized"}},
	{"a token that is not set", func(_ *testing.T, c *config.Config) { c.Inventory.HSM.TokenEnv = "DOCTOR_NO_TOKEN" }, doctor.LevelError, "inventory.hsm", []string{"DOCTOR_NO_TOKEN"}},
	{"PCS whose map of components is empty", func(t *testing.T, c *config.Config) {
		c.Power = config.Power{PCS: &config.PCS{Upstream: config.Upstream{URL: stub(t, emptyPCS)}}}
	}, doctor.LevelError, "power.pcs", []string{"knows no node at all", "credentials"}},
	{"PCS behind a gateway that does not know it", func(t *testing.T, c *config.Config) {
		c.Power = config.Power{PCS: &config.PCS{Upstream: config.Upstream{URL: stub(t, says(404, "text/html", "<html>no such route</html>"))}}}
	}, doctor.LevelError, "power.pcs", []string{"404"}},
	{"boot-service in place of BSS", func(t *testing.T, c *config.Config) {
		c.BootParameters.BSS.URL = stub(t, says(200, "application/json", `{"service_version":"0.2.0-fabrica","details":{"framework":"fabrica"}}`))
	}, doctor.LevelError, "boot_parameters.bss", []string{"boot-service", "takes those of other nodes away", "boot_parameters.bootservice.url"}},
	{"boot-service that tells no status", func(t *testing.T, c *config.Config) {
		c.BootParameters.BSS.URL = stub(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/status") {
				says(404, "text/plain", "404 page not found")(w, r)
				return
			}
			says(200, "application/json", `{"boot-parameters":[]}`)(w, r)
		})
	}, doctor.LevelError, "boot_parameters.bss", []string{"boot-service"}},
	{"BSS on PostgreSQL, which finds no node by its MAC address", func(t *testing.T, c *config.Config) {
		c.Inventory.HSM.URL = smd(t, `{"Components":[{"ID":"x3000c0s1b0n0","Type":"Node","State":"On","Role":"Compute","NID":1}]}`) + "/hsm/v2"
		c.BootParameters.BSS.URL = stub(t, func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/service/status"):
				says(200, "text/plain", `{"bss-status":"running"}`)(w, r)
			case r.URL.Query().Has("mac"):
				says(404, "application/problem+json", `{"title":"Not Found","detail":"Not found"}`)(w, r)
			default:
				says(200, "application/json", `[{"hosts":["x3000c0s1b0n0"],"kernel":"k","initrd":"i","params":"p"}]`)(w, r)
			}
		})
	}, doctor.LevelOK, "boot_parameters.bss", []string{"PostgreSQL", "written under both"}},
	{"a page for browsers in place of BSS", func(t *testing.T, c *config.Config) {
		c.BootParameters.BSS.URL = stub(t, says(200, "text/html", "<html>log in</html>"))
	}, doctor.LevelError, "boot_parameters.bss", []string{"page for browsers"}},
	{"version 2 of CFS", func(t *testing.T, c *config.Config) {
		c.Configuration.CFS.URL = stub(t, says(200, "application/json", `{}`))
	}, doctor.LevelError, "configuration.cfs", []string{"/v3"}},
	{"TAPMS that is away", func(_ *testing.T, c *config.Config) { c.Tenants.TAPMS.URL = "http://127.0.0.1:1" }, doctor.LevelError, "tenants.tapms", []string{"connection refused"}},
	{"IMS behind a gateway in trouble", func(t *testing.T, c *config.Config) {
		c.Images.IMS.URL = stub(t, says(503, "application/json", `{"detail":"no upstream"}`))
	}, doctor.LevelError, "images.ims", []string{"503", "no upstream"}},
	{"S3 that does not know the access key", s3says(403, "InvalidAccessKeyId"), doctor.LevelError, "artifacts.s3", []string{"access key", "access_key_env"}},
	{"S3 with another secret key", s3says(403, "SignatureDoesNotMatch"), doctor.LevelError, "artifacts.s3", []string{"secret key"}},
	{"S3 whose clock is another", s3says(403, "RequestTimeTooSkewed"), doctor.LevelError, "artifacts.s3", []string{"clocks", "NTP"}},
	{"S3 without the bucket", s3says(404, "NoSuchBucket"), doctor.LevelError, "artifacts.s3", []string{"no bucket boot-images"}},
	{"S3 that lists nothing to these keys", s3says(403, "AccessDenied"), doctor.LevelWarning, "artifacts.s3", []string{"may not read", "--image"}},
	{"S3 of another region", s3says(400, "AuthorizationHeaderMalformed"), doctor.LevelError, "artifacts.s3", []string{"artifacts.s3.region"}},
	{"S3 with keys that ran out", s3says(400, "ExpiredToken"), doctor.LevelError, "artifacts.s3", []string{"session token"}},
	{"a page for browsers in place of S3", func(t *testing.T, c *config.Config) {
		c.Artifacts.S3.Endpoint = stub(t, says(200, "text/html", "<html>MinIO Console</html>"))
	}, doctor.LevelError, "artifacts.s3", []string{"is no S3", "text/html", "artifacts.s3.endpoint", "console"}},
	{"a web server in place of S3", func(t *testing.T, c *config.Config) {
		c.Artifacts.S3.Endpoint = stub(t, says(404, "text/html", "<html>nothing here</html>"))
	}, doctor.LevelError, "artifacts.s3", []string{"is no S3", "404 Not Found", "artifacts.s3.endpoint"}},
	{"a gateway that lets nobody through to S3", func(t *testing.T, c *config.Config) {
		c.Artifacts.S3.Endpoint = stub(t, says(403, "text/html", "<html>no</html>"))
	}, doctor.LevelError, "artifacts.s3", []string{"is no S3", "403 Forbidden"}},
	{"JSON of another service", func(t *testing.T, c *config.Config) {
		c.Inventory.HSM.URL = stub(t, says(200, "application/json", `[{"id":1}]`))
	}, doctor.LevelError, "power.redfish", []string{"another shape", "an array"}},
	{"S3 that is away", func(_ *testing.T, c *config.Config) { c.Artifacts.S3.Endpoint = "http://127.0.0.1:1" }, doctor.LevelError, "artifacts.s3", []string{"refused"}},
	{"keys that cannot be read", func(_ *testing.T, c *config.Config) { c.Artifacts.S3.SecretKeyFile = "/nonexistent/secret" }, doctor.LevelError, "artifacts", []string{"/nonexistent/secret"}},
	{"a service whose clock is an hour behind", func(t *testing.T, c *config.Config) {
		c.Images.IMS.URL = stub(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			says(404, "application/problem+json", `{"title":"Not Found","detail":"no such image"}`)(w, r)
		})
	}, doctor.LevelError, "clock", []string{"images.ims", "it is 1h0m", "behind", "NTP"}},
	{"nothing that says what to boot", func(_ *testing.T, c *config.Config) { c.BootParameters = config.BootParameters{} }, doctor.LevelWarning, "boot_parameters", []string{"none is configured"}},
	{"a name that clients cannot resolve", func(_ *testing.T, c *config.Config) { c.Names = []string{"bos.invalid"} }, doctor.LevelWarning, "names", []string{"bos.invalid", "cannot be resolved"}},
	{"an address of another machine", func(_ *testing.T, c *config.Config) {
		c.BootParameters = config.BootParameters{Builtin: &config.Builtin{Listen: "192.0.2.1:8771"}}
	}, doctor.LevelError, "boot_parameters.builtin.listen", []string{"no address of this machine"}},
	{"an API for all", func(_ *testing.T, c *config.Config) { c.Listen = "0.0.0.0:0" }, doctor.LevelError, "listen", []string{"--allow-remote"}},
	{"an API for all that asks nobody", func(_ *testing.T, c *config.Config) { c.Listen, c.Auth.Mode = "0.0.0.0:0", config.AuthOff }, doctor.LevelError, "listen", []string{"0.0.0.0:0"}},
	{"rights that are only logged", func(_ *testing.T, c *config.Config) { c.Auth.Mode = config.AuthShadow }, doctor.LevelWarning, "auth.mode", []string{"let pass"}},
	{"tokens that cannot be read", func(_ *testing.T, c *config.Config) { c.Auth.TokensFile = "/nonexistent/tokens" }, doctor.LevelError, "auth", []string{"/nonexistent/tokens"}},
	{"an issuer whose address has a password", func(_ *testing.T, c *config.Config) {
		c.Auth.OIDC = []config.OIDC{{Issuer: "https://u:secret@idp.example/", Audiences: []string{"bos"}}}
	}, doctor.LevelError, "auth", []string{"auth.oidc[0]"}},
	{"a role that there is not", func(_ *testing.T, c *config.Config) {
		c.Auth.Certificates = []config.Certificate{{DNS: "a.example", Roles: []string{"king"}}}
	}, doctor.LevelError, "auth", []string{"auth.certificates[0].roles"}},
	{"an address for reports of another machine", func(_ *testing.T, c *config.Config) { c.Report.Listen = "192.0.2.1:8772" }, doctor.LevelError, "report.listen", []string{"no address of this machine"}},
	{"a folder that is not there", func(_ *testing.T, c *config.Config) { c.Database = "/nonexistent/bos.db" }, doctor.LevelError, "database", []string{"/nonexistent"}},
	{"a database that is none", func(t *testing.T, c *config.Config) {
		writeFile(t, c.Database, "no database at all, but long enough to be looked at\n", 0o600)
	}, doctor.LevelError, "database", []string{"is it a database of this program?"}},
	{"a database that all may read", func(t *testing.T, c *config.Config) { writeFile(t, c.Database, "", 0o644) }, doctor.LevelWarning, "database", []string{"0644", "chmod 0600"}},
	{"a password that all may read", func(t *testing.T, c *config.Config) {
		c.Power.Redfish.Credentials.PasswordFile = filepath.Join(t.TempDir(), "password")
		writeFile(t, c.Power.Redfish.Credentials.PasswordFile, "initial0\n", 0o644)
	}, doctor.LevelWarning, "power.redfish.credentials.password_file", []string{"0644"}},
	{"a password that is not there", func(_ *testing.T, c *config.Config) {
		c.Power.Redfish.Credentials.PasswordFile = "/nonexistent/password"
	}, doctor.LevelError, "power.redfish", []string{"/nonexistent/password"}},
}

func writeFile(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// TestAPostgresIsLookedAtAndNothingIsMadeInIt.
func TestAPostgresIsLookedAtAndNothingIsMadeInIt(t *testing.T) {
	_, settings := room(t, emulator.ServerConfig{})
	settings.Database = postgrestest.New(t)
	for range 2 {
		r := checked(t, doctor.Options{Config: settings})
		want(t, r, doctor.LevelOK, "database", "its tables are made when the service starts first")
		want(t, r, doctor.LevelWarning, "database", "synchronous_standby_names")
	}
	a, err := assembly.New(t.Context(), settings, "1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	want(t, checked(t, doctor.Options{Config: settings}), doctor.LevelOK, "database", "have the version of this program")
	for database, says := range map[string]string{
		"postgres://bos:planted-passw0rd@127.0.0.1:1/bos": "has a password",
		"postgres://bos@127.0.0.1:1/bos":                  "see whether it runs",
	} {
		settings.Database = database
		want(t, checked(t, doctor.Options{Config: settings}), doctor.LevelError, "database", says)
	}
}

// smd is SMD with these components, as it answers where no lock is set: to the question
// for those that are locked, and to any where there is no component, with a 400.
func smd(t *testing.T, components string) string {
	return stub(t, func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, "/hsm/v2") {
		case "/State/Components":
			says(200, "application/json", components)(w, r)
		case "/locks/status":
			if r.Method == http.MethodGet && (r.URL.Query().Has("Locked") || !strings.Contains(components, "x3000")) {
				says(400, "application/problem+json", `{"type":"about:blank","title":"Bad Request","detail":"Component not found","status":400}`)(w, r)
				return
			}
			says(200, "application/json", `{"Components":[{"ID":"x3000c0s1b0n0","Locked":false,"Reserved":false,"ReservationDisabled":false}]}`)(w, r)
		case "/Inventory/ComponentEndpoints":
			says(200, "application/json", `{"ComponentEndpoints":[]}`)(w, r)
		case "/Inventory/EthernetInterfaces":
			says(200, "application/json", `[{"ID":"a4bf012890a8","MACAddress":"a4:bf:01:28:90:a8","ComponentID":"x3000c0s1b0n0","IPAddresses":[]}]`)(w, r)
		default:
			says(200, "application/json", `[]`)(w, r)
		}
	})
}

// emptyPCS answers for each node as PCS does in its first minute.
func emptyPCS(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var list []string
	for _, id := range strings.FieldsFunc(string(body), func(c rune) bool { return strings.ContainsRune(`{}[]",:`, c) }) {
		if strings.HasPrefix(id, "x1") {
			list = append(list, fmt.Sprintf(`{"xname":%q,"powerState":"undefined","managementState":"undefined","error":"Component not found in component map.","supportedPowerTransitions":[],"lastUpdated":""}`, id))
		}
	}
	says(200, "application/json", `{"status":[`+strings.Join(list, ",")+`]}`)(w, r)
}

// s3says is a store that answers everything with a code.
func s3says(status int, code string) func(t *testing.T, c *config.Config) {
	return func(t *testing.T, c *config.Config) {
		c.Artifacts.S3.Endpoint = stub(t, says(status, "application/xml", `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>as stores say it</Message></Error>`))
	}
}

func TestEachOddAnswerOfASiteIsToldWithItsWayOut(t *testing.T) {
	t.Setenv("DOCTOR_TOKEN", token)
	_, settings := room(t, emulator.ServerConfig{})
	for _, o := range odd {
		t.Run(o.name, func(t *testing.T) {
			c := copied(settings)
			c.Database = filepath.Join(t.TempDir(), "bos.db")
			o.change(t, &c)
			want(t, checked(t, doctor.Options{Config: c}), o.level, o.what, o.says...)
		})
	}
}

// copied is settings of which the pointers can be changed.
func copied(c config.Config) config.Config {
	for _, u := range []**config.Upstream{&c.Inventory.HSM, &c.BootParameters.BSS, &c.Configuration.CFS, &c.Images.IMS, &c.Tenants.TAPMS} {
		if *u != nil {
			other := **u
			*u = &other
		}
	}
	store := *c.Artifacts.S3
	c.Artifacts.S3 = &store
	if c.Power.Redfish != nil {
		redfish := *c.Power.Redfish
		c.Power.Redfish = &redfish
	}
	return c
}

func TestAServiceThatHangsEndsTheCheckInTime(t *testing.T) {
	_, settings := room(t, emulator.ServerConfig{})
	over := make(chan struct{})
	var asked atomic.Int32
	settings.Images.IMS.URL = stub(t, func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-over
	})
	t.Cleanup(func() { close(over) })
	r := checked(t, doctor.Options{Config: settings, Timeout: 3 * time.Second})
	want(t, r, doctor.LevelError, "images.ims", "IMS")
	want(t, r, doctor.LevelOK, "bmc")
	if asked.Load() == 0 {
		t.Error("it was not asked")
	}
}

func TestACheckThatIsCancelledEnds(t *testing.T) {
	_, settings := room(t, emulator.ServerConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := doctor.Check(ctx, doctor.Options{Config: settings}); r.Worst() != doctor.LevelError {
		t.Errorf("a check that asked nobody found %+v", r.Findings)
	}
}

// upstreams are the sections of the settings with a service of its own, and what they
// are called in findings.
func upstreams(c *config.Config) map[string]*config.Upstream {
	return map[string]*config.Upstream{
		"inventory.hsm": c.Inventory.HSM, "boot_parameters.bss": c.BootParameters.BSS, "configuration.cfs": c.Configuration.CFS,
		"images.ims": c.Images.IMS, "tenants.tapms": c.Tenants.TAPMS, "power.pcs": &c.Power.PCS.Upstream,
	}
}

func TestEachWayInWhichAServiceIsNotReachedIsToldOfEachService(t *testing.T) {
	t.Setenv("DOCTOR_TOKEN", token)
	_, settings := room(t, emulator.ServerConfig{Power: emulator.PowerPCS})
	secure := httptest.NewTLSServer(says(200, "application/json", "{}"))
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	stale := expired(t)
	own, old := filepath.Join(t.TempDir(), "own.pem"), filepath.Join(t.TempDir(), "old.pem")
	writeFile(t, own, pemOf(secure.Certificate().Raw), 0o600)
	writeFile(t, old, pemOf(stale.Certificate().Raw), 0o600)
	moved := stub(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://login.example/realms/site?state="+token, http.StatusFound)
	})
	for _, way := range []struct {
		name   string
		change func(u *config.Upstream)
		says   []string
	}{
		{"a token that is not taken", func(u *config.Upstream) {
			u.URL, u.TokenEnv = stub(t, says(401, "application/json", `{}`)), "DOCTOR_TOKEN"
		}, []string{"401 Unauthorized", "give SECTION a token", "token_file"}},
		{"somebody who may not", func(u *config.Upstream) { u.URL = stub(t, says(403, "application/json", `{}`)) }, []string{"403 Forbidden", "give SECTION a token"}},
		{"a certificate that nobody vouches for", func(u *config.Upstream) { u.URL = secure.URL }, []string{"certificate is not trusted", "ca_file"}},
		{"a certificate that ran out", func(u *config.Upstream) { u.URL, u.CAFile = stale.URL, old }, []string{"certificate", "expired", "renew its certificate"}},
		{"another host than the certificate's", func(u *config.Upstream) {
			u.URL, u.CAFile = strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), own
		}, []string{"certificate", "localhost", "SECTION.url"}},
		{"HTTP on the port of HTTPS", func(u *config.Upstream) { u.URL = strings.Replace(secure.URL, "https", "http", 1) }, []string{"SECTION"}},
		{"HTTPS on the port of HTTP", func(u *config.Upstream) {
			u.URL = strings.Replace(stub(t, says(200, "text/plain", "")), "http", "https", 1)
		}, []string{"does not speak TLS"}},
		{"a login elsewhere", func(u *config.Upstream) { u.URL = moved }, []string{"a redirect to https://login.example", "not followed"}},
		{"a path that is not there", func(u *config.Upstream) { u.URL += "/nowhere" }, []string{"404", "SECTION.url"}},
	} {
		for section := range upstreams(&settings) {
			t.Run(way.name+" "+section, func(t *testing.T) {
				c := copied(settings)
				pcs := *c.Power.PCS
				c.Power = config.Power{PCS: &pcs}
				way.change(upstreams(&c)[section])
				wanted := make([]string, len(way.says))
				for i, s := range way.says {
					wanted[i] = strings.ReplaceAll(s, "SECTION", section)
				}
				want(t, checked(t, doctor.Options{Config: c}), doctor.LevelError, section, wanted...)
			})
		}
	}
}

func pemOf(certificate []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

// expired is a server with a certificate that was good until yesterday.
func expired(t *testing.T) *httptest.Server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().AddDate(0, 0, -9), NotAfter: time.Now().AddDate(0, 0, -1),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(says(200, "application/json", "{}"))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
