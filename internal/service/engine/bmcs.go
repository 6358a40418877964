package engine

import "github.com/bootorch/terraform-provider-bos/internal/bos"

// BMCs is how the BMCs of a site answered when each was last asked.
type BMCs struct {
	// Known are those that the engine knows of, but for those whose nodes are all
	// disabled or locked.
	Known int
	// Bad counts those that did not answer as they should, by the reason.
	Bad map[string]int
}

// BMCs counts the BMCs; it takes a while with many, so not each step should ask.
func (e *Engine) BMCs() BMCs {
	all := BMCs{Bad: make(map[string]int)}
	for _, s := range e.room.sightings {
		if s.Aside {
			continue
		}
		all.Known++
		switch {
		case s.Symptom == bos.SymptomNone:
		case s.Cause != bos.CauseNone:
			all.Bad[string(s.Cause)]++
		default:
			all.Bad[symptomWords[s.Symptom]]++
		}
	}
	return all
}

var symptomWords = map[bos.Symptom]string{
	bos.SymptomSilent:   "silent",
	bos.SymptomRefusing: "answers with errors",
	bos.SymptomStale:    "known by an old state alone",
	bos.SymptomChanging: "changing",
	bos.SymptomUnknown:  "not known to power control",
}
