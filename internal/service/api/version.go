package api

import "net/http"

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

func versionOf(r *http.Request) version {
	base := baseOf(r)
	return version{Major: "2", Minor: "0", Patch: "0", Links: []link{
		{Href: base + "/v2", Rel: "self"},
		{Href: base + "/", Rel: "versions"},
	}}
}

func (s *server) getVersions(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, http.StatusOK, []version{versionOf(r)})
}

func (s *server) getVersion(w http.ResponseWriter, r *http.Request) error {
	return s.answer(w, http.StatusOK, versionOf(r))
}
