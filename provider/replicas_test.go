package provider_test

import (
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// replicated, in the environment, has the tests run against three services that share one
// PostgreSQL, with each request to the next of them, where they run against a real service.
const replicated = "BOS_TEST_REPLICAS"

// replicas is how many services there are.
func replicas() int {
	const several = 3
	if os.Getenv(replicated) != "" {
		return several
	}
	return 1
}

// database is an empty one for the services of a room, whose files are in dir.
func database(t *testing.T, dir string) string {
	t.Helper()
	if replicas() > 1 {
		return postgrestest.New(t)
	}
	return filepath.Join(dir, "bos.db")
}

// inTurn has each request answered by the next.
func inTurn(handlers []http.Handler) http.Handler {
	var turn atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[int(turn.Add(1))%len(handlers)].ServeHTTP(w, r)
	})
}
