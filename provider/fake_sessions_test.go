package provider_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// selected is the nodes of a template, in a world where all nodes are Compute, and
// all are in the group rack-a of the examples.
func (s *fakeBOS) selected(t bos.SessionTemplate, limit string, includeDisabled bool) (kept, skipped []string, err error) {
	l, err := bos.ParseLimit(limit)
	if err != nil {
		return nil, nil, err
	}
	var inv bos.Inventory
	for id := range s.nodes {
		inv.Nodes = append(inv.Nodes, bos.Node{ID: id, Role: "Compute"})
	}
	var nodes []string
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		set := t.BootSets[name]
		nodes = append(nodes, set.NodeList...)
		for _, role := range set.NodeRolesGroups {
			nodes = append(nodes, inv.WithRole(role)...)
		}
		for _, group := range set.NodeGroups {
			nodes = append(nodes, s.groups[group]...)
		}
	}
	for _, id := range l.Apply(inv, nodes) {
		switch {
		case s.nodes[id] == nil:
		case s.disabled[id] && !includeDisabled:
			skipped = append(skipped, id)
		default:
			kept = append(kept, id)
		}
	}
	return kept, skipped, nil
}

func (s *fakeBOS) makePreview(t bos.SessionTemplate, r bos.PreviewRequest) (bos.Preview, error) {
	nodes, skipped, err := s.selected(t, r.Limit, r.IncludeDisabled)
	if err != nil {
		return bos.Preview{}, err
	}
	p := bos.Preview{
		Operation: r.Operation, Count: len(nodes), Nodes: bos.Fold(nodes), Created: time.Now(), Expires: time.Now().Add(time.Hour),
		Pin: hash(string(r.Operation), bos.Fold(nodes)),
	}
	p.Roles = []bos.PreviewRole{{Role: "Compute", Count: len(nodes), Nodes: p.Nodes}}
	if len(skipped) > 0 {
		p.Skipped = []bos.PreviewSkip{{Reason: "disabled in the inventory", Count: len(skipped), Nodes: bos.Fold(skipped)}}
	}
	for _, name := range slices.Sorted(maps.Keys(t.BootSets)) {
		p.BootSets = append(p.BootSets, bos.PreviewBootSet{Name: name, Count: len(nodes), Nodes: p.Nodes, ImagePath: t.BootSets[name].Path})
	}
	return p, nil
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:8])
}

func (s *fakeBOS) postPreview(r *http.Request) (int, any) {
	var body bos.PreviewRequest
	if err := decode(r, &body); err != nil {
		return bad("%s", err)
	}
	tenant := key(r).Tenant
	t, ok := s.templates[bos.SessionKey{Tenant: tenant, Name: body.TemplateName}]
	if body.Template != nil {
		t, ok = *body.Template, true
	}
	if !ok {
		return bad("Session Template Name invalid: %s", body.TemplateName)
	}
	content, err := json.Marshal(t)
	if err != nil {
		return bad("%s", err)
	}
	receipt := hash(tenant, string(content), string(body.Operation), body.Limit, fmt.Sprint(body.IncludeDisabled, body.Stage))
	if p, ok := s.receipts[receipt]; ok && body.Reuse {
		return http.StatusOK, p
	}
	p, err := s.makePreview(t, body)
	if err != nil {
		return bad("%s", err)
	}
	s.receipts[receipt] = p
	return http.StatusOK, p
}

func (s *fakeBOS) postSession(r *http.Request) (int, any) {
	var body bos.PinnedSession
	if err := decode(r, &body); err != nil {
		return bad("%s", err)
	}
	k := key(r)
	t, ok := s.templates[bos.SessionKey{Tenant: k.Tenant, Name: body.TemplateName}]
	if !ok {
		return bad("Session Template Name invalid: %s", body.TemplateName)
	}
	k.Name = body.Name
	if _, taken := s.sessions[k]; taken {
		return http.StatusConflict, refusal{http.StatusConflict, "The resource to be created already exists", fmt.Sprintf("Session '%s' already exists", k.Name)}
	}
	limit := ""
	if body.Limit != nil {
		limit = *body.Limit
	}
	now, err := s.makePreview(t, bos.PreviewRequest{Operation: body.Operation, Limit: limit, IncludeDisabled: body.IncludeDisabled})
	if err != nil {
		return bad("%s", err)
	}
	if body.Pin != "" && body.Pin != now.Pin {
		return http.StatusConflict, refusal{http.StatusConflict, "Plan is out of date", fmt.Sprintf("now %d nodes: %s", now.Count, now.Nodes)}
	}
	session := &bos.Session{
		Name: k.Name, Tenant: bos.TenantRef(k.Tenant), Operation: body.Operation, TemplateName: body.TemplateName, Limit: limit,
		Stage: body.Stage, IncludeDisabled: body.IncludeDisabled,
		Status: bos.SessionStatus{StartTime: bos.At(time.Now()), Status: bos.SessionRunning},
	}
	s.sessions[k] = session
	accepted := *session
	s.begin(session, t)
	return http.StatusCreated, accepted
}

// begin sets the session up, and completes it unless sessions are held.
func (s *fakeBOS) begin(session *bos.Session, t bos.SessionTemplate) {
	nodes, _, _ := s.selected(t, session.Limit, session.IncludeDisabled)
	session.Components = strings.Join(nodes, ",")
	for _, id := range nodes {
		c := s.nodes[id]
		if session.Stage {
			c.StagedState = bos.StagedState{Session: session.Name}
			for _, set := range t.BootSets {
				c.StagedState.BootArtifacts = bos.BootArtifacts{Kernel: set.Path + "/kernel", KernelParameters: set.KernelParameters}
			}
			continue
		}
		c.Session, c.Enabled, c.Error, c.Status = session.Name, true, "", bos.ComponentStatus{Phase: bos.PhasePoweringOn}
		c.DesiredState.BootArtifacts = bos.BootArtifacts{}
		for _, set := range t.BootSets {
			if session.Operation != bos.OperationShutdown {
				c.DesiredState.BootArtifacts = bos.BootArtifacts{Kernel: set.Path + "/kernel", KernelParameters: set.KernelParameters}
			}
		}
	}
	if !s.held && !session.Stage {
		s.finish(session)
	}
}

func (s *fakeBOS) finish(session *bos.Session) {
	for _, c := range s.nodes {
		if c.Session != session.Name {
			continue
		}
		c.Enabled, c.Status = false, bos.ComponentStatus{}
		if s.broken[c.ID] != "" {
			c.Status.StatusOverride, c.Error = bos.StatusFailed, "no answer from "+bos.BMCOf(c.ID)
			continue
		}
		c.ActualState.BootArtifacts = c.DesiredState.BootArtifacts
	}
	session.Status.Status, session.Status.EndTime = bos.SessionComplete, bos.At(time.Now())
	if session.Components == "" {
		text := "No nodes were found to act upon."
		session.Status.Error = &text
	}
	s.kept[session] = s.extended(session)
}

func (s *fakeBOS) getSession(r *http.Request) (int, any) {
	session, ok := s.sessions[key(r)]
	if s.mislaid > 0 {
		s.mislaid, ok = s.mislaid-1, false
	}
	if !ok {
		return missing("Session '%s' does not exist", key(r).Name)
	}
	return http.StatusOK, session
}

func (s *fakeBOS) deleteSession(r *http.Request) (int, any) {
	if _, ok := s.sessions[key(r)]; !ok {
		return missing("Session '%s' does not exist", key(r).Name)
	}
	delete(s.sessions, key(r))
	return http.StatusNoContent, nil
}

func (s *fakeBOS) outcomes(r *http.Request) (int, any) {
	page := bos.NodeOutcomes{Components: []bos.NodeOutcome{}}
	for _, id := range slices.Sorted(maps.Keys(s.nodes)) {
		c := s.nodes[id]
		if c.Session != r.PathValue("name") {
			continue
		}
		outcome := bos.NodeOutcome{ID: id, Status: c.DeriveStatus(), Phase: c.Status.Phase, Error: c.Error}
		if c.DeriveStatus() == bos.StatusFailed {
			outcome.Cause, outcome.Sentence = s.broken[id], s.broken[id].Sentence()
		}
		page.Components = append(page.Components, outcome)
	}
	return http.StatusOK, page
}
