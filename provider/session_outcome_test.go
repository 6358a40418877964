package provider

import (
	"errors"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

func TestNodesThatWereTakenFromASessionAreToldFromThoseThatALaterOneHadARightTo(t *testing.T) {
	t.Parallel()
	outcome := func(id, status string) bos.NodeOutcome { return bos.NodeOutcome{ID: id, Status: status} }
	kept := func(managed int, successful, failed float64) bos.ExtendedStatus {
		return bos.ExtendedStatus{Status: bos.SessionComplete, ManagedComponentsCount: managed, PercentSuccessful: successful, PercentFailed: failed}
	}
	for name, c := range map[string]struct {
		outcomes   []bos.NodeOutcome
		kept       bos.ExtendedStatus
		failed     int64
		unfinished []string
	}{
		"all are well":                           {[]bos.NodeOutcome{outcome("x0", "stable"), outcome("x1", "stable")}, kept(0, 0, 0), 0, nil},
		"one failed":                             {[]bos.NodeOutcome{outcome("x0", "stable"), outcome("x1", "failed")}, kept(0, 0, 0), 1, nil},
		"one was taken while it ran":             {[]bos.NodeOutcome{outcome("x0", "stable")}, kept(1, 100, 0), 0, []string{"x1"}},
		"all were taken while it ran":            {nil, kept(0, 0, 0), 0, []string{"x0", "x1"}},
		"one was taken when it was over":         {[]bos.NodeOutcome{outcome("x0", "stable")}, kept(2, 100, 0), 0, nil},
		"one that had failed was taken later":    {[]bos.NodeOutcome{outcome("x0", "stable")}, kept(2, 50, 50), 1, nil},
		"one was let go of before it was done":   {[]bos.NodeOutcome{outcome("x0", "stable"), outcome("x1", "power_on_called")}, kept(2, 50, 0), 0, []string{"x1"}},
		"one was armed again when it was over":   {[]bos.NodeOutcome{outcome("x0", "stable"), outcome("x1", "power_on_pending")}, kept(2, 100, 0), 0, nil},
		"one failed and the other one was taken": {[]bos.NodeOutcome{outcome("x0", "failed")}, kept(1, 0, 100), 1, []string{"x1"}},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := judge([]string{"x0", "x1"}, c.outcomes, func() (bos.ExtendedStatus, error) { return c.kept, nil })
			if err != nil || v.failed != c.failed || !slices.Equal(v.unfinished, c.unfinished) {
				t.Errorf("%d failed and %v are unfinished (%v)", v.failed, v.unfinished, err)
			}
		})
	}
	silent := errors.New("no answer")
	if _, err := judge([]string{"x0"}, nil, func() (bos.ExtendedStatus, error) { return bos.ExtendedStatus{}, silent }); !errors.Is(err, silent) {
		t.Errorf("a status that cannot be had gives %v", err)
	}
}

func TestWhatIsNotKnownToHaveGoneWellIsNoSuccess(t *testing.T) {
	t.Parallel()
	good := func() sessionModel {
		m := sessionModel{sessionResults: sessionResults{
			Status: types.StringValue("complete"), Error: types.StringValue(""), NodeCount: types.Int64Value(4), Nodes: types.StringValue("x[0-3]"),
		}}
		m.take(verdict{})
		return m
	}
	failed := verdict{failures: []failure{{"no power", []string{"x0"}}}, failed: 1}
	for name, c := range map[string]struct {
		change func(*sessionModel)
		want   bool
	}{
		"complete and well":       {func(*sessionModel) {}, true},
		"still running":           {func(m *sessionModel) { m.Status = types.StringValue("running") }, false},
		"pending":                 {func(m *sessionModel) { m.Status = types.StringValue("pending") }, false},
		"suspended":               {func(m *sessionModel) { m.Status = types.StringValue(statusSuspended) }, false},
		"unconfirmed":             {func(m *sessionModel) { m.Status = types.StringValue(statusUnconfirmed) }, false},
		"nothing known":           {func(m *sessionModel) { m.noResults() }, false},
		"outcome not read":        {func(m *sessionModel) { m.ErrorSummary = types.MapNull(outcomeType) }, false},
		"cancelled":               {func(m *sessionModel) { m.Error = types.StringValue("cancelled: looks bad") }, false},
		"no nodes":                {func(m *sessionModel) { m.NodeCount, m.Nodes = types.Int64Value(0), types.StringValue("") }, false},
		"one failed":              {func(m *sessionModel) { m.take(failed) }, false},
		"one failed of tolerated": {func(m *sessionModel) { m.MaxFailed = types.StringValue("25%"); m.take(failed) }, true},
		"more failed":             {func(m *sessionModel) { m.MaxFailed = types.StringValue("24%"); m.take(failed) }, false},
		"one taken":               {func(m *sessionModel) { m.take(verdict{unfinished: []string{"x1"}}) }, false},
		"one taken, any may fail": {func(m *sessionModel) {
			m.MaxFailed = types.StringValue("100%")
			m.take(verdict{unfinished: []string{"x1"}})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := good()
			c.change(&m)
			if got := m.judged(); got.IsNull() || got.IsUnknown() || got.ValueBool() != c.want {
				t.Errorf("succeeded is %s", got)
			}
			for what, text := range map[string]types.String{"error": m.Error, "retry_limit": m.RetryLimit, "failed_nodes": m.FailedNodes, "unfinished_nodes": m.UnfinishedNodes} {
				if text.IsNull() || text.IsUnknown() {
					t.Errorf("%s is %s", what, text)
				}
			}
		})
	}
}

func TestACountOfFailedNodesThatWouldHideAFailureIsNull(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]sessionModel{
		"cancelled": {sessionResults: sessionResults{Error: types.StringValue("cancelled"), NodeCount: types.Int64Value(4)}},
		"no nodes":  {sessionResults: sessionResults{Error: types.StringValue(""), NodeCount: types.Int64Value(0)}},
	} {
		if m.take(verdict{}); !m.FailedCount.IsNull() {
			t.Errorf("%s: failed_count is %s", name, m.FailedCount)
		}
	}
	m := sessionModel{sessionResults: sessionResults{Error: types.StringValue(""), NodeCount: types.Int64Value(4)}}
	if m.take(verdict{unfinished: []string{"x0"}}); !m.FailedCount.IsNull() || m.UnfinishedNodes.ValueString() != "x0" {
		t.Errorf("failed_count is %s with %s unfinished", m.FailedCount, m.UnfinishedNodes)
	}
}

func TestAnEmptyLimitIsNotTakenForNone(t *testing.T) {
	t.Parallel()
	m := sessionModel{sessionOrder: sessionOrder{Limit: types.StringValue("")}}
	if limit := m.request().Limit; limit == nil || *limit != "" {
		t.Errorf("the request has limit %v", limit)
	}
	r := sessionResource{shared: &shared{client: &client.Client{}, planned: newPlannedTemplates()}}
	if _, ok, why := r.question(&m, false); ok || why.kind != blindFailing {
		t.Errorf("a preview of it would be asked for (%v)", why)
	}
	m.Limit = types.StringNull()
	if limit := m.request().Limit; limit != nil {
		t.Errorf("the request without a limit has %q", *limit)
	}
}
