package cli

import (
	"strings"
	"testing"
)

// TestCommandsForDatabaseFilesSayWhatToDoWithAPostgres, without a word of how to get in.
func TestCommandsForDatabaseFilesSayWhatToDoWithAPostgres(t *testing.T) {
	for command, says := range map[string]string{"backup -o FILE": "pg_dump", "restore FILE": "pg_restore", "migrate": "serve brings"} {
		args := append(strings.Fields(command), "--database", "postgres://bos@db.example/bos")
		out, err := beside(t, args...)
		if err == nil || !strings.Contains(out, says) || strings.Contains(out, "db.example") {
			t.Errorf("%s: %v, %s", command, err, out)
		}
	}
}
