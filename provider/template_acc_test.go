package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
)

func TestATemplateIsCreatedChangedImportedAndDeleted(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	full := providerBlock(fake) + `
resource "bos_session_template" "compute" {
  name        = "compute"
  tenant      = "vcluster-blue"
  description = "all of it"
  enable_cfs  = true
  cfs         = { configuration = "main" }
  boot_sets = {
    x86 = {
      path = "s3://b/1/manifest.json", etag = "abc", kernel_parameters = "quiet"
      rootfs_provider = "sbps", rootfs_provider_passthrough = "sbps:v1:iqn:_sbps-hsn._tcp:300"
      node_list = ["x1000c0s0b0n0"], node_groups = ["blue"], node_roles_groups = ["Compute"], cfs = { configuration = "other" }
    }
    arm = { path = "s3://b/2/manifest.json", arch = "ARM", node_list = ["x1000c0s1b0n0"] }
  }
}`
	changed := strings.Replace(full, "all of it", "half of it", 1)
	run(t,
		resource.TestStep{Config: full, Check: resource.ComposeAggregateTestCheckFunc(
			resource.TestCheckResourceAttr("bos_session_template.compute", "id", "vcluster-blue/compute"),
			resource.TestCheckResourceAttr("bos_session_template.compute", "boot_sets.x86.arch", "X86"),
			resource.TestCheckResourceAttr("bos_session_template.compute", "boot_sets.arm.type", "s3"),
			resource.TestCheckNoResourceAttr("bos_session_template.compute", "boot_sets.arm.cfs"),
		)},
		resource.TestStep{ResourceName: "bos_session_template.compute", ImportState: true, ImportStateId: "vcluster-blue/compute", ImportStateVerify: true},
		resource.TestStep{Config: changed, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction("bos_session_template.compute", plancheck.ResourceActionUpdate),
		}}},
	)
	if n := fake.Requests("DELETE", "/v2/sessiontemplates/compute"); n != 1 {
		t.Errorf("the template was deleted %d times", n)
	}
}

func TestCreatingATemplateThatExistsIsRefused(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	first := newWorkspace(t)
	first.write(providerBlock(bos), template("quiet"))
	first.apply().exits(t, 0)
	second := newWorkspace(t)
	second.write(providerBlock(bos), template("loud"))
	apply := second.apply()
	apply.exits(t, 1)
	apply.says(t, "Error: Session template already exists", "import { to = bos_session_template.NAME id = \"compute\" }")
	first.plan().exits(t, 0)
}

func TestThatATemplateExistsAlreadyIsSaidAtPlanAndNotOfOneThatIsReplaced(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"))
	w.apply().exits(t, 0)
	w.plan("-replace=bos_session_template.compute").exits(t, 2)
	w.apply("-replace=bos_session_template.compute").exits(t, 0)
	other := newWorkspace(t)
	other.write(providerBlock(bos), template("loud"))
	plan := other.plan()
	plan.exits(t, 1)
	plan.says(t, "Error: Session template already exists", "import { to = bos_session_template.NAME id = \"compute\" }", "moved block")
	if n := bos.Requests("PUT", "/v2/sessiontemplates/compute"); n != 2 {
		t.Errorf("the template was written %d times", n)
	}
}

func TestATemplateChangedBehindTerraformIsDriftAndRunsNoSession(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	w.write(providerBlock(bos), template("quiet"), session(rolling))
	w.apply().exits(t, 0)
	put(t, bos.URL()+"/v2/sessiontemplates/compute", `{"boot_sets":{"compute":{"path":"s3://other","type":"s3","node_roles_groups":["Compute"]}}}`)
	plan := w.plan()
	plan.exits(t, 2)
	plan.says(t, "0 to add, 1 to change, 0 to destroy")
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, bos, 1)
}

func TestATemplateWhoseStorageGotNoAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	fake.HangUp(func(method, _ string) bool { return method == http.MethodPut })
	w := newWorkspace(t)
	w.write(providerBlock(fake), template("quiet"))
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
}

func TestWhatBOSWouldRefuseIsRefusedAtPlan(t *testing.T) {
	t.Parallel()
	bootSet := func(fields string) string {
		return fmt.Sprintf("resource \"bos_session_template\" \"t\" {\n  name = \"t\"\n  boot_sets = { a = { path = \"s3://p\"\n %s } }\n}", fields)
	}
	for name, c := range map[string]struct{ config, says string }{
		"a boot set without nodes":            {bootSet(""), "Boot set selects no nodes"},
		"an empty node list":                  {bootSet("node_list = []"), "It has 0 entries"},
		"an unknown architecture":             {bootSet("node_list = [\"x1\"]\n arch = \"VAX\""), "VAX"},
		"kernel parameters that are long":     {bootSet(fmt.Sprintf("node_list = [\"x1\"]\n kernel_parameters = %q", strings.Repeat("k", 4097))), "4096"},
		"kernel parameters of a heredoc":      {bootSet("node_list = [\"x1\"]\n kernel_parameters = <<EOT\nquiet\nEOT\n"), "U+000A"},
		"a word at which iPXE ends a command": {bootSet("node_list = [\"x1\"]\n kernel_parameters = \"quiet || nosmt\"\n"), "iPXE"},
		"a line break in the root":            {bootSet("node_list = [\"x1\"]\n rootfs_provider_passthrough = \"a\\nb\""), "A heredoc ends with a line break"},
		"a tab for a component":               {"resource \"bos_component\" \"c\" {\n  xname = \"x1\"\n  desired_state = { boot_artifacts = { kernel_parameters = \"a\\tb\" } }\n}", "U+0009"},
		"a name with a slash":                 {strings.Replace(bootSet("node_list = [\"x1\"]"), `"t"`+"\n", `"a/b"`+"\n", 1), "1 to 127 letters"},
		"a boot set named with a space":       {strings.Replace(bootSet("node_list = [\"x1\"]"), "{ a =", `{ "a b" =`, 1), "1 to 127 letters"},
		"no boot sets":                        {"resource \"bos_session_template\" \"t\" {\n  name = \"t\"\n  boot_sets = {}\n}", "at least 1"},
		"an operation that BOS has not":       {"resource \"bos_session\" \"s\" {\n  operation = \"reimage\"\n  template_name = \"t\"\n}", "reimage"},
		"a limit with an empty term":          {"resource \"bos_session\" \"s\" {\n  operation = \"boot\"\n  template_name = \"t\"\n  limit = \"a,,b\"\n}", "term 2"},
		"a pause that is no duration":         {"resource \"bos_session\" \"s\" {\n  operation = \"boot\"\n  template_name = \"t\"\n  poll_interval = \"soon\"\n}", "soon"},
		"a wait of less than nothing":         {"resource \"bos_session\" \"s\" {\n  operation = \"boot\"\n  template_name = \"t\"\n  timeouts = { create = \"-5m\" }\n}", "timeouts.create"},
		"a tolerance that is no number":       {"resource \"bos_session\" \"s\" {\n  operation = \"boot\"\n  template_name = \"t\"\n  max_failed = \"few\"\n}", "a count such as 5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkspace(t)
			w.write("provider \"bos\" {\n  endpoint = \"http://127.0.0.1:1\"\n}", c.config)
			plan := w.terraform("validate", "-no-color")
			plan.exits(t, 1)
			plan.says(t, c.says)
		})
	}
}

func TestNIDsAreWarnedAbout(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.write(providerBlock(startBOS(t)), `resource "bos_session_template" "t" {
  name = "t"
  boot_sets = { a = { path = "s3://p", node_list = ["nid000001"] } }
}`)
	w.plan().says(t, "Warning: Nodes are named by NID", "nid000001")
}

func TestTheProviderSaysWhatIsWrongWithItsSettings(t *testing.T) {
	t.Setenv("BOS_ENDPOINT", "")
	for name, c := range map[string]struct{ settings, says string }{
		"no endpoint":               {"", "No BOS endpoint"},
		"an endpoint without http":  {`endpoint = "bos.example.com"`, "needs http:// or https://"},
		"an endpoint with password": {`endpoint = "https://me:geheim@bos.example.com"`, "holds a user name"},
		"a CA that is none":         {"endpoint = \"https://bos.example.com\"\n ca_certificate = \"nonsense\"", "no PEM certificate"},
		"a negative retry count":    {"endpoint = \"https://bos.example.com\"\n max_retries = -1", "max_retries"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.write("provider \"bos\" {\n"+c.settings+"\n}", "data \"bos_components\" \"all\" {}")
			plan := w.plan()
			plan.exits(t, 1)
			plan.says(t, c.says)
			if strings.Contains(plan.out, "geheim") && strings.Contains(plan.out, "Error: Unable to use the BOS provider settings geheim") {
				t.Errorf("the password is shown:\n%s", plan.out)
			}
		})
	}
}

func TestTheEndpointCanComeFromTheEnvironment(t *testing.T) {
	t.Setenv("BOS_ENDPOINT", startBOS(t).URL()+"/v2/")
	run(t, resource.TestStep{
		Config: "provider \"bos\" {}\ndata \"bos_components\" \"all\" {}",
		Check:  resource.TestCheckResourceAttr("data.bos_components.all", "nodes", "x1000c0s[0-3]b0n0"),
	})
}

func TestTheFunctionsFoldAndExpand(t *testing.T) {
	t.Parallel()
	run(t,
		resource.TestStep{
			Config: `
output "list" { value = join(" ", provider::bos::xname_expand("x1000c0s[0-2,7]b0n0")) }
output "none" { value = length(provider::bos::xname_expand("")) }
output "fold" { value = provider::bos::xname_fold(["x1000c0s10b0n0", "x1000c0s9b0n0", "x1000c0s9b0n0"]) }
`,
			Check: resource.ComposeAggregateTestCheckFunc(
				resource.TestCheckOutput("list", "x1000c0s0b0n0 x1000c0s1b0n0 x1000c0s2b0n0 x1000c0s7b0n0"),
				resource.TestCheckOutput("none", "0"),
				resource.TestCheckOutput("fold", "x1000c0s[9-10]b0n0"),
			),
		},
		resource.TestStep{
			Config:      `output "bad" { value = provider::bos::xname_expand("x1000c0s[3-1]b0n0") }`,
			ExpectError: regexp.MustCompile("3-1"),
		},
	)
}

func TestADescriptionThatIsNotKnownAtPlanRunsNoSession(t *testing.T) {
	t.Parallel()
	bos := startBOS(t)
	w := newWorkspace(t)
	stamped := func(stamp string) string {
		return "resource \"terraform_data\" \"stamp\" {\n  input = \"" + stamp + "\"\n}\n" +
			strings.Replace(template("quiet"), "enable_cfs", "description = \"rolled out ${terraform_data.stamp.output}\"\n  enable_cfs", 1)
	}
	w.write(providerBlock(bos), stamped("monday"), session(rolling))
	plan := w.plan()
	plan.says(t, "Warning: This will reboot 4 nodes")
	if strings.Contains(plan.out, "Cannot say which nodes") {
		t.Errorf("an unknown description keeps the nodes from being named:\n%s", plan.out)
	}
	w.apply().exits(t, 0)
	w.write(providerBlock(bos), stamped("tuesday"), session(rolling))
	w.plan().says(t, "0 to add, 2 to change, 0 to destroy")
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	sessions(t, bos, 1)
	if got := w.attributes("bos_session_template.compute")["description"]; got != "rolled out tuesday" {
		t.Errorf("the description is %v", got)
	}
}

func TestABootSetThatIsNullIsExplained(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	w.write(providerBlock(startBOS(t)), strings.Replace(template("quiet"), "boot_sets = {", "boot_sets = {\n    login = null", 1))
	plan := w.plan()
	plan.exits(t, 1)
	plan.says(t, "Boot set is null", `"login"`, "{ for name, set in")
}
