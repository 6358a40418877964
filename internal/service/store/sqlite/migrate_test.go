package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// at makes a database of an older version and runs statements on it.
func at(t *testing.T, version int64, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bos.db")
	db, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

const firstRecord = `INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work)
VALUES ('x1', 4, 1, 'powering_on', 'power_on_pending', 's', '', '{"id":"x1","actual_state":{"boot_artifacts":{"kernel":"k","kernel_parameters":"a\u0026b","initrd":"i"},"bss_token":"","last_updated":null},"desired_state":{"boot_artifacts":{"kernel":"","kernel_parameters":"","initrd":""},"configuration":"","bss_token":"","last_updated":"2026-01-02T03:04:05"},"staged_state":{"last_updated":null},"last_action":{"action":"","last_updated":null},"event_stats":{"power_on_attempts":1,"power_off_graceful_attempts":0,"power_off_forceful_attempts":0},"status":{"phase":"powering_on","status_override":""},"enabled":true,"error":"it broke","session":"s"}', '{"setbacks":2}')`

const firstSession = `INSERT INTO sessions (tenant, name, revision, status, started, document)
VALUES ('', 's', 3, 'running', 7, '{"session":{"name":"s","tenant":null,"components":"x1,x2,\u0022","status":{"start_time":"2026-01-02T03:04:05","status":"running"}},"template":{},"created":"2026-01-02T03:04:05Z"}')`

func TestAnOlderDatabaseIsBackedUpAndUpgraded(t *testing.T) {
	path := at(t, 1, firstRecord, firstSession, "INSERT INTO events (time, component, session, kind, detail) VALUES (7, 'x1', 's', 'k', 'd')",
		"INSERT INTO artifacts (id, kernel, kernel_parameters, initrd) VALUES (3, 'k', 'p', 'i')", "INSERT INTO tokens (token, artifacts) VALUES ('old', 3)")
	var said bytes.Buffer
	s, err := Open(t.Context(), path, Log(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	if text := said.String(); strings.Count(text, "upgraded") != 1 || !strings.Contains(text, path+".v1.bak") {
		t.Errorf("the upgrade is told as\n%s", text)
	}
	if info, err := os.Stat(path + ".v1.bak"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v", info.Mode(), err)
	}
	list, err := s.Components(t.Context(), bos.ComponentFilter{Session: "s"})
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	r := list[0]
	if r.Revision != 4 || r.Error != "it broke" || r.ActualState.BootArtifacts.KernelParameters != "a&b" || r.Work.BackOff.Setbacks != 2 || r.EventStats.PowerOnAttempts != 1 {
		t.Errorf("the record is %+v", r)
	}
	stored := documents(t, s)
	for _, never := range []string{"null", `"action"`} {
		if strings.Contains(stored, never) {
			t.Errorf("%s is shown of what never was: %s", never, stored)
		}
	}
	if !strings.Contains(stored, `"last_updated":"2026-01-02T03:04:05"`) || !strings.Contains(stored, `"kernel":"k"`) {
		t.Errorf("stored is %s", stored)
	}
	if a, known, err := s.Token(t.Context(), "old"); err != nil || !known || a.Kernel != "k" {
		t.Errorf("the token stands for %+v, %t, %v", a, known, err)
	}
	if old, err := s.ComponentIDs(t.Context(), bos.ComponentFilter{Unconfirmed: time.Now()}); err != nil || len(old) != 0 {
		t.Errorf("those that are idle and old: %q, %v", old, err) // x1 is in work
	}
	tally, err := s.SessionTally(t.Context(), bos.SessionKey{Name: "s"})
	if err != nil || len(tally.Errors["it broke"]) != 1 {
		t.Errorf("the tally is %+v, %v", tally, err)
	}
	nodes, err := s.SessionNodes(t.Context(), bos.SessionKey{Name: "s"}, "", 10)
	if err != nil || len(nodes) != 3 || nodes[1].ID != "x1" || nodes[1].Status != bos.StatusPowerOnPending || nodes[2].Status != bos.StatusTakenOver {
		t.Errorf("its nodes are %+v, %v", nodes, err)
	}
	events, err := s.Events(t.Context(), bos.EventFilter{Seen: bos.WholeSite(), Component: "x1"})
	if err != nil || len(events) != 1 || events[0].Detail != "d" {
		t.Errorf("the history is %v, %v", events, err)
	}
	// What is written from now on is newer than all that was ever stored.
	list, err = s.MutateComponents(t.Context(), []string{"x2"}, func(*bos.Record, bool) error { return nil })
	if err != nil || len(list) != 1 || list[0].Revision <= r.Revision {
		t.Errorf("written after the upgrade: %+v, %v", list, err)
	}
	var version, records int
	query(t, path+".v1.bak", "SELECT MAX(version_id) FROM goose_db_version", &version)
	query(t, path+".v1.bak", "SELECT COUNT(*) FROM components", &records)
	if version != 1 || records != 1 {
		t.Errorf("the backup has version %d and %d records", version, records)
	}
}

// documents is what the API would list.
func documents(t *testing.T, s *Store) string {
	t.Helper()
	var all strings.Builder
	err := s.ComponentDocuments(t.Context(), bos.ComponentFilter{}, func(document []byte) error {
		all.Write(document)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func query(t *testing.T, path, text string, into any) {
	t.Helper()
	db, err := sql.Open(driverName, dataSource(path, true))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	if err := db.QueryRowContext(t.Context(), text).Scan(into); err != nil {
		t.Fatal(err)
	}
}

func TestADatabaseOfTheNewestVersionIsLeftAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bos.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := Migrate(t.Context(), path)
	if err != nil || m.From != m.To || m.Backup != "" {
		t.Errorf("%+v, %v", m, err)
	}
	if files, _ := filepath.Glob(path + "*.bak"); len(files) > 0 {
		t.Errorf("there are backups: %v", files)
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	path := at(t, 1, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	for _, open := range []func(context.Context) error{
		func(ctx context.Context) error { _, err := Open(ctx, path); return err },
		func(ctx context.Context) error { _, err := Migrate(ctx, path); return err },
	} {
		err := open(t.Context())
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "version 99, newer than") {
			t.Errorf("the error is %v", err)
		}
	}
	if files, _ := filepath.Glob(path + "*.bak*"); len(files) > 0 {
		t.Errorf("there are backups: %v", files)
	}
}

func TestOnlyAnExistingDatabaseIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.db")
	if _, err := Migrate(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v", err)
	}
}

func TestABackupThatCannotBeMadeStopsTheUpgrade(t *testing.T) {
	path := at(t, 1, firstRecord)
	other, err := sql.Open(driverName, dataSource(path, false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() }) // it was only read
	if _, err := backup(t.Context(), other, string([]byte{0})); err == nil {
		t.Error("a backup with an impossible name was made")
	}
	blockBackup(t, path+".v1.bak.unfinished")
	if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("the error is %v", err)
	}
	var version int
	query(t, path, "SELECT MAX(version_id) FROM goose_db_version", &version)
	if version != 1 {
		t.Errorf("the database has version %d", version)
	}
}

func TestStoredOptionsThatAreNotAllowedAnyMoreAreRepairedOnceWithAWarning(t *testing.T) {
	path := at(t, 2, `INSERT INTO options (one, document) VALUES (1, '{"component_actual_state_ttl":"30m","max_boot_wait_time":77,"polling_frequency":"often"}')`)
	var said bytes.Buffer
	log := Log(slog.New(slog.NewTextHandler(&said, nil)))
	s, err := Open(t.Context(), path, log)
	if err != nil {
		t.Fatal(err)
	}
	o, err := s.Options(t.Context())
	want := bos.DefaultOptions()
	want.MaxBootWaitTime = 77
	if err != nil || o != want {
		t.Errorf("options %+v, %v", o, err)
	}
	for _, name := range []string{"component_actual_state_ttl", "polling_frequency"} {
		if strings.Count(said.String(), name) != 1 || !strings.Contains(said.String(), "level=WARN") {
			t.Errorf("%s is not warned of once:\n%s", name, said.String())
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	said.Reset()
	if s, err = Open(t.Context(), path, log); err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	if said.Len() > 0 {
		t.Errorf("the second start says\n%s", said.String())
	}
	var stored string
	query(t, path, "SELECT document FROM options", &stored)
	if !strings.Contains(stored, `"component_actual_state_ttl":"4h"`) {
		t.Errorf("stored is %s", stored)
	}
}

// reports are what idle nodes said in a database of version 7, with the minute of it.
var reports = map[string]struct {
	artifacts, token, last string
	minute                 int
}{
	"inline":       {`{"kernel":"k","kernel_parameters":"","initrd":""}`, "", `"2026-01-02T03:04:05"`, 29455384},
	"interned":     {`3`, "", `"2026-01-02T03:04:05"`, 29455384},
	"token":        {`{"kernel":"","kernel_parameters":"","initrd":""}`, "t", `"2026-01-02T03:04:05"`, 29455384},
	"no time":      {`3`, "t", "", 1},
	"nothing":      {`{"kernel":"","kernel_parameters":"","initrd":""}`, "", `"2026-01-02T03:04:05"`, 0},
	"never booted": {`{"kernel":"","kernel_parameters":"","initrd":""}`, "", "", 0},
}

func TestAnUpgradeKnowsWhenNodesReportedLast(t *testing.T) {
	statements := []string{"INSERT INTO artifacts (id, kernel, kernel_parameters, initrd) VALUES (3, 'k', 'p', 'i')"}
	for id, said := range reports {
		last := ""
		if said.last != "" {
			last = `,"last_updated":` + said.last
		}
		statements = append(statements, `INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work)
VALUES ('`+id+`', 4, 0, '', 'stable', '', '', '{"id":"`+id+`","actual_state":{"boot_artifacts":`+said.artifacts+`,"bss_token":"`+said.token+`"`+last+`}}', '{}')`)
	}
	path := at(t, 7, statements...)
	opened(t, path)
	for id, said := range reports {
		var got int
		query(t, path, "SELECT confirmed FROM components WHERE id = '"+id+"'", &got)
		if got != said.minute {
			t.Errorf("%s: minute %d, want %d", id, got, said.minute)
		}
	}
}

// flat is a record of a version that kept the engine's memory in one group.
func flat(id, action string, failed bool, sentence, work string) string {
	return fmt.Sprintf(`INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, error, document, work)
VALUES ('%s', 4, 1, '', 'on_hold', 's', '', '%s', '{"id":"%s","actual_state":{"boot_artifacts":{"kernel":"","kernel_parameters":"","initrd":""},"bss_token":""},"desired_state":{"boot_artifacts":{"kernel":"k","kernel_parameters":"","initrd":"i"},"configuration":"","bss_token":""},"staged_state":{},"last_action":{"action":"%s","failed":%t},"event_stats":{"power_on_attempts":1,"power_off_graceful_attempts":0,"power_off_forceful_attempts":0},"status":{"phase":"","status_override":"on_hold"},"enabled":true,"error":"%s","session":"s"}', '%s')`, id, sentence, id, action, failed, sentence, work)
}

func TestWhatTheEngineRememberedInOneGroupIsReadInSeveral(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	const all = `{"cause":"bmc_error","hold":"waiting: 503","prepared":{"boot":"b"},"consumed":{"configuration":"c"},"in_flight":"power_on","unanswered":true,"resent":true,"lost":1,"unheard":2,"excused":3,"flight_at":"2026-01-02T12:00:00Z","action_at":"2026-01-02T11:00:00Z","retry_at":"2026-01-02T12:01:00Z","setbacks":4,"refusals":5,"silent_for":6,"turned_away_for":7,"soft_for":8,"answer":"500","missing_for":9,"no_graceful":true,"applied":"s","stopped_at":"2026-01-02T10:00:00Z"}`
	path := at(t, 7,
		flat("x1", "powering_on", true, "waiting: 503", all),
		flat("x2", "powering_on", false, "it broke", `{"hold":"waiting for the configuration service: down","cause":"upstream_outage","action_at":"2026-01-02T11:00:00Z"}`),
		flat("x3", "powering_off_forcefully", false, "waiting: the site is paused", `{"hold":"waiting: the site is paused","gate":"site_paused"}`),
		flat("x4", "session_setup", false, "", `{"boot_ready":true,"in_flight":"power_off_graceful"}`),
		flat("x5", "powering_on", false, "", `{}`))
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // the test is over
	list, err := s.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != 5 {
		t.Fatalf("%v, %v", list, err)
	}
	want := []bos.Work{
		{
			Flight:   bos.Flight{Kind: bos.EffectPowerOn, At: noon, Unanswered: true},
			Attempt:  bos.Attempt{Kind: bos.EffectPowerOn, At: noon.Add(-time.Hour), Failed: true, Resent: true, Prepared: bos.Prepared{Configuration: "c"}, Answer: "500"},
			Prepared: bos.Prepared{Boot: "b"}, BackOff: bos.BackOff{Until: noon.Add(time.Minute), Setbacks: 4},
			Misses:   bos.Misses{Lost: 1, Unanswered: 2, Excused: 3, Configuration: 5},
			Patience: bos.Patience{Silent: 6, Deferred: 7, Graceful: 8, Missing: 9},
			Waiting:  bos.Waiting{For: bos.WaitBackOff, Cause: bos.CauseBMCError}, WaitInError: true,
			StoppedAt: noon.Add(-2 * time.Hour), Cause: bos.CauseBMCError, NoGraceful: true, Applied: "s",
		},
		{
			Attempt: bos.Attempt{Kind: bos.EffectPowerOn, At: noon.Add(-time.Hour)}, Cause: bos.CauseUpstreamOutage,
			Waiting: bos.Waiting{For: bos.WaitConfiguration, Cause: bos.CauseUpstreamOutage},
		},
		{Waiting: bos.Waiting{For: bos.WaitSitePaused}, WaitInError: true},
		{Flight: bos.Flight{Kind: bos.EffectPowerOffGraceful}},
		{},
	}
	for i, r := range list {
		if r.Work != want[i] {
			t.Errorf("%s is read as\n%+v, want\n%+v", r.ID, r.Work, want[i])
		}
	}
}

func TestAnUpgradeKnowsTheGoalOfEachComponentByItsKernel(t *testing.T) {
	statements := []string{"INSERT INTO artifacts (id, kernel, kernel_parameters, initrd) VALUES (3, 'k', 'p', 'i'), (4, '', 'p', '')"}
	want := map[string]bos.Goal{"3": bos.GoalBoot, "4": bos.GoalOff, `{"kernel":"k","kernel_parameters":"","initrd":""}`: bos.GoalBoot, `{"kernel":"","kernel_parameters":"","initrd":""}`: bos.GoalOff}
	ids := make(map[string]bos.Goal)
	for artifacts, goal := range want {
		id := fmt.Sprintf("x%d", len(ids))
		ids[id] = goal
		statements = append(statements, `INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work)
VALUES ('`+id+`', 4, 0, '', 'stable', '', '', '{"id":"`+id+`","desired_state":{"boot_artifacts":`+artifacts+`,"configuration":"","bss_token":""}}', '{}')`)
	}
	list, err := opened(t, at(t, 7, statements...)).Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(list) != len(ids) {
		t.Fatalf("%v, %v", list, err)
	}
	for _, r := range list {
		if r.Goal != ids[r.ID] {
			t.Errorf("%+v has the goal %q, want %q", r.DesiredState, r.Goal, ids[r.ID])
		}
	}
}

func TestAnUpgradeKeepsWhatSessionsShowAndWhoseNodesAre(t *testing.T) {
	component := func(id, session string) string {
		return `INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work)
VALUES ('` + id + `', 4, 1, '', 'stable', '` + session + `', '', '{"id":"` + id + `","enabled":true,"session":"` + session + `"}', '{}')`
	}
	session := func(tenant, name, components string) string {
		return `INSERT INTO sessions (tenant, name, revision, status, started, document)
VALUES ('` + tenant + `', '` + name + `', 3, 'running', 7, '{"session":{"name":"` + name + `","tenant":"` + tenant + `","components":"` + components + `","status":{"status":"running"}},"template":{},"created":"2026-01-02T03:04:05Z"}')`
	}
	path := at(t, 6, component("x1", "s"), component("x2", "s"), component("x3", "hand"), session("", "s", "x9,x10,x1"), session("blue", "s", "x2"), session("", "hand", ""))
	s := opened(t, path)
	for key, want := range map[bos.SessionKey]string{{Name: "s"}: "x9,x10,x1", {Tenant: "blue", Name: "s"}: "x2", {Name: "hand"}: ""} {
		if got, err := s.SessionComponents(t.Context(), key); got != want || err != nil {
			t.Errorf("session %v shows %q, want %q (%v)", key, got, want, err)
		}
		if r, err := s.Session(t.Context(), key); err != nil || r.Components != "" {
			t.Errorf("session %v is read with the list %q (%v)", key, r.Components, err)
		}
	}
	if nodes, err := s.SessionNodes(t.Context(), bos.SessionKey{Name: "hand"}, "", 9); err != nil || len(nodes) != 1 {
		t.Errorf("the session that is named by hand has %v, %v", nodes, err)
	}
	records, err := s.Components(t.Context(), bos.ComponentFilter{})
	if err != nil || len(records) != 3 {
		t.Fatal(records, err)
	}
	for i, want := range []string{"", "blue", ""} {
		if records[i].Tenant != want {
			t.Errorf("%s belongs to a session of %q, want %q", records[i].ID, records[i].Tenant, want)
		}
	}
}

func TestADatabaseIsNotUpgradedUnderAServiceThatIsAlive(t *testing.T) {
	const renew = "UPDATE lease SET expires = expires + 1"
	for name, c := range map[string]struct {
		lease string
		// each is done at a read of this number.
		each func(read int) string
		want string
		most int // reads
	}{
		"never had":            {most: 0},
		"given up":             {lease: "INSERT INTO lease VALUES (1, '', 5, 3)", most: 0},
		"given up long ago":    {lease: "INSERT INTO lease VALUES (1, 'host 7', 0, 3)", most: 0},
		"of a dead service":    {lease: "INSERT INTO lease VALUES (1, 'host 7', 5, 3)", most: tables.LeasePolls},
		"of one alive":         {lease: "INSERT INTO lease VALUES (1, 'host 7', 5, 3)", each: func(read int) string { return [8]string{3: renew}[read%8] }, want: "host 7", most: 16},
		"of one just killed":   {lease: "INSERT INTO lease VALUES (1, 'host 7', 5, 3)", each: func(read int) string { return map[int]string{4: renew}[read] }, most: tables.LeasePolls + 6},
		"of one that ends now": {lease: "INSERT INTO lease VALUES (1, 'host 7', 5, 3)", each: func(read int) string { return map[int]string{4: renew, 6: "UPDATE lease SET holder = ''"}[read] }, most: 8},
	} {
		t.Run(name, func(t *testing.T) {
			path := at(t, 7, firstSession)
			db, err := sql.Open(driverName, dataSource(path, false))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // the test is over
			db.SetMaxOpenConns(1)
			do := func(statement string) {
				if _, err := db.ExecContext(t.Context(), statement); statement != "" && err != nil {
					t.Error(err)
				}
			}
			do(c.lease)
			reads := 0
			m, err := migrate(t.Context(), db, path, func(context.Context, time.Duration) error {
				if reads++; c.each != nil {
					do(c.each(reads))
				}
				return nil
			})
			if c.want == "" && (err != nil || m.Backup == "") || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)) {
				t.Errorf("%+v, %v", m, err)
			}
			// One that was suspended meanwhile and wakes up has lost the lease.
			var taken int
			if query(t, path, "SELECT COUNT(*) FROM lease WHERE holder <> ''", &taken); c.want == "" && taken > 0 {
				t.Error("the service that had the database still has its lease")
			}
			if reads > c.most {
				t.Errorf("it was waited %d times, at most %d are needed", reads, c.most)
			}
			if _, err := os.Stat(path + ".v7.bak"); (err == nil) != (c.want == "") {
				t.Errorf("the backup: %v", err)
			}
		})
	}
}
