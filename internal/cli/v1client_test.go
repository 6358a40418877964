package cli

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
)

// v1Client is a client of BOS v1 that knows what version 1 says of itself and nothing of
// this service: it goes by links, as those of the time did.
type v1Client struct {
	t   *testing.T
	url func() string
}

type v1Answer struct {
	Operation    string `json:"operation"`
	TemplateName string `json:"templateName"`
	Job          string `json:"job"`
	Links        []struct {
		Rel   string `json:"rel"`
		Href  string `json:"href"`
		JobID string `json:"jobId"`
	} `json:"links"`
}

// meta is how far something is.
type v1Meta struct {
	StartTime  string  `json:"start_time"`
	StopTime   *string `json:"stop_time"`
	Complete   bool    `json:"complete"`
	InProgress bool    `json:"in_progress"`
	ErrorCount int     `json:"error_count"`
}

type v1Tree struct {
	BootSets []string `json:"boot_sets"`
	Links    []struct {
		Rel  string `json:"rel"`
		Href string `json:"href"`
	} `json:"links"`
	Metadata v1Meta     `json:"metadata"`
	Retry    *bos.Retry `json:"retry"`
}

type v1Set struct {
	Metadata v1Meta `json:"metadata"`
	Phases   []struct {
		Name       string `json:"name"`
		Metadata   v1Meta `json:"metadata"`
		Categories []struct {
			Name     string   `json:"name"`
			NodeList []string `json:"node_list"`
		} `json:"categories"`
		Errors map[string][]string `json:"errors"`
	} `json:"phases"`
}

func (c v1Client) get(path string, into any) {
	c.t.Helper()
	if status := call(c.t, http.MethodGet, c.url()+path, nil, into); status != http.StatusOK {
		c.t.Fatalf("GET %s answered %d", path, status)
	}
}

// starts creates a session and returns where its status is.
func (c v1Client) starts(operation string) (status string) {
	c.t.Helper()
	var answer struct {
		v1Answer
		Detail string `json:"detail"`
	}
	body := map[string]any{"operation": operation, "templateUuid": "old"}
	if got := call(c.t, http.MethodPost, c.url()+"/v1/session", body, &answer); got != http.StatusCreated {
		c.t.Fatalf("POST /v1/session answered %d: %s", got, answer.Detail)
	}
	if len(answer.Links) != 2 || answer.Links[0].Rel != "session" || answer.Links[0].JobID != answer.Job || answer.Operation != operation || answer.TemplateName != "old" {
		c.t.Fatalf("the session is created as %+v", answer)
	}
	return answer.Links[1].Href
}

// follows asks for the status until the session is complete.
func (c v1Client) follows(path string) v1Tree {
	c.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-c.t.Context().Done():
			c.t.Fatal("the session does not end")
		case <-tick.C:
		}
		var tree v1Tree
		if c.get(path, &tree); tree.Metadata.Complete {
			if tree.Metadata.InProgress || tree.Metadata.StopTime == nil {
				c.t.Errorf("the status is %+v", tree.Metadata)
			}
			return tree
		}
	}
}

// nodes are those of the one boot set by phase and category, as the tree says them at each
// of its depths alike.
func (c v1Client) nodes(tree v1Tree) map[string][]string {
	c.t.Helper()
	if len(tree.BootSets) != 1 || len(tree.Links) != 2 {
		c.t.Fatalf("the status has %+v", tree)
	}
	var set v1Set
	c.get(tree.Links[1].Href, &set)
	nodes := make(map[string][]string)
	for _, phase := range set.Phases {
		for _, category := range phase.Categories {
			nodes[phase.Name+"/"+category.Name] = category.NodeList
			var same struct {
				NodeList []string `json:"node_list"`
			}
			if c.get(tree.Links[1].Href+"/"+phase.Name+"/"+category.Name, &same); !slices.Equal(same.NodeList, category.NodeList) {
				c.t.Errorf("%s/%s is %v, and in its boot set %v", phase.Name, category.Name, same.NodeList, category.NodeList)
			}
		}
	}
	return nodes
}

// pasted runs a line as somebody does who pastes it into a shell, where the program is
// installed, and where cray notes its words. It returns the words of cray.
func pasted(t *testing.T, service *process, line string) []string {
	t.Helper()
	bin, words := t.TempDir(), filepath.Join(t.TempDir(), "words")
	for name, script := range map[string]string{
		"terraform-provider-bos": asCommand + "=1 exec '" + os.Args[0] + `' "$@"`,
		"cray":                   `for word; do printf '%s\n' "$word"; done > '` + words + "'",
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	shell := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
	shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "BOS_ENDPOINT="+service.url)
	shell.Dir = t.TempDir()
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	noted, err := os.ReadFile(words)
	if err != nil {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(noted)), "\n")
}

// oldTemplate stores a template as a client of version 1 does.
func (c v1Client) oldTemplate() {
	c.t.Helper()
	template := map[string]any{"name": "old", "cfs": map[string]any{"configuration": "compute-1"}, "boot_sets": map[string]any{"compute": map[string]any{
		"path": "s3://boot-images/00000000-0000-4000-8000-000000000001/manifest.json", "type": "s3", "node_roles_groups": []string{"Compute"}, "boot_ordinal": 1, "network": "nmn",
	}}}
	var name string
	if status := call(c.t, http.MethodPost, c.url()+"/v1/sessiontemplate", template, &name); status != http.StatusCreated || name != "old" {
		c.t.Fatalf("POST /v1/sessiontemplate answered %d, %q", status, name)
	}
}

// TestAClientOfBOSV1RunsAsItIs: what the clients of version 1 do, in their order, over a
// real socket: a template, a boot, a reboot of which some nodes fail, the command that the
// status prints, run as it is printed, and a configuration of nodes that run.
func TestAClientOfBOSV1RunsAsItIs(t *testing.T) {
	t.Parallel()
	room, service := siteOn(t, 8, t.TempDir(), fault.CFS)
	ids := nodesOf(room)
	c := v1Client{t, func() string { return service.url }}
	c.oldTemplate()

	booted := c.follows(c.starts("boot"))
	if nodes := c.nodes(booted); booted.Metadata.ErrorCount != 0 || booted.Retry != nil || len(nodes["boot/succeeded"]) != len(ids) || len(nodes["configure/succeeded"]) != len(ids) {
		t.Fatalf("the boot ended as %+v with %v", booted, nodes)
	}

	// It continues with those that do power off, and says how to retry the rest.
	stuck := []string{ids[1], ids[4], ids[6]}
	call(t, http.MethodPatch, service.url+"/v2/options", map[string]any{"max_power_off_wait_time": 1}, nil)
	if err := room.Room().AddFaults(time.Now(), fault.Rule{Name: "stuck", Fault: fault.Drop, Resets: "off", Nodes: strings.Join(stuck, ",")}); err != nil {
		t.Fatal(err)
	}
	path := c.starts("reboot")
	reboot := c.follows(path)
	nodes := c.nodes(reboot)
	if !slices.Equal(nodes["shutdown/failed"], stuck) || len(nodes["boot/succeeded"]) != len(ids)-len(stuck) || !slices.Equal(nodes["boot/excluded"], stuck) {
		t.Errorf("the reboot has %v", nodes)
	}
	if reboot.Metadata.ErrorCount != len(stuck) || reboot.Retry == nil || reboot.Retry.Count != len(stuck) || len(reboot.Retry.Commands) != 2 {
		t.Fatalf("the reboot ended as %+v", reboot)
	}
	words := pasted(t, service, reboot.Retry.Commands[1])
	if at := slices.Index(words, "--limit"); at < 0 || words[at+1] != reboot.Retry.Limit || !slices.Contains(words, "reboot") {
		t.Errorf("of the command cray is given the words %q", words)
	}
	room.Room().LiftFaults("stuck")
	before := make(map[string]int)
	for _, id := range ids {
		before[id] = len(room.Room().Resets(id))
	}
	pasted(t, service, reboot.Retry.Commands[0])
	var sessions []string
	c.get("/v1/session", &sessions)
	old, _ := strings.CutSuffix(strings.TrimPrefix(path, "/v1/session/"), "/status")
	for _, id := range sessions {
		c.follows("/v1/session/" + id + "/status")
	}
	if len(sessions) != 3 || !slices.Contains(sessions, old) {
		t.Errorf("the sessions are %q after the retry", sessions)
	}
	for _, id := range ids {
		if again := len(room.Room().Resets(id)) > before[id]; again != slices.Contains(stuck, id) {
			t.Errorf("%s was reset by the retry: %t", id, again)
		}
	}

	// Of nodes that run the configuration is applied, and no power is touched.
	done := resets(room.Room())
	configured := c.follows(c.starts("configure"))
	if nodes := c.nodes(configured); len(nodes["configure/succeeded"]) != len(ids) || len(nodes) != 5 || resets(room.Room()) != done {
		t.Errorf("the configuration ended as %+v with %v, and %d resets", configured.Metadata, nodes, resets(room.Room())-done)
	}
	if status := call(t, http.MethodDelete, service.url+"/v1/session/"+old, nil, nil); status != http.StatusNoContent {
		t.Errorf("DELETE answered %d", status)
	}
}

// TestAPassingFailureIsTakenUpAgainAfterARestart: the agent of version 1 ended after one
// and was started anew to execute its session again.
func TestAPassingFailureIsTakenUpAgainAfterARestart(t *testing.T) {
	t.Parallel()
	room, service := siteOn(t, 6, t.TempDir(), fault.CFS)
	ids := nodesOf(room)
	c := v1Client{t, func() string { return service.url }}
	c.oldTemplate()
	// Two nodes have a BMC.
	if err := room.Room().AddFaults(time.Now(), fault.Rule{Name: "busy", Fault: fault.Busy, Nodes: strings.Join(ids[:4], ",")}); err != nil {
		t.Fatal(err)
	}
	path := c.starts("boot")
	others := v1Tree{}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		// One answer alone: of two the second tells of a moment later.
		var booted struct {
			NodeList []string `json:"node_list"`
		}
		if c.get(path, &others); len(others.BootSets) == 1 {
			c.get(path+"/"+others.BootSets[0]+"/boot/succeeded", &booted)
		}
		if len(booted.NodeList) == len(ids)-4 {
			break
		}
	}
	service.kill()
	service.start()
	room.SetBOS(service.url)
	if c.get(path, &others); others.Metadata.Complete || others.Metadata.ErrorCount != 0 {
		t.Fatalf("after the restart the session is %+v", others.Metadata)
	}
	if room.Room().LiftFaults("busy") != 1 {
		t.Fatal("there is no fault to lift")
	}
	boot := c.follows(path)
	if nodes := c.nodes(boot); boot.Metadata.ErrorCount != 0 || len(nodes["boot/succeeded"]) != len(ids) {
		t.Errorf("it ended as %+v with %v", boot, nodes)
	}
	for _, id := range ids {
		if n := len(room.Room().Resets(id)); n != 1 {
			t.Errorf("%s was reset %d times", id, n)
		}
	}
}
