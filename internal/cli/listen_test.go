package cli

import (
	"strings"
	"testing"
)

func TestOnlyLoopbackIsListenedOnUnlessAllowed(t *testing.T) {
	for address, allowed := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "[::1]:0": true, "127.9.9.9:0": true,
		"0.0.0.0:0": false, "[::]:0": false, ":0": false, "10.255.255.1:0": false, "bos.example:0": false,
	} {
		l, err := listen(t.Context(), address, false)
		switch {
		case err == nil:
			_ = l.Close()
			if !allowed {
				t.Errorf("%s was listened on", address)
			}
		case !allowed && (!strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), "--allow-remote")):
			t.Errorf("%s: %v", address, err)
		case allowed && strings.Contains(err.Error(), "--allow-remote"): // a machine may have no IPv6
			t.Errorf("%s: %v", address, err)
		}
	}
	l, err := listen(t.Context(), "0.0.0.0:0", true)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
