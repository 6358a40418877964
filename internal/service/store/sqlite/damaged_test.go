package sqlite

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestARecordThatCannotBeReadIsLeftOutOfWorkAndKeepsNobodyFromTheirs(t *testing.T) {
	var said bytes.Buffer
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "bos.db"), Log(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	ids := []string{"x1", "x2", "x3"}
	_, err = s.MutateComponents(t.Context(), ids, func(r *bos.Record, _ bool) error { r.Enabled = true; return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"good", "bad"} {
		if err := s.CreateSession(t.Context(), bos.SessionRecord{Session: bos.Session{Name: name, Status: bos.SessionStatus{Status: bos.SessionPending}}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, damage := range []string{
		`UPDATE components SET document = '{"id":"x2","of_a_newer_version":1}' WHERE id = 'x2'`,
		"UPDATE sessions SET document = '{' WHERE name = 'bad'",
	} {
		if _, err := s.conn.ExecContext(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
	}
	enabled := true
	for _, f := range []bos.ComponentFilter{{Enabled: &enabled}, {IDs: ids}} {
		if _, err := s.Components(t.Context(), f); err == nil || !strings.Contains(err.Error(), "x2") {
			t.Errorf("who asks for everything is told %v", err)
		}
		f.Readable = true
		list, err := s.Components(t.Context(), f)
		if err != nil || len(list) != 2 || list[0].ID != "x1" || list[1].ID != "x3" {
			t.Errorf("%+v, %v", list, err)
		}
	}
	sessions, err := s.Sessions(t.Context(), bos.SessionFilter{Of: bos.AllTenants(), Status: bos.SessionPending, Readable: true}, time.Time{})
	if err != nil || len(sessions) != 1 || sessions[0].Name != "good" {
		t.Fatalf("%+v, %v", sessions, err)
	}
	_, armed, err := s.SetUp(t.Context(), bos.Setup{
		Session: sessions[0].Key(), Revision: sessions[0].Revision, Nodes: []bos.SelectedNode{{ID: "x1"}, {ID: "x2"}, {ID: "x3"}}, Fence: bos.NoFence,
		Arm: func(_ *bos.SessionRecord, nodes []bos.Record) bos.Armed {
			for i := range nodes {
				nodes[i].Session = "good"
			}
			return bos.Armed{}
		},
	})
	if err != nil || len(armed) != 2 {
		t.Errorf("set up are %+v, %v", armed, err)
	}
	if text := said.String(); !strings.Contains(text, "x2") || !strings.Contains(text, "of_a_newer_version") || !strings.Contains(text, "stored session bad") {
		t.Errorf("the log says\n%s", text)
	}
	if err := s.DeleteComponent(t.Context(), "x2"); err != nil {
		t.Errorf("it cannot be deleted either: %v", err)
	}
}
