package cli

import (
	"strconv"
	"strings"
	"unicode"
)

// oneLine is text of which a terminal makes one line.
func oneLine(text string) string {
	return Plain(strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(text))
}

// Plain is text for a terminal: what came from files or from elsewhere could move the
// cursor, hide what follows, or run what it names. Whatever does not print is escaped; line ends
// and tabs stay.
func Plain(text string) string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(text, string(unicode.ReplacementChar)) {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}
