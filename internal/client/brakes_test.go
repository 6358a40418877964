package client

import (
	"net/http"
	"slices"
	"testing"
)

func TestPausesAndHoldsAreSentWithTheirReasons(t *testing.T) {
	c, s := dial(t, 0, func(n int, r *http.Request) (*http.Response, error) {
		switch {
		case r.Method == http.MethodDelete || n == 8:
			return answer(204, ""), nil
		case n == 6 || n == 7:
			return answer(200, `{"holds":[{"id":"x1","reason":"r","since":"2026-01-01T00:00:00Z"}]}`), nil
		case n == 5:
			return answer(200, `{"id":"x1","reason":"r","since":"2026-01-01T00:00:00Z"}`), nil
		default:
			return answer(200, `{"paused":true,"reason":"r","since":"2026-01-01T00:00:00Z"}`), nil
		}
	})
	ctx := t.Context()
	state, err := c.PauseSite(ctx, "r")
	if err != nil || !state.Paused || state.Reason != "r" {
		t.Errorf("%+v, %v", state, err)
	}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	_, err = c.ResumeSite(ctx, "")
	note(err)
	_, err = c.PauseSession(ctx, "a", "r")
	note(err)
	_, err = c.ResumeSession(ctx, "a", "")
	note(err)
	held, err := c.HoldComponent(ctx, "x1", "r")
	note(err)
	if held.ID != "x1" || !held.On() {
		t.Errorf("%+v", held)
	}
	list, err := c.HoldComponents(ctx, []string{"x1"}, "r")
	note(err)
	if len(list) != 1 {
		t.Errorf("%+v", list)
	}
	list, err = c.Holds(ctx)
	note(err)
	if len(list) != 1 {
		t.Errorf("%+v", list)
	}
	note(c.ReleaseComponents(ctx, []string{"x1"}))
	note(c.ReleaseComponent(ctx, "x1"))
	state, err = c.Pause(ctx)
	note(err)
	for i, err := range errs {
		if err != nil {
			t.Errorf("request %d: %v", i+1, err)
		}
	}
	want := []string{
		"POST /apis/bos/x/v1/pause", "POST /apis/bos/x/v1/resume", "POST /apis/bos/x/v1/sessions/a/pause", "POST /apis/bos/x/v1/sessions/a/resume",
		"PUT /apis/bos/x/v1/components/x1/hold", "POST /apis/bos/x/v1/holds", "GET /apis/bos/x/v1/holds", "POST /apis/bos/x/v1/holds/release",
		"DELETE /apis/bos/x/v1/components/x1/hold", "GET /apis/bos/x/v1/pause",
	}
	if !slices.Equal(s.log, want) {
		t.Errorf("it sent %q", s.log)
	}
	if s.bodies[0] != `{"reason":"r"}` || s.bodies[5] != `{"ids":["x1"],"reason":"r"}` || s.bodies[7] != `{"ids":["x1"]}` {
		t.Errorf("with %q", s.bodies)
	}
}
