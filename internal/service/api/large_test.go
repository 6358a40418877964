package api

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// repeating is head, then part as often as fits into size bytes, then tail, without
// holding any of it more than once.
func repeating(head, part, tail string, size int) io.Reader {
	const block = 1 << 10
	parts := strings.Repeat(part, block)
	readers := []io.Reader{strings.NewReader(head)}
	for n := len(parts); n < size; n += len(parts) {
		readers = append(readers, strings.NewReader(parts))
	}
	return io.MultiReader(append(readers, strings.NewReader(tail))...)
}

// TestALargeBodyCostsLittle sends what is as large as may be and means nothing: it is
// refused by its first fault or its length, and what it allocates on the way, freed or
// not, is a small part of what it would if it were read first.
func TestALargeBodyCostsLittle(t *testing.T) {
	const bulk, template, small = 60 << 20, 15 << 20, 200 << 20
	set := `"path":"p","type":"s3"`
	for name, c := range map[string]struct {
		method, path     string
		head, part, tail string
		size, status     int
		most             uint64
		says             string
	}{
		"empty patches":          {"PATCH", "/v2/components", "[{}", ",{}", "]", bulk, 400, 16 << 20, "[0].id"},
		"empty components":       {"PUT", "/v2/components", "[{}", ",{}", "]", bulk, 400, 16 << 20, "[0].id"},
		"unknown ids":            {"PATCH", "/v2/components", `[{"id":"a","error":""}`, `,{"id":"n","error":""}`, "]", bulk, 400, small, "131072"},
		"components without end": {"PUT", "/v2/components", `[{"id":"a","error":""}`, `,{"id":"n","error":""}`, "]", bulk, 400, small, "131072"},
		"one long text":          {"PATCH", "/v2/components", `[{"id":"a","error":"`, "long", `"}]`, bulk, 413, 64 << 20, "bytes"},
		"white space":            {"PATCH", "/v2/components", "", "    ", `[1]`, bulk, 400, 64 << 20, "[0]"},
		"white space in a list":  {"PUT", "/v2/components", "[", "    ", `{"id":"a"}]`, bulk, 413, 64 << 20, "bytes"},
		"ids of a filter":        {"PATCH", "/v2/components", `{"patch":{"error":""},"filters":{"ids":"a`, ",aaa", `"}}`, bulk, 413, 64 << 20, "bytes"},
		"nodes of a boot set":    {"PUT", "/v2/sessiontemplates/t", `{"boot_sets":{"a":{` + set + `,"node_list":["a"`, `,"a"`, "]}}}", template, 400, 64 << 20, "65535"},
		"groups of a boot set":   {"PATCH", "/v2/sessiontemplates/t", `{"boot_sets":{"a":{` + set + `,"node_groups":["a"`, `,"a"`, "]}}}", template, 400, 64 << 20, "65535"},
		"boot sets":              {"PUT", "/v2/sessiontemplates/t", `{"boot_sets":{"a":{` + set + `}`, `,"b":{}`, "}}", template, 400, 16 << 20, "boot_sets.b"},
		"boot sets of a preview": {"POST", "/x/v1/previews", `{"operation":"boot","template":{"boot_sets":{"a":{` + set + `,"node_roles_groups":["a"`, `,"a"`, "]}}}}", template, 400, 64 << 20, "65535"},
		"nodes of applystaged":   {"POST", "/v2/applystaged", `{"xnames":["a"`, `,"a"`, "]}", template, 400, 32 << 20, "32768"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := s.do(c.method, c.path, repeating(c.head, c.part, c.tail, c.size))
			runtime.ReadMemStats(&after)
			if r.status != c.status || !strings.Contains(r.body, c.says) {
				t.Errorf("answered %d, want %d with %q: %.300s", r.status, c.status, c.says, r.body)
			}
			if cost := after.TotalAlloc - before.TotalAlloc; cost > c.most {
				t.Errorf("it cost %d MiB, more than %d", cost>>20, c.most>>20)
			}
		})
	}
}

func TestAListOfComponentsIsReadAsFarAsItIsRight(t *testing.T) {
	s := newSite(t)
	s.record("a", nil)
	for body, says := range map[string]string{
		`[{"id":"a","error":"x"},{"id":"a","error":1},`:  "[1].error",
		`[{"id":"a","error":"x"},{"error":"y"},nonsense`: "[1].id",
		`[{"id":"a","error":"x"},`:                       "ends too early",
		`[{"id":"a","error":"x"}`:                        "ends too early",
		`[{"id":"a","error":"x"}] []`:                    "behind",
		`[{"id":"a","error":"x"}],`:                      "no JSON",
		`[{"id":"a","error":"x"}]]`:                      "no JSON",
	} {
		for _, method := range []string{"PATCH", "PUT"} {
			s.do(method, "/v2/components", body).refused(http.StatusBadRequest, "", says)
		}
	}
	var one bos.Component
	if s.do("GET", "/v2/components/a", nil).ok(http.StatusOK, &one); one.Error != "" {
		t.Errorf("a part of a list was written: %+v", one)
	}
}
