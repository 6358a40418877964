package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// asRetry fills in what a session that retries another leaves out: the nodes of that
// one that failed and that nobody has taken since, with its template and operation.
func (s *server) asRetry(ctx context.Context, tenant string, body *pinnedBody) error {
	if body.RetryOf == "" {
		return nil
	}
	b := &body.Session
	switch {
	case !bos.ValidName(body.RetryOf):
		return bos.Invalidf("retry_of", "%q cannot name a session; use %s", clip(body.RetryOf), bos.NameRule)
	case b.Limit.given:
		return bos.Invalidf("retry_of", "selects the nodes that failed, so it does not go with a limit; leave one of the two out")
	case b.Stage:
		return bos.Invalidf("retry_of", "tries nodes again now, so it does not go with stage; leave one of the two out")
	}
	rec, err := s.Store.Session(ctx, bos.SessionKey{Tenant: tenant, Name: body.RetryOf})
	if err != nil {
		return orMissing(err, kindSession, tenant, body.RetryOf)
	}
	tally, err := s.Store.SessionTally(ctx, rec.Key())
	if err != nil {
		return err
	}
	if len(tally.FailedNodes) == 0 {
		return problemf(http.StatusConflict, titleConflict,
			"session '%s' has no failed node that is still its own (%d nodes failed in all, and other sessions have had those since); nothing was started", clip(rec.Name), tally.Failed)
	}
	limit := bos.Fold(tally.FailedNodes)
	b.Limit = nullable[string]{given: true, value: &limit}
	if b.Operation == nil {
		b.Operation = &rec.Operation
	}
	if b.TemplateName == nil {
		b.TemplateName = &rec.TemplateName
	}
	b.IncludeDisabled = b.IncludeDisabled || rec.IncludeDisabled
	if body.Reason == "" {
		body.Reason = fmt.Sprintf("retry of %s", rec.Name)
	}
	return nil
}
