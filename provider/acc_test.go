package provider_test

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/provider"
)

// TestMain points the acceptance tests at the real Terraform, or at the one that
// TF_ACC_TERRAFORM_PATH names, OpenTofu for example, and keeps it from calling
// home. Started by Terraform, the test binary is the provider.
func TestMain(m *testing.M) {
	if os.Getenv("TF_PLUGIN_MAGIC_COOKIE") != "" {
		if err := provider.Serve("test"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		noteUsage()
		return
	}
	terraform, err := exec.LookPath(cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "the provider's tests run the terraform command; install Terraform 1.10 or later:", err)
		os.Exit(1)
	}
	// Services leave the tokens for this machine in a folder of the tests.
	tokens, err := os.MkdirTemp("", "bos")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	env := map[string]string{
		"XDG_RUNTIME_DIR": tokens,
		"TF_ACC":          "1", "TF_ACC_TERRAFORM_PATH": terraform, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.DevNull,
		// A provider within this process would write its logs among the test's.
		"TF_LOG_SDK": "OFF", "TF_LOG_PROVIDER_BOS": "OFF",
	}
	if strings.Contains(filepath.Base(terraform), "tofu") {
		// Where OpenTofu looks for a provider that no configuration gives an address.
		env["TF_ACC_PROVIDER_HOST"], env["TF_ACC_PROVIDER_NAMESPACE"] = "registry.opentofu.org", "hashicorp"
	}
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if err := waitTogether(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := postgrestest.Main(m)
	_ = os.RemoveAll(tokens) // a folder of temporary files
	os.Exit(status)
}

// waiting is how many tests wait for their Terraform at the same time, unless -parallel
// says something else: each is idle for half of its time.
const waiting = 4

// waitTogether has tests wait together, by which a machine with few processors is busy.
func waitTogether() error {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given || runtime.GOMAXPROCS(0) >= waiting {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(waiting))
}

// site is a BOS with its machine room, as the acceptance tests need it. They
// run against anything that can do this.
type site interface {
	// URL is the endpoint.
	URL() string
	// Hold keeps sessions from completing until Release.
	Hold()
	Release()
	// Break makes a node fail its next boot; Mend undoes it.
	Break(xname string)
	Mend(xname string)
	// Disable disables a node in the inventory.
	Disable(xname string)
	// Sessions lists the names of all sessions.
	Sessions() []string
	// Requests counts the requests of a method whose path ends so.
	Requests(method, pathEnd string) int
	// Watch returns a channel that gets "METHOD path" when a request is
	// answered; the one before gets no more.
	Watch() <-chan string
}

// seen is closed at the nth request from now on that begins so.
func seen(s site, beginning string, nth int) <-chan struct{} {
	requests, reached := s.Watch(), make(chan struct{})
	go func() {
		for request := range requests {
			if strings.HasPrefix(request, beginning) {
				nth--
			}
			if nth == 0 {
				close(reached)
				return
			}
		}
	}()
	return reached
}

// room are the nodes of the site that startBOS starts.
var room = []string{"x1000c0s0b0n0", "x1000c0s1b0n0", "x1000c0s2b0n0", "x1000c0s3b0n0"}

// startBOS starts a BOS over the nodes of room, which ends with the test.
var startBOS = func(t *testing.T) site { return startFake(t.Cleanup, room...) }

func newServer() tfprotov6.ProviderServer { return provider.NewServer(provider.New("test")()) }

var factories = map[string]func() (tfprotov6.ProviderServer, error){
	"bos": func() (tfprotov6.ProviderServer, error) { return newServer(), nil },
}

// run is resource.Test with our provider.
func run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories, Steps: steps})
}

// providerBlock is a provider block for the endpoint with more settings.
func providerBlock(s site, more ...string) string {
	return fmt.Sprintf("provider \"bos\" {\n  endpoint = %q\n  max_retries = 1\n  %s\n}\n", s.URL(), strings.Join(more, "\n  "))
}

// template is a template resource named compute for all nodes of the room.
func template(kernelParameters string) string {
	return fmt.Sprintf(`
resource "bos_session_template" "compute" {
  name       = "compute"
  enable_cfs = false
  boot_sets = {
    compute = {
      path              = "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json"
      kernel_parameters = %q
      node_roles_groups = ["Compute"]
    }
  }
}
`, kernelParameters)
}

// session is a session resource of that template with more settings.
func session(more ...string) string {
	return fmt.Sprintf(`
resource "bos_session" "boot" {
  operation     = "reboot"
  template_name = bos_session_template.compute.name
  poll_interval = "100ms"
  %s
}
`, strings.Join(more, "\n  "))
}

const rolling = "triggers = { template = bos_session_template.compute.revision }"
