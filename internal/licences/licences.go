// Package licences says under which licences a text gives something away. It is for the
// test that looks at the modules this program is linked with.
package licences

import (
	"slices"
	"strings"
	"unicode"
)

// The names are those of SPDX, where it has one.
const (
	apache    = "Apache-2.0"
	bsd2      = "BSD-2-Clause"
	bsd3      = "BSD-3-Clause"
	isc       = "ISC"
	mit       = "MIT"
	mpl       = "MPL-2.0"
	sqlite    = "public domain (SQLite)"
	unlicense = "Unlicense"
)

// allowed are those that a program under the MPL-2.0 may be linked with and given away as
// a binary, with nothing more to do than to name them.
var allowed = []string{apache, bsd2, bsd3, isc, mit, mpl, sqlite, unlicense}

// Allowed reports whether the program may be linked with what has this licence.
func Allowed(licence string) bool { return slices.Contains(allowed, licence) }

// known are the sentences that only a licence, and no mention of it, has all of. Those
// that are not allowed are here to be named.
var known = []struct {
	name      string
	sentences []string
	without   string
}{
	{name: apache, sentences: []string{"apache license version 2 0", "terms and conditions for use reproduction and distribution", "grant of patent license"}},
	{name: apache, sentences: []string{"licensed under the apache license version 2 0", "you may obtain a copy of the license at"}},
	{name: bsd2, sentences: bsd, without: "neither the name"},
	{name: bsd3, sentences: append([]string{"neither the name"}, bsd...)},
	{name: isc, sentences: []string{"permission to use copy modify and or distribute this software for any purpose with or without fee is hereby granted", "the author disclaims all warranties"}},
	{name: isc, sentences: []string{"permission to use copy modify and distribute this software for any purpose with or without fee is hereby granted", "the author disclaims all warranties"}},
	{name: mit, sentences: []string{"permission is hereby granted free of charge to any person obtaining a copy", "the software is provided as is without warranty of any kind"}},
	{name: mpl, sentences: []string{"mozilla public license version 2 0", "covered software is provided under this license on an as is basis"}},
	{name: sqlite, sentences: []string{"all of the code and documentation in sqlite has been dedicated to the public domain by the authors"}},
	{name: unlicense, sentences: []string{"this is free and unencumbered software released into the public domain", "anyone is free to copy modify publish use compile sell or distribute this software"}},
	{name: "GPL, LGPL or AGPL", sentences: []string{"everyone is permitted to copy and distribute verbatim copies of this license document"}},
	{name: "BUSL-1.1", sentences: []string{"business source license", "change date"}},
	{name: "SSPL-1.0", sentences: []string{"server side public license"}},
	{name: "EPL", sentences: []string{"eclipse public license", "contributor"}},
	{name: "CDDL", sentences: []string{"common development and distribution license"}},
	{name: "Commons Clause", sentences: []string{"commons clause", "right to sell the software"}},
	{name: "BSD-4-Clause", sentences: []string{"all advertising materials mentioning features or use of this software must display"}},
}

var bsd = []string{"redistribution and use in source and binary forms with or without modification are permitted", "redistributions in binary form must reproduce the above copyright notice"}

// Of are the licences that a text holds, each once; none where it holds no known one.
func Of(text string) (names []string) {
	text = plain(text)
	for _, k := range known {
		missing := func(sentence string) bool { return !strings.Contains(text, sentence) }
		if !slices.ContainsFunc(k.sentences, missing) && (k.without == "" || missing(k.without)) && !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	return names
}

// plain is a text without what copies of a licence differ in: case, lines, marks of
// comments and of quotations.
func plain(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(words, " ")
}
