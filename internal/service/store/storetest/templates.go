package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func changedTemplates(t *testing.T, s bos.Store) {
	const writers, rounds = 8, 5
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range rounds {
				_, err := s.MutateTemplate(t.Context(), "blue", "t", func(is *bos.SessionTemplate, _ bool) error {
					if is.BootSets == nil {
						is.BootSets = make(map[string]bos.BootSet)
					}
					is.BootSets[fmt.Sprint(w, "-", n)] = bos.BootSet{Path: "p"}
					return nil
				}, bos.Event{Kind: "template_stored"})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got, err := s.Template(t.Context(), "blue", "t")
	must(t, err)
	if len(got.BootSets) != writers*rounds || got.Name != "t" || bos.TenantOf(got.Tenant) != "blue" {
		t.Errorf("%d changes of %+v are there, %d were made", len(got.BootSets), got, writers*rounds)
	}
	refused := errors.New("no")
	for name, exists := range map[string]bool{"t": true, "u": false} {
		_, err := s.MutateTemplate(t.Context(), "blue", name, func(is *bos.SessionTemplate, there bool) error {
			if there != exists || is.Name != name {
				t.Errorf("%s is %+v, there: %v", name, is, there)
			}
			is.Description = "never"
			return refused
		}, bos.Event{Kind: "never"})
		if !errors.Is(err, refused) {
			t.Errorf("%s: error %v, want that of the change", name, err)
		}
	}
	list, err := s.Templates(t.Context(), bos.AllTenants())
	must(t, err)
	if len(list) != 1 || list[0].Description != "" {
		t.Errorf("after changes that failed there is %+v", list)
	}
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Limit: 1000})
	must(t, err)
	if len(events) != writers*rounds {
		t.Errorf("%d notes of %d changes", len(events), writers*rounds)
	}
}
