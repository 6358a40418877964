package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// maxNames is how many names the xname functions handle: BOS' own limit on a
// node list.
const maxNames = 65535

type xnameExpand struct{}

func newXnameExpand() function.Function { return xnameExpand{} }

func (xnameExpand) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "xname_expand"
}

func (xnameExpand) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Write out a folded list of nodes",
		MarkdownDescription: "Returns the names a folded list stands for: `xname_expand(\"x3000c0s[1-4]b0n0\")` is a list of four xnames. The inverse of " +
			"`xname_fold`.",
		Parameters: []function.Parameter{function.StringParameter{
			Name: "folded", MarkdownDescription: "Comma list whose items may hold ranges in brackets.",
		}},
		Return: function.ListReturn{ElementType: types.StringType},
	}
}

func (xnameExpand) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var folded string
	if resp.Error = req.Arguments.Get(ctx, &folded); resp.Error != nil {
		return
	}
	names, err := bos.Expand(folded, maxNames)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	if names == nil {
		names = []string{}
	}
	resp.Error = resp.Result.Set(ctx, names)
}

type xnameFold struct{}

func newXnameFold() function.Function { return xnameFold{} }

func (xnameFold) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "xname_fold"
}

func (xnameFold) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Write a list of nodes short",
		MarkdownDescription: "Returns the names as one folded string such as `x3000c0s[1-4]b0n0`, sorted and without duplicates; it can be used as `limit`. The " +
			"inverse of `xname_expand`.",
		Parameters: []function.Parameter{function.ListParameter{
			Name: "names", ElementType: types.StringType, MarkdownDescription: "Names of nodes.",
		}},
		Return: function.StringReturn{},
	}
}

func (xnameFold) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var list types.List
	if resp.Error = req.Arguments.Get(ctx, &list); resp.Error != nil {
		return
	}
	for i, name := range list.Elements() {
		if name.IsNull() {
			resp.Error = function.NewArgumentFuncError(0, fmt.Sprintf("entry %d is no name", i+1))
			return
		}
	}
	resp.Error = resp.Result.Set(ctx, bos.Fold(wordsOf(list)))
}
