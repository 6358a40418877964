package services

import (
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// reserve reserves components for a service, each that it can get.
func (f *Face) reserve(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ComponentIDs        []string
		ReservationDuration int
	}
	if !wire.Decode(w, r, &body) {
		return
	}
	if body.ReservationDuration > 15 {
		wire.Problem(w, http.StatusBadRequest, "a reservation is 1 to 15 minutes long")
		return
	}
	duration := time.Duration(max(body.ReservationDuration, 1)) * time.Minute
	success, failure := []map[string]string{}, []map[string]string{}
	for _, id := range body.ComponentIDs {
		key, why := f.room.Reserve(id, time.Now(), duration)
		if why != "" {
			failure = append(failure, map[string]string{"ID": id, "Reason": why})
			continue
		}
		success = append(success, map[string]string{"ID": id, "ReservationKey": key, "DeputyKey": key + ":dk"})
	}
	wire.Answer(w, http.StatusCreated, map[string]any{"Success": success, "Failure": failure})
}

// releaseReservations ends reservations by their keys.
func (f *Face) releaseReservations(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ReservationKeys []struct{ ID, Key string }
	}
	if !wire.Decode(w, r, &body) {
		return
	}
	done, failure := []string{}, []map[string]string{}
	for _, k := range body.ReservationKeys {
		if f.room.Release(k.ID, k.Key) {
			done = append(done, k.ID)
		} else {
			failure = append(failure, map[string]string{"ID": k.ID, "Reason": "NotFound"})
		}
	}
	wire.Answer(w, http.StatusOK, map[string]any{
		"Counts":  map[string]int{"Total": len(body.ReservationKeys), "Success": len(done), "Failure": len(failure)},
		"Success": map[string]any{"ComponentIDs": done}, "Failure": failure,
	})
}

// lockBody is what HSM tells of a lock.
func lockBody(l machineroom.LockStatus) map[string]any {
	told := map[string]any{"ID": l.ID, "Locked": l.Locked, "Reserved": l.Reserved, "ReservationDisabled": false}
	if l.Reserved {
		told["CreationTime"], told["ExpirationTime"] = l.Since.UTC().Format(time.RFC3339), l.Until.UTC().Format(time.RFC3339)
	}
	return told
}
