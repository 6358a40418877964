package hsm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
)

// oddEntry is an entry of a list that cannot be read; id and kind are what of it can.
type oddEntry struct {
	id, kind string
	raw      json.RawMessage
	why      error
}

// entries reads a list that is a member of the answer. One entry that cannot be read
// leaves the others; that none can be is an answer of something else.
func entries[T any](ctx context.Context, c *Client, q transport.Request, member string) (list []T, odd []oddEntry, err error) {
	res, err := c.http.Do(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(res.Body, &members); err != nil {
		return nil, nil, c.http.Broken(q, res, err)
	}
	raw, ok := members[member]
	if !ok || string(raw) == "null" {
		return nil, nil, c.missing(q, member)
	}
	return each[T](c, q, res, raw)
}

// bareEntries is entries for an answer that is the list itself.
func bareEntries[T any](ctx context.Context, c *Client, q transport.Request) (list []T, odd []oddEntry, err error) {
	res, err := c.http.Do(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	return each[T](c, q, res, res.Body)
}

func each[T any](c *Client, q transport.Request, res *transport.Response, raw json.RawMessage) (list []T, odd []oddEntry, err error) {
	var mistyped *json.UnmarshalTypeError
	err = json.Unmarshal(raw, &list)
	switch {
	case err == nil:
		return list, nil, nil
	case !errors.As(err, &mistyped):
		return nil, nil, c.http.Broken(q, res, err)
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return nil, nil, c.http.Broken(q, res, err)
	}
	list = list[:0]
	for _, part := range parts {
		var one T
		if why := json.Unmarshal(part, &one); why != nil {
			odd = append(odd, oddEntry{cmp.Or(text(part, "ID"), text(part, "label"), text(part, "name")), text(part, "Type"), part, why})
			continue
		}
		list = append(list, one)
	}
	if len(list) == 0 {
		return nil, nil, c.http.Broken(q, res, err)
	}
	return list, odd, nil
}

// text is a text that an object has, empty if it has none.
func text(object json.RawMessage, member string) (value string) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil || json.Unmarshal(members[member], &value) != nil {
		return ""
	}
	return value
}

// says is whose entry it is and what of it cannot be read.
func (o oddEntry) says() string {
	name := transport.Excerpt(cmp.Or(o.id, "one without a name"))
	var mistyped *json.UnmarshalTypeError
	if errors.As(o.why, &mistyped) && mistyped.Field != "" {
		return fmt.Sprintf("%s: its %s is a JSON %s", name, mistyped.Field, mistyped.Value)
	}
	return fmt.Sprintf("%s: %v", name, o.why)
}

// isNode reports whether an entry is of a node, as far as it says so.
func (o oddEntry) isNode() bool {
	return o.id != "" && (o.kind == "Node" || o.kind == "" && bos.IsNodeXname(bos.CanonicalXname(o.id)))
}

// oddities are what is odd about the lists of an inventory, told when that changes.
type oddities struct {
	mu   sync.Mutex
	told map[string][]string // by list
}

// maxOddities bounds how many are told of one list.
const maxOddities = 10

// tellOdd logs what is odd about a list, once.
func (c *Client) tellOdd(list string, found []string) {
	slices.Sort(found)
	found = slices.Compact(found)
	c.odd.mu.Lock()
	defer c.odd.mu.Unlock()
	if c.odd.told == nil {
		c.odd.told = make(map[string][]string)
	}
	if slices.Equal(c.odd.told[list], found) {
		return
	}
	c.odd.told[list] = found
	if len(found) == 0 {
		c.bmcs.log.Info(c.name+" has nothing odd any more", "list", list)
		return
	}
	first := found[:min(len(found), maxOddities)]
	c.bmcs.log.Warn(c.name+" has entries that cannot be used, and their nodes are left out; correct them there", "list", list,
		"entries", strings.Join(first, "; "), "more", len(found)-len(first))
}

// Oddities are the entries that could not be used when lists were read last, each with
// why, by list.
func (c *Client) Oddities() map[string][]string {
	c.odd.mu.Lock()
	defer c.odd.mu.Unlock()
	return maps.Clone(c.odd.told)
}
