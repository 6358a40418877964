package provider

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

type xnameParse struct{}

func newXnameParse() function.Function { return xnameParse{} }

// xnameParts are the parts of a node's xname, in order.
var xnameParts = []string{"cabinet", "chassis", "slot", "bmc", "node"}

var (
	numbersOfXname = regexp.MustCompile(`[0-9]+`)
	xnameType      = func() map[string]attr.Type {
		parts := map[string]attr.Type{"xname": types.StringType, "bmc_xname": types.StringType, "chassis_xname": types.StringType}
		for _, name := range xnameParts {
			parts[name] = types.Int64Type
		}
		return parts
	}()
)

func (xnameParse) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "xname_parse"
}

func (xnameParse) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Parse the xname of a node",
		MarkdownDescription: "Returns where a node is: `xname_parse(\"x3000c0s19b1n0\")` is an object with the numbers `cabinet` (3000), `chassis` (0), " +
			"`slot` (19), `bmc` (1) and `node` (0), " +
			"and with `xname` in canonical form, `bmc_xname` (`x3000c0s19b1`) and `chassis_xname` (`x3000c0`). Anything but the xname of a node is an error.",
		Parameters: []function.Parameter{function.StringParameter{Name: "xname", MarkdownDescription: "The xname of a node, in any case, with or without " +
			"leading zeros."}},
		Return: function.ObjectReturn{AttributeTypes: xnameType},
	}
}

func (xnameParse) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	if resp.Error = req.Arguments.Get(ctx, &text); resp.Error != nil {
		return
	}
	xname := bos.CanonicalXname(text)
	if !bos.IsNodeXname(xname) {
		resp.Error = function.NewArgumentFuncError(0, strconv.Quote(text)+" is not the xname of a node; write it like x3000c0s19b1n0")
		return
	}
	parts := map[string]attr.Value{
		"xname": types.StringValue(xname), "bmc_xname": types.StringValue(bos.BMCOf(xname)), "chassis_xname": types.StringValue(bos.ChassisOf(xname)),
	}
	for i, digits := range numbersOfXname.FindAllString(xname, len(xnameParts)) {
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil {
			resp.Error = function.NewArgumentFuncError(0, strconv.Quote(text)+" has a number that is too large for an xname")
			return
		}
		parts[xnameParts[i]] = types.Int64Value(n)
	}
	resp.Error = resp.Result.Set(ctx, types.ObjectValueMust(xnameType, parts))
}

type limitParse struct{}

func newLimitParse() function.Function { return limitParse{} }

var limitTermType = types.ObjectType{AttrTypes: map[string]attr.Type{
	"operator": types.StringType, "term": types.StringType, "names": types.ListType{ElemType: types.StringType},
}}

// limitOperators says what a term does to the nodes that the terms before it
// have gathered.
var limitOperators = map[string]string{"": "union", "&": "intersection", "!": "difference"}

func (limitParse) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "limit_parse"
}

func (limitParse) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Parse the limit of a session",
		MarkdownDescription: "Returns the terms of a limit, read from left to right: `limit_parse(\"Compute,!x3000c0s[1-2]b0n0\")` is a list of two " +
			"objects. `operator` is `union`, `intersection` or `difference`, " +
			"`term` the term without its sign, and `names` what it stands for with brackets written out. Which of a role, a group, a partition or an xname a " +
			"name is, only the inventory knows. A limit that BOS would refuse is an error.",
		Parameters: []function.Parameter{function.StringParameter{Name: "limit", MarkdownDescription: "A limit as `bos_session` takes it."}},
		Return:     function.ListReturn{ElementType: limitTermType},
	}
}

func (limitParse) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var limit string
	if resp.Error = req.Arguments.Get(ctx, &limit); resp.Error != nil {
		return
	}
	if _, err := bos.ParseLimit(limit); err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	terms := []attr.Value{}
	for _, term := range bos.SplitList(limit) {
		if limit == "" {
			break
		}
		term = strings.TrimSpace(term)
		word := strings.TrimSpace(strings.TrimLeft(term, "&!"))
		names, err := bos.Expand(word, maxNames)
		if err != nil {
			resp.Error = function.NewArgumentFuncError(0, err.Error())
			return
		}
		terms = append(terms, types.ObjectValueMust(limitTermType.AttrTypes, map[string]attr.Value{
			"operator": types.StringValue(limitOperators[term[:len(term)-len(strings.TrimLeft(term, "&!"))]]),
			"term":     types.StringValue(word), "names": orderedWords(names),
		}))
	}
	resp.Error = resp.Result.Set(ctx, types.ListValueMust(limitTermType, terms))
}
