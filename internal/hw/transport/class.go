package transport

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
)

// Class is what a failed request says, whoever was asked: one reading of statuses
// for all services.
type Class int

// The classes. Only ClassRefused and ClassAbsent are about what was asked for;
// all others say nothing of it.
const (
	// ClassNone: it did not fail, or not as a request.
	ClassNone Class = iota
	// ClassAway: it never reached anybody.
	ClassAway
	// ClassMaybe: it was sent, and whether it had its effect is not known: no
	// answer, one that cannot be read, or one of a gateway that had sent it on.
	ClassMaybe
	// ClassBusy: the service had it and did nothing, or not now.
	ClassBusy
	// ClassCaller: it is about who asks, such as a token that ran out.
	ClassCaller
	// ClassGateway: somebody before the service answered, so the service never
	// had it: a redirect, a page for browsers, a path that is not known while
	// a gateway reloads.
	ClassGateway
	// ClassUnsupported: the service is there and has no such path or method.
	ClassUnsupported
	// ClassAbsent: the service says that it has no such thing.
	ClassAbsent
	// ClassRefused: the service understood what it was asked and said no.
	ClassRefused
)

var classNames = map[Class]string{
	ClassNone: "ok", ClassAway: "away", ClassMaybe: "unknown", ClassBusy: "busy", ClassCaller: "caller",
	ClassGateway: "gateway", ClassUnsupported: "unsupported", ClassAbsent: "absent", ClassRefused: "refused",
}

// String is one word for the class: ok for what did not fail.
func (c Class) String() string { return classNames[c] }

// withheld reports whether a request was not made, or given up by its caller: nobody
// answered, and nobody failed.
func withheld(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && (failed.Kind == Withheld || failed.Cancelled)
}

// ClassOf says what an error of a Client tells.
func ClassOf(err error) Class {
	var failed *Error
	if !errors.As(err, &failed) {
		return ClassNone
	}
	switch failed.Kind {
	case NotSent, Withheld:
		return ClassAway
	case Refused:
		return failed.answered()
	case Unanswered, Broken:
		if failed.foreign {
			return ClassGateway
		}
		return ClassMaybe
	}
	return ClassMaybe
}

// ClassOfStatus says what a status tells where the answer was not read by a Client.
func ClassOfStatus(status int) Class {
	if status < http.StatusBadRequest {
		return ClassNone
	}
	return (&Error{Kind: Refused, Status: status}).answered()
}

func (e *Error) answered() Class {
	switch status := e.Status; {
	case status < 400:
		return ClassGateway
	case Unauthorized(status):
		return ClassCaller
	case (status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented) && !e.foreign:
		return ClassUnsupported
	case status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		return ClassGateway // a page that is shown in place of the service takes no writes
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout, status > http.StatusNetworkAuthenticationRequired:
		return ClassMaybe // those that nobody has defined are of gateways, which had sent it on
	case status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status >= 500:
		return ClassBusy
	case status == http.StatusRequestEntityTooLarge, status == http.StatusRequestURITooLong:
		return ClassRefused // whoever found it too large
	case e.foreign:
		return ClassGateway
	case Missing(status):
		return ClassAbsent
	default:
		return ClassRefused
	}
}

// foreign reports whether an answer is not the service's own: a page for
// browsers, whatever its status, or a 404 or 410 that is not in its words. Gateways
// and routers write such while the service behind them is not known.
func (c *Client) foreign(res *Response) bool {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if len(res.Body) > 0 && (media == "text/html" || media == "application/xhtml+xml") {
		return true
	}
	return Missing(res.Status) && !c.config.Own(res.Body)
}

// ownProblem reports whether a body is a problem (RFC 9457), as the services of
// CSM and OpenCHAMI write all their errors.
func ownProblem(body []byte) bool {
	var p struct {
		Detail, Title *string
	}
	return json.Unmarshal(body, &p) == nil && (p.Detail != nil || p.Title != nil)
}
