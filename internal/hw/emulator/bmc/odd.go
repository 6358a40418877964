package bmc

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/fault"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/wire"
)

// odd answers as a BMC does that has a fault which shows in whatever it is asked; it
// reports whether it did.
func (f *Face) odd(w http.ResponseWriter, r *http.Request, bmc string) bool {
	now := time.Now()
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if f.shows(fault.Closes, bmc, now) {
		w.Header().Set("Connection", "close")
	}
	if f.shows(fault.HostName, bmc, now) && host != bmc {
		redfishError(w, http.StatusBadRequest, "Bad Request: the Host is not "+bmc)
		return true
	}
	if form, shows := f.room.Shows(fault.Slash, bmc, now); shows {
		slash := strings.HasSuffix(r.URL.Path, "/")
		switch {
		case form == fault.FormRedirect && !slash:
			w.Header().Set("Location", "https://"+bmc+".ilo.example"+r.URL.Path+"/")
			w.WriteHeader(http.StatusPermanentRedirect)
			return true
		case form == fault.FormRefuse && slash && r.Method == http.MethodPost:
			redfishError(w, http.StatusMethodNotAllowed, "The method is not allowed")
			return true
		}
	}
	if r.Method != http.MethodGet {
		return false
	}
	form, shows := f.room.Shows(fault.Garbage, bmc, now)
	if shows {
		wire.Garbage(w, form)
	}
	return shows
}

// reasons are why a BMC answers 403: the id of its message, and what it says.
var reasons = map[string][2]string{
	fault.FormPrivilege:      {"Base.1.8.InsufficientPrivilege", "There are insufficient privileges for the account or credentials associated with the current session to perform the requested operation."},
	fault.FormLicence:        {"SMC.1.0.OemLicenseNotPassed", "Not licensed to perform this request. The following licenses DCMS OOB were needed"},
	fault.FormPasswordChange: {"Base.1.8.PasswordChangeRequired", "The password provided for this account must be changed before access is granted. PATCH the 'Password' property for this account."},
}

func forbidden(w http.ResponseWriter, form string) {
	why := reasons[form]
	extendedError(w, http.StatusForbidden, why[0], why[1])
}

// refuse is how a BMC does not do a reset.
func refuse(w http.ResponseWriter, does machineroom.Reaction, target string) {
	switch status := int(does.Answer); status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", wire.Seconds(does.RetryAfter))
		redfishError(w, status, "Service temporarily unavailable")
	case http.StatusConflict:
		extendedError(w, status, "Base.1.8.ResourceInUse", "The change to the requested resource failed because the resource is in use or in transition.")
	case http.StatusBadRequest:
		extendedError(w, status, "Base.1.8.ActionParameterNotSupported", "The parameter ResetType for the action ComputerSystem.Reset is not supported on the target resource.")
	case http.StatusNotFound:
		redfishError(w, status, "there is no "+target)
	default:
		redfishError(w, status, http.StatusText(status))
	}
}

// oddPower makes what a system says of its power none of Redfish's words.
func oddPower(system map[string]any, form string) {
	switch form {
	case fault.FormNull:
		system["PowerState"] = nil
	case fault.FormMissing:
		delete(system, "PowerState")
	case fault.FormEmpty:
		system["PowerState"] = ""
	case fault.FormNumber:
		system["PowerState"] = 2
	default:
		system["PowerState"] = form
	}
}

// The systems that BMCs list beside those of their nodes.
const (
	anotherSystem = redfishSystems + "/Another"
	baseboard     = redfishSystems + "/HGX_Baseboard_0"
)

// systems is the list of a BMC, from a member on.
func (f *Face) systems(bmc, skip string) map[string]any {
	paths := systemPaths(f.room.SystemsOf(bmc))
	form, _ := f.room.Shows(fault.Systems, bmc, time.Now())
	switch form {
	case fault.FormNone:
		paths = []string{}
	case fault.FormTwo:
		paths = append(paths, anotherSystem)
	case fault.FormBaseboard:
		paths = append([]string{baseboard}, paths...)
	case fault.FormPaged:
		from, err := strconv.Atoi(skip)
		if err != nil || from < 0 {
			from = 0
		}
		// The first part has nothing in it: that it is not all is what counts.
		page := collection(redfishSystems, "ComputerSystem", paths[:0])
		if from > 0 {
			page = collection(redfishSystems, "ComputerSystem", paths[min(from-1, len(paths)):min(from, len(paths))])
		}
		if from < len(paths) {
			page["Members@odata.nextLink"] = fmt.Sprintf("%s?$skip=%d", redfishSystems, from+1)
		}
		page["Members@odata.count"] = len(paths)
		return page
	}
	return collection(redfishSystems, "ComputerSystem", paths)
}

// other answers for a system that is no node's; it reports whether it did.
func (f *Face) other(w http.ResponseWriter, r *http.Request, bmc, path string) bool {
	form, _ := f.room.Shows(fault.Systems, bmc, time.Now())
	switch {
	case form == fault.FormTwo && path == anotherSystem:
		if allow(w, r, http.MethodGet) {
			wire.Answer(w, http.StatusOK, otherSystem(path, "Physical", machineroom.UUIDOf("another "+bmc)))
		}
	case form == fault.FormBaseboard && path == baseboard:
		off := slices.ContainsFunc(f.room.SystemsOf(bmc), func(s machineroom.System) bool {
			power, err := f.room.Power(s.ID, time.Now())
			return err == nil && power == bos.PowerStateOff
		})
		if off {
			redfishError(w, http.StatusNotFound, "there is no "+path)
		} else if allow(w, r, http.MethodGet) {
			wire.Answer(w, http.StatusOK, otherSystem(path, "Virtual", machineroom.UUIDOf("baseboard "+bmc)))
		}
	default:
		return false
	}
	return true
}

func otherSystem(path, kind, uuid string) map[string]any {
	id := path[strings.LastIndexByte(path, '/')+1:]
	return map[string]any{
		"@odata.id": path, "@odata.type": "#ComputerSystem.v1_5_0.ComputerSystem", "Id": id, "Name": id, "UUID": uuid, "SystemType": kind, "PowerState": "On",
		"Actions": map[string]any{"#ComputerSystem.Reset": map[string]any{"target": path + machineroom.ResetPath, "ResetType@Redfish.AllowableValues": []string{"On", "ForceOff"}}},
	}
}
