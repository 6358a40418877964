package redfish

import "net/http"

// What single statuses mean at a BMC, by Redfish's specification (DSP0266) and by what
// makes do with it. What a status says whoever was asked is transport's to say.

// refusesLogin: the BMC does not accept the user and password, or the session.
func refusesLogin(status int) bool { return status == http.StatusUnauthorized }

// forbids: the user is the right one and may not, by role, by licence, or before the
// password is changed.
func forbids(status int) bool { return status == http.StatusForbidden }

// lacks: there is no such resource, now.
func lacks(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// takesNothingThere: the resource is there and does not take this request.
func takesNothingThere(status int) bool { return status == http.StatusMethodNotAllowed }

// hasNoAction: the resource is there, and has no such action.
func hasNoAction(status int) bool {
	return takesNothingThere(status) || status == http.StatusNotImplemented
}

// callsBad: it does not take the request as it is. For a reset that may be its type, that
// the power is so already, or that it is not ready; its messages say which.
func callsBad(status int) bool { return status == http.StatusBadRequest }

// conflicts: the state of the system does not allow it, which passes, or is what was
// asked for.
func conflicts(status int) bool { return status == http.StatusConflict }

// mayTakeAnotherType: of several reset types that mean the same it may have another.
func mayTakeAnotherType(status int) bool {
	return callsBad(status) || status == http.StatusNotImplemented
}

// putsOff: it did nothing and is to be asked later. Of its other troubles it is not
// known whether it had begun.
func putsOff(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
}

// keepsMethod: it redirects, and what is asked there is to be the same.
func keepsMethod(status int) bool {
	return status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
}
