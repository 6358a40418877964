package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// nothing is the answer to what has none, such as a DELETE.
type nothing struct{}

// decode is lenient towards members it does not know: other versions of BOS
// have more.
func decode(body []byte, into any) error {
	if _, none := into.(*nothing); none {
		if len(bytes.TrimSpace(body)) > 0 {
			return errors.New("it should be empty")
		}
		return nil
	}
	return json.Unmarshal(body, into)
}

// foreign says what an answer lacks that each one of BOS has; empty if it lacks
// nothing. What stands before BOS may say yes with JSON of its own, such as
// that there is maintenance, and that must not be read as a record without
// content, a BOS without extensions or a node that is done.
func foreign(into any) (missing string) {
	has, what := true, ""
	switch answer := into.(type) {
	case *bos.Session:
		has, what = answer.Name != "", "names no session"
	case *bos.ExtendedStatus:
		has, what = answer.Status != "", "has no status"
	case *bos.Component:
		has, what = answer.ID != "", "names no component"
	case *bos.SessionTemplate:
		// Some versions of BOS leave the name out.
		has, what = answer.Name != "" || answer.BootSets != nil, "has neither a name nor boot_sets"
	case *bos.Options:
		has, what = *answer != bos.Options{}, "has no options"
	case *bos.OptionsPatch:
		has, what = *answer != bos.OptionsPatch{}, "has no options"
	case *bos.Capabilities:
		has, what = answer.Extensions != nil, "has no extensions"
	case *bos.Preview:
		has, what = answer.Pin != "", "has no pin"
	case *bos.PreviewNodes:
		has, what = answer.Nodes != nil, "has no nodes"
	case *bos.InventoryNodes:
		has, what = answer.Nodes != nil, "has no nodes"
	case *bos.EventPage:
		has, what = answer.Events != nil, "has no events"
	case *bos.ImageFacts:
		has, what = answer.Path != "" && answer.Kernel.Path != "", "names no image"
	case *bos.NodeOutcomes:
		has, what = answer.Components != nil, "has no components"
	case *bos.StagedAnswer:
		has, what = len(answer.Succeeded)+len(answer.Failed)+len(answer.Ignored) > 0, "names no node"
	case *bos.StagedReceipt:
		has, what = answer.Receipt != "", "has no receipt"
	case *apiVersion:
		has, what = answer.Major != "", "has no version"
	}
	if has {
		return ""
	}
	return "it " + what
}

// unreadable is the error of an answer that says yes and is not what BOS sends.
// Whether a write that got it took effect is not known.
func (c *Client) unreadable(status int, method, path, why string) error {
	return &Error{
		Status: status, Title: "Unreadable answer", Method: method, URL: c.base + path,
		Detail: fmt.Sprintf("the answer is not what BOS v2 sends (%s); something between may have answered in its place, or the endpoint is not the URL in front of /v2", why),
	}
}
