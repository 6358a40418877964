package bos

import (
	"strings"
	"time"
)

// Operation is what a session does with the nodes it selects.
type Operation string

// The operations. OperationConfigure is one of BOS v1.
const (
	OperationBoot      Operation = "boot"
	OperationReboot    Operation = "reboot"
	OperationShutdown  Operation = "shutdown"
	OperationConfigure Operation = "configure"
)

// Operations lists the operations of BOS v2 in the order the documentation names them.
func Operations() []Operation {
	return []Operation{OperationBoot, OperationReboot, OperationShutdown}
}

// AllOperations are those, and the one of BOS v1 that version 2 has no more.
func AllOperations() []Operation { return append(Operations(), OperationConfigure) }

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

// ComponentList is the ids of a list, as a session shows it.
func ComponentList(list string) []string {
	if list == "" {
		return []string{}
	}
	return strings.Split(list, ",")
}

// Owns reports whether a component belongs to this session. One that is pending owns
// nothing yet: what names it belonged to an earlier one of its name.
func (s *Session) Owns(r *Record) bool {
	return r.Session == s.Name && r.Tenant == TenantOf(s.Tenant) && s.Status.Status != SessionPending
}

// SessionRecord is a session with what the service keeps to itself.
//
// Components is not read with it: a list of a large session is long, and only clients
// want it (Sessions.SessionComponents). One that is written becomes the session's nodes.
type SessionRecord struct {
	Session
	// Relist says that Components is written also where it is empty.
	Relist   bool
	Revision int64
	// Born is the revision that it was created with: whatever the wall clock did, the
	// lower was created before. The store gives it.
	Born int64
	// Template is the template as it was when the session was accepted: a
	// later edit cannot change what the session does.
	Template SessionTemplate
	// Pin is the pin the session was created with, empty if it had none.
	Pin string
	// Asked is who asked for it, and by what.
	Asked Asked
	// Created has full resolution; setup gives up on a passing outage when
	// it is too long ago.
	Created time.Time
	// Extended is the status saved at completion, nil before.
	Extended *ExtendedStatus
	// Excluded are the nodes of its boot sets that its setup left out, and why.
	Excluded []Exclusion
	// Paused is its pause: nothing is done to its nodes, and it does not end but by
	// being cancelled.
	Paused Brake
	// Rollout is how it goes through its nodes; nil is all at once.
	Rollout *RolloutState
	// Ahead are the sessions that it waits for with its setup.
	Ahead []Ahead
}

// Listed reports whether Components is to be written as the session's nodes.
func (r *SessionRecord) Listed() bool { return r.Relist || r.Components != "" }

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
