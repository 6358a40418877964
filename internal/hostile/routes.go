package hostile

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// Route is something that a service answers to. Its path may have names in braces.
type Route struct{ Method, Path string }

// Beside are the routes that the document of the API does not have: boot parameters and
// scripts, and what others notify of.
var Beside = []Route{
	{http.MethodGet, "/boot/v1/bootparameters"},
	{http.MethodPut, "/boot/v1/bootparameters"},
	{http.MethodPost, "/boot/v1/bootparameters"},
	{http.MethodPatch, "/boot/v1/bootparameters"},
	{http.MethodDelete, "/boot/v1/bootparameters"},
	{http.MethodGet, "/boot/v1/bootscript"},
	{http.MethodGet, "/apis/bss/boot/v1/bootscript"},
	{http.MethodGet, "/apis/bos/v2/components"},
	{http.MethodPatch, "/apis/bos/v2/components/{id}"},
	{http.MethodPost, hsmNotifications},
	{http.MethodPost, redfishEvents + "{id}"},
	{http.MethodGet, "/"},
	{http.MethodGet, "/nothing/at/{all}"},
}

// Nodes are the routes on the network of the nodes.
var Nodes = []Route{
	{http.MethodGet, "/boot/v1/bootscript"},
	{http.MethodGet, "/apis/bss/boot/v1/bootscript"},
	{http.MethodPatch, "/v2/components/{id}"},
	{http.MethodPatch, "/apis/bos/v2/components/{id}"},
	{http.MethodPost, "/x/v1/phone-home/{id}"},
	{http.MethodGet, "/v2/components"},
	{http.MethodPost, "/v2/sessions"},
}

const (
	hsmNotifications = "/x/v1/hsm-notifications"
	redfishEvents    = "/x/v1/redfish-events/"
)

// Routes are those of a document of an API, in the order of their paths.
func Routes(openapi []byte) ([]Route, error) {
	var document struct {
		Paths map[string]map[string]any `yaml:"paths"`
	}
	if err := yaml.Unmarshal(openapi, &document); err != nil {
		return nil, fmt.Errorf("read the document of an API: %w", err)
	}
	var all []Route
	for path, methods := range document.Paths {
		for method := range methods {
			if m := strings.ToUpper(method); slices.Contains(verbs, m) {
				all = append(all, Route{m, path})
			}
		}
	}
	slices.SortFunc(all, func(a, b Route) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	if len(all) == 0 {
		return nil, fmt.Errorf("the document of an API has no paths")
	}
	return all, nil
}

var verbs = []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete}

// obeys reports whether a request may be done without a body, or whatever is in it.
func (r Route) obeys() bool {
	if r.Method == http.MethodDelete {
		return true
	}
	last := r.Path[strings.LastIndex(r.Path, "/")+1:]
	return r.Method == http.MethodPost && slices.Contains([]string{"pause", "resume", "cancel", "promote", "fail", "booted", "status", "release", "receipts"}, last)
}

// hint reports whether what is sent is no more than a reason to look sooner: any answer is right.
func (r Route) hint() bool {
	return r.Path == hsmNotifications || strings.HasPrefix(r.Path, redfishEvents)
}

// lenient reports whether members that nobody knows are no fault: options of other versions
// of BOS are ignored.
func (r Route) lenient() bool { return r.hint() || r.Path == "/v2/options" }

// named is a path with a name in each pair of braces.
func named(path, name string) string {
	for {
		begin, rest, ok := strings.Cut(path, "{")
		if !ok {
			return path
		}
		_, end, _ := strings.Cut(rest, "}")
		path = begin + name + end
		if strings.ContainsAny(name, "{") { // a name of its own
			return path
		}
	}
}
