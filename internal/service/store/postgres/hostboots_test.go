package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// exchanges counts what is sent together.
type exchanges struct{ atomic.Int64 }

func (*exchanges) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return ctx
}

func (*exchanges) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (e *exchanges) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	e.Add(1)
	return ctx
}

func (*exchanges) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (*exchanges) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TestWhatManyHostsBootIsChangedInAFewExchanges, and not in one for each host: all others wait
// meanwhile.
func TestWhatManyHostsBootIsChangedInAFewExchanges(t *testing.T) {
	t.Parallel()
	e := &exchanges{}
	s, err := postgres.OpenTraced(t.Context(), postgrestest.New(t), e)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	hosts := manyIDs(1000)
	if err := s.PutHostBoots(t.Context(), hosts, bos.BootArtifacts{Kernel: "k"}, "before"); err != nil {
		t.Fatal(err)
	}
	e.Store(0)
	err = s.MutateHostBoots(t.Context(), hosts, func() string { return "after" }, func(a *bos.BootArtifacts) error { a.Initrd = "i"; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if n := e.Load(); n > 10 {
		t.Errorf("%d exchanges for %d hosts", n, len(hosts))
	}
	boots, err := s.HostBoots(t.Context(), nil)
	if err != nil || len(boots) != len(hosts) {
		t.Fatal(len(boots), err)
	}
	for _, b := range boots {
		if want := (bos.HostBoot{Host: b.Host, Artifacts: bos.BootArtifacts{Kernel: "k", Initrd: "i"}, Token: "after"}); b != want {
			t.Errorf("%+v, want %+v", b, want)
		}
	}
}
