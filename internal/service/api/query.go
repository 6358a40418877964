package api

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

// queryText is a parameter of 1 to limit characters, empty if it is absent.
func queryText(q url.Values, name string, limit int) (string, error) {
	if !q.Has(name) {
		return "", nil
	}
	value := q.Get(name)
	if value == "" {
		return "", bos.Invalidf("query parameter "+name, "is empty; leave it out instead")
	}
	if n := utf8.RuneCountInString(value); n > limit {
		return "", bos.Invalidf("query parameter "+name, "has %d characters, at most %d are allowed", n, limit)
	}
	return value, nil
}

// queryName is the name of a template or session.
func queryName(q url.Values, name string) (string, error) {
	value, err := queryText(q, name, bos.MaxName)
	if err == nil && value != "" && !bos.ValidName(value) {
		return "", bos.Invalidf("query parameter "+name, "%q is no name; use %s", clip(value), bos.NameRule)
	}
	return value, err
}

// queryBool reads true or false in either case; nil if it is absent.
func queryBool(q url.Values, name string) (*bool, error) {
	if !q.Has(name) {
		return nil, nil //nolint:nilnil // absent is an answer
	}
	var value bool
	switch strings.ToLower(q.Get(name)) {
	case "true":
		value = true
	case "false":
	default:
		return nil, bos.Invalidf("query parameter "+name, "%q is neither true nor false", clip(q.Get(name)))
	}
	return &value, nil
}

// queryInt reads a whole number; absent is what is taken if it is absent.
func queryInt(q url.Values, name string, absent, least, most int) (int, error) {
	if !q.Has(name) {
		return absent, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < least || n > most {
		return 0, bos.Invalidf("query parameter "+name, "%q is no whole number from %d to %d", clip(q.Get(name)), least, most)
	}
	return n, nil
}

// queryAge reads an age; given tells an age of zero from none.
func queryAge(q url.Values, name string) (age time.Duration, given bool, err error) {
	if !q.Has(name) {
		return 0, false, nil
	}
	age, err = bos.ParseAge(q.Get(name))
	if err != nil {
		return 0, false, bos.Invalidf("query parameter "+name, "%s", err)
	}
	return age, true, nil
}
