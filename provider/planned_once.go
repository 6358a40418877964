package provider

import (
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// plannedOnce is what one walk of Terraform has planned, by what it stands for: two
// resources of one thing would undo each other's work at every apply, and no state
// tells of it.
type plannedOnce struct {
	mu   sync.Mutex
	seen map[string][]plannedCall
}

// plannedCall is one question for a plan: of a resource that is new, or of one that
// state has, and its configuration.
type plannedCall struct {
	fresh  bool
	config string
}

// twice says whether two resources of a configuration stand for one thing.
type twice int

const (
	// once is all that was seen: one resource, or two that ask for the same and are in
	// state both, as they do no harm and an error would keep users from destroying them.
	once twice = iota
	// perhaps are two resources, or one that Terraform replaces by force: it asks of
	// such a one first as it is in state and then as a new one, and says nothing of it.
	// It drops the warnings of the second question, and shows those of another resource.
	perhaps
	// surely are two.
	surely
)

func newPlannedOnce() *plannedOnce { return &plannedOnce{seen: make(map[string][]plannedCall)} }

// note keeps a question, and says whether it is of another resource than one before.
// Of one resource Terraform asks once as it is in state, if it is, and then at most
// once as new.
func (p *plannedOnce) note(key string, fresh bool, config string) (found twice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, before := range p.seen[key] {
		switch {
		case before.fresh, !fresh && before.config != config:
			found = surely
		case fresh:
			found = max(found, perhaps)
		}
	}
	p.seen[key] = append(p.seen[key], plannedCall{fresh, config})
	return found
}

// twoForOneNode says that another resource stands for the node of this one: each apply
// would undo what the other one asked for, and lift or put on its hold. It is nil where
// nobody does. The configuration is looked at as it is encoded, since most questions
// are answered without it being read.
func (p *plannedOnce) twoForOneNode(req *tfprotov6.PlanResourceChangeRequest) *tfprotov6.Diagnostic {
	if p == nil || isNull(req.ProposedNewState) || isNull(req.Config) {
		return nil
	}
	xname, ok := xnameIn(req.Config.MsgPack)
	if !ok {
		return nil
	}
	id := bos.CanonicalXname(xname)
	found := p.note("component "+id, isNull(req.PriorState), string(req.Config.MsgPack))
	if found == once {
		return nil
	}
	severity := tfprotov6.DiagnosticSeverityWarning
	if found == surely {
		severity = tfprotov6.DiagnosticSeverityError
	}
	return &tfprotov6.Diagnostic{
		Severity: severity, Attribute: tftypes.NewAttributePath().WithAttributeName("xname"), Summary: "Two resources for one node",
		Detail: fmt.Sprintf("Another bos_component of this configuration stands for %s too, and each would undo what the other one asks for, its hold included. "+
			"Put it all into one "+
			"of them and take the other one out of the configuration, which asks nothing of BOS.", id),
	}
}

// isNull reports whether a value is none.
func isNull(value *tfprotov6.DynamicValue) bool {
	const null = 0xc0 // in MessagePack
	return value == nil || len(value.MsgPack) == 0 || value.MsgPack[0] == null
}
