package postgres

import (
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/tables"
)

// dialect is what PostgreSQL says of what databases say differently.
var dialect = &tables.Dialect{
	List:     "(SELECT value, ordinality - 1 AS key FROM json_array_elements_text(CAST(%s AS json)) WITH ORDINALITY)",
	Pairs:    "(SELECT value, ordinality - 1 AS key FROM json_array_elements(CAST(%s AS json)) WITH ORDINALITY)",
	Document: "%s",
	Field:    "(CAST(%s AS json) #>> '{%s}')", Object: "CAST(CAST(%s AS json) #> '{%s}' AS text)",
	Path: func(members []string) string { return strings.Join(members, ",") },
	// OFFSET 0 keeps what is within from being planned together with what is around it. A
	// session that is one of the rows of the list is no constant, by which its nodes could be
	// read, and a list is no constant either: it is never taken for a few of the rows.
	Found: "(SELECT * FROM %[1]s WHERE %[2]s = ANY (ARRAY(SELECT json_array_elements_text(CAST(%[3]s AS json)))) OFFSET 0)",
	FoundOf: `(SELECT found.* FROM (SELECT DISTINCT value FROM json_array_elements_text(CAST(%[3]s AS json))) AS l
CROSS JOIN LATERAL (SELECT * FROM %[1]s WHERE %[4]s AND %[2]s = l.value OFFSET 0) AS found)`,
	Members: "(session, component) IN (SELECT CAST(%[1]s AS text), value FROM json_array_elements_text(CAST(%[2]s AS json)) OFFSET 0)",
	Dollars: true, Arrays: true,
	// Of the columns that rows are looked for by: the others cost as much again, in the turn.
	Count:     "ANALYZE session_nodes (session, component, tenant, state)",
	LastEvent: "SELECT last_event FROM turn", KeepLastEvent: "UPDATE turn SET last_event = ?",
}

// PostgreSQL has no NUL in texts, nor as an escape in JSON that it looks into. Code points
// that no text has stand for both.
const (
	forNUL     = "\U0010FFFF"
	forEscaped = "\U0010FFFE"
	escapedNUL = `\u0000`
)

// Storable is a text as PostgreSQL takes it. A byte that is not UTF-8 is lost.
func Storable(text string) string {
	if strings.Contains(text, "\x00") {
		text = strings.ReplaceAll(text, "\x00", forNUL)
	}
	if strings.Contains(text, escapedNUL) {
		text = withoutEscapedNUL(text)
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// withoutEscapedNUL replaces the escape of NUL, but not a backslash that is escaped itself
// and followed by the same letters.
func withoutEscapedNUL(text string) string {
	var to strings.Builder
	for {
		at := strings.IndexByte(text, '\\')
		if at < 0 || at+1 == len(text) {
			to.WriteString(text)
			return to.String()
		}
		to.WriteString(text[:at])
		if text = text[at:]; strings.HasPrefix(text, escapedNUL) {
			to.WriteString(forEscaped)
			text = text[len(escapedNUL):]
			continue
		}
		to.WriteString(text[:2])
		text = text[2:]
	}
}

var asGiven = strings.NewReplacer(forNUL, "\x00", forEscaped, escapedNUL)

// Given is a text as it was given to be stored.
func Given(text string) string {
	if !strings.Contains(text, "\U0010FFFF"[:3]) {
		return text
	}
	return asGiven.Replace(text)
}
