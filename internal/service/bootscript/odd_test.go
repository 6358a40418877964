package bootscript

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// TestHoweverFirmwareAsksItGetsTheScriptOfItsNode: as iPXE, GRUB and the HTTP boot of
// firmware write a MAC address, what DHCP servers add, and what proxies change.
func TestHoweverFirmwareAsksItGetsTheScriptOfItsNode(t *testing.T) {
	s := newSite(t)
	token := s.write(plain, nodeA)
	for _, target := range []string{
		"/boot/v1/bootscript?mac=00:40:a6:5f:a5:ac",
		"/boot/v1/bootscript?mac=00%3A40%3AA6%3A5F%3AA5%3AAC",
		"/boot/v1/bootscript?mac=00-40-a6-5f-a5-ac",
		"/boot/v1/bootscript?mac=0040a65fa5ac",
		"/boot/v1/bootscript?mac=01-00-40-a6-5f-a5-ac", // as PXELINUX and BOOTIF have it
		"/boot/v1/bootscript?mac=01:00:40:a6:5f:a5:ac",
		"/boot/v1/bootscript?mac=0040.a65f.a5ac", // as switches have it
		"/boot/v1/bootscript?mac=00:40:a6:5f:a5:ac&mac=00:40:a6:5f:a5:ad",
		"/boot/v1/bootscript?mac=00:40:a6:5f:a5:ac&",
		"/boot/v1/bootscript?&mac=00:40:a6:5f:a5:ac&arch=x86_64&ts=1764422400&retry=1",
		"/boot/v1/bootscript?mac=00:40:a6:5f:a5:ac&uuid=4c4c4544-0000-2010-8020-80c04f202020&serial=${serial}&asset=",
		"/apis/bss/boot/v1/bootscript?mac=00:40:a6:5f:a5:ac",
		"/boot/v1/bootscript?nid=0001",
		"/boot/v1/bootscript?name=" + macA,
	} {
		w := s.ask(s.Scripts(), ipA, http.MethodGet, "http://bos:8771"+target, "")
		code, script := w.Code, w.Body.String()
		if code != http.StatusOK || !strings.Contains(script, "bss_referral_token="+token) || !strings.HasPrefix(script, "#!ipxe\n") {
			t.Errorf("%s answered %d:\n%s", target, code, script)
		}
	}
}

// TestAQuestionThatNamesNoNodeIsInTheLog: the node shows it on its console, where nobody
// looks; as a rule a DHCP server hands out ${net0/mac}, which firmware without iPXE
// takes as it is.
func TestAQuestionThatNamesNoNodeIsInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, query := range []string{"mac=$%7Bnet0/mac%7D", "mac=", "", "mac=00:40:a6", "nid=${nid}"} {
		log.Reset()
		s.now = s.now.Add(time.Hour)
		if code, text := s.from(ipA, query); code != http.StatusBadRequest {
			t.Errorf("%q answered %d:\n%s", query, code, text)
		}
		if said := log.String(); !strings.Contains(said, ipA) || !strings.Contains(said, "level=WARN") {
			t.Errorf("%q leaves in the log: %s", query, said)
		}
	}
	for range 1000 {
		s.from(ipA, "mac=zz")
	}
	if lines := strings.Count(log.String(), "\n"); lines > 10 {
		t.Errorf("a node that goes on asking writes %d lines", lines)
	}
}

// TestARequestWithoutAHostIsNotToldToAskNobody, as HTTP 1.0 has none.
func TestARequestWithoutAHostIsNotToldToAskNobody(t *testing.T) {
	s := newSite(t)
	s.write(plain, nodeA)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/boot/v1/bootscript?mac="+macA, nil)
	r.Host, r.RemoteAddr = "", ipA+":40000"
	if w := s.serveTo(s.Scripts(), r); strings.Contains(w.Body.String(), "http:///") {
		t.Errorf("it is answered %d %s", w.Code, w.Body)
	}
}

// away is a store that cannot be read.
type away struct{ stored }

type stored interface{ bos.HostBoots }

func (away) HostBoots(context.Context, []string) ([]bos.HostBoot, error) {
	return nil, errors.New("the database is locked")
}

// TestANodeThatAsksWhileTheDatabaseIsAwayIsToldToAskAgain: iPXE that is answered with an
// error gives up, and the node stands there until somebody resets it.
func TestANodeThatAsksWhileTheDatabaseIsAwayIsToldToAskAgain(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *Config) { c.Store, c.Log = away{c.Store}, slog.New(slog.NewTextHandler(&log, nil)) })
	code, script := s.from(ipA, "mac="+macA)
	if code != http.StatusOK || !strings.HasPrefix(script, "#!ipxe\n:again\n") || strings.Contains(script, "locked") {
		t.Errorf("it is answered %d:\n%s", code, script)
	}
	if !strings.Contains(log.String(), "the database is locked") {
		t.Errorf("the log has %s", log.String())
	}
}
