package provider

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// nameRule is the rule of bos.ValidName as a pattern, so that it can be shown.
var nameRule = regexp.MustCompile(`^[a-zA-Z0-9](?:[-._a-zA-Z0-9]{0,125}[a-zA-Z0-9])?$`)

func validName() validator.String {
	return stringvalidator.RegexMatches(nameRule, "must be "+bos.NameRule)
}

// duration accepts Go durations within bounds.
type duration struct{ least, most time.Duration }

func (v duration) Description(context.Context) string {
	return fmt.Sprintf("a duration from %s to %s, such as 90s, 10m or 1h30m", v.least, v.most)
}

func (v duration) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v duration) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	d, err := time.ParseDuration(req.ConfigValue.ValueString())
	if err != nil || d < v.least || d > v.most {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid duration", at(req.Path, fmt.Sprintf("%q is not %s.", req.ConfigValue.ValueString(), v.Description(ctx))))
	}
}

// oneLine refuses line breaks, other control characters and words that iPXE takes for
// its own, with which no node boots.
type oneLine struct{}

func (oneLine) Description(context.Context) string { return "one line without control characters" }

func (v oneLine) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (oneLine) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := bos.CheckKernelParameters(req.ConfigValue.ValueString()); err != nil {
		text := capital(err.Error()) + "."
		if strings.Contains(req.ConfigValue.ValueString(), "\n") {
			text += " A heredoc ends with a line break: write join(\" \", [...]) or trimspace() around it."
		}
		resp.Diagnostics.AddAttributeError(req.Path, "Kernel parameters that no boot script can carry", at(req.Path, text))
	}
}

// bootLine refuses what is more than a kernel keeps with all that a node has besides,
// and a proof of the boot that there is not. It is for parameters that are the whole
// line: those of a boot set follow those of an image, which only the service knows.
type bootLine struct{}

func (bootLine) Description(context.Context) string { return "a line that a kernel keeps whole" }

func (v bootLine) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (bootLine) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	text := req.ConfigValue.ValueString()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || bos.CheckKernelParameters(text) != nil {
		return
	}
	if err := bos.CheckBootLine(text); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Kernel parameters with which no node would boot", at(req.Path, capital(err.Error())+"."))
	}
}

// oneNode refuses the xname of something that is no node, and a folded list of
// nodes.
type oneNode struct{}

// partOfCabinet is a cabinet, chassis, slot or BMC: what a node's xname is without
// its node.
var partOfCabinet = regexp.MustCompile(`^x[0-9]+(c[0-9]+(s[0-9]+(b[0-9]+)?)?)?$`)

func (oneNode) Description(context.Context) string { return "the xname of one node" }

func (v oneNode) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (oneNode) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	text := req.ConfigValue.ValueString()
	switch {
	case req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown():
	case strings.ContainsAny(text, "[],"):
		resp.Diagnostics.AddAttributeError(req.Path, "Not the xname of one node",
			fmt.Sprintf("%q stands for more than one node. Write for_each = { for x in provider::bos::xname_expand(%q) : x => x } and each.key here.", text, text))
	case partOfCabinet.MatchString(strings.ToLower(text)):
		resp.Diagnostics.AddAttributeError(req.Path, "Not the xname of a node",
			fmt.Sprintf("%q names a BMC, slot, chassis or cabinet, and BOS boots nodes. The nodes of a BMC are such as %sn0.", text, text))
	}
}

// durationOr reads a validated duration, or takes the default.
func durationOr(s types.String, otherwise time.Duration) time.Duration {
	if d, err := time.ParseDuration(s.ValueString()); err == nil {
		return d
	}
	return otherwise
}

// unlessFalse is the value of a switch that is on where nobody says otherwise.
func unlessFalse(b types.Bool) bool { return b.IsNull() || b.ValueBool() }

// words checks a list of strings in one go: a validator per element is slow
// where a list holds all nodes of a system.
type words struct {
	most int
	nids bool // warn about NIDs
	// filters says that the list keeps some of what there is, so that leaving it
	// out selects everything, where a list of nodes selects nothing then.
	filters bool
	// unfolded refuses folded names, which BOS would take for one name.
	unfolded bool
}

// maxWord bounds an entry of a list, in characters.
const maxWord = 127

func (v words) Description(context.Context) string {
	return fmt.Sprintf("1 to %d entries of 1 to %d characters", v.most, maxWord)
}

func (v words) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v words) ValidateList(ctx context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	elements := req.ConfigValue.Elements()
	if n := len(elements); n == 0 || n > v.most {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid list", at(req.Path, fmt.Sprintf("It has %d entries; BOS takes %s. %s", n, v.Description(ctx), v.wayOut())))
		return
	}
	var nids []string
	for i, element := range elements {
		word, ok := element.(types.String)
		if !ok || word.IsUnknown() {
			continue
		}
		if word.IsNull() {
			resp.Diagnostics.AddAttributeError(req.Path.AtListIndex(i), "Invalid entry", at(req.Path.AtListIndex(i), "It is null. Leave it out, as with compact()."))
			return
		}
		text := word.ValueString()
		if n := utf8.RuneCountInString(text); n == 0 || n > maxWord {
			resp.Diagnostics.AddAttributeError(req.Path.AtListIndex(i), "Invalid entry", at(req.Path.AtListIndex(i), fmt.Sprintf("It has %d characters; BOS takes 1 to %d.", n, maxWord)))
			return
		}
		if v.unfolded && strings.ContainsAny(text, "[],") {
			resp.Diagnostics.AddAttributeError(req.Path.AtListIndex(i), "Folded names in a list of nodes",
				at(req.Path.AtListIndex(i), fmt.Sprintf("%q stands for more than one node, and BOS takes each entry of this list for one. Write them out: "+
					"provider::bos::xname_expand(%q).", text, text)))
			return
		}
		if v.nids && bos.IsNID(text) {
			nids = append(nids, text)
		}
	}
	if len(nids) > 0 {
		resp.Diagnostics.AddAttributeWarning(req.Path, "Nodes are named by NID",
			at(req.Path, fmt.Sprintf("The inventory knows no node named %s, so a session will leave these out, and a service with reject_nids refuses the template. Name nodes by "+
				"xname, such as x3000c0s19b1n0.", shortList(nids))))
	}
}

// wayOut is what to write in place of an empty list.
func (v words) wayOut() string {
	if v.filters {
		return "An empty list finds nothing, and without the list everything is found: give the data source a count that is 0 where there is nothing to look for."
	}
	return "Leave the list out if it should select nothing."
}

// emptyLimit says what an empty limit would mean and what to write instead.
const emptyLimit = "It is empty, which selects no node, as where nothing failed; BOS itself would take it for every node of the template. " +
	"To act only if there is something to act on, make the session conditional on what the limit comes from, such as\n\n    count = var.retry == " +
	"\"\" ? 0 : 1\n\n" +
	"To act on every node of the template, write limit = \"all\"."

// limitSyntax checks a limit's brackets and terms at plan.
type limitSyntax struct{}

func (limitSyntax) Description(context.Context) string {
	return "a comma list of xnames, groups, roles or partitions; &term intersects, !term removes, x3000c0s[1-4]b0n0 is four nodes"
}

func (v limitSyntax) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v limitSyntax) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	text := req.ConfigValue.ValueString()
	if strings.TrimSpace(text) == "" {
		resp.Diagnostics.AddAttributeError(req.Path, "Empty limit", emptyLimit)
		return
	}
	if len(text) > bos.MaxLimit {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid limit", fmt.Sprintf("It has %d characters; BOS takes 1 to %d.", len(text), bos.MaxLimit))
		return
	}
	if _, err := bos.ParseLimit(text); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid limit", fmt.Sprintf("%s. Write %s.", err, v.Description(ctx)))
	}
}

// shortList names some of many.
func shortList(names []string) string {
	const most = 10
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// noNullEntries refuses lists with entries that are null, where an empty list is one.
type noNullEntries struct{}

func (noNullEntries) Description(context.Context) string { return "no entry is null" }

func (v noNullEntries) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (noNullEntries) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	for i, element := range req.ConfigValue.Elements() {
		if element.IsNull() {
			resp.Diagnostics.AddAttributeError(req.Path.AtListIndex(i), "Null in a list", fmt.Sprintf("Entry %d is null. Leave it out, as with compact().", i+1))
		}
	}
}
