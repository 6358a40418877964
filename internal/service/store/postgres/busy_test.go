package postgres_test

import (
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestADatabaseInWhichAnotherWritesForLongIsWell: a load balancer that had no answer would
// take all services out that share it, for as long as a large session is set up.
func TestADatabaseInWhichAnotherWritesForLongIsWell(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s, other := open(t, dsn), open(t, dsn)
	defer s.Close()     //nolint:errcheck // the test is over
	defer other.Close() //nolint:errcheck // the test is over
	writing, over, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		_, err := other.MutateComponents(t.Context(), []string{"x"}, func(*bos.Record, bool) error {
			close(writing)
			<-over
			return nil
		})
		ended <- err
	}()
	<-writing
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the ping ended with %v", err)
	}
	close(over)
	if err := <-ended; err != nil {
		t.Errorf("the write ended with %v", err)
	}
}
