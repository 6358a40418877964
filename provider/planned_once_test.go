package provider

import "testing"

func TestTwoResourcesOfOneThingAreToldFromOneThatTerraformAsksAboutTwice(t *testing.T) {
	t.Parallel()
	const stored, fresh = false, true
	type question struct {
		fresh  bool
		config string
	}
	for name, c := range map[string]struct {
		asked []question
		found twice
	}{
		"one that is new":                        {[]question{{fresh, "a"}}, once},
		"one that state has":                     {[]question{{stored, "a"}}, once},
		"one that is replaced by force":          {[]question{{stored, "a"}, {fresh, "b"}}, perhaps}, // ignore_changes make them differ
		"two that are new":                       {[]question{{fresh, "a"}, {fresh, "a"}}, surely},
		"a new one before one that state has":    {[]question{{fresh, "a"}, {stored, "a"}}, surely},
		"two in state that differ":               {[]question{{stored, "a"}, {stored, "b"}}, surely},
		"two in state that ask for the same":     {[]question{{stored, "a"}, {stored, "a"}}, once},
		"one that is replaced, and another":      {[]question{{stored, "a"}, {fresh, "a"}, {stored, "b"}}, surely},
		"one that is replaced, and another anew": {[]question{{stored, "a"}, {fresh, "a"}, {fresh, "b"}}, surely},
	} {
		p, found := newPlannedOnce(), once
		p.note("another thing", fresh, "a")
		for _, q := range c.asked {
			found = p.note("it", q.fresh, q.config)
		}
		if found != c.found {
			t.Errorf("%s: %v instead of %v", name, found, c.found)
		}
	}
}

func TestTheXnameIsFoundInAnEncodedConfiguration(t *testing.T) {
	t.Parallel()
	long := "x1000c0s0b0n0-and-more-than-31-bytes"
	for encoded, want := range map[string]string{
		"\x82\xa6tenant\xc0\xa5xname\xa5x1234":                             "x1234",
		"\x81\xa5xname\xd9" + string(rune(len(long))) + long + "\xa1a\xc0": long,
		"\x81\xa5xname\xd4\x00\x00":                                        "", // not known yet
		"\x81\xa5xname\xc0":                                                "",
		"\x81\xa5xname\xa5x12":                                             "", // cut off
		"\x82\xa6reason\xa9\xa5xname\xa2x1\xa5xname\xa2x2":                 "", // a text that looks like it
		"\x81\xa6tenant\xc0":                                               "",
		"":                                                                 "",
	} {
		got, ok := xnameIn([]byte(encoded))
		if got != want || ok != (want != "") {
			t.Errorf("%q has the xname %q (%t) instead of %q", encoded, got, ok, want)
		}
	}
}
