package emulator

import (
	"net/http"
	"time"
)

// reserve reserves components for a service, each that it can get.
func (s *Server) reserve(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ComponentIDs        []string
		ReservationDuration int
	}
	if !decode(w, r, &body) {
		return
	}
	if body.ReservationDuration > 15 {
		problem(w, http.StatusBadRequest, "a reservation is 1 to 15 minutes long")
		return
	}
	duration := time.Duration(max(body.ReservationDuration, 1)) * time.Minute
	success, failure := []map[string]string{}, []map[string]string{}
	for _, id := range body.ComponentIDs {
		key, why := s.room.Reserve(id, time.Now(), duration)
		if why != "" {
			failure = append(failure, map[string]string{"ID": id, "Reason": why})
			continue
		}
		success = append(success, map[string]string{"ID": id, "ReservationKey": key, "DeputyKey": key + ":dk"})
	}
	answer(w, http.StatusCreated, map[string]any{"Success": success, "Failure": failure})
}

// releaseReservations ends reservations by their keys.
func (s *Server) releaseReservations(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ReservationKeys []struct{ ID, Key string }
	}
	if !decode(w, r, &body) {
		return
	}
	done, failure := []string{}, []map[string]string{}
	for _, k := range body.ReservationKeys {
		if s.room.Release(k.ID, k.Key) {
			done = append(done, k.ID)
		} else {
			failure = append(failure, map[string]string{"ID": k.ID, "Reason": "NotFound"})
		}
	}
	answer(w, http.StatusOK, map[string]any{
		"Counts":  map[string]int{"Total": len(body.ReservationKeys), "Success": len(done), "Failure": len(failure)},
		"Success": map[string]any{"ComponentIDs": done}, "Failure": failure,
	})
}
