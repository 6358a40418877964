package transfer

import (
	"context"
	"errors"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// addSequences reads what version 2 does not show of templates, from a service that has
// it.
func addSequences(ctx context.Context, c *client.Client, templates []bos.SessionTemplate) error {
	caps, err := c.Capabilities(ctx)
	if answer := (*client.Error)(nil); errors.As(err, &answer) && answer.Status == http.StatusNotFound {
		return nil // also where something before a plain BOS answers that, in its own way
	}
	if err != nil || !client.Has(caps, bos.ExtensionSequences) {
		return err
	}
	for i := range templates {
		t := &templates[i]
		s, err := c.ForTenant(bos.TenantOf(t.Tenant)).Sequence(ctx, t.Name)
		switch {
		case client.IsNotFound(err): // deleted since they were listed
		case err != nil:
			return err
		case !s.Empty():
			t.Sequence = &s
		}
	}
	return nil
}

// put writes a template, and its sequence if it is given.
func put(ctx context.Context, c *client.Client, t bos.SessionTemplate) error {
	c = c.ForTenant(bos.TenantOf(t.Tenant))
	if t.Sequence == nil {
		_, err := c.PutTemplate(ctx, t)
		return err
	}
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return err
	}
	if !client.Has(caps, bos.ExtensionSequences) {
		return bos.Invalidf("sequence", "of template %q has no place in this BOS, which does not announce %s; remove it from the file, and run a session for each boot set in the order that is meant", t.Name, bos.ExtensionSequences)
	}
	if _, err := c.PutTemplate(ctx, t); err != nil {
		return err
	}
	return c.PutSequence(ctx, t.Name, *t.Sequence)
}
