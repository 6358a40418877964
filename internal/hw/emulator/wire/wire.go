// Package wire is what the faces of an emulated room have in common: how they
// read, answer, wait, count and notify.
package wire

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
)

// MaxRequest bounds a request body, in bytes: 100,000 hosts.
const MaxRequest = 8 << 20

// MaxAnswer bounds what is read of an answer to keep its connection, in bytes.
const MaxAnswer = 64 << 10

// Answer writes a body as JSON, of the type that was set before, if any.
func Answer(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

// Problem is how the services refuse.
func Problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	Answer(w, status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "detail": detail, "status": status})
}

// Decode reads a body, or answers that it cannot.
func Decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxRequest)).Decode(into); err != nil {
		Problem(w, http.StatusBadRequest, "the body is not the JSON expected: "+err.Error())
		return false
	}
	return true
}

// Stall waits as long as a trouble has it: for a BMC or service that hangs,
// until the client is gone. The request must have been read.
func Stall(r *http.Request, t machineroom.Trouble) {
	var answered <-chan time.Time
	switch {
	case t.Fault == fault.Hang || t.Fault == fault.Dead:
	case t.Delay > 0:
		timer := time.NewTimer(t.Delay)
		defer timer.Stop()
		answered = timer.C
	default:
		return
	}
	select {
	case <-answered:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler) // the way to end without an answer
	}
}

// Seconds are whole ones, at least the duration.
func Seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
