package cli

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/service/health"
)

func TestTheLogSaysWhyTheServiceManagerHearsNothing(t *testing.T) {
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	works := health.Facts{Runs: true, Drives: true, Engine: true}
	if !well(health.Live(works), log) || said.Len() > 0 {
		t.Errorf("an engine that decides is not well, or more is said than nothing: %s", said.String())
	}
	stuck := works
	stuck.Pass = health.MaxPass + 1
	if well(health.Live(stuck), log) {
		t.Error("a stuck engine gives signs of life")
	}
	if !strings.Contains(said.String(), "it has decided nothing for") {
		t.Errorf("the log does not say why: %q", said.String())
	}
}
