package emulator

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/services"
)

// etagOf is the etag of an object, as the bucket tells it.
func etagOf(t *testing.T, s *Server, key string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodHead, s.Endpoints().S3+"/"+machineroom.Bucket+"/"+key, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+services.AccessKey+"/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature="+strings.Repeat("0", 64))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s is answered %s", key, res.Status)
	}
	return strings.Trim(res.Header.Get("ETag"), `"`)
}

func TestIMSHasTheImagesOfTheBucket(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}})
	url := s.Endpoints().IMS + "/images"
	var all []object
	ask(t, http.MethodGet, url, nil, &all)
	if len(all) != 2 {
		t.Fatalf("%d images", len(all))
	}
	var one object
	ask(t, http.MethodGet, url+"/"+services.ImageARM, nil, &one)
	want := object{
		"id": services.ImageARM, "name": "emulated-aarch64", "arch": "aarch64", "created": "2026-01-01T00:00:00Z", "metadata": object{},
		"link": object{"path": "s3://boot-images/" + services.ImageARM + "/manifest.json", "type": "s3", "etag": etagOf(t, s, services.ImageARM+"/manifest.json")},
	}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("image (-want +got):\n%s", diff)
	}
}

func TestAnImageIsTagged(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 1}})
	url := s.Endpoints().IMS + "/images/"
	tag := func(operation, key, value string) object {
		return object{"metadata": object{"operation": operation, "key": key, "value": value}}
	}
	for _, c := range []struct {
		name, image string
		body        any
		status      int
		metadata    object
	}{
		{"set", services.ImageX86, tag("set", "sbps-project", "true"), 200, object{"sbps-project": "true"}},
		{"set another", services.ImageX86, tag("set", "a", "b"), 200, object{"sbps-project": "true", "a": "b"}},
		{"removed", services.ImageX86, tag("remove", "sbps-project", ""), 200, object{"a": "b"}},
		{"an unknown operation", services.ImageX86, tag("add", "a", "b"), 400, nil},
		{"an unknown image", "00000000-0000-4000-8000-000000000009", tag("set", "a", "b"), 404, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got object
			res := ask(t, http.MethodPatch, url+c.image, c.body, &got)
			metadata, _ := got["metadata"].(object)
			if res.StatusCode != c.status || cmp.Diff(c.metadata, metadata) != "" {
				t.Errorf("answered %s with %v, want %d with %v", res.Status, metadata, c.status, c.metadata)
			}
		})
	}
}

// tapmsTenant is a tenant as TAPMS tells it.
type tapmsTenant struct {
	Spec struct {
		Name  string `json:"tenantname"`
		State string `json:"state"`
	} `json:"spec"`
	Status struct {
		UUID      string                      `json:"uuid"`
		Resources []struct{ Xnames []string } `json:"tenantresources"`
	} `json:"status"`
}

func TestTAPMSKnowsTenantsByNameUUIDAndNode(t *testing.T) {
	s := startServer(t, ServerConfig{Config: machineroom.Config{Nodes: 4}, Tenants: map[string]string{"blue": "x1000c0s0b0n[0-1]", "red": third}})
	url := s.Endpoints().TAPMS + "/tenants"
	var one tapmsTenant
	ask(t, http.MethodGet, url+"/blue", nil, &one)
	if diff := cmp.Diff([]string{first, second}, one.Status.Resources[0].Xnames); diff != "" || one.Spec.State != "Deployed" {
		t.Errorf("tenant blue: %+v (-want +got):\n%s", one, diff)
	}
	var same tapmsTenant
	if ask(t, http.MethodGet, url+"/"+one.Status.UUID, nil, &same); cmp.Diff(one, same) != "" {
		t.Errorf("by its UUID it is %+v", same)
	}
	names := func(method string, body any) (names []string) {
		var list struct{ Items []tapmsTenant }
		ask(t, method, url, body, &list)
		for _, i := range list.Items {
			names = append(names, i.Spec.Name)
		}
		return names
	}
	if got := names(http.MethodGet, nil); cmp.Diff([]string{"blue", "red"}, got) != "" {
		t.Errorf("all: %v", got)
	}
	if got := names(http.MethodPost, []string{third, "x9c0s0b0n0"}); cmp.Diff([]string{"red"}, got) != "" {
		t.Errorf("those of a node: %v", got)
	}
	s.Services().SetTenant("red")
	if got := names(http.MethodGet, nil); cmp.Diff([]string{"blue"}, got) != "" {
		t.Errorf("after red has gone: %v", got)
	}
	if res := ask(t, http.MethodGet, url+"/red", nil, nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("red is answered %s", res.Status)
	}
	_, err := Start(t.Context(), ServerConfig{Config: machineroom.Config{Nodes: 1}, Listen: "127.0.0.1:0", Tenants: map[string]string{"green": "x[1"}})
	if err == nil || !strings.Contains(err.Error(), `"green"`) {
		t.Errorf("a tenant that cannot be read: %v", err)
	}
}
