package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// TestALostConnectionIsNotToldAsWhatAnotherWriteSays: one write is sent ahead and loses the
// connection, while another of the same transaction has nothing to write.
func TestALostConnectionIsNotToldAsWhatAnotherWriteSays(t *testing.T) {
	t.Parallel()
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	if _, err := s.MutateComponents(t.Context(), []string{"y1"}, func(r *bos.Record, _ bool) error { r.Enabled = true; return nil }); err != nil {
		t.Fatal(err)
	}
	triggered(t, dsn, "PERFORM pg_terminate_backend(pg_backend_pid());")
	lost := func(err error) bool {
		var trouble *tables.TroubleError
		return errors.As(err, &trouble) && trouble.Kind == tables.Away
	}
	errOwn := errors.New("a refusal of its own")
	c := bos.Commit{Fence: bos.NoFence}
	ids := manyIDs(400)
	ids = append(append(ids[:10:10], ids[11:]...), atFault) // whose statement is the last that is sent ahead
	for _, id := range ids {
		c.Components = append(c.Components, bos.Record{Component: bos.Component{ID: id, Enabled: true}})
	}
	for i := range c.Components {
		c.Components[i].Error = fmt.Sprintf("%0400d", i)
	}
	first := make(chan error, 1)
	entered, goes := make(chan struct{}), make(chan struct{})
	go func() {
		_, err := s.MutateOptions(t.Context(), func(*bos.Options) error { close(entered); <-goes; return nil })
		first <- err
	}()
	<-entered
	large, own := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.Commit(t.Context(), c)
		large <- err
	}()
	for s.Queue() < 1 {
		<-time.After(time.Millisecond)
	}
	go func() {
		_, err := s.MutateComponents(t.Context(), []string{"y1"}, func(*bos.Record, bool) error { return errOwn })
		own <- err
	}()
	for s.Queue() < 2 {
		<-time.After(time.Millisecond)
	}
	close(goes)
	if err := <-first; err != nil { // its transaction was over before
		t.Error(err)
	}
	if err := <-large; !lost(err) {
		t.Errorf("the write that lost the connection: %v", err)
	}
	if err := <-own; !lost(err) {
		t.Errorf("the write that shares its transaction: %v", err)
	}
}
