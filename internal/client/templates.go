package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// templateBody is a template as PUT takes it: without the members that only
// the server writes.
type templateBody struct {
	Description string                 `json:"description,omitempty"`
	EnableCFS   *bool                  `json:"enable_cfs,omitempty"`
	CFS         *bos.CFS               `json:"cfs,omitempty"`
	BootSets    map[string]bos.BootSet `json:"boot_sets"`
}

func templatePath(name string) string { return "/v2/sessiontemplates/" + url.PathEscape(name) }

// Template reads a session template.
func (c *Client) Template(ctx context.Context, name string) (bos.SessionTemplate, error) {
	var t bos.SessionTemplate
	err := c.get(ctx, templatePath(name), nil, &t)
	return named(t, name), err
}

func sequencePath(name string) string {
	return "/x/v1/sessiontemplates/" + url.PathEscape(name) + "/sequence"
}

// Sequence reads the partition of a template and the order of its boot sets, of a
// service with the extension.
func (c *Client) Sequence(ctx context.Context, name string) (bos.Sequence, error) {
	var s bos.Sequence
	err := c.get(ctx, sequencePath(name), nil, &s)
	return s, err
}

// PutSequence writes them.
func (c *Client) PutSequence(ctx context.Context, name string, s bos.Sequence) error {
	return c.send(ctx, http.MethodPut, sequencePath(name), s, &s)
}

// PutTemplate stores a template whole, but for its sequence, which what is stored
// keeps, and returns what was stored.
func (c *Client) PutTemplate(ctx context.Context, t bos.SessionTemplate) (bos.SessionTemplate, error) {
	var stored bos.SessionTemplate
	body := templateBody{Description: t.Description, EnableCFS: t.EnableCFS, CFS: t.CFS, BootSets: t.BootSets}
	err := c.send(ctx, http.MethodPut, templatePath(t.Name), body, &stored)
	return named(stored, t.Name), err
}

// DeleteTemplate deletes a template.
func (c *Client) DeleteTemplate(ctx context.Context, name string) error {
	return c.send(ctx, http.MethodDelete, templatePath(name), nil, nil)
}

// TemplateValidity is what BOS says of a stored template: "Valid", or what is
// wrong with it.
func (c *Client) TemplateValidity(ctx context.Context, name string) (string, error) {
	var text string
	err := c.get(ctx, "/v2/sessiontemplatesvalid/"+url.PathEscape(name), nil, &text)
	return text, err
}

// named fills in what some versions of BOS leave out of the record.
func named(t bos.SessionTemplate, name string) bos.SessionTemplate {
	if t.Name == "" {
		t.Name = name
	}
	return t
}
