// Package api serves the BOS v2 API and the service's own extensions under
// /x/v1 over HTTP: it decodes strictly, checks, reads and writes the store, and
// tells the engine what was written. One file holds one resource.
//
// The rules of what a write means are in internal/bos, which nodes a session
// touches is in internal/service/decide. Nothing here acts on hardware or
// waits for it.
package api

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/access"
	"github.com/bootorch/terraform-provider-bos/internal/service/access/refusals"
	"github.com/bootorch/terraform-provider-bos/internal/service/board"
	"github.com/bootorch/terraform-provider-bos/internal/service/edge"
	"github.com/bootorch/terraform-provider-bos/internal/service/health"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

// Store is what the API needs of one: nothing of what the engine writes.
type Store interface {
	bos.Records
	bos.Sessions
	bos.StagedReceipts
	bos.Templates
	bos.History
	bos.Brakes
	bos.Feed
	bos.Health
}

// Config is what the API works on.
type Config struct {
	Store Store
	// Inventory, Artifacts and Tenants may be nil: a request that needs one
	// is then refused with a sentence that says what to configure.
	Inventory bos.InventorySource
	Artifacts bos.Artifacts
	Tenants   bos.Tenants
	// Names are the NIDs and MACs of the inventory's nodes; nil where it has none.
	Names bos.NodeNames
	// NodesByName maps the names that the workload manager has for nodes to their ids;
	// nil is that it calls them by their xnames.
	NodesByName func(ctx context.Context, names []string) (map[string]string, error)
	// Images is the image registry; nil where a site has none, and then
	// nothing is checked against it.
	Images bos.Images
	// Configuration says whether a configuration service is configured;
	// without one, templates that want a configuration cannot be booted.
	Configuration bool
	// BootProof is what the site takes as proof that a node has booted, besides its
	// report.
	BootProof bos.BootProof
	// Policy is what the service decides by under these options; nil is what the options
	// say alone.
	Policy func(bos.Options) bos.Policy
	// Health is what is known of the service that carries out what is written; nil where
	// none does in this process.
	Health func() health.Facts
	// Metrics answers GET /metrics; nil where nothing is counted.
	Metrics http.Handler
	// Changed is called after each write with what was written. It must not
	// block. It may be nil.
	Changed func(Change)
	// Settled is called after a write that may forbid calls, when Changed has returned: it
	// returns when none of them is made any more, in this process or in another that
	// drives the database, or with an error where nobody knows. It may be nil.
	Settled func(context.Context) error
	// Stopping is closed when the service stops: streams of events end then,
	// so that the server need not wait for them. It may be nil.
	Stopping <-chan struct{}
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// PublicURL is the address under which people reach the service, for links to its
	// page; empty where nobody said one, and then they begin at its root.
	PublicURL string
	// Board is what is shown of all nodes and sessions; nil has one made.
	Board *board.Board
	// Streams is how many clients may follow live at the same time, and one client half as
	// many; 0 is DefaultStreams.
	Streams int
	// Version is the version of the program, shown among the capabilities.
	Version string
	// Log takes warnings that an answer has no place for; nil discards them.
	Log *slog.Logger
}

// Change is what a request wrote, for the engine to look at.
type Change struct {
	// Components and Sessions were written or deleted.
	Components []string
	Sessions   []bos.SessionKey
	// Records are components that were written, as they are stored since.
	Records []bos.Record
	// Inventory is what was read for the one session of a request that created
	// it; nil if it was not.
	Inventory *bos.Inventory
	// SitePause and Paused are the pauses that were put on or taken off, of the site
	// and of sessions.
	SitePause *bos.SitePause
	Paused    []bos.SessionRecord
	// Options says that an option was changed.
	Options bool
	// All says that more was written than is worth naming.
	All bool
}

// upstreamTimeout bounds what one request waits for inventory, images and
// tenants together.
const upstreamTimeout = time.Minute

type server struct {
	Config
	// patches lets one patch of a template after the other through, of those that others
	// were quicker than.
	patches turn.Turn
	// streams holds a place for each client that follows events.
	streams chan struct{}
	// streamsOf bounds the places of each.
	streamsOf edge.Shares[string]
	refusals  *refusals.Book
	readings  readings
	stepsKept stepsBook
}

// New makes the handler of the whole API. It serves the same at / and at
// /apis/bos.
func New(c Config) http.Handler {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Changed == nil {
		c.Changed = func(Change) {}
	}
	if c.Settled == nil {
		c.Settled = func(context.Context) error { return nil }
	}
	if c.Policy == nil {
		c.Policy = bos.Options.Policy
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Board == nil {
		c.Board = board.New(board.Config{Store: c.Store, Public: c.PublicURL})
	}
	if c.Streams == 0 {
		c.Streams = DefaultStreams
	}
	s := &server{Config: c, streams: make(chan struct{}, c.Streams), streamsOf: edge.Shares[string]{Most: max(c.Streams/2, 1)}, refusals: refusals.New(c.Store.Note, c.Now, c.Log), readings: newReadings()}
	return s.router(s.routes())
}

// route is what answers a method at a path, and the permission that it takes.
type route struct {
	answer handler
	needs  access.Permission
}

// methods maps a method to its route.
type methods map[string]route

// routes are all paths of the API. What is behind one may be narrower than its
// permission: a reporter writes the actual state of its own component alone.
func (s *server) routes() map[string]methods {
	routes := map[string]methods{
		"/{$}":          {http.MethodGet: {s.getVersions, access.Know}},
		"/v2":           {http.MethodGet: {s.getVersion, access.Know}},
		"/v2/version":   {http.MethodGet: {s.getVersion, access.Know}},
		"/openapi.yaml": {http.MethodGet: {s.getDocument, access.Know}},
		"/openapi.json": {http.MethodGet: {s.getDocumentJSON, access.Know}},
		"/v2/healthz":   {http.MethodGet: {s.getHealth, access.Public}},
		"/livez":        {http.MethodGet: {s.getLive, access.Public}},
		"/readyz":       {http.MethodGet: {s.getReady, access.Public}},
		"/metrics":      {http.MethodGet: {s.getMetrics, access.ReadMetrics}},
		"/v2/options":   {http.MethodGet: {s.getOptions, access.ReadOptions}, http.MethodPatch: {s.patchOptions, access.WriteOptions}},

		"/v2/sessiontemplates": {http.MethodGet: {s.listTemplates, access.ReadRecords}},
		"/v2/sessiontemplates/{name}": {
			http.MethodGet: {s.getTemplate, access.ReadRecords}, http.MethodPut: {s.putTemplate, access.WriteTemplates},
			http.MethodPatch: {s.patchTemplate, access.WriteTemplates}, http.MethodDelete: {s.deleteTemplate, access.WriteTemplates},
		},

		"/v2/sessiontemplatesvalid/{name}": {http.MethodGet: {s.checkTemplate, access.CheckTemplates}},
		"/v2/sessiontemplatetemplate":      {http.MethodGet: {s.getTemplateTemplate, access.Know}},

		"/v2/sessions": {
			http.MethodGet: {s.listSessions, access.ReadRecords}, http.MethodPost: {s.postSession, access.CreateSessions}, http.MethodDelete: {s.deleteSessions, access.ChangeSessions},
		},
		"/v2/sessions/{name}": {
			http.MethodGet: {s.getSession, access.ReadSession}, http.MethodPatch: {s.patchSession, access.ChangeSessions}, http.MethodDelete: {s.deleteSession, access.ChangeSessions},
		},
		"/v2/sessions/{name}/status": {
			http.MethodGet: {s.getSessionStatus, access.ReadSession}, http.MethodPost: {s.saveSessionStatus, access.ChangeSessions},
		},

		"/v2/components": {
			http.MethodGet: {s.listComponents, access.ReadRecords}, http.MethodPut: {s.putComponents, access.ChangeComponents}, http.MethodPatch: {s.patchComponents, access.ChangeComponents},
		},
		"/v2/components/{id}": {
			http.MethodGet: {s.getComponent, access.ReadRecords}, http.MethodPut: {s.putComponent, access.ChangeComponents},
			http.MethodPatch: {s.patchComponent, access.Report}, http.MethodDelete: {s.deleteComponent, access.ChangeComponents},
		},

		"/v2/applystaged": {http.MethodPost: {s.applyStaged, access.ApplyStaged}},

		"/x/v1/applystaged":          {http.MethodPost: {s.applyBoundStaged, access.ApplyStaged}},
		"/x/v1/applystaged/receipts": {http.MethodPost: {s.postStagedReceipt, access.ApplyStaged}},

		"/x/v1/reboot": {http.MethodPost: {s.reboot, access.ApplyStaged}},

		"/x/v1/capabilities":               {http.MethodGet: {s.getCapabilities, access.Know}},
		"/x/v1/previews":                   {http.MethodPost: {s.postPreview, access.Preview}},
		"/x/v1/previews/{pin}/nodes":       {http.MethodGet: {s.listPreviewNodes, access.Preview}},
		"/x/v1/sessions":                   {http.MethodPost: {s.postPinnedSession, access.CreateSessions}},
		"/x/v1/sessions/{name}/cancel":     {http.MethodPost: {s.cancelSession, access.CancelSessions}},
		"/x/v1/events":                     {http.MethodGet: {s.listEvents, access.ReadEvents}},
		"/x/v1/audit":                      {http.MethodGet: {s.exportAudit, access.ReadEvents}},
		"/x/v1/sessions/{name}/components": {http.MethodGet: {s.listOutcomes, access.ReadSession}},

		"/x/v1/stream": {http.MethodGet: {s.watch, access.ReadRecords}},

		"/x/v1/sessions/{name}/status": {http.MethodGet: {s.getSessionSteps, access.ReadSession}},

		"/x/v1/nodes":                            {http.MethodGet: {s.listNodes, access.ReadRecords}},
		"/x/v1/images":                           {http.MethodGet: {s.getImage, access.ReadRecords}},
		"/x/v1/pause":                            {http.MethodGet: {s.getPause, access.ReadRecords}, http.MethodPost: {s.pauseSite, access.PauseSite}},
		"/x/v1/resume":                           {http.MethodPost: {s.resumeSite, access.PauseSite}},
		"/x/v1/sessions/{name}/pause":            {http.MethodGet: {s.getSessionPause, access.ReadSession}, http.MethodPost: {s.pauseSession, access.PauseSessions}},
		"/x/v1/sessions/{name}/resume":           {http.MethodPost: {s.resumeSession, access.ResumeSessions}},
		"/x/v1/components/{id}/hold":             {http.MethodPut: {s.holdComponent, access.ChangeComponents}, http.MethodDelete: {s.releaseComponent, access.ChangeComponents}},
		"/x/v1/components/{id}/why":              {http.MethodGet: {s.getWhy, access.ReadRecords}},
		"/x/v1/components/{id}/booted":           {http.MethodPost: {s.postBooted, access.Report}},
		"/x/v1/holds":                            {http.MethodGet: {s.listHolds, access.ReadRecords}, http.MethodPost: {s.postHolds, access.ChangeComponents}},
		"/x/v1/holds/release":                    {http.MethodPost: {s.releaseHolds, access.ChangeComponents}},
		"/x/v1/sessions/{name}/rollout":          {http.MethodGet: {s.getRollout, access.ReadSession}},
		"/x/v1/sessions/{name}/promote":          {http.MethodPost: {s.promoteRollout, access.PromoteRollouts}},
		"/x/v1/sessiontemplates/{name}/sequence": {http.MethodGet: {s.getSequence, access.ReadRecords}, http.MethodPut: {s.putSequence, access.WriteTemplates}},
		"/x/v1/sessions/{name}/fail":             {http.MethodPost: {s.failRollout, access.FailRollouts}},
	}
	maps.Copy(routes, s.v1Routes())
	return routes
}
