package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/client"
)

// previewQuestion is what a session would be created with.
type previewQuestion struct {
	bos.PreviewRequest
	tenant string
}

// key stands for the question.
func (q previewQuestion) key() (string, error) {
	content, err := json.Marshal(q.PreviewRequest)
	return q.tenant + "\n" + string(content), err
}

// blindness is why nobody can say what a session would do.
type blindness struct {
	kind blindKind
	text string
}

type blindKind int

const (
	// blindForNow: something is not known yet, and will be.
	blindForNow blindKind = iota
	// blindForGood: this BOS has no previews.
	blindForGood
	// blindFailing: BOS should be able to say, and does not.
	blindFailing
)

func notYet(text string) blindness  { return blindness{blindForNow, text} }
func failing(text string) blindness { return blindness{blindFailing, text} }

// ask has the service say what a session would do; nil and the reason if nobody
// can say. What would make the session fail is an error.
func (s *shared) ask(ctx context.Context, c *client.Client, q previewQuestion, diags *diag.Diagnostics) (preview *bos.Preview, why blindness) {
	caps, err := c.Capabilities(ctx)
	if err != nil {
		return nil, failing("BOS did not answer (" + err.Error() + ")")
	}
	if !client.Has(caps, bos.ExtensionPreviews) {
		return nil, blindness{blindForGood, "this BOS has no previews"}
	}
	p, err := c.Preview(ctx, q.PreviewRequest)
	switch {
	case err == nil:
		return &p, blindness{}
	case !client.IsBadRequest(err):
		return nil, failing(err.Error())
	}
	if q.Template == nil {
		if _, lookUp := c.Template(ctx, q.TemplateName); client.IsNotFound(lookUp) {
			ofTenant := ""
			if q.tenant != "" {
				ofTenant = fmt.Sprintf(" for tenant %q", q.tenant)
			}
			return nil, notYet(fmt.Sprintf("BOS has no template %q%s yet, and no bos_session_template that this refers to is going to write it; use "+
				"bos_session_template.<name>.name as template_name", q.TemplateName, ofTenant))
		}
	}
	diags.AddError(fmt.Sprintf("BOS would refuse this session of template %q", q.TemplateName), plainly(err))
	return nil, blindness{}
}

// noPreview says that nobody can say what a session is going to do: loudly, and
// as an error where BOS should be able to say, unless the user does not mind, or
// where the user wants to know. The headline tells several sessions apart.
func (s *shared) noPreview(operation, template, limit types.String, why blindness, diags *diag.Diagnostics) {
	summary, detail := blindHeadline(operation, template, limit), "It is not known which nodes these are: "+why.text+"."
	required := types.BoolNull()
	if s != nil {
		required = s.requirePreview
	}
	switch {
	case required.ValueBool():
		diags.AddError(summary, detail+" The provider is set to require_preview, so this is not planned.")
	case why.kind == blindFailing && required.IsNull():
		diags.AddError(summary, detail+" Try again when BOS can say; or, to go on without knowing which nodes that is, set require_preview = false in the "+
			"provider block.")
	default:
		diags.AddWarning(summary, detail+" Applied like this, it acts on nodes that no plan has named.")
	}
}

// blindHeadline is the headline of a plan that runs a session of which nobody can
// say which nodes it acts on.
func blindHeadline(operation, template, limit types.String) string {
	what := "Cannot say which nodes"
	if name := template.ValueString(); name != "" {
		what += fmt.Sprintf(" of template %q", name)
	}
	return headline(what+" will "+cmp.Or(deeds[bos.Operation(operation.ValueString())].todo, "be acted on"), limit.ValueString())
}

// bootSetTypeS3 is the only type of image that can be booted.
const bootSetTypeS3 = "s3"

// noRole stands for nodes without a role.
const noRole = "none"

// rolesOf is null for a service that does not know roles.
func rolesOf(p bos.Preview) types.Map {
	if p.Roles == nil {
		return types.MapNull(types.StringType)
	}
	roles := make(map[string]attr.Value, len(p.Roles))
	for _, role := range p.Roles {
		roles[cmp.Or(role.Role, noRole)] = types.StringValue(role.Nodes)
	}
	return types.MapValueMust(types.StringType, roles)
}

func bootSetsOf(p bos.Preview) types.Map {
	sets := make(map[string]attr.Value, len(p.BootSets))
	for _, set := range p.BootSets {
		sets[set.Name] = types.ObjectValueMust(plannedSetType.AttrTypes, map[string]attr.Value{
			"nodes": types.StringValue(set.Nodes), "node_count": types.Int64Value(int64(set.Count)),
			"image_path": orNull(set.ImagePath), "image_etag": orNull(set.ImageETag),
		})
	}
	return types.MapValueMust(plannedSetType, sets)
}

func skippedOf(p bos.Preview) types.Map {
	skipped := make(map[string]attr.Value, len(p.Skipped))
	for _, skip := range p.Skipped {
		skipped[skip.Reason] = types.StringValue(skip.Nodes)
	}
	return types.MapValueMust(types.StringType, skipped)
}

// previewCache keeps the previews of one walk: of a session that is replaced,
// Terraform asks twice for the plan, and must be told the same both times.
type previewCache struct {
	mu    sync.Mutex
	known map[string]*cachedPreview
}

type cachedPreview struct {
	once    sync.Once
	preview *bos.Preview
	why     blindness
	diags   diag.Diagnostics
}

func newPreviewCache() *previewCache { return &previewCache{known: make(map[string]*cachedPreview)} }

// once asks the first time that a question comes, and gives the same answer to
// everybody who asks it again.
func (p *previewCache) once(key string, ask func(*diag.Diagnostics) (*bos.Preview, blindness)) (*bos.Preview, blindness, diag.Diagnostics) {
	p.mu.Lock()
	entry := p.known[key]
	if entry == nil {
		entry = &cachedPreview{}
		p.known[key] = entry
	}
	p.mu.Unlock()
	entry.once.Do(func() { entry.preview, entry.why = ask(&entry.diags) })
	return entry.preview, entry.why, entry.diags
}
