package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func (s *site) hold(id string) {
	s.t.Helper()
	s.do("PUT", "/x/v1/components/"+id+"/hold", object{"reason": "a broken fan"}).ok(http.StatusOK, nil)
}

// unapplied asks both faces to apply what is staged, and returns what the extension says of
// why nothing was applied, by node. It holds version 2 to say the same, in a header.
func (s *site) unapplied(xnames []string, session string, headers ...string) map[string]bos.StagedReason {
	s.t.Helper()
	body := object{"xnames": xnames}
	plain := s.do("POST", "/v2/applystaged", body, headers...).ok(http.StatusOK, nil)
	if session != "" {
		body["session"] = session
	}
	var answer bos.StagedAnswer
	s.do("POST", "/x/v1/applystaged", body, headers...).ok(http.StatusOK, &answer)
	why := make(map[string]bos.StagedReason)
	for _, u := range answer.Unapplied {
		ids, err := bos.Expand(u.Nodes, bos.MaxExpand)
		if err != nil || u.Sentence == "" || u.Sentence != u.Reason.Sentence() || u.Count != len(ids) {
			s.t.Errorf("%+v, %v", u, err)
		}
		for _, id := range ids {
			why[id] = u.Reason
		}
		if session == "" && !slices.ContainsFunc(plain.header.Values("Warning"), func(w string) bool {
			return strings.HasPrefix(w, "299 bos ") && strings.Contains(w, string(u.Reason)) && strings.Contains(w, u.Nodes)
		}) {
			s.t.Errorf("version 2 is warned by %q, not of %+v", plain.header.Values("Warning"), u)
		}
	}
	for _, id := range slices.Concat(answer.Failed, answer.Ignored) {
		if why[id] == "" {
			s.t.Errorf("nothing was applied to %s, and nobody says why: %+v", id, answer)
		}
	}
	return why
}

func TestNoApplicationOfStagedStateDoesNothingWithoutAReason(t *testing.T) {
	const a, b, c, d = "x1c0s1b0n0", "x1c0s2b0n0", "x1c0s3b0n0", "x1c0s9b0n0"
	red := []string{tenantHeader, "red"}
	for name, test := range map[string]struct {
		prepare func(*site)
		asked   string
		session string
		headers []string
		want    bos.StagedReason
	}{
		"nothing is staged":                              {func(s *site) { s.record(b, nil) }, b, "", nil, bos.StagedNothing},
		"BOS has no component":                           {func(*site) {}, d, "", nil, bos.StagedNoComponent},
		"the node is another tenant's":                   {func(s *site) { s.stage(b, "s1") }, b, "", red, bos.StagedNotOfTenant},
		"a tenant asks for a node that nobody knows":     {func(*site) {}, d, "", red, bos.StagedNotOfTenant},
		"the session is of no tenant, and a tenant asks": {func(s *site) { s.stagedSession("s2", bos.OperationBoot, a, ""); s.stage(a, "s2") }, a, "", red, bos.StagedOfOtherTenant},
		"another session has staged it":                  {func(s *site) { s.stage(b, "gone"); s.hold(b) }, b, "s1", nil, bos.StagedOfOtherSession},
		"the node is held":                               {func(s *site) { s.stagedSession("s3", bos.OperationBoot, c, ""); s.stage(c, "s3"); s.hold(c) }, c, "", nil, bos.StagedHeld},
		"the session is gone":                            {func(s *site) { s.stage(c, "gone") }, c, "", nil, bos.StagedMisfit},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.tenants["red"] = []string{a}
			test.prepare(s)
			if why := s.unapplied([]string{test.asked}, test.session, test.headers...); why[test.asked] != test.want {
				t.Errorf("nothing was applied to %s for %q, want %q", test.asked, why[test.asked], test.want)
			}
		})
	}
}

func TestWhatIsAppliedIsNotSaidToBeUnapplied(t *testing.T) {
	s := newSite(t)
	s.stagedSession("s1", bos.OperationBoot, "x1c0s1b0n0", "")
	s.stage("x1c0s1b0n0", "s1")
	r := s.do("POST", "/v2/applystaged", object{"xnames": []string{"x1c0s1b0n0"}}).ok(http.StatusOK, nil)
	if warned := r.header.Values("Warning"); len(warned) > 0 {
		t.Errorf("warned by %q", warned)
	}
}

func TestEveryReasonForWhichNothingIsAppliedHasASentenceWithAWayOut(t *testing.T) {
	for _, r := range bos.StagedReasons() {
		if !strings.Contains(r.Sentence(), ";") && !strings.Contains(r.Sentence(), "DELETE") {
			t.Errorf("%s: %q", r, r.Sentence())
		}
	}
}
