package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// TestALongListComesInPagesAndMissesNobody, also where a page has a record that cannot be
// read.
func TestALongListComesInPagesAndMissesNobody(t *testing.T) {
	dsn := postgrestest.New(t)
	s := open(t, dsn)
	defer s.Close() //nolint:errcheck // the test is over
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	const size, damaged, disabled = 10_500, 100, 10_200
	_, err = conn.Exec(t.Context(), `INSERT INTO components (id, revision, enabled, phase, status, session, staged_session, document, work)
SELECT 'x' || lpad(i::text, 6, '0'), 1, CASE WHEN i = $3 THEN 0 ELSE 1 END, '', '', '', '',
convert_to(CASE WHEN i = $2 THEN 'nonsense' ELSE '{}' END, 'UTF8'), '{}' FROM generate_series(1, $1) AS i`, size, damaged, disabled)
	if err != nil {
		t.Fatal(err)
	}
	var all, readable []string
	for i := 1; i <= size; i++ {
		id := fmt.Sprintf("x%06d", i)
		all = append(all, id)
		if i != damaged {
			readable = append(readable, id)
		}
	}
	enabled := true
	withoutOne := slices.DeleteFunc(slices.Clone(readable), func(id string) bool { return id == fmt.Sprintf("x%06d", disabled) })
	for what, c := range map[string]struct {
		filter bos.ComponentFilter
		want   []string
	}{
		"all":                           {bos.ComponentFilter{}, readable},
		"all in work":                   {bos.ComponentFilter{Enabled: &enabled}, withoutOne},
		"named, some twice, backwards":  {bos.ComponentFilter{IDs: append(backwards(all), all...)}, readable},
		"named, in work, after another": {bos.ComponentFilter{IDs: all, Enabled: &enabled, After: "x000200"}, withoutOne[199:]},
		"a page":                        {bos.ComponentFilter{Limit: 7}, readable[:7]},
	} {
		c.filter.Readable = true
		list, err := s.Components(t.Context(), c.filter)
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]string, len(list))
		for i := range list {
			ids[i] = list[i].ID
		}
		if !slices.Equal(ids, c.want) {
			t.Errorf("%s: %d are listed, want %d", what, len(ids), len(c.want))
		}
	}
	if list, err := s.Components(t.Context(), bos.ComponentFilter{}); err == nil {
		t.Errorf("%d are listed although one cannot be read", len(list))
	}
}

func backwards(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}
