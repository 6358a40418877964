package api

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// publishedFile has a line for each parameter, member and status of the published
// schema of BOS v2: "METHOD PATH KIND PLACE: types and limits", where a place is
// a parameter, or a member such as boot_sets.*.path, and limits are those of
// requests.
const publishedFile = "testdata/published-v2.txt"

// otherwise is where our document differs from the published schema, and why. The
// texts are in the words of docs/adr/0007 and of the guide for operators.
var otherwise = []struct{ line, why string }{
	{`body (\[\]\.|patch\.)?(actual_state|desired_state|staged_state|last_action)\.last_updated:`, "read-only members are refused in requests, as the running service does"},
	{`body (\[\]\.|patch\.)?status\.status:`, "read-only members are refused in requests, as the running service does"},
	{`body (name|tenant|links.*): .*`, "the name and the tenant of a template come from path and header, and no service has links"},
	{`200 (\[\]\.)?links.*:`, "the running service has no links in templates either"},
	{`GET /v2/sessiontemplatetemplate 200 (name|tenant):`, "an example has no name and no tenant, as in the running service"},
	{`GET /(v2|v2/version|v2/healthz)? 500 `, "there is nothing that fails in these; a database that cannot be used is a 503"},
	{`^POST /v2/sessions/\{\}/status 200 `, "the running service answers the extended status, not a session"},
	{`GET /v2/components query ids:`, "long lists of ids are taken"},
	{` query (enabled|skip_bad_ids):`, "booleans are taken in either case"},
	{`PATCH /v2/options body -:`, "1024 options of other versions are taken beside those known"},
	{`PATCH /v2/sessions/\{\} body status\.(start|end)_time:`, "a time has a pattern instead of a length"},
}

// facts are the lines of a document, by all that is before the colon.
func facts(doc *openapi3.T) map[string]string {
	lines := make(map[string]string)
	for path, item := range doc.Paths.Map() {
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "{}")
		for method, op := range item.Operations() {
			key := method + " " + path
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				lines[fmt.Sprintf("%s %s %s", key, p.Value.In, p.Value.Name)] = factOf([]*openapi3.Schema{p.Value.Schema.Value}, true)
			}
			if op.RequestBody != nil {
				addFacts(lines, key+" body ", op.RequestBody.Value.Content, true)
			}
			for status, response := range op.Responses.Map() {
				lines[key+" "+status+" -"] = "nothing"
				addFacts(lines, key+" "+status+" ", response.Value.Content, false)
			}
		}
	}
	return lines
}

func addFacts(lines map[string]string, key string, content openapi3.Content, request bool) {
	for media, c := range content {
		if media == "application/problem+json" {
			lines[key+"-"] = media
			continue
		}
		members := make(map[string][]*openapi3.Schema)
		gather(members, "", c.Schema.Value)
		for place, schemas := range members {
			if place == "" {
				place = "-"
			}
			lines[key+place] = factOf(schemas, request)
		}
	}
}

// gather collects what may stand at each place.
func gather(members map[string][]*openapi3.Schema, place string, schema *openapi3.Schema) {
	for _, plain := range plainOf(schema) {
		members[place] = append(members[place], plain)
		for name, member := range plain.Properties {
			gather(members, strings.TrimPrefix(place+"."+name, "."), member.Value)
		}
		if plain.Items != nil {
			gather(members, place+"[]", plain.Items.Value)
		}
		if more := plain.AdditionalProperties.Schema; more != nil {
			gather(members, strings.TrimPrefix(place+".*", "."), more.Value)
		}
	}
}

// plainOf is what a schema stands for without oneOf, anyOf and allOf.
func plainOf(schema *openapi3.Schema) []*openapi3.Schema {
	var all []*openapi3.Schema
	if schema.Type != nil || len(schema.Properties) > 0 {
		all = append(all, schema)
	}
	for _, list := range []openapi3.SchemaRefs{schema.OneOf, schema.AnyOf, schema.AllOf} {
		for _, s := range list {
			all = append(all, plainOf(s.Value)...)
		}
	}
	return all
}

// factOf is the types at a place, and in requests the widest limits of what may
// stand there.
func factOf(schemas []*openapi3.Schema, request bool) string {
	types := make(map[string]bool)
	enum := make(map[string]bool)
	free, nullable := false, false
	var least, most []uint64
	var from, to []float64
	for _, s := range schemas {
		for _, name := range s.Type.Slice() {
			types[name] = true
		}
		for _, value := range s.Enum {
			enum[cmp.Or(fmt.Sprintf("%v", value), `""`)] = true
		}
		free, nullable = free || len(s.Enum) == 0, nullable || s.Nullable
		least = append(least, max(s.MinLength, s.MinItems, s.MinProps))
		for _, limit := range []*uint64{s.MaxLength, s.MaxItems, s.MaxProps} {
			if limit != nil {
				most = append(most, *limit)
			}
		}
		if s.Min != nil {
			from = append(from, *s.Min)
		}
		if s.Max != nil {
			to = append(to, *s.Max)
		}
	}
	words := []string{strings.Join(slices.Sorted(maps.Keys(types)), "|")}
	if !request {
		return words[0]
	}
	if nullable {
		words = append(words, "nullable")
	}
	name := map[string]string{"string": "Length", "array": "Items", "object": "Properties"}[words[0]]
	if n := slices.Min(least); n != 0 {
		words = append(words, fmt.Sprintf("min%s=%d", name, n))
	}
	if len(from) == len(schemas) && slices.Min(from) != 0 {
		words = append(words, fmt.Sprintf("minimum=%.0f", slices.Min(from)))
	}
	if len(most) == len(schemas) {
		words = append(words, fmt.Sprintf("max%s=%d", name, slices.Max(most)))
	}
	if len(to) == len(schemas) {
		words = append(words, fmt.Sprintf("maximum=%.0f", slices.Max(to)))
	}
	if !free {
		words = append(words, "enum="+strings.Join(slices.Sorted(maps.Keys(enum)), ","))
	}
	return strings.Join(words, " ")
}

func TestTheDocumentHasAllThatThePublishedSchemaHas(t *testing.T) {
	h, err := theDocument()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(publishedFile)
	if err != nil {
		t.Fatal(err)
	}
	ours := facts(h.doc)
	used := make([]bool, len(otherwise))
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		key, fact, _ := strings.Cut(line, ": ")
		if got, ok := ours[key]; ok && got == fact {
			continue
		}
		known := false
		for i, o := range otherwise {
			if regexp.MustCompile(o.line).MatchString(line) {
				used[i], known = true, true
			}
		}
		if !known {
			t.Errorf("%s: our document says %q", line, ours[key])
		}
	}
	for i, o := range otherwise {
		if !used[i] {
			t.Errorf("nothing differs any more in %q (%s)", o.line, o.why)
		}
	}
}
