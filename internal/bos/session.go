package bos

import (
	"slices"
	"strings"
	"time"
)

// Operation is what a session does with the nodes it selects.
type Operation string

// The operations of BOS v2.
const (
	OperationBoot     Operation = "boot"
	OperationReboot   Operation = "reboot"
	OperationShutdown Operation = "shutdown"
)

// Operations lists the operations in the order the documentation names them.
func Operations() []Operation {
	return []Operation{OperationBoot, OperationReboot, OperationShutdown}
}

// SessionPhase is where a session is in its life.
type SessionPhase string

// A session goes from pending over running to complete and never back.
const (
	SessionPending  SessionPhase = "pending"
	SessionRunning  SessionPhase = "running"
	SessionComplete SessionPhase = "complete"
)

// SessionStatus is the short status of a session. Error is null on the wire
// when there is none.
type SessionStatus struct {
	StartTime Time         `json:"start_time"`
	EndTime   Time         `json:"end_time"`
	Status    SessionPhase `json:"status"`
	Error     *string      `json:"error"`
}

// Session is one operation of one template on the nodes it selects, as the v2
// API shows it.
type Session struct {
	Name            string        `json:"name"`
	Tenant          *string       `json:"tenant"`
	Operation       Operation     `json:"operation"`
	TemplateName    string        `json:"template_name"`
	Limit           string        `json:"limit"`
	Stage           bool          `json:"stage"`
	Components      string        `json:"components"`
	IncludeDisabled bool          `json:"include_disabled"`
	Status          SessionStatus `json:"status"`
}

// Own keeps, of components that name a session of this name, those that this
// session set up: sessions of two tenants may share a name.
func (s Session) Own(records []Record) []Record {
	if s.OwnsByName() {
		return records
	}
	mine := s.Owner()
	return slices.DeleteFunc(records, func(r Record) bool { return !mine(r.ID) })
}

// OwnsByName reports whether every component that names a session of this name
// is this session's: it has no list of what it set up, because a client wrote
// the record. One that is pending owns nothing yet, and one of a tenant must not
// take what names another tenant's session for its own.
func (s Session) OwnsByName() bool {
	return s.Components == "" && s.Tenant == nil && s.Status.Status != SessionPending
}

// Owner returns the question whether this session set a component up, for
// components that name a session of this name.
func (s Session) Owner() func(id string) bool {
	if s.OwnsByName() {
		return func(string) bool { return true }
	}
	if s.Components == "" {
		return func(string) bool { return false }
	}
	mine := make(map[string]bool, strings.Count(s.Components, ",")+1)
	for id := range strings.SplitSeq(s.Components, ",") {
		mine[id] = true
	}
	return func(id string) bool { return mine[id] }
}

// SessionRecord is a session with what the service keeps to itself.
type SessionRecord struct {
	Session
	Revision int64
	// Template is the template as it was when the session was accepted: a
	// later edit cannot change what the session does.
	Template SessionTemplate
	// Pin is the pin the session was created with, empty if it had none.
	Pin string
	// Created has full resolution; setup gives up on a passing outage when
	// it is too long ago.
	Created time.Time
	// Extended is the status saved at completion, nil before.
	Extended *ExtendedStatus
	// Paused is its pause: nothing is done to its nodes, and it does not end but by
	// being cancelled.
	Paused Brake
}

// SessionCreate is the body of POST /v2/sessions.
type SessionCreate struct {
	Name            string    `json:"name,omitempty"`
	Operation       Operation `json:"operation"`
	TemplateName    string    `json:"template_name"`
	Limit           *string   `json:"limit,omitempty"`
	Stage           bool      `json:"stage,omitempty"`
	IncludeDisabled bool      `json:"include_disabled,omitempty"`
}

// TenantOf names the tenant of a record; an empty string is none.
func TenantOf(t *string) string {
	if t == nil {
		return ""
	}
	return *t
}

// TenantRef is the wire form of a tenant name: nil for none.
func TenantRef(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}
