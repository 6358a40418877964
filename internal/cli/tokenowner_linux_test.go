package cli

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheFileOfTokensIsOfWhoHasToReadIt(t *testing.T) {
	bos := owner{990, 991, 0o750}
	for what, c := range map[string]struct {
		before *owner
		folder owner
		root   bool
		want   owner
		known  bool
	}{
		"made by root beside the records":             {nil, bos, true, owner{990, 991, 0o600}, true},
		"made by root in a folder of root's group":    {nil, owner{0, 0, 0o755}, true, owner{}, false},
		"made by root in the folder of a package":     {nil, owner{0, 991, 0o750}, true, owner{0, 991, 0o640}, true},
		"made by the user of the service":             {nil, bos, false, owner{}, false},
		"changed by root":                             {&owner{990, 991, 0o600}, bos, true, owner{990, 991, 0o600}, true},
		"changed by root, which its group may read":   {&owner{0, 991, 0o640}, owner{0, 0, 0o755}, true, owner{0, 991, 0o640}, true},
		"changed by the user of the service":          {&owner{990, 991, 0o600}, bos, false, owner{990, 991, 0o600}, true},
		"changed by another user who may not give it": {&owner{990, 991, 0o660}, bos, false, owner{990, 991, 0o660}, true},
	} {
		if got, known := ownerOfTokens(c.before, c.folder, c.root); got != c.want || known != c.known {
			t.Errorf("%s: %+v %v, want %+v %v", what, got, known, c.want, c.known)
		}
	}
}

func TestATokenThatRootMakesIsReadByTheUserOfTheService(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files to others")
	}
	folder := t.TempDir()
	if err := os.Chown(folder, 12345, 12346); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "tokens.yaml")
	for _, name := range []string{"made", "added"} {
		if printed, status := run(t, tokenCommand(), "make", name, "--role", "reader", "--file", path); status != 0 {
			t.Fatal(printed)
		}
		got, err := ownerOf(path)
		if err != nil || *got != (owner{12345, 12346, 0o600}) {
			t.Errorf("%s: it is %+v, %v", name, got, err)
		}
	}
}

// TestWhoOwnsTheFileOfTokensMayChangeIt: one whose group is root's, which no other user
// gives a file to, could not be changed by its own user.
func TestWhoOwnsTheFileOfTokensMayChangeIt(t *testing.T) {
	for what, c := range map[string]struct {
		own, whose owner
		want       bool
	}{
		"its own":                       {owner{990, 991, 0o600}, owner{990, 991, 0o640}, false},
		"another group, which may not":  {owner{990, 991, 0o600}, owner{990, 0, 0o600}, false},
		"another group, which reads it": {owner{990, 991, 0o600}, owner{990, 0, 0o640}, true},
		"another user":                  {owner{0, 0, 0o600}, owner{990, 0, 0o600}, true},
	} {
		if got := mustGive(c.own, c.whose); got != c.want {
			t.Errorf("%s: it has to be given %v", what, got)
		}
	}
}
