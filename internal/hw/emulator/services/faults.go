package services

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// FaultsPath is where faults are added and lifted while the room runs. GET
// lists them and how often each has hit, POST adds those of a fault script
// (YAML or JSON), DELETE lifts those of a name, or all.
const FaultsPath = "/emulator/faults"

// servicePaths tell a service by the beginning of a path.
var servicePaths = map[string]string{
	"/hsm/": fault.HSM, "/boot/": fault.BSS, "/power-control/": fault.PCS, "/cfs/": fault.CFS, "/ims/": fault.IMS, "/tapms/": fault.TAPMS,
	"/" + machineroom.Bucket: fault.S3,
}

func serviceOf(path string) string {
	for prefix, service := range servicePaths {
		if strings.HasPrefix(path, prefix) {
			return service
		}
	}
	return ""
}

// troubled lets the faults of services happen.
func (f *Face) troubled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service := serviceOf(r.URL.Path)
		if service == "" {
			next.ServeHTTP(w, r)
			return
		}
		t := f.room.ServiceTrouble(service, time.Now())
		if t.Fault == fault.Outage {
			panic(http.ErrAbortHandler) // the way to end without an answer
		}
		if t != (machineroom.Trouble{}) {
			// The server notices that a client goes only when nothing is
			// left to read.
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, wire.MaxRequest))
			if err != nil {
				wire.Problem(w, http.StatusRequestEntityTooLarge, err.Error())
				return
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			wire.Stall(r, t)
		}
		if t.Fault == fault.Lost && r.Method != http.MethodGet {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		if !answered(w, t) {
			next.ServeHTTP(w, r)
		}
	})
}

// answered answers in the place of a service that has a fault; it reports whether it
// did.
func answered(w http.ResponseWriter, t machineroom.Trouble) bool {
	status, err := strconv.Atoi(t.Form)
	switch {
	case t.Fault == fault.Busy:
		w.Header().Set("Retry-After", wire.Seconds(t.RetryAfter))
		wire.Problem(w, http.StatusServiceUnavailable, "the service is busy")
	case t.Fault == fault.Status && err == nil:
		wire.Status(w, status)
	case t.Fault == fault.Status, t.Fault == fault.Garbage:
		wire.Garbage(w, t.Form)
	default:
		return false
	}
	return true
}

// forgets tells whether a service has forgotten what a form says.
func (f *Face) forgets(service, form string) bool {
	forgotten, shows := f.room.Shows(fault.Forgets, service, time.Now())
	return shows && forgotten == form
}

func (f *Face) faultRoutes() map[string]http.HandlerFunc {
	lifted := func(w http.ResponseWriter, name string) {
		n := f.room.LiftFaults(name)
		if n == 0 && name != "" {
			wire.Problem(w, http.StatusNotFound, "no fault is named "+strconv.Quote(name))
			return
		}
		wire.Answer(w, http.StatusOK, map[string]int{"lifted": n})
	}
	return map[string]http.HandlerFunc{
		"GET " + FaultsPath: func(w http.ResponseWriter, _ *http.Request) { wire.Answer(w, http.StatusOK, f.room.ListFaults()) },
		"POST " + FaultsPath: func(w http.ResponseWriter, r *http.Request) {
			rules, err := fault.Read("the fault script", r.Body)
			if err == nil {
				err = f.room.AddFaults(time.Now(), rules...)
			}
			if err != nil {
				wire.Problem(w, http.StatusBadRequest, err.Error())
				return
			}
			wire.Answer(w, http.StatusOK, f.room.ListFaults())
		},
		"DELETE " + FaultsPath:             func(w http.ResponseWriter, _ *http.Request) { lifted(w, "") },
		"DELETE " + FaultsPath + "/{name}": func(w http.ResponseWriter, r *http.Request) { lifted(w, r.PathValue("name")) },
	}
}
