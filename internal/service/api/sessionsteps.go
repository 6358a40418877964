package api

import (
	"net/http"
	"sync"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/turn"
)

// sessionSteps is how far a session is, by boot set, step and category.
type sessionSteps struct {
	Name       string           `json:"name"`
	Operation  bos.Operation    `json:"operation"`
	Status     bos.SessionPhase `json:"status"`
	StartTime  bos.Time         `json:"start_time"`
	EndTime    bos.Time         `json:"end_time"`
	ErrorCount int              `json:"error_count"`
	// Wait is why the session does not go on; absent if it does, or is over.
	Wait     *bos.SessionWait `json:"wait,omitempty"`
	BootSets []setSteps       `json:"boot_sets"`
	// Retry is how to retry the nodes that failed; absent if none did.
	Retry *bos.Retry `json:"retry,omitempty"`
	// ETA is when 99 of 100 of its nodes are expected to be over, and ETAFrom what says
	// so; absent where nothing can be said, as of a session that is over.
	ETA     *bos.Time `json:"eta,omitempty"`
	ETAFrom string    `json:"eta_from,omitempty"`
	// Stragglers are the nodes that take longer than 99 of 100; absent while that is not
	// known.
	Stragglers *bos.Stragglers `json:"stragglers,omitempty"`
}

type setSteps struct {
	Name       string `json:"name"`
	Complete   bool   `json:"complete"`
	ErrorCount int    `json:"error_count"`
	Phases     []step `json:"phases"`
	// Excluded are those that no phase has, with why.
	Excluded []bos.Exclusion `json:"excluded"`
}

type step struct {
	Name       bos.Step                      `json:"name"`
	Complete   bool                          `json:"complete"`
	InProgress bool                          `json:"in_progress"`
	ErrorCount int                           `json:"error_count"`
	Categories map[bos.Category]nodesCounted `json:"categories"`
	// Reasons are why nodes failed or are excluded.
	Reasons map[string]nodesCounted `json:"reasons"`
}

// nodesCounted are nodes as people read them.
type nodesCounted struct {
	Count int    `json:"count"`
	Nodes string `json:"nodes"`
}

func folded(ids []string) nodesCounted { return nodesCounted{len(ids), bos.Fold(ids)} }

// getSessionSteps says how far each node of a session is, how to retry those that
// failed, and when it will be over.
func (s *server) getSessionSteps(w http.ResponseWriter, r *http.Request) error {
	rec, found, err := s.sessionWithSteps(r)
	if err != nil {
		return err
	}
	view := found.view
	tenant, err := tenantOf(r)
	if err != nil {
		return err
	}
	view.Wait = rec.Wait(tenant)
	if rec.Status.Status == bos.SessionRunning {
		s.foretell(r, rec.Key(), &view)
	}
	return s.answer(w, http.StatusOK, view)
}

// foretell adds when a session will be over and who is late, as all who watch it are
// told. The rest of the status is there without it.
func (s *server) foretell(r *http.Request, key bos.SessionKey, view *sessionSteps) {
	shown, known, err := s.Board.Summary(r.Context(), key)
	if err != nil {
		s.Log.Warn("when a session will be over cannot be said now", "session", key.Name, "error", err)
		return
	}
	if !known {
		return
	}
	if shown.ETA > 0 {
		eta := bos.At(time.Unix(shown.ETA, 0))
		view.ETA, view.ETAFrom = &eta, shown.ETAFrom
	}
	if shown.Stragglers.Beyond > 0 {
		view.Stragglers = &shown.Stragglers
	}
}

// sessionWithSteps is the session that a request is about, and how far its nodes are.
func (s *server) sessionWithSteps(r *http.Request) (bos.SessionRecord, stepsOf, error) {
	rec, err := s.session(r)
	if err != nil {
		return rec, stepsOf{}, err
	}
	found, err := s.steps(r, rec)
	return rec, found, err
}

// maxKept bounds the sessions of which the last answer is kept.
const maxKept = 32

// stepsBook keeps the last answer about each session. It is the answer for as long as
// nothing has changed, and its nodes are read anew for the next who asks; who asks
// meanwhile has that reading too, or the next one if it came after it began: whatever
// the service has acknowledged is in what it answers.
type stepsBook struct {
	mu   sync.Mutex
	kept map[bos.SessionKey]*keptSteps
}

type keptSteps struct {
	turn turn.Turn
	// began is when the reading began, by the clock of the machine, and position how far
	// the feed of the store was then.
	began    time.Time
	position int64
	revision int64
	sets     []bos.SetStatus
	view     sessionSteps
}

// of is the place of a session, which is its own if there are too many.
func (b *stepsBook) of(key bos.SessionKey) *keptSteps {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.kept[key]; ok {
		return k
	}
	if b.kept == nil || len(b.kept) >= maxKept {
		b.kept = make(map[bos.SessionKey]*keptSteps)
	}
	k := &keptSteps{}
	b.kept[key] = k
	return k
}

// stepsOf is an answer that nobody changes any more.
type stepsOf struct {
	sets []bos.SetStatus
	view sessionSteps
}

func (s *server) steps(r *http.Request, rec bos.SessionRecord) (stepsOf, error) {
	asked := time.Now()
	k := s.stepsKept.of(rec.Key())
	if err := k.turn.Take(r.Context()); err != nil {
		return stepsOf{}, err
	}
	defer k.turn.Give()
	began := time.Now()
	if k.revision == rec.Revision && k.began.After(asked) {
		return stepsOf{k.sets, k.view}, nil
	}
	fed, err := s.Store.Changes(r.Context(), k.position)
	if err != nil {
		return stepsOf{}, err
	}
	if k.revision == rec.Revision && !k.began.IsZero() && !fed.All && len(fed.Components) == 0 {
		k.began, k.position = began, fed.Newest
		return stepsOf{k.sets, k.view}, nil
	}
	nodes, err := s.Store.SessionNodes(r.Context(), rec.Key(), "", bos.MaxExpand)
	if err != nil {
		return stepsOf{}, err
	}
	tally, err := s.Store.SessionTally(r.Context(), rec.Key())
	if err != nil {
		return stepsOf{}, err
	}
	k.sets = bos.SetStatuses(rec, nodes)
	k.view = viewSteps(rec, k.sets, tally.FailedNodes)
	k.began, k.position, k.revision = began, fed.Newest, rec.Revision
	return stepsOf{k.sets, k.view}, nil
}

func viewSteps(rec bos.SessionRecord, sets []bos.SetStatus, failed []string) sessionSteps {
	view := sessionSteps{
		Name: rec.Name, Operation: rec.Operation, Status: rec.Status.Status, StartTime: rec.Status.StartTime, EndTime: rec.Status.EndTime,
		BootSets: make([]setSteps, 0, len(sets)), Retry: bos.RetryOf(rec.Session, failed),
	}
	for _, set := range sets {
		shown := setSteps{Name: set.BootSet, Complete: set.Complete(), ErrorCount: len(set.Failed()), Excluded: []bos.Exclusion{}}
		for _, s := range set.Steps {
			shown.Phases = append(shown.Phases, viewStep(s))
		}
		for _, x := range rec.Excluded {
			if x.BootSet == set.BootSet {
				shown.Excluded = append(shown.Excluded, x)
			}
		}
		view.ErrorCount += shown.ErrorCount
		view.BootSets = append(view.BootSets, shown)
	}
	return view
}

func viewStep(s bos.StepStatus) step {
	shown := step{
		Name: s.Step, Complete: s.Complete(), InProgress: len(s.Nodes[bos.CategoryInProgress]) > 0, ErrorCount: len(s.Nodes[bos.CategoryFailed]),
		Categories: make(map[bos.Category]nodesCounted), Reasons: make(map[string]nodesCounted),
	}
	for _, c := range bos.Categories() {
		shown.Categories[c] = folded(s.Nodes[c])
	}
	for why, ids := range s.Reasons {
		shown.Reasons[why] = folded(ids)
	}
	return shown
}
