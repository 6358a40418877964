package provider_test

import (
	"strings"
	"testing"
)

// replaceable is a component that is replaced when input changes.
func replaceable(input, more string) string {
	return `
resource "terraform_data" "x" { input = "` + input + `" }
` + component(more+"\nlifecycle {\n  replace_triggered_by = [terraform_data.x]\n}")
}

func TestEveryPlanThatMakesBOSActOnAComponentSaysSo(t *testing.T) {
	t.Parallel()
	fake := startFake(t.Cleanup, room...)
	w := newWorkspace(t)
	arms := "enabled = true\n" + wantsKernel
	w.write(providerBlock(fake), replaceable("1", arms))
	w.plan().says(t, `+ effect = "asks BOS to act on the node: kernel s3://k;`)
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	replaced := `~ effect = "asked BOS to act on the node" -> "asks BOS to act on the node: kernel s3://k;`
	w.plan("-replace=bos_component.n0").says(t, replaced)
	w.write(providerBlock(fake), replaceable("2", arms))
	w.plan("-out=p").says(t, replaced)
	if saved := w.terraform("show", "-no-color", "p"); !strings.Contains(saved.out, "asks BOS to act on the node") {
		t.Errorf("the saved plan does not say so:\n%s", saved.out)
	}
	w.terraform("apply", "-no-color", "p").exits(t, 0)
	w.plan().exits(t, 0)
	w.write(providerBlock(fake), replaceable("2", "enabled = false\n"+wantsKernel))
	w.plan().says(t, `~ effect = "asked BOS to act on the node" -> "asks BOS to stop acting on the node"`)
	w.apply().exits(t, 0)
	w.write(providerBlock(fake), replaceable("2", ""))
	w.apply().exits(t, 0)
	w.plan().exits(t, 0)
	if got := w.attributes("bos_component.n0")["effect"]; got != "asked BOS to stop acting on the node" {
		t.Errorf("state says %v", got)
	}
}

func TestWhatIsAskedOfBOSIsKnownAtApplyWhereItWasNotAtPlan(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{
		"enabled":         "enabled = terraform_data.x.id != \"\"",
		"the kernel":      "enabled = true\ndesired_state = { boot_artifacts = { kernel = \"s3://${terraform_data.x.id}\" } }",
		"parameters":      "enabled = true\ndesired_state = { boot_artifacts = { kernel = \"s3://k\", kernel_parameters = \"a=${terraform_data.x.id}\" } }",
		"nothing at all":  "",
		"a desired state": "desired_state = { configuration = terraform_data.x.id }",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			w := newWorkspace(t)
			w.write(providerBlock(fake), `resource "terraform_data" "x" {}
`+component(more))
			w.apply().exits(t, 0)
			w.plan().exits(t, 0)
			want := "asked nothing of BOS"
			if strings.Contains(more, "enabled") {
				want = "asked BOS to act on the node"
			}
			w.apply("-refresh-only").exits(t, 0)
			if got := w.attributes("bos_component.n0")["effect"]; got != want {
				t.Errorf("state says %v", got)
			}
		})
	}
}
