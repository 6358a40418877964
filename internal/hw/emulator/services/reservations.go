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
	if body.ReservationDuration > maxReservation {
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
		ReservationKeys []reservationKey
	}
	if !wire.Decode(w, r, &body) {
		return
	}
	answerKeys(w, body.ReservationKeys, func(id, key string) bool { return f.room.Release(id, key, time.Now()) })
}

// reservationKey is a component and what its reservation is known by.
type reservationKey struct{ ID, Key string }

// answerKeys does something to reservations, and answers which there were.
func answerKeys(w http.ResponseWriter, keys []reservationKey, do func(id, key string) bool) {
	done, failure := []string{}, []map[string]string{}
	for _, k := range keys {
		if do(k.ID, k.Key) {
			done = append(done, k.ID)
		} else {
			failure = append(failure, map[string]string{"ID": k.ID, "Reason": "NotFound"})
		}
	}
	wire.Answer(w, http.StatusOK, map[string]any{
		"Counts":  map[string]int{"Total": len(keys), "Success": len(done), "Failure": len(failure)},
		"Success": map[string]any{"ComponentIDs": done}, "Failure": failure,
	})
}

// renewReservations makes reservations last from now on, those that have not ended.
func (f *Face) renewReservations(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ReservationKeys     []reservationKey
		ReservationDuration int
	}
	if !wire.Decode(w, r, &body) {
		return
	}
	if body.ReservationDuration < 1 || body.ReservationDuration > maxReservation {
		wire.Problem(w, http.StatusBadRequest, "a reservation is 1 to 15 minutes long")
		return
	}
	duration := time.Duration(body.ReservationDuration) * time.Minute
	answerKeys(w, body.ReservationKeys, func(id, key string) bool { return f.room.Renew(id, key, time.Now(), duration) })
}

// maxReservation is how many minutes a reservation lasts at most.
const maxReservation = 15

// lockBody is what HSM tells of a lock.
func lockBody(l machineroom.LockStatus) map[string]any {
	told := map[string]any{"ID": l.ID, "Locked": l.Locked, "Reserved": l.Reserved, "ReservationDisabled": false}
	if l.Reserved {
		told["CreationTime"], told["ExpirationTime"] = l.Since.UTC().Format(time.RFC3339), l.Until.UTC().Format(time.RFC3339)
	}
	return told
}
