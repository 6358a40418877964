package assembly

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

func defaults(context.Context) (bos.Options, error) { return bos.DefaultOptions(), nil }

func TestEachSettingMakesItsAdapter(t *testing.T) {
	u := func(path string) *config.Upstream { return &config.Upstream{URL: "http://127.0.0.1:9/" + path} }
	c := config.Config{
		Inventory: config.Inventory{HSM: u("hsm/v2")}, Power: config.Power{PCS: &config.PCS{Upstream: *u("v1")}},
		BootParameters: config.BootParameters{BSS: u("boot/v1")}, Configuration: config.Configuration{CFS: u("v3")},
		Artifacts: config.Artifacts{S3: &config.S3{Endpoint: "http://127.0.0.1:9"}},
		Images:    config.Images{IMS: u("v3")}, Tenants: config.Tenants{TAPMS: u("v1alpha3")},
	}
	got, err := wire(c, defaults, nil, nil)
	if err != nil || got.Inventory == nil || got.Power == nil || got.Boot == nil || got.Configuration == nil ||
		got.Artifacts == nil || got.Images == nil || got.Tenants == nil {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = wire(config.Config{}, defaults, nil, nil)
	if err != nil || got.Inventory != nil || got.Power != nil || got.Boot != nil || got.Configuration != nil ||
		got.Artifacts != nil || got.Images != nil || got.Tenants != nil {
		t.Errorf("of no settings: %+v, %v", got, err)
	}
}

func TestAReadTimeoutThatIsPatchedHoldsForTheNextRequest(t *testing.T) {
	over := make(chan struct{})
	hangs := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer hangs.Close()
	defer close(over)
	seconds := 86400
	options := func(context.Context) (bos.Options, error) {
		o := bos.DefaultOptions()
		o.BSSReadTimeout = seconds
		return o, nil
	}
	got, err := wire(config.Config{BootParameters: config.BootParameters{BSS: &config.Upstream{URL: hangs.URL}}}, options, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	seconds = 1
	if _, err := got.Boot.Write(t.Context(), []string{"x1c0s0b0n0"}, bos.BootArtifacts{}); err == nil || !strings.Contains(err.Error(), "1s") {
		t.Errorf("got %v", err)
	}
}

func TestATokenIsReadForEachRequest(t *testing.T) {
	var sent []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			sent = append(sent, r.Header.Get("Authorization"))
		}
	}))
	defer s.Close()
	got, err := wire(config.Config{BootParameters: config.BootParameters{BSS: &config.Upstream{URL: s.URL, TokenEnv: "OUR_TOKEN"}}}, defaults, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{"one", "two"} {
		t.Setenv("OUR_TOKEN", token)
		if _, err := got.Boot.Write(t.Context(), []string{"x1c0s0b0n0"}, bos.BootArtifacts{}); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(sent, ",") != "Bearer one,Bearer two" {
		t.Errorf("sent %q", sent)
	}
}

func TestAFileThatHoldsNoCertificateIsNamed(t *testing.T) {
	for _, file := range []string{"wire_test.go", "not-there.pem"} {
		u := config.Upstream{URL: "https://hsm", CAFile: file}
		if _, err := wire(config.Config{Inventory: config.Inventory{HSM: &u}}, defaults, nil, nil); err == nil || !strings.Contains(err.Error(), "inventory.hsm.ca_file") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
