package api

import (
	"net/http"
	"slices"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/service/decide"
)

// reboot has nodes rebooted for who drains them, such as Slurm: POST /x/v1/reboot. What is
// staged for a node is applied; else it boots anew what is desired of it. A node that BOS
// works on is left to that, so that the request may be sent again. All of it is one
// transaction.
func (s *server) reboot(w http.ResponseWriter, r *http.Request) error {
	reach, err := s.reachOf(r)
	if err != nil {
		return err
	}
	var body bos.RebootAsk
	if err := decode(w, r, maxTemplateBody, &body); err != nil {
		return err
	}
	if err := checkReboot(&body); err != nil {
		return err
	}
	ids, byID, err := s.named(r, body.Nodes)
	if err != nil {
		return err
	}
	skipped, err := s.skipped(r, reach, ids)
	if err != nil {
		return err
	}
	staged, _, err := s.stagedSessions(r.Context(), reach, ids)
	if err != nil {
		return err
	}
	options, err := s.Store.Options(r.Context())
	if err != nil {
		return err
	}
	answer := bos.RebootAnswer{Applied: []string{}, Rebooting: []string{}, UnderWay: []string{}, Refused: []bos.RebootRefusal{}}
	do := rebooting{s: s, staged: staged, skipped: skipped, clear: options.ClearStage}
	did := make(map[string]rebootOutcome, len(ids))
	records, err := s.Store.MutateComponents(r.Context(), ids, func(rec *bos.Record, exists bool) error {
		if !exists || !reach.Has(rec.ID) {
			return bos.ErrSkip
		}
		did[rec.ID] = do.one(rec)
		if of := did[rec.ID]; of.refused != "" || of.underWay {
			return bos.ErrSkip
		}
		return nil
	}, s.note(r, eventReboot, body.Reason))
	if err != nil {
		return err
	}
	for _, id := range ids {
		switch of, known := did[id]; {
		case !known:
			answer.Refused = append(answer.Refused, bos.RebootRefusal{Node: byID[id], Reason: "BOS has no such node; name it as the workload manager does (workload.name_format, workload.names_file) or by its xname"})
		case of.refused != "":
			answer.Refused = append(answer.Refused, bos.RebootRefusal{Node: byID[id], Reason: of.refused})
		case of.underWay:
			answer.UnderWay = append(answer.UnderWay, id)
		case of.applied:
			answer.Applied = append(answer.Applied, id)
		default:
			answer.Rebooting = append(answer.Rebooting, id)
		}
	}
	if len(records) > 0 {
		if err := s.settle(r, Change{Records: records}); err != nil {
			return err
		}
	}
	return s.answer(w, http.StatusOK, answer)
}

func checkReboot(body *bos.RebootAsk) error {
	switch {
	case len(body.Nodes) == 0:
		return bos.Invalidf("nodes", "names nobody; name the nodes to reboot")
	case len(body.Nodes) > bos.MaxStagedXnames:
		return bos.Invalidf("nodes", "has %d names, at most %d are allowed in one request", len(body.Nodes), bos.MaxStagedXnames)
	}
	for _, name := range body.Nodes {
		if !bos.ValidComponentID(name) {
			return bos.Invalidf("nodes", "%q cannot name a node; use 1 to %d characters", clip(name), bos.MaxComponentID)
		}
	}
	return checkText("reason", &body.Reason, bos.MaxReason)
}

// named are the ids of nodes that are named as the workload manager does, or by their
// xnames, and by which name each was.
func (s *server) named(r *http.Request, names []string) (ids []string, byID map[string]string, err error) {
	known := map[string]string{}
	if s.NodesByName != nil {
		if known, err = s.NodesByName(r.Context(), names); err != nil {
			return nil, nil, err
		}
	}
	byID = make(map[string]string, len(names))
	for _, name := range names {
		id := known[name]
		if id == "" {
			id = bos.CanonicalXname(name)
		}
		if byID[id] == "" {
			byID[id] = name
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, byID, nil
}

// skipped says why sessions leave nodes out, where there is an inventory to say so.
func (s *server) skipped(r *http.Request, reach bos.Reach, ids []string) (map[string]string, error) {
	why := make(map[string]string)
	if s.Inventory == nil {
		return why, nil
	}
	nodes, _, err := s.inventoryNodes(r, decide.NodeQuery{Reach: reach})
	if err != nil {
		return nil, err
	}
	listed := make(map[string]bool, len(nodes))
	for _, n := range nodes {
		listed[n.ID] = true
		if n.SkipReason != "" {
			why[n.ID] = n.SkipReason
		}
	}
	for _, id := range ids {
		if !listed[id] {
			why[id] = "the inventory has no such node"
		}
	}
	return why, nil
}

// rebooting decides on one node after the other.
type rebooting struct {
	s       *server
	staged  map[string]stagedBy
	skipped map[string]string
	clear   bool
}

// rebootOutcome is what becomes of a node.
type rebootOutcome struct {
	applied, underWay bool
	refused           string
}

func (d rebooting) one(rec *bos.Record) rebootOutcome {
	from, has := d.staged[rec.ID]
	switch {
	case d.skipped[rec.ID] != "":
		return rebootOutcome{refused: d.skipped[rec.ID]}
	case rec.Enabled:
		return rebootOutcome{underWay: true}
	case rec.Held.On():
		return rebootOutcome{refused: "it is held: " + rec.Held.Reason}
	case has && rec.StagedState.Session != from.name:
		return rebootOutcome{refused: "something else was staged for it in this moment; ask again"}
	case has && rec.StageWaits(from.name):
		if !bos.ApplyStaged(rec, from.session, d.clear, d.s.Now()) {
			return rebootOutcome{refused: rec.Error}
		}
		return rebootOutcome{applied: true}
	default:
		return rebootOutcome{refused: bos.RebootDesired(rec, d.s.Now())}
	}
}
