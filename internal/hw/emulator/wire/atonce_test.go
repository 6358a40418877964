package wire

import "testing"

func TestRequestsOfOneBMCAtOnceAreCounted(t *testing.T) {
	var a AtOnce
	for _, bmc := range []string{"a", "b"} { // two BMCs are asked at once, and that is fine
		a.Begin(bmc)
	}
	a.End("a")
	a.Begin("a")
	if most := a.Most(); most != 1 {
		t.Errorf("%d at once, each BMC had one request after the other", most)
	}
	a.Begin("b")
	a.End("b")
	if most := a.Most(); most != 2 {
		t.Errorf("%d at once, a BMC had two", most)
	}
}
