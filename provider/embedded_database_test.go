package provider

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestAnEmbeddedBOSRefusesADatabaseThatServicesShare(t *testing.T) {
	const shared = "postgres://bos@db.example/bos"
	file := filepath.Join(t.TempDir(), "bos.db")
	for name, given := range map[string]embeddedModel{
		"named in its settings":   {Settings: types.StringValue("database: " + shared + "\n")},
		"and a file beside":       {Settings: types.StringValue("database: " + shared + "\n"), Database: types.StringValue(file)},
		"named beside":            {Settings: types.StringValue("listen: 127.0.0.1:0\n"), Database: types.StringValue(shared)},
		"named beside, as others": {Settings: types.StringValue("database: " + file + "\n"), Database: types.StringValue("postgresql://bos@db.example/bos")},
	} {
		_, _, _, err := startEmbedded(t.Context(), given, "0")
		if !errors.Is(err, errShared) || strings.Contains(err.Error(), "db.example") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
