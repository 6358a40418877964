package provider_test

import "testing"

func TestASessionSaysWhereItsPageIsAndNothingWhereThereIsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func(*fakeBOS)
		want any
	}{
		"a service with an address":    {func(s *fakeBOS) { s.public = "https://bos.example/" }, "https://bos.example/ui/#/sessions/nightly"},
		"a service that names no page": {func(*fakeBOS) {}, nil},
		"a plain BOS":                  {func(s *fakeBOS) { s.Plain() }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := startFake(t.Cleanup, room...)
			c.make(fake)
			w := newWorkspace(t)
			w.write(providerBlock(fake), template("quiet"), session(rolling, `name = "nightly"`, "lifecycle {\n    create_before_destroy = false\n  }"))
			w.plan().says(t, "+ url ")
			w.apply().exits(t, 0)
			shows := func(when string) {
				t.Helper()
				if got := w.attributes("bos_session.boot"); got["url"] != c.want {
					t.Errorf("%s its url is %v, want %v", when, got["url"], c.want)
				}
			}
			shows("once it has run,")
			w.plan().exits(t, 0)
			w.older("bos_session.boot")
			w.plan("-refresh=false").exits(t, 0)
			w.plan().exits(t, 0)
			w.apply("-refresh-only").exits(t, 0)
			shows("of an older state")
			sessions(t, fake, 1)
		})
	}
}
