package fault

import (
	"slices"
	"strings"
	"testing"
)

// TestEveryFaultOfTheVocabularyCanBeWritten in each of its forms, for each that can
// have it, and for nobody else.
func TestEveryFaultOfTheVocabularyCanBeWritten(t *testing.T) {
	seen := make(map[Kind]bool)
	for _, e := range Vocabulary {
		if seen[e.Kind] || e.Of == 0 {
			t.Errorf("%s is there twice, or can hit nobody", e.Kind)
		}
		seen[e.Kind] = true
		for _, form := range append([]string{""}, e.Forms...) {
			if err := (Rule{Fault: e.Kind, Form: form, Nodes: "x1c0s0b0n0"}).Validate(); (err == nil) != (e.Of&(BMC|Node) != 0) {
				t.Errorf("%s %q of nodes: %v", e.Kind, form, err)
			}
			for _, service := range Services {
				wanted := e.Of&Service != 0 && (e.Services == nil || slices.Contains(e.Services, service))
				if err := (Rule{Fault: e.Kind, Form: form, Service: service}).Validate(); (err == nil) != wanted {
					t.Errorf("%s %q of %s: %v", e.Kind, form, service, err)
				}
			}
		}
		complete := Rule{Fault: e.Kind}.Complete()
		if len(e.Forms) > 0 && complete.Form != e.Forms[0] || complete.Delay != e.Delay || complete.Tries != e.Tries || complete.RetryAfter != e.RetryAfter {
			t.Errorf("%s is completed to %+v", e.Kind, complete)
		}
	}
}

func TestWhatAFaultDoesNotTakeIsRefusedWithWhatDoes(t *testing.T) {
	for says, r := range map[string]Rule{
		"tries are for the fault lockout":       {Fault: Drop, Tries: 3},
		"a delay is for the faults slow":        {Fault: Drop, Delay: 1},
		"retry_after is for the faults busy":    {Fault: Drop, RetryAfter: 1},
		"the fault drop has none":               {Fault: Drop, Form: "soft"},
		`form "p256" is none of the fault tls`:  {Fault: TLS, Form: "p256"},
		"use one of outage, hang":               {Fault: Drop, Service: HSM},
		`fault "by-mac" is none that a service`: {Fault: ByMAC, Service: HSM},
	} {
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v does not say %s", r, err, says)
		}
	}
}
