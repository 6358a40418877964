package emulator

import (
	"encoding/json"
	"net/http"
)

// maxRequest bounds a request body, in bytes: 100,000 hosts.
const maxRequest = 8 << 20

const jsonUTF8 = "application/json; charset=UTF-8"

// services is HSM, BSS, PCS, CFS, IMS, TAPMS and S3 on one listener.
func (s *Server) services() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range map[string]http.HandlerFunc{
		"GET /hsm/v2/State/Components":                    s.listComponents,
		"GET /hsm/v2/State/Components/{id}":               s.oneComponent,
		"PATCH /hsm/v2/State/Components/{id}/Enabled":     s.setEnabled,
		"GET /hsm/v2/Inventory/ComponentEndpoints":        s.listEndpoints,
		"GET /hsm/v2/Inventory/ComponentEndpoints/{id}":   s.oneEndpoint,
		"GET /hsm/v2/groups":                              s.listGroups,
		"POST /hsm/v2/groups":                             s.createGroup,
		"GET /hsm/v2/groups/{group}":                      s.oneGroup,
		"DELETE /hsm/v2/groups/{group}":                   s.deleteGroup,
		"POST /hsm/v2/groups/{group}/members":             s.addMember,
		"DELETE /hsm/v2/groups/{group}/members/{id}":      s.removeMember,
		"GET /hsm/v2/partitions":                          s.listPartitions,
		"GET /hsm/v2/memberships":                         s.listMemberships,
		"GET /hsm/v2/memberships/{id}":                    s.oneMembership,
		"GET /hsm/v2/locks/status":                        s.lockStatus,
		"POST /hsm/v2/locks/status":                       s.someLockStatus,
		"POST /hsm/v2/locks/service/reservations":         s.reserve,
		"POST /hsm/v2/locks/service/reservations/release": s.releaseReservations,
		"POST /hsm/v2/locks/lock":                         s.lock(true),
		"POST /hsm/v2/locks/unlock":                       s.lock(false),
		// Emulated nodes boot by their name alone.
		"GET /hsm/v2/Inventory/EthernetInterfaces": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("[]\n")) // the client is gone if this fails
		},
		"GET /hsm/v2/service/ready": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, map[string]any{"code": 0, "message": "HSM is healthy"})
		},
		"PUT /boot/v1/bootparameters":    s.putBootParameters,
		"POST /boot/v1/bootparameters":   s.putBootParameters,
		"GET /boot/v1/bootparameters":    s.getBootParameters,
		"DELETE /boot/v1/bootparameters": s.deleteBootParameters,
		"GET /boot/v1/bootscript":        s.bootScript,
		"GET /boot/v1/service/status": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, map[string]string{"bss-status": "running"})
		},
		"/" + bucketName:       s.bucket,
		"/" + bucketName + "/": s.bucket,
	} {
		mux.HandleFunc(pattern, handler)
	}
	for _, routes := range []map[string]http.HandlerFunc{s.pcsRoutes(), s.cfsRoutes(), s.imsRoutes(), s.tapmsRoutes(), s.scnRoutes()} {
		for pattern, handler := range routes {
			mux.HandleFunc(pattern, handler)
		}
	}
	for pattern, handler := range s.faultRoutes() {
		mux.HandleFunc(pattern, handler)
	}
	return s.counts.counted(mux, s.troubled(mux))
}

// answer writes a body as JSON, of the type that was set before, if any.
func answer(w http.ResponseWriter, status int, body any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone if this fails
}

// problem is how the services refuse.
func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	answer(w, status, map[string]any{"type": "about:blank", "title": http.StatusText(status), "detail": detail, "status": status})
}

// decode reads a body, or answers that it cannot.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(into); err != nil {
		problem(w, http.StatusBadRequest, "the body is not the JSON expected: "+err.Error())
		return false
	}
	return true
}
