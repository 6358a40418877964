package api

import (
	"net/http"
	"strings"
)

// version is the version of the API, not of the program; every part is a
// string.
type version struct {
	Major string `json:"major"`
	Minor string `json:"minor"`
	Patch string `json:"patch"`
	Links []link `json:"links"`
}

type link struct {
	Href string `json:"href"`
	Rel  string `json:"rel"`
}

// The version of the v2 contract that is served, as clients compare it; that of
// the program is among the capabilities.
const (
	contractMajor = "2"
	contractMinor = "50"
	contractPatch = "0"
)

// versionOf is the version with the links that go with it: self is the list of
// versions, as in the original, and versions, where they are asked for, is v2.
func versionOf(r *http.Request, details bool) version {
	root := rootOf(r)
	v := version{Major: contractMajor, Minor: contractMinor, Patch: contractPatch, Links: []link{{Href: root + "/", Rel: "self"}}}
	if details {
		v.Links = append(v.Links, link{Href: root + "/v2", Rel: "versions"})
	}
	return v
}

// rootOf is the address of the API as the client reaches it: with the scheme that
// a proxy in front was asked by, and with the prefix that the gateway of CSM serves
// the API at and takes away before it passes a request on.
func rootOf(r *http.Request) string {
	scheme := "http"
	switch proto := strings.ToLower(r.Header.Get("X-Forwarded-Proto")); {
	case proto == "http" || proto == "https":
		scheme = proto
	case r.TLS != nil:
		scheme = "https"
	}
	base := baseOf(r)
	if base == "" && r.Header.Get("X-Forwarded-For") != "" {
		base = basePath
	}
	return scheme + "://" + r.Host + base
}

func (s *server) getVersions(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, http.StatusOK, []version{v1VersionOf(r, false), versionOf(r, false)})
}

func (s *server) getVersion(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, http.StatusOK, versionOf(r, true))
}
