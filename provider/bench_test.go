package provider_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// usageFile names, in the environment of a provider that a test started, the
// file that it leaves a note of its CPU time in.
const usageFile = "BOS_TEST_USAGE"

// noteUsage is called by a provider that ends.
func noteUsage() {
	path := os.Getenv(usageFile)
	if path == "" {
		return
	}
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	if err == nil {
		err = os.WriteFile(fmt.Sprintf("%s.%d", path, os.Getpid()), fmt.Appendf(nil, "%d", usage.Utime.Nano()+usage.Stime.Nano()), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the provider's CPU time is lost:", err)
	}
}

// cost is what one command took: wall time, the CPU time of Terraform and that
// of the providers it started, and the requests that BOS got.
type cost struct {
	wall, terraform, provider time.Duration
	requests                  int
}

func (c cost) String() string {
	return fmt.Sprintf("%6.2f s (%6.2f, %5.2f, %d)", c.wall.Seconds(), c.terraform.Seconds(), c.provider.Seconds(), c.requests)
}

// counting counts the requests that it got.
type counting interface {
	Requests(method, pathEnd string) int
}

// measure runs a command, which has to succeed, and returns what it printed.
func (w *workspace) measure(fake counting, args ...string) (c cost, out string) {
	w.t.Helper()
	notes := filepath.Join(w.t.TempDir(), "usage")
	cmd, printed := w.command(w.t.Context(), args...)
	cmd.Env = append(cmd.Env, usageFile+"="+notes)
	before := fake.Requests("", "")
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("terraform %s: %s\n%s", strings.Join(args, " "), err, lastLines(printed))
	}
	c = cost{wall: time.Since(begin), requests: fake.Requests("", "") - before}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.terraform = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	files, err := filepath.Glob(notes + ".*")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		var used time.Duration
		if _, err := fmt.Sscan(string(content), &used); err != nil {
			w.t.Fatal(err)
		}
		// What the command used includes the children that it waited for.
		c.provider += used
		c.terraform -= used
	}
	return c, printed.String()
}

func lastLines(out *bytes.Buffer) string {
	text := out.String()
	return text[max(0, len(text)-2000):]
}

func manyNodes(n int) []string {
	nodes := make([]string, n)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("x%dc%ds%db0n0", 1000+i/64, i/8%8, i%8)
	}
	return nodes
}

// TestWhatPlansAndAppliesCost prints a table for `make bench-terraform`, and
// asserts nothing about time.
func TestWhatPlansAndAppliesCost(t *testing.T) {
	if os.Getenv("BENCH_TERRAFORM") == "" {
		t.Skip("BENCH_TERRAFORM is not set")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	nodes := manyNodes(10000)
	fake := startFake(t.Cleanup, nodes...)
	fmt.Printf("Seconds of wall time (CPU of Terraform, CPU of the provider, requests)\n%-32s %-32s %-32s %-32s %s\n", "", "plan", "apply", "refresh", "destroy plan")
	asked := counting(fake)
	row := func(what string, config ...string) {
		w := startingWorkspace(t, self)
		w.write(config...)
		plan, _ := w.measure(asked, "plan", "-no-color", "-input=false", "-out=saved")
		apply, _ := w.measure(asked, "apply", "-no-color", "-input=false", "saved")
		refresh, _ := w.measure(asked, "plan", "-no-color", "-input=false")
		destroy, out := w.measure(asked, "plan", "-destroy", "-no-color", "-input=false")
		fmt.Printf("%-32s %-32s %-32s %-32s %s, %d lines\n", what, plan, apply, refresh, destroy, strings.Count(out, "\n"))
	}
	ours := providerBlock(fake)
	row("a session of 10000 nodes", ours, template("quiet"), session(rolling))
	row("data.bos_components of 10000", ours, "data \"bos_components\" \"all\" {}\nresource \"terraform_data\" \"n\" {\n  input = data.bos_components.all.node_count\n}")
	site := startListed(t, largeSite(10000), "")
	asked = site
	row("data.bos_nodes of 10000", block(site.URL()), "data \"bos_nodes\" \"all\" {}\nresource \"terraform_data\" \"n\" {\n  input = data.bos_nodes.all.node_count\n}")
	row("the same with addresses", block(site.URL()), "data \"bos_nodes\" \"all\" { addresses = true }\nresource \"terraform_data\" \"n\" {\n  input = data.bos_nodes.all.node_count\n}")
	asked = fake
	for _, n := range []int{1, 100, 1000} {
		// Terraform looks at the whole of for_each for every instance. Of a
		// map that is quick; of a set it is a sort, and a thousand
		// terraform_data take it 24 seconds of CPU.
		locals := "locals {\n  list  = [\"" + strings.Join(nodes[:n], "\", \"") + "\"]\n  nodes = zipmap(local.list, local.list)\n}"
		row(fmt.Sprintf("%d terraform_data", n), ours, locals, "resource \"terraform_data\" \"all\" {\n  for_each = local.nodes\n  input = each.key\n}")
		row(fmt.Sprintf("%d bos_component", n), ours, locals, "resource \"bos_component\" \"all\" {\n  for_each = local.nodes\n  xname = each.key\n}")
	}
}
