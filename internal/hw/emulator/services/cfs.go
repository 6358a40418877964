package services

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

const (
	// CFSBase is where CFS is on the services' listener.
	CFSBase = "/cfs/v3"
	// cfsPage is how many components CFS lists where no limit is given.
	cfsPage = 1000
)

func (f *Face) cfsRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET " + CFSBase + "/components":        f.listCFSComponents,
		"PATCH " + CFSBase + "/components":      f.patchCFSComponents,
		"GET " + CFSBase + "/components/{id}":   f.oneCFSComponent,
		"PATCH " + CFSBase + "/components/{id}": f.patchCFSComponent,
		"GET /cfs/healthz": func(w http.ResponseWriter, _ *http.Request) {
			wire.Answer(w, http.StatusOK, map[string]string{"db_status": "ok", "kafka_status": "ok"})
		},
	}
}

// cfsNext is how CFS tells where to go on: the query, with an after_id.
type cfsNext struct {
	IDs           string `json:"ids"`
	Status        string `json:"status"`
	Enabled       *bool  `json:"enabled"`
	Config        string `json:"config_name"`
	StateDetails  bool   `json:"state_details"`
	ConfigDetails bool   `json:"config_details"`
	Tags          string `json:"tags"`
	Limit         int    `json:"limit"`
	After         string `json:"after_id"`
}

// readCFSQuery is a query of CFS, or what is wrong with it.
func readCFSQuery(q url.Values) (n cfsNext, err error) {
	n = cfsNext{IDs: q.Get("ids"), Status: q.Get("status"), Config: q.Get("config_name"), Tags: q.Get("tags"), Limit: cfsPage, After: q.Get("after_id")}
	for name, into := range map[string]*bool{"state_details": &n.StateDetails, "config_details": &n.ConfigDetails} {
		if text := q.Get(name); text != "" {
			if *into, err = strconv.ParseBool(text); err != nil {
				return n, fmt.Errorf("wrong type, expected 'boolean' for query parameter '%s'", name)
			}
		}
	}
	if text := q.Get("enabled"); text != "" {
		enabled, err := strconv.ParseBool(text)
		if err != nil {
			return n, fmt.Errorf("wrong type, expected 'boolean' for query parameter 'enabled'")
		}
		n.Enabled = &enabled
	}
	if text := q.Get("limit"); text != "" {
		if n.Limit, err = strconv.Atoi(text); err != nil || n.Limit < 1 {
			return n, fmt.Errorf("wrong value %q for query parameter 'limit'", text)
		}
	}
	return n, nil
}

// cfsFilter reads the texts of a filter; all are comma-separated lists.
func cfsFilter(ids, status, config, tags string, enabled *bool) (machineroom.CFSFilter, error) {
	f := machineroom.CFSFilter{Enabled: enabled, Config: config}
	if ids != "" {
		f.IDs = strings.Split(ids, ",")
	}
	if status != "" {
		f.Statuses = strings.Split(status, ",")
	}
	for _, known := range f.Statuses {
		if !slices.Contains([]string{machineroom.CFSUnconfigured, machineroom.CFSPending, machineroom.CFSFailed, machineroom.CFSConfigured}, known) {
			return f, fmt.Errorf("%q is not a configuration status", known)
		}
	}
	if tags == "" {
		return f, nil
	}
	f.Tags = make(map[string]string)
	for tag := range strings.SplitSeq(tags, ",") {
		name, value, ok := strings.Cut(tag, "=")
		if !ok {
			return f, fmt.Errorf("error parsing the tags provided: %q", tag)
		}
		f.Tags[name] = value
	}
	return f, nil
}

func (f *Face) listCFSComponents(w http.ResponseWriter, r *http.Request) {
	query, err := readCFSQuery(r.URL.Query())
	var filter machineroom.CFSFilter
	if err == nil {
		filter, err = cfsFilter(query.IDs, query.Status, query.Config, query.Tags, query.Enabled)
	}
	if err != nil {
		wire.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	list, more := f.room.CFSComponents(filter, query.Limit, query.After, query.StateDetails, time.Now())
	page := struct {
		Components []machineroom.CFSComponent `json:"components"`
		Next       *cfsNext                   `json:"next"`
	}{Components: list}
	if more {
		query.After = list[len(list)-1].ID
		page.Next = &query
	}
	wire.Answer(w, http.StatusOK, page)
}

func (f *Face) oneCFSComponent(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	list, _ := f.room.CFSComponents(machineroom.CFSFilter{IDs: []string{id}}, 1, "", r.URL.Query().Get("state_details") == "true", time.Now())
	if len(list) == 0 {
		cfsNotFound(w, id)
		return
	}
	wire.Answer(w, http.StatusOK, list[0])
}

func cfsNotFound(w http.ResponseWriter, id string) {
	w.Header().Set("Content-Type", "application/problem+json")
	wire.Answer(w, http.StatusNotFound, map[string]any{
		"type": "about:blank", "title": "Component not found.", "detail": "Component " + id + " could not be found", "status": http.StatusNotFound,
	})
}

// decodeStrictly reads a body whose fields CFS must all know.
func decodeStrictly(w http.ResponseWriter, body []byte, into any) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		wire.Problem(w, http.StatusBadRequest, "the body is not what is expected: "+err.Error())
		return false
	}
	return true
}

// patchCFSComponents takes either a patch for all of a filter, or a list of
// patches each with its id.
func (f *Face) patchCFSComponents(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
	if err != nil {
		wire.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	defer f.config.Kick()
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
		f.patchCFSList(w, body)
		return
	}
	var wanted struct {
		Patch   *machineroom.CFSPatch `json:"patch"`
		Filters *struct {
			IDs     string `json:"ids"`
			Status  string `json:"status"`
			Enabled *bool  `json:"enabled"`
			Config  string `json:"config_name"`
			Tags    string `json:"tags"`
		} `json:"filters"`
	}
	if !decodeStrictly(w, body, &wanted) {
		return
	}
	if wanted.Patch == nil || wanted.Filters == nil {
		wire.Problem(w, http.StatusBadRequest, "'patch' and 'filters' are required properties")
		return
	}
	of := wanted.Filters
	filter, err := cfsFilter(of.IDs, of.Status, of.Config, of.Tags, of.Enabled)
	if err != nil {
		wire.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	wire.Answer(w, http.StatusOK, map[string][]string{"component_ids": f.room.PatchCFS(filter, *wanted.Patch, time.Now())})
}

func (f *Face) patchCFSList(w http.ResponseWriter, body []byte) {
	var patches []machineroom.CFSPatch
	if !decodeStrictly(w, body, &patches) {
		return
	}
	now, ids := time.Now(), []string{}
	for _, p := range patches {
		if list, _ := f.room.CFSComponents(machineroom.CFSFilter{IDs: []string{p.ID}}, 1, "", false, now); len(list) == 0 {
			cfsNotFound(w, p.ID)
			return
		}
	}
	for _, p := range patches {
		ids = append(ids, f.room.PatchCFS(machineroom.CFSFilter{IDs: []string{p.ID}}, p, now)...)
	}
	wire.Answer(w, http.StatusOK, map[string][]string{"component_ids": ids})
}

func (f *Face) patchCFSComponent(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
	if err != nil {
		wire.Problem(w, http.StatusBadRequest, err.Error())
		return
	}
	var p machineroom.CFSPatch
	if !decodeStrictly(w, body, &p) {
		return
	}
	id := r.PathValue("id")
	if ids := f.room.PatchCFS(machineroom.CFSFilter{IDs: []string{id}}, p, time.Now()); len(ids) == 0 {
		cfsNotFound(w, id)
		return
	}
	f.config.Kick()
	f.oneCFSComponent(w, r)
}
