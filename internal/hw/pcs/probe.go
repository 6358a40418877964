package pcs

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// Probe asks PCS for the power of the nodes, together with the questions of other
// calls. PCS answers for a node with an error, or that its BMC does not answer:
// then its power is unknown. A node that PCS does not know is unknown without a
// symptom. Readings of nodes whose last transition PCS gave up say so.
func (c *Client) Probe(ctx context.Context, ids []string, each func(bos.PowerReading)) {
	ids = bos.Distinct(ids)
	if len(ids) == 0 {
		return
	}
	answers, err := c.asks.Ask(ctx, ids)
	if err != nil {
		for _, id := range ids {
			each(bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Detail: "the question was cancelled before PCS answered"})
		}
		return
	}
	c.errands.seen(ids, answers)
	late := c.errands.late(ids, answers)
	for _, id := range ids {
		if !late.nodes[id] {
			each(c.errands.tell(answers[id]))
		}
	}
	if len(late.nodes) == 0 {
		return
	}
	c.watch(ctx, late.transitions)
	for _, id := range slices.Sorted(maps.Keys(late.nodes)) {
		each(c.errands.tell(answers[id]))
	}
}

// nodeStatus is what PCS says of one node.
type nodeStatus struct {
	Xname           string `json:"xname"`
	PowerState      string `json:"powerState"`
	ManagementState string `json:"managementState"`
	Error           string `json:"error"`
}

// status asks for all nodes and answers for each.
func (c *Client) status(ctx context.Context, ids []string) map[string]bos.PowerReading {
	answers := make(map[string]bos.PowerReading, len(ids))
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(concurrency)
	for chunk := range slices.Chunk(ids, maxQuestion) {
		all.Go(func() error {
			sent := time.Now()
			list, err := c.ask(ctx, chunk)
			if err == nil {
				err = c.forgot(ctx, chunk, list)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				for _, id := range chunk {
					answers[id] = bos.PowerReading{ID: id, Symptom: bos.SymptomSilent, Cause: bos.CauseUpstreamOutage, Detail: err.Error(), Asked: sent}
				}
				return nil
			}
			said := make(map[string]nodeStatus, len(list))
			for _, n := range list {
				said[bos.CanonicalXname(n.Xname)] = n
			}
			for _, id := range chunk {
				n, ok := said[bos.CanonicalXname(id)]
				r := reading(id, n, ok)
				r.Asked = sent
				answers[id] = r
			}
			return nil
		})
	}
	_ = all.Wait() // every failure is in the answers
	return answers
}

// ask asks for the nodes of one request, in the way that this PCS knows.
func (c *Client) ask(ctx context.Context, ids []string) ([]nodeStatus, error) {
	if !c.old.Load() {
		q := transport.Request{
			Method: http.MethodPost, URL: c.url + "/power-status",
			Body: struct {
				Xname []string `json:"xname"`
			}{ids},
		}
		list, err := c.answer(ctx, q)
		if class := transport.ClassOf(err); class != transport.ClassUnsupported && class != transport.ClassAbsent {
			return list, err
		}
	}
	list, err := c.askOld(ctx, ids)
	if err == nil {
		c.old.Store(true)
	}
	return list, err
}

// maxQuery keeps the address of a question below what servers take.
const maxQuery = 6000

// askOld asks in the way of the first releases, which know only GET.
func (c *Client) askOld(ctx context.Context, ids []string) ([]nodeStatus, error) {
	var all []nodeStatus
	var query strings.Builder
	flush := func() error {
		list, err := c.answer(ctx, transport.Request{Method: http.MethodGet, URL: c.url + "/power-status?" + query.String()})
		all = append(all, list...)
		query.Reset()
		return err
	}
	for _, id := range ids {
		if query.Len() > 0 {
			query.WriteByte('&')
		}
		query.WriteString("xname=" + url.QueryEscape(id))
		if query.Len() >= maxQuery {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if query.Len() == 0 {
		return all, nil
	}
	return all, flush()
}

func (c *Client) answer(ctx context.Context, q transport.Request) ([]nodeStatus, error) {
	var body struct {
		Status *[]nodeStatus `json:"status"`
	}
	if err := c.http.JSON(ctx, q, &body); err != nil {
		return nil, err
	}
	if body.Status == nil {
		return nil, fmt.Errorf("PCS's answer to %s %s lacks the status; check PCS and power.pcs.url", q.Method, transport.Address(q.URL))
	}
	return *body.Status, nil
}

// reading is what PCS said of a node, or did not.
func reading(id string, n nodeStatus, said bool) bos.PowerReading {
	r := bos.PowerReading{ID: id}
	text := transport.Said(n.Error)
	switch {
	case !said:
		r.Cause, r.Detail = bos.CauseUnknownToPower, "PCS left the node out of its answer; rediscover the node"
	case unknownNode(text):
		r.Cause, r.Detail = bos.CauseUnknownToPower, fmt.Sprintf("PCS does not know the node (%q); rediscover it", text)
	case text != "" && !unanswered(text):
		r.Symptom, r.Cause, r.Detail = bos.SymptomRefusing, bos.CauseBMCError, fmt.Sprintf("PCS has the error %q instead of a power state; check the node's BMC", text)
		if status := statusIn(text); transport.Unauthorized(status) {
			r.Cause, r.Detail = refusal(status), fmt.Sprintf("the node's BMC answers PCS with %q; check the user and password that PCS has for it in Vault, and the user's privileges on the BMC", text)
		}
	case strings.EqualFold(n.ManagementState, "unavailable"), text != "":
		r.Symptom, r.Detail = bos.SymptomSilent, "PCS gets no answer from the node's BMC; check the BMC's power and network"
	case strings.EqualFold(n.PowerState, "on"):
		r.State = bos.PowerStateOn
	case strings.EqualFold(n.PowerState, "off"):
		r.State = bos.PowerStateOff
	case strings.EqualFold(n.PowerState, "undefined"):
		r.Symptom, r.Detail = bos.SymptomChanging, "PCS says that the node's power is neither on nor off now"
	default:
		r.Symptom, r.Cause = bos.SymptomRefusing, bos.CauseBMCError
		r.Detail = fmt.Sprintf("PCS has the power state %.40q; check the node's BMC", n.PowerState)
	}
	return r
}

// unanswered reports whether an error of PCS says that it got no answer from a BMC.
func unanswered(text string) bool {
	return strings.Contains(strings.ToLower(text), "no response from target")
}

// statusIn is the status with which a BMC answered PCS, which PCS tells as the first
// line of the answer; 0 where its error is another.
func statusIn(text string) int {
	word, _, _ := strings.Cut(text, " ")
	status, err := strconv.Atoi(word)
	if err != nil || len(word) != len("404") {
		return 0
	}
	return status
}

// refusal is what a BMC means that does not do it for the user of PCS.
func refusal(status int) bos.Cause {
	if status == http.StatusForbidden {
		return bos.CauseBMCPermission
	}
	return bos.CauseBMCAuth
}

// unknownNode reports whether an error of PCS says that it has no such node. That a BMC
// answered PCS with 404 says nothing of that.
func unknownNode(text string) bool {
	if statusIn(text) != 0 {
		return false
	}
	text = strings.ToLower(text)
	for _, said := range []string{"not found", "invalid component", "invalid xname", "missing xname", "can not have power", "no power control"} {
		if strings.Contains(text, said) {
			return true
		}
	}
	return false
}
