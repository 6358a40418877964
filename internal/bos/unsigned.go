package bos

import (
	"net/url"
	"regexp"
	"strings"
)

// signedURL is an address in a text: its scheme, who it names as user, the rest, and
// its query or fragment.
var signedURL = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^\s/?#]*@)?([^\s?#]*)([?#]\S*)?`)

// Hidden stands where Unsigned left something out.
const Hidden = "[hidden]"

// Unsigned is a text in which the addresses have no users, passwords, queries and
// fragments: what is signed for a time, or has a password, is for whoever loads it,
// and not for states, plans and logs.
func Unsigned(text string) string {
	return signedURL.ReplaceAllStringFunc(text, func(address string) string {
		m := signedURL.FindStringSubmatch(address)
		public := m[1] + m[3]
		if m[2] != "" {
			public = m[1] + Hidden + "@" + m[3]
		}
		if m[4] != "" {
			public += m[4][:1] + Hidden
		}
		return public
	})
}

// CheckImagePath refuses what cannot be asked about: a path that is none, or that
// holds a secret, which is not repeated. Which paths can be read, only the sources of
// images know.
func CheckImagePath(path string) error {
	if path == "" {
		return Invalidf("path", "is missing; give the path of the image's manifest, such as s3://boot-images/ID/manifest.json")
	}
	if len(path) > maxBootPath {
		return Invalidf("path", "has %d characters, at most %d are allowed", len(path), maxBootPath)
	}
	u, err := url.Parse(path)
	switch {
	case err != nil:
		return Invalidf("path", "is no address; write it like s3://boot-images/ID/manifest.json")
	case u.User != nil || strings.ContainsAny(path, "?#"):
		return Invalidf("path", "has a user, a query or a fragment, which no template can have: write the plain address, without what signs it")
	}
	return nil
}
