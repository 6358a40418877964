package board

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// tagged is a tag of what a scope shows, and the frame that it was made with.
type tagged struct {
	n    int64
	text string
}

// tagOf says what is shown within a scope: the id of the last event, by which a stream goes
// on, and a print of all of it. Another service that shows the same has the same print:
// behind a balancer it is that one which is asked next.
func (b *Board) tagOf(s *scope) string {
	if s.tag.text == "" || s.tag.n != s.last {
		s.tag = tagged{s.last, s.id(s.last) + "." + b.print(s)}
	}
	return s.tag.text
}

// SameTag reports whether two tags are of the same.
func SameTag(a, b string) bool {
	of := a[strings.LastIndexByte(a, '.')+1:]
	return a == b || len(of) == printSize && of == b[strings.LastIndexByte(b, '.')+1:]
}

// printSize is the length of a print.
const printSize = 22

// print is a hash of what is shown, by names: the numbers of sessions and nodes, and the
// order in which they came, are those of one board.
func (b *Board) print(s *scope) string {
	shown := struct {
		Session   bos.SessionKey
		WithNodes bool
		Pause     bos.PauseState
		Sessions  []bos.StreamSession
		IDs       []string
		Nodes     bos.StreamNodes
		Of        []bos.SessionKey
	}{Session: s.want.Session, WithNodes: s.want.Nodes, Pause: b.pause.State(), Nodes: newColumns(len(s.nums))}
	numbered := make(map[int]bos.SessionKey)
	for of := range s.shown {
		view := of.view
		view.N = 0
		shown.Sessions = append(shown.Sessions, view)
		numbered[of.n] = of.rec.Key()
	}
	slices.SortFunc(shown.Sessions, func(x, y bos.StreamSession) int {
		return cmp.Or(strings.Compare(x.Tenant, y.Tenant), strings.Compare(x.Name, y.Name))
	})
	if s.want.Nodes {
		for id := range s.nums {
			shown.IDs = append(shown.IDs, id)
		}
		slices.Sort(shown.IDs)
		for _, id := range shown.IDs {
			b.column(s, id, &shown.Nodes)
		}
		for i, number := range shown.Nodes.Session {
			shown.Of, shown.Nodes.Session[i] = append(shown.Of, numbered[number]), 0
		}
	}
	text, err := json.Marshal(&shown)
	if err != nil {
		return "" // nothing of it can fail to encode; a tag without a print is of this board alone
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])[:printSize]
}
