package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

func TestEachTransactionIsToldWithTheRevisionThatIsStored(t *testing.T) {
	told := make(chan tables.Transaction, 64)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"), Wrote(func(done tables.Transaction) { told <- done }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	for len(told) > 0 {
		<-told
	}
	before := s.Newest()
	if err := s.CreateSession(t.Context(), bos.SessionRecord{Session: bos.Session{Name: "s"}, Created: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if done := <-told; done.Jobs != 1 || done.Failed || done.Sync <= 0 || done.Took < done.Sync {
		t.Errorf("told %+v", done)
	}
	stored, err := s.Session(t.Context(), bos.SessionKey{Name: "s"})
	if err != nil || s.Newest() != stored.Revision || s.Newest() == before {
		t.Errorf("the newest revision is %d (%d before), that of the session %d, %v", s.Newest(), before, stored.Revision, err)
	}
	if s.Queue() != 0 {
		t.Errorf("%d writes wait", s.Queue())
	}
}
