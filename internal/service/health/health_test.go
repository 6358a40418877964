package health

import (
	"strings"
	"testing"
	"time"
)

func TestAServiceIsReadyWhereWhatIsWrittenIsCarriedOut(t *testing.T) {
	well := Facts{Runs: true, Drives: true, Engine: true, HasInventory: true, InventoryRead: true, InventoryAge: time.Minute, BMCs: 100}
	for _, test := range []struct {
		name         string
		change       func(*Facts)
		live, ready  bool
		part, saying string
	}{
		{"all is well", func(*Facts) {}, true, true, "lease", "drives"},
		{"the API alone", func(f *Facts) { *f = Facts{} }, true, true, "lease", "drives nothing"},
		{"another one drives", func(f *Facts) { f.Drives, f.Holder = false, "another one may" }, true, false, "lease", "another one may"},
		{"the disk is full", func(f *Facts) { f.Database = "no space left"; f.Engine = false }, true, false, "database", "no space left"},
		{"it is stuck", func(f *Facts) { f.Pass = MaxPass + time.Second }, false, false, "engine", "restart"},
		{"a long pass", func(f *Facts) { f.Pass = MaxPass / 2 }, true, true, "engine", "decides"},
		{"it starts", func(f *Facts) { f.Engine, f.InventoryRead = false, false }, true, true, "inventory", "not read yet"},
		{"an inventory that was never read", func(f *Facts) { f.InventoryRead, f.InventoryError = false, "refused" }, true, false, "inventory", "refused"},
		{"an inventory that is away for a while", func(f *Facts) { f.InventoryError = "refused" }, true, true, "inventory", "refused"},
		{"an inventory that is away for long", func(f *Facts) { f.InventoryAge, f.InventoryError = MaxInventory+time.Second, "refused" }, true, false, "inventory", "refused"},
		{"an inventory that is seldom read", func(f *Facts) { f.InventoryAge = 10 * MaxInventory }, true, true, "inventory", "ago"},
		{"no inventory", func(f *Facts) { f.HasInventory, f.InventoryRead = false, false }, true, true, "inventory", "none"},
		{"two BMCs of three", func(f *Facts) { f.BMCs, f.Bad = 3, map[string]int{"silent": 2} }, true, true, "bmcs", "silent: 2"},
		{"a fifth of the BMCs", func(f *Facts) { f.Bad = map[string]int{"silent": 12, "bmc_credentials": 8} }, true, false, "bmcs", "bmc_credentials: 8, silent: 12"},
		{"fewer than a fifth", func(f *Facts) { f.Bad = map[string]int{"silent": 19} }, true, true, "bmcs", "19 of 100"},
		{"a secret that is gone", func(f *Facts) { f.Secrets = []string{"x_file /a: no such file"} }, true, false, "secrets", "/a"},
		{"a pause", func(f *Facts) { f.PausedOn, f.Paused = true, "water" }, true, true, "pause", "water"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := well
			test.change(&f)
			if got := Live(f).Well(); got != test.live {
				t.Errorf("live: %v, want %v", got, test.live)
			}
			r := Ready(f)
			if r.Well() != test.ready {
				t.Errorf("ready: %+v, want %v", r, test.ready)
			}
			for _, p := range r.Parts {
				if p.Name == test.part && !strings.Contains(p.Says, test.saying) {
					t.Errorf("%s says %q, want %q", p.Name, p.Says, test.saying)
				}
			}
		})
	}
}
