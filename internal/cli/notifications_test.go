package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// door is this service as others reach it, before anybody knows where it is. It
// counts what is posted to each path, by the answer.
type door struct {
	*httptest.Server
	inside atomic.Pointer[httputil.ReverseProxy]
	taken  chan string // the path of what was answered with 200
}

func openDoor(t *testing.T) *door {
	t.Helper()
	d := &door{taken: make(chan string, 1000)}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside := d.inside.Load()
		if inside == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answered := httptest.NewRecorder()
		inside.ServeHTTP(answered, r)
		w.WriteHeader(answered.Code)
		if r.Method == http.MethodPost && answered.Code == http.StatusOK {
			d.taken <- strings.Join(strings.SplitAfterN(r.URL.Path, "/", 5)[:4], "")
		}
	}))
	t.Cleanup(d.Close)
	return d
}

func (d *door) lead(t *testing.T, to string) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	d.inside.Store(httputil.NewSingleHostReverseProxy(u))
}

// TestHSMAndBMCsNotifyTheServiceThatDrivesThem boots nodes that HSM and the BMCs
// tell of; both find the service at an address of its own.
func TestHSMAndBMCsNotifyTheServiceThatDrivesThem(t *testing.T) {
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: 4, PowerTime: 20 * time.Millisecond, BootTime: 20 * time.Millisecond},
		Listen: "127.0.0.1:0", StateDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer room.Close() //nolint:errcheck // the test ends
	e, d := room.Endpoints(), openDoor(t)
	t.Setenv("TEST_BMC_PASSWORD", e.Password)
	t.Setenv("TEST_S3_KEY", e.AccessKey)
	t.Setenv("TEST_S3_SECRET", e.SecretKey)
	here := start(t, "--config", settingsFile(t, fmt.Sprintf(`
inventory: { hsm: { url: %q }, notifications: %q }
power: { redfish: { ca_file: %q, sessions: true, events: %q, credentials: { user: %s, password_env: TEST_BMC_PASSWORD } } }
boot_parameters: { bss: { url: %q } }
artifacts: { s3: { endpoint: %q, access_key_env: TEST_S3_KEY, secret_key_env: TEST_S3_SECRET } }
`, e.HSM, d.URL, e.CAFile, d.URL, e.User, e.BSS, e.S3)))
	d.lead(t, here)
	room.SetBOS(here)
	discovered(t, here, 4)
	const bmc = "x1000c0s0b0"
	for room.BMCs().Subscriptions(bmc) == 0 || room.Requests(false)["POST /hsm/v2/Subscriptions/SCN"] == 0 {
		call(t, http.MethodGet, here+"/v2/healthz", nil, nil)
	}
	template := map[string]any{"enable_cfs": false, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/" + services.ImageX86 + "/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"},
	}}}
	call(t, http.MethodPut, here+"/v2/sessiontemplates/compute", template, nil)
	call(t, http.MethodPost, here+"/v2/sessions", map[string]any{"name": "up", "template_name": "compute", "operation": "boot"}, nil)
	if s := complete(t, here, "up"); s.PercentSuccessful != 100 {
		t.Errorf("boot: %+v", s)
	}
	told := map[string]int{}
	for told["/x/v1/hsm-notifications"] == 0 || told["/x/v1/redfish-events/"] == 0 {
		told[<-d.taken]++
	}

	// Whoever posts that power is off brings probes about, no reset.
	resets := room.Requests(false)["BMC POST"]
	for range 50 {
		post(t, here+"/x/v1/redfish-events/"+room.BMCAddress(bmc), `{"Events":[{"MessageId":"ServerPoweredOff"}]}`)
		post(t, here+"/x/v1/hsm-notifications", `{"Components":["x1000c0s0b0n0"],"State":"Off"}`)
	}
	call(t, http.MethodPost, here+"/v2/sessions", map[string]any{"name": "there", "template_name": "compute", "operation": "boot"}, nil)
	complete(t, here, "there") // by now the hints have been taken in
	if more := room.Requests(false)["BMC POST"] - resets; more != 0 {
		t.Errorf("hints brought about %d resets", more)
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s answered %d, %v", url, res.StatusCode, err)
	}
}
