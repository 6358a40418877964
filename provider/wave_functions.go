package provider

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// namesParameter takes nodes as the attributes of this provider have them, folded, or
// as a list.
func namesParameter() function.Parameter {
	return function.DynamicParameter{Name: "names", MarkdownDescription: "Nodes: a folded string, such as the `nodes` of a data source, or a list of names."}
}

// namesOf are the nodes that such an argument names, in canonical form, each once, in
// order.
func namesOf(given types.Dynamic, argument int64) ([]string, *function.FuncError) {
	var names []string
	var elements []attr.Value
	switch value := given.UnderlyingValue().(type) {
	case types.String:
		var err error
		if names, err = bos.Expand(value.ValueString(), maxNames); err != nil {
			return nil, function.NewArgumentFuncError(argument, err.Error())
		}
	case types.List:
		elements = value.Elements()
	case types.Tuple:
		elements = value.Elements()
	case types.Set:
		elements = value.Elements()
	default:
		return nil, function.NewArgumentFuncError(argument, "give a folded string such as x3000c0s[1-4]b0n0, or a list of names")
	}
	for i, element := range elements {
		name, isText := element.(types.String)
		if !isText || name.IsNull() || name.ValueString() == "" {
			return nil, function.NewArgumentFuncError(argument, fmt.Sprintf("entry %d is no name", i+1))
		}
		names = append(names, name.ValueString())
	}
	if len(names) > maxNames {
		return nil, function.NewArgumentFuncError(argument, fmt.Sprintf("it has %d names, at most %d are handled", len(names), maxNames))
	}
	names = bos.CanonicalIDs(names)
	slices.SortFunc(names, bos.CompareXnames)
	return slices.Compact(names), nil
}

type xnameChunk struct{}

func newXnameChunk() function.Function { return xnameChunk{} }

func (xnameChunk) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "xname_chunk"
}

func (xnameChunk) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Split nodes into waves of a size",
		MarkdownDescription: "Returns the nodes in parts of at most `size`, each a folded string that can be used as `limit`: " +
			"`xname_chunk(\"x3000c0s[1-5]b0n0\", 2)` is " +
			"`[\"x3000c0s[1-2]b0n0\", \"x3000c0s[3-4]b0n0\", \"x3000c0s5b0n0\"]`. Neighbours are in one part; of no nodes there are no parts.",
		Parameters: []function.Parameter{namesParameter(), function.Int64Parameter{Name: "size", MarkdownDescription: "How many nodes a part has at " +
			"most, 1 or more."}},
		Return: function.ListReturn{ElementType: types.StringType},
	}
}

func (xnameChunk) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var given types.Dynamic
	var size int64
	if resp.Error = req.Arguments.Get(ctx, &given, &size); resp.Error != nil {
		return
	}
	names, failed := namesOf(given, 0)
	if failed != nil {
		resp.Error = failed
		return
	}
	if size < 1 {
		resp.Error = function.NewArgumentFuncError(1, fmt.Sprintf("%d is no size of a part; give 1 or more", size))
		return
	}
	parts := []string{}
	for part := range slices.Chunk(names, int(min(size, maxNames))) {
		parts = append(parts, bos.Fold(part))
	}
	resp.Error = resp.Result.Set(ctx, parts)
}

type xnameBy struct{}

func newXnameBy() function.Function { return xnameBy{} }

// xnameLevels are the parts of a site that nodes can be told apart by.
var xnameLevels = map[string]func(xname string) string{
	"cabinet": bos.CabinetOf, "chassis": bos.ChassisOf, "slot": bos.SlotOf, "bmc": bos.BMCOf,
}

func (xnameBy) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "xname_by"
}

func (xnameBy) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Group nodes by where they are",
		MarkdownDescription: "Returns the nodes by the xname of the `cabinet`, `chassis`, `slot` or `bmc` that they are in, each group a folded string that can " +
			"be used as `limit`: " +
			"`xname_by(\"x3000c[0-1]s[1-2]b0n0\", \"chassis\")` is `{ x3000c0 = \"x3000c0s[1-2]b0n0\", x3000c1 = \"x3000c1s[1-2]b0n0\" }`. With `for_each` that is a " +
			"session for each chassis.",
		Parameters: []function.Parameter{namesParameter(), function.StringParameter{Name: "level", MarkdownDescription: "`cabinet`, `chassis`, `slot` or `bmc`."}},
		Return:     function.MapReturn{ElementType: types.StringType},
	}
}

func (xnameBy) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var given types.Dynamic
	var level string
	if resp.Error = req.Arguments.Get(ctx, &given, &level); resp.Error != nil {
		return
	}
	names, failed := namesOf(given, 0)
	if failed != nil {
		resp.Error = failed
		return
	}
	part := xnameLevels[level]
	if part == nil {
		resp.Error = function.NewArgumentFuncError(1, strconv.Quote(level)+" is none of cabinet, chassis, slot and bmc")
		return
	}
	groups := make(map[string][]string)
	for _, name := range names {
		if !bos.IsNodeXname(name) {
			resp.Error = function.NewArgumentFuncError(0, strconv.Quote(name)+" is not the xname of a node, so nobody can tell where it is; write it like "+
				"x3000c0s19b1n0")
			return
		}
		groups[part(name)] = append(groups[part(name)], name)
	}
	resp.Error = resp.Result.Set(ctx, foldedBy(groups))
}

type limitWithout struct{}

func newLimitWithout() function.Function { return limitWithout{} }

func (limitWithout) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "limit_without"
}

func (limitWithout) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Leave nodes out of a limit",
		MarkdownDescription: "Returns the limit without these nodes: `limit_without(\"Compute\", \"x3000c0s[1-4]b0n0\")` is `Compute,!x3000c0s[1-4]b0n0`. Without " +
			"names it is the limit as it was. " +
			"An empty limit selects nothing and is an error: write `all` for every node. A session refuses a limit that leaves out a node which nobody knows.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "limit", MarkdownDescription: "A limit as `bos_session` takes it."},
			namesParameter(),
		},
		Return: function.StringReturn{},
	}
}

func (limitWithout) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var limit string
	var given types.Dynamic
	if resp.Error = req.Arguments.Get(ctx, &limit, &given); resp.Error != nil {
		return
	}
	if strings.TrimSpace(limit) == "" {
		resp.Error = function.NewArgumentFuncError(0, "it is empty, which selects no node; write all for every node of the template")
		return
	}
	names, failed := namesOf(given, 1)
	if failed != nil {
		resp.Error = failed
		return
	}
	terms := []string{limit}
	for _, item := range bos.SplitList(bos.Fold(names)) {
		if item != "" {
			terms = append(terms, "!"+item)
		}
	}
	without := strings.Join(terms, ",")
	if _, err := bos.ParseLimit(without); err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, without)
}

type kernelParametersMerge struct{}

func newKernelParametersMerge() function.Function { return kernelParametersMerge{} }

func (kernelParametersMerge) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "kernel_parameters_merge"
}

func (kernelParametersMerge) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Put lines of kernel parameters together",
		MarkdownDescription: "Returns one line of kernel parameters of which the later arguments have their way: `kernel_parameters_merge(\"console=tty0 quiet " +
			"hugepages=8\", \"hugepages=16\")` is " +
			"`console=tty0 quiet hugepages=16`. A name that a later line has takes the place of all earlier words of that name; within one line it may stand several " +
			"times, as `console=` does. " +
			"Line breaks and indents, as of a heredoc, become single spaces. A line that no node could boot with is an error, such as one longer than a kernel keeps.",
		VariadicParameter: function.StringParameter{Name: "lines", MarkdownDescription: "Lines of kernel parameters, the most general one first."},
		Return:            function.StringReturn{},
	}
}

func (kernelParametersMerge) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var lines []string
	if resp.Error = req.Arguments.Get(ctx, &lines); resp.Error != nil {
		return
	}
	merged, err := bos.MergeKernelParameters(lines...)
	if err != nil {
		resp.Error = function.NewFuncError(err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, merged)
}
