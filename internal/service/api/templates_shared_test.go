package api

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
)

// between lets something happen behind one of the times that a template is read.
type between struct {
	Store
	reads, at int
	happens   func()
}

func (b *between) Template(ctx context.Context, tenant, name string) (bos.SessionTemplate, error) {
	t, err := b.Store.Template(ctx, tenant, name)
	if b.reads++; b.reads == b.at {
		b.happens()
	}
	return t, err
}

// TestATemplateThatTwoServicesChangeAtOnceKeepsBothChanges has another service change a
// template at each moment of a change by this one: of what is a part of it neither loses
// what the other wrote.
func TestATemplateThatTwoServicesChangeAtOnceKeepsBothChanges(t *testing.T) {
	const path = "/v2/sessiontemplates/t"
	described := func(s *site) { s.do("PATCH", path, object{"description": "new"}).ok(http.StatusOK, nil) }
	put := func(s *site) { s.do("PUT", path, with(template(), "description", "new")).ok(http.StatusOK, nil) }
	ordered := func(s *site) {
		s.do("PUT", "/x/v1/sessiontemplates/t/sequence", object{"boot_ordinal": object{"compute": 7}}).ok(http.StatusOK, nil)
	}
	for name, c := range map[string]struct{ first, second func(*site) }{
		"a patch, and an order of its boot sets": {described, ordered},
		"a new one, and an order":                {put, ordered},
		"an order, and a patch":                  {ordered, described},
	} {
		for at := range 4 {
			t.Run(fmt.Sprint(name, " behind read ", at), func(t *testing.T) {
				s := newSite(t)
				s.putTemplate("t", template())
				other := &site{t: t, store: s.store, handler: s.handler, config: s.config, now: noon}
				slow := &between{Store: s.store, at: at, happens: func() { c.second(other) }}
				s.config.Store = slow
				s.handler = access.Open(New(s.config))
				c.first(s)
				if slow.reads < at || at == 0 {
					c.second(other)
				}
				got, err := s.store.Template(t.Context(), "", "t")
				if err != nil || got.Description != "new" || got.Sequence == nil || got.Sequence.BootOrdinal["compute"] != 7 {
					t.Errorf("it is %+v with %+v, %v", got, got.Sequence, err)
				}
			})
		}
	}
}

// TestAPatchDoesNotBringADeletedTemplateBack has another service delete a template while a
// patch of it is checked.
func TestAPatchDoesNotBringADeletedTemplateBack(t *testing.T) {
	for at := 1; at < 3; at++ {
		s := newSite(t)
		s.putTemplate("t", template())
		slow := &between{Store: s.store, at: at, happens: func() {
			if err := s.store.DeleteTemplate(t.Context(), "", "t"); err != nil {
				t.Error(err)
			}
		}}
		s.config.Store = slow
		s.handler = access.Open(New(s.config))
		reply := s.do("PATCH", "/v2/sessiontemplates/t", object{"description": "new"})
		if slow.reads < at {
			reply.ok(http.StatusOK, nil)
			continue
		}
		reply.refused(http.StatusNotFound, "")
	}
}
