package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestWhatSparesTheNodesOfOthersIsAskedOfWhoHasItAndRefusedForOthers(t *testing.T) {
	for name, c := range map[string]struct {
		extensions string
		rule       bos.Overlap
		refused    bool
		path, says string
	}{
		"reject":                                 {`["pinned_sessions","previews","overlap"]`, bos.OverlapReject, false, "/x/v1/sessions", `"overlap":"reject","replaces":["monday"]`},
		"take over":                              {`["pinned_sessions","previews","overlap"]`, bos.OverlapTakeOver, false, "/x/v1/sessions", `"overlap":"take_over"`},
		"nothing said":                           {`["previews","overlap"]`, "", false, "/v2/sessions", ``},
		"reject, of one that cannot":             {`["pinned_sessions","previews"]`, bos.OverlapReject, true, "/capabilities", ""},
		"reject, of a plain BOS":                 {`[]`, bos.OverlapReject, true, "/capabilities", ""},
		"take over, of one that does so anyway":  {`["previews"]`, bos.OverlapTakeOver, false, "/v2/sessions", ``},
		"nothing said, of one that takes anyway": {`["previews"]`, "", false, "/v2/sessions", ``},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := dial(t, 0, func(_ int, r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodGet {
					return answer(200, `{"extensions":`+c.extensions+`}`), nil
				}
				return answer(201, found), nil
			})
			_, err := client.CreateSession(t.Context(), bos.PinnedSession{
				SessionCreate: bos.SessionCreate{Name: "s", Operation: bos.OperationBoot, TemplateName: "t"}, Overlap: c.rule, Replaces: []string{"monday"},
			})
			path, sent := server.log[len(server.log)-1], server.bodies[len(server.bodies)-1]
			var invalid *bos.Invalid
			if errors.As(err, &invalid) != c.refused || !strings.HasSuffix(path, c.path) || !strings.Contains(sent, c.says) || !c.refused && !json.Valid([]byte(sent)) {
				t.Errorf("%s got %s (%v)", path, sent, err)
			}
			if _, err := client.Preview(t.Context(), bos.PreviewRequest{TemplateName: "t", Operation: bos.OperationBoot, Overlap: c.rule}); errors.As(err, &invalid) != c.refused {
				t.Errorf("the preview: %v", err)
			}
		})
	}
}
