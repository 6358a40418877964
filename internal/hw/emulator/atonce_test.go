package emulator

import "testing"

func TestRequestsOfOneBMCAtOnceAreCounted(t *testing.T) {
	var s Server
	for _, bmc := range []string{"a", "b"} { // two BMCs are asked at once, and that is fine
		s.atOnce.begin(bmc)
	}
	s.atOnce.end("a")
	s.atOnce.begin("a")
	if most := s.MostAtOnce(); most != 1 {
		t.Errorf("%d at once, each BMC had one request after the other", most)
	}
	s.atOnce.begin("b")
	s.atOnce.end("b")
	if most := s.MostAtOnce(); most != 2 {
		t.Errorf("%d at once, a BMC had two", most)
	}
}
