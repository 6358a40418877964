package bos

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// ReadOptions reads stored options. An option that was never set has its
// default, and so has one whose stored value is not allowed any more, or not of
// its type: each of those is one repair, a sentence for the log. What is stored
// beside the options that this version knows is left out. The error is that the
// document is no JSON object at all.
func ReadOptions(document []byte) (o Options, repairs []string, err error) {
	o = DefaultOptions()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return o, nil, fmt.Errorf("stored options: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		one, err := json.Marshal(map[string]json.RawMessage{name: members[name]})
		if err != nil {
			return o, nil, fmt.Errorf("stored options: %w", err)
		}
		var patch OptionsPatch
		if err := json.Unmarshal(one, &patch); err != nil {
			repairs = append(repairs, fmt.Sprintf("the stored option %s is %s, which is of another type; its default is used, set it again", clip(name), clip(string(members[name]))))
			continue
		}
		if err := patch.Validate(); err != nil {
			repairs = append(repairs, fmt.Sprintf("a stored option is not allowed any more: %s; its default is used, set it again", err))
			continue
		}
		patch.Apply(&o)
	}
	return o, repairs, nil
}
