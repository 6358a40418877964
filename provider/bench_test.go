package provider_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cost is what one command took: wall time, and the CPU of Terraform with the
// provider that it started and waited for.
type cost struct{ wall, cpu time.Duration }

func (w *workspace) measure(args ...string) cost {
	w.t.Helper()
	cmd, out := w.command(w.t.Context(), args...)
	out.Reset()
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		w.t.Fatalf("terraform %s: %s\n%s", strings.Join(args, " "), err, lastLines(out))
	}
	c := cost{wall: time.Since(begin)}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.cpu = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return c
}

func lastLines(out *bytes.Buffer) string {
	text := out.String()
	return text[max(0, len(text)-2000):]
}

// TestWhatPlansAndAppliesCost prints a table for `make bench-terraform`, and
// asserts nothing about time.
func TestWhatPlansAndAppliesCost(t *testing.T) {
	if os.Getenv("BENCH_TERRAFORM") == "" {
		t.Skip("BENCH_TERRAFORM is not set")
	}
	nodes := make([]string, 10000)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("x%dc%ds%db0n0", 1000+i/64, i/8%8, i%8)
	}
	fake := startFake(t.Cleanup, nodes...)
	row := func(what string, config ...string) {
		w := newWorkspace(t)
		w.write(config...)
		plan := w.measure("plan", "-no-color", "-input=false", "-out=saved")
		apply := w.measure("apply", "-no-color", "-input=false", "saved")
		before := fake.Requests("GET", "")
		refresh := w.measure("plan", "-no-color", "-input=false")
		requests := fake.Requests("GET", "") - before
		destroy := w.terraform("plan", "-destroy", "-no-color", "-input=false", "-out=gone")
		destroy.exits(t, 0)
		shown, out := w.command(t.Context(), "show", "-no-color", "gone")
		if err := shown.Run(); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%-34s plan %7.2fs (cpu %6.2fs)  apply %7.2fs (cpu %6.2fs)  refresh %7.2fs (cpu %6.2fs, %d requests)  destroy plan %d lines\n",
			what, plan.wall.Seconds(), plan.cpu.Seconds(), apply.wall.Seconds(), apply.cpu.Seconds(), refresh.wall.Seconds(), refresh.cpu.Seconds(), requests, strings.Count(out.String(), "\n"))
	}
	block := providerBlock(fake)
	row("a session of 10000 nodes", block, template("quiet"), session(rolling))
	row("data.bos_components of 10000 nodes", block, "data \"bos_components\" \"all\" {}\nresource \"terraform_data\" \"n\" {\n  input = data.bos_components.all.component_count\n}")
	for _, n := range []int{1, 100, 1000} {
		// A local is evaluated once, an expression in for_each once for
		// every instance.
		locals := "locals {\n  nodes = toset([\"" + strings.Join(nodes[:n], "\", \"") + "\"])\n}"
		row(fmt.Sprintf("%d terraform_data", n), block, locals, "resource \"terraform_data\" \"all\" {\n  for_each = local.nodes\n  input = each.key\n}")
		row(fmt.Sprintf("%d bos_component", n), block, locals, "resource \"bos_component\" \"all\" {\n  for_each = local.nodes\n  xname = each.key\n}")
	}
}
