package tables

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/bootorch/terraform-provider-bos/internal/document"
)

// memberships gathers what one write changes in the rows of sessions: most of its nodes
// come to be the same to the same session, and are written by one statement.
type memberships struct {
	at    int64 // when people are told that a node was done with
	lists map[membership]*memberList
	order []membership
}

// membership is what is written of nodes.
type membership struct {
	query, session string
	member
}

// memberList is a JSON list of nodes, which is not closed yet.
type memberList struct {
	ids  []byte
	size int
	last string
}

// ofOne are those statements for one node, as most writes are of: it is asked for as itself,
// for which a database has one plan, however large it takes the session and a list for.
var ofOne = func() map[string]string {
	single := make(map[string]string)
	for _, query := range []string{setMembers, joinMembers, loseMembers, beginMembers} {
		single[query] = membersWord.ReplaceAllString(query, "session = $1 AND component = $2")
	}
	return single
}()

var membersWord = regexp.MustCompile(`MEMBERS\((\?\d), (\?\d)\)`)

func (m *memberships) add(query, session, id string, is member) {
	key := membership{query, session, is}
	list := m.lists[key]
	if list == nil {
		if m.lists == nil {
			m.lists = make(map[membership]*memberList)
		}
		list = &memberList{}
		m.lists[key], m.order = list, append(m.order, key)
	}
	list.add(id)
}

func (l *memberList) add(id string) {
	l.ids = document.AppendText(append(l.ids, "[,"[min(l.size, 1)]), id)
	l.last = id
	l.size++
}

// flush writes what was gathered.
func (w *componentWriter) flush() error {
	m := w.memberships
	w.memberships = memberships{at: m.at} // other pages of one commit have the same time
	for _, key := range m.order {
		if key.query == joinMembers {
			if err := w.joined(key, m.lists[key]); err != nil {
				return err
			}
			continue
		}
		query, args := key.statement(m.lists[key])
		if err := w.tx.exec(w.ctx, query, args...); err != nil {
			return fmt.Errorf("write what nodes are to session %s: %w", key.session, err)
		}
	}
	return nil
}

// joined writes what nodes are to the session whose name they have only now been given: in
// the rows of those that it has, and in new ones for those that a client gave to it.
func (w *componentWriter) joined(key membership, list *memberList) error {
	var ids []string
	if err := json.Unmarshal(append(bytes.Clone(list.ids), ']'), &ids); err != nil {
		return err
	}
	has := make(map[string]bool)
	query, args := key.statement(list)
	err := w.tx.returned(w.ctx, func(row scanner) error {
		var id string
		err := row.Scan(&id)
		has[id] = true
		return err
	}, query, args...)
	if err != nil {
		return fmt.Errorf("write what nodes are to session %s: %w", key.session, err)
	}
	if ids = slices.DeleteFunc(ids, func(id string) bool { return has[id] }); len(ids) == 0 {
		return nil
	}
	added := &memberList{}
	for _, id := range ids {
		added.add(id)
	}
	change, err := w.tx.changing(w.ctx)
	if err == nil {
		err = w.tx.exec(w.ctx, addMembers, append(key.args(added.text()), change.Revision)...)
	}
	if err != nil {
		return fmt.Errorf("write what nodes are to session %s: %w", key.session, err)
	}
	return w.tx.countMembers(w.ctx, len(ids))
}

// text is the list.
func (l *memberList) text() string { return string(append(l.ids, ']')) }

// statement writes what it is of the nodes of a list.
func (m membership) statement(list *memberList) (query string, args []any) {
	if list.size == 1 {
		return ofOne[m.query], m.args(list.last)
	}
	return m.query, m.args(list.text())
}

// args are those of its statement, for nodes.
func (m membership) args(nodes string) []any {
	if m.query == beginMembers {
		return []any{m.session, m.finished, nodes}
	}
	return []any{m.session, m.state, m.outcome, m.cause, m.error, m.finished, nodes, m.phase}
}

// now is when people are told that a node was done with: for all of one write the same.
func (w *componentWriter) now() int64 {
	if w.memberships.at == 0 {
		w.memberships.at = time.Now().UnixNano()
	}
	return w.memberships.at
}
