package tokens_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/tokens"
	"github.com/bootorch/terraform-provider-bos/internal/yamlfile"
)

func TestATokenIsKnownByItsHashUntilItsLineGoes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(fmt.Sprintf("tokens:\n- {name: ci, sha256: %s, roles: [operator], tenants: [red], expires: 2030-01-02T03:04:05Z}\n- {name: x1, sha256: %s, roles: [reporter], nodes: [X1C0s1b0n0]}\n",
		tokens.Hash("one"), tokens.Hash("two")))
	source, err := tokens.New(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := source.Bearer(nil, "one")
	if err != nil || got.Subject != "ci" || len(got.Roles) != 1 || got.Roles[0] != access.Operator || got.Tenants[0] != "red" || !got.Expires.Equal(time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err = source.Bearer(nil, "two"); err != nil || got.Nodes[0] != "x1c0s1b0n0" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, token := range []string{"three", "", tokens.Hash("one")} {
		if got, err = source.Bearer(nil, token); !errors.Is(err, access.ErrUnknown) {
			t.Errorf("%q: %+v, %v", token, got, err)
		}
	}
	write("tokens: []\n")
	if got, err = source.Bearer(nil, "one"); !errors.Is(err, access.ErrUnknown) {
		t.Errorf("revoked: %+v, %v", got, err)
	}
	write("tokens: {}")
	if got, err = source.Bearer(nil, "one"); err == nil || errors.Is(err, access.ErrUnknown) {
		t.Errorf("unreadable: %+v, %v", got, err)
	}
}

func TestAFileOfTokensThatIsWrongSaysWhere(t *testing.T) {
	hash := tokens.Hash("one")
	for text, says := range map[string]string{
		"tokens:\n- {sha256: " + hash + ", roles: [reader]}":                                                                          "f:2: a token has no name",
		"tokens:\n- {name: a, sha256: one, roles: [reader]}":                                                                          "no SHA-256",
		"tokens:\n- {name: a, sha256: " + strings.ToUpper(hash) + ", roles: [reader]}":                                                "no SHA-256",
		"tokens:\n- {name: a, sha256: " + hash + "}":                                                                                  "no roles",
		"tokens:\n- {name: a, sha256: " + hash + ", roles: [root]}":                                                                   `"root" is no role; use one of admin`,
		"tokens:\n- {name: a, sha256: " + hash + ", roles: [tenant-admin]}":                                                           "of no tenant",
		"tokens:\n- {name: a, sha256: " + hash + ", roles: [reader], nodes: ['']}":                                                    "cannot be a component's id",
		"tokens:\n- {name: a, sha256: " + hash + ", roles: [reader]}\n- {name: b, sha256: " + hash + ", roles: [reader]}":             "f:3: the token of \"b\" is that of another one",
		"tokens:\n- {name: a, sha256: " + hash + ", roles: [reader]}\n- {name: a, sha256: " + tokens.Hash("b") + ", roles: [reader]}": "comes twice",
		"tokens:\n- {name: a, token: secret}":                                                                                         "token",
	} {
		_, err := tokens.Parse(yamlfile.Text("f", text))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s\n%v, want %q", text, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats a token: %v", err)
		}
	}
}

func TestTheTokenOfThisMachineMayDoEverythingAndAnEmptyOneNothing(t *testing.T) {
	if id, err := tokens.Local("t").Bearer(nil, "t"); err != nil || (access.Caller{Identity: id}).May(access.WriteOptions) != nil {
		t.Errorf("%+v, %v", id, err)
	}
	for token, local := range map[string]tokens.Local{"": "", "u": "t", "x": ""} {
		if id, err := local.Bearer(nil, token); !errors.Is(err, access.ErrUnknown) {
			t.Errorf("%q by %q: %+v, %v", local, token, id, err)
		}
	}
}
