package porttest

import (
	"fmt"
	"net"
	"testing"
)

func TestAFreePortIsListenedAtByWhoeverItIsFor(t *testing.T) {
	for range 100 {
		port, err := Free()
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port))
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() //nolint:errcheck // the test is over
		if port < lowest || port >= beyond {
			t.Errorf("port %d may be given to anybody", port)
		}
	}
}
