package client

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestJSONOfAnotherProgramIsNoAnswerOfBOS(t *testing.T) {
	for name, ask := range map[string]func(context.Context, *Client) error{
		"a session":   func(ctx context.Context, c *Client) error { _, err := c.Session(ctx, "s"); return err },
		"a status":    func(ctx context.Context, c *Client) error { _, err := c.SessionStatus(ctx, "s"); return err },
		"a component": func(ctx context.Context, c *Client) error { _, err := c.Component(ctx, "x0"); return err },
		"a template":  func(ctx context.Context, c *Client) error { _, err := c.Template(ctx, "t"); return err },
		"options":     func(ctx context.Context, c *Client) error { _, err := c.Options(ctx); return err },
		"known options": func(ctx context.Context, c *Client) error {
			_, err := c.KnownOptions(ctx)
			return err
		},
		"a version":    func(ctx context.Context, c *Client) error { _, err := c.Version(ctx); return err },
		"capabilities": func(ctx context.Context, c *Client) error { _, err := c.Capabilities(ctx); return err },
		"a preview": func(ctx context.Context, c *Client) error {
			_, err := c.Preview(ctx, bos.PreviewRequest{TemplateName: "t"})
			return err
		},
		"the nodes of a preview": func(ctx context.Context, c *Client) error { _, err := c.PreviewNodes(ctx, "p"); return err },
		"outcomes": func(ctx context.Context, c *Client) error {
			c.announced.caps = &bos.Capabilities{Extensions: []string{bos.ExtensionOutcomes}}
			_, err := c.Outcomes(ctx, "s")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := dial(t, 0, maintenance)
			err := ask(t.Context(), c)
			var answer *Error
			if !errors.As(err, &answer) || answer.Title != "Unreadable answer" || !strings.Contains(answer.Detail, "URL in front of /v2") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAWriteThatAnotherProgramAnsweredMayHaveTakenEffect(t *testing.T) {
	for name, write := range map[string]func(context.Context, *Client) error{
		"a component": func(ctx context.Context, c *Client) error {
			_, err := c.PatchComponent(ctx, "x0", bos.ComponentPatch{})
			return err
		},
		"a template": func(ctx context.Context, c *Client) error {
			_, err := c.PutTemplate(ctx, bos.SessionTemplate{Name: "t"})
			return err
		},
		"options": func(ctx context.Context, c *Client) error {
			_, err := c.SetOptions(ctx, bos.OptionsPatch{})
			return err
		},
		"all options": func(ctx context.Context, c *Client) error {
			_, err := c.PatchOptions(ctx, bos.OptionsPatch{})
			return err
		},
		"staged state": func(ctx context.Context, c *Client) error {
			_, err := c.ApplyStaged(ctx, []string{"x0"}, StagedBounds{})
			return err
		},
		"a cancellation": func(ctx context.Context, c *Client) error { _, err := c.CancelSession(ctx, "s", ""); return err },
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := dial(t, 0, maintenance)
			if err := write(t.Context(), c); !Undecided(err) {
				t.Errorf("it is decided: %v", err)
			}
		})
	}
}

func TestASessionThatAnotherProgramAcceptedIsUnconfirmed(t *testing.T) {
	c, _ := dial(t, 0, func(n int, r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/capabilities") {
			return answer(200, `{"extensions":["pinned_sessions"]}`), nil
		}
		return maintenance(n, r)
	})
	_, err := c.CreateSession(t.Context(), pinned("s"))
	var unconfirmed *Unconfirmed
	if !errors.As(err, &unconfirmed) {
		t.Errorf("the error is %v", err)
	}
}

// maintenance is what stands before a BOS that is being worked on.
func maintenance(int, *http.Request) (*http.Response, error) {
	return answer(200, `{"message":"down for maintenance"}`, "Content-Type", "application/json"), nil
}
