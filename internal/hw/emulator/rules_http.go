package emulator

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// faultsPath is where faults are added and lifted while the room runs. GET
// lists them and how often each has hit, POST adds those of a fault script
// (YAML or JSON), DELETE lifts those of a name, or all.
const faultsPath = "/emulator/faults"

// servicePaths tell a service by the beginning of a path.
var servicePaths = map[string]string{
	"/hsm/": ServiceHSM, "/boot/": ServiceBSS, "/power-control/": ServicePCS, "/cfs/": ServiceCFS, "/ims/": ServiceIMS, "/tapms/": ServiceTAPMS,
	"/" + bucketName: ServiceS3,
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
func (s *Server) troubled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		service := serviceOf(r.URL.Path)
		if service == "" {
			next.ServeHTTP(w, r)
			return
		}
		t := s.room.ServiceTrouble(service, time.Now())
		if t.Fault == FaultOutage {
			panic(http.ErrAbortHandler) // the way to end without an answer
		}
		if t != (Trouble{}) {
			// The server notices that a client goes only when nothing is
			// left to read.
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
			if err != nil {
				problem(w, http.StatusRequestEntityTooLarge, err.Error())
				return
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			stall(r, t)
		}
		if t.Fault == FaultBusy {
			w.Header().Set("Retry-After", seconds(t.RetryAfter))
			problem(w, http.StatusServiceUnavailable, "the service is busy")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// stall waits as long as a trouble has it: for a BMC or service that hangs,
// until the client is gone. The request must have been read.
func stall(r *http.Request, t Trouble) {
	var answered <-chan time.Time
	switch {
	case t.Fault == FaultHang || t.Fault == FaultDead:
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

// seconds are whole ones, at least the duration.
func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

func (s *Server) faultRoutes() map[string]http.HandlerFunc {
	lifted := func(w http.ResponseWriter, name string) {
		n := s.room.LiftFaults(name)
		if n == 0 && name != "" {
			problem(w, http.StatusNotFound, "no fault is named "+strconv.Quote(name))
			return
		}
		answer(w, http.StatusOK, map[string]int{"lifted": n})
	}
	return map[string]http.HandlerFunc{
		"GET " + faultsPath: func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, s.room.ListFaults()) },
		"POST " + faultsPath: func(w http.ResponseWriter, r *http.Request) {
			rules, err := readRules("the fault script", r.Body)
			if err == nil {
				err = s.room.AddFaults(time.Now(), rules...)
			}
			if err != nil {
				problem(w, http.StatusBadRequest, err.Error())
				return
			}
			answer(w, http.StatusOK, s.room.ListFaults())
		},
		"DELETE " + faultsPath:             func(w http.ResponseWriter, _ *http.Request) { lifted(w, "") },
		"DELETE " + faultsPath + "/{name}": func(w http.ResponseWriter, r *http.Request) { lifted(w, r.PathValue("name")) },
	}
}
