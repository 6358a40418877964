// Package report is the agent in a node that tells BOS what the node has booted: who
// it is and which boot parameters it was given are on its kernel's command line. It
// is for images that have no state reporter, and small enough for an initrd.
package report

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// The words that are looked for on the kernel's command line, and in a file. The
// first three are written by whoever makes boot scripts, and the fourth by BOS into
// the parameters of every image.
const (
	WordXname     = "xname"
	WordToken     = "bss_referral_token" //nolint:gosec // the name of one
	WordNodeToken = "bos_node_token"     //nolint:gosec // the name of one
	WordFrequency = "bos_update_frequency"
	// WordAPI is the address of BOS, the prefix before /v2.
	WordAPI = "bos_api"
	// WordCAFile and WordTokenFile name files in the node: certificates that the
	// one of BOS is checked by, and a bearer token.
	WordCAFile    = "bos_ca_file"
	WordTokenFile = "bos_token_file" //nolint:gosec // the name of one
)

// Settings are what a report is made of.
type Settings struct {
	// API is the address of BOS, the prefix before /v2.
	API string
	// Xname is the node, Token its referral token: what it booted.
	Xname, Token string
	// NodeToken proves that the node is this xname; empty where BOS hands none out.
	NodeToken string
	// TokenFile has a bearer token, for an API behind a gateway. It is read again
	// for each report. CAFile has certificates; empty is those of the system.
	TokenFile, CAFile string
	// Frequency is how old a report may become before BOS forgets it.
	Frequency time.Duration
}

// defaultFrequency is that of BOS: option component_actual_state_ttl.
const defaultFrequency = 4 * time.Hour

// The bounds of a frequency: BOS has hours at least.
const (
	minFrequency = time.Minute
	maxFrequency = 365 * 24 * time.Hour
)

// ErrSettings is why there is nothing that could be reported, or nobody to report to.
var ErrSettings = errors.New("cannot report")

// sources are where settings are looked for, the first that has one wins.
type sources []func(word string) string

// find is the value of a word, empty for none.
func (s sources) find(word string) string {
	for _, source := range s {
		if value := source(word); value != "" {
			return value
		}
	}
	return ""
}

// variables are the names of the words in the environment. NODE_IDENTITY is what the
// reporter of CSM takes.
var variables = map[string][]string{
	WordXname:     {"BOS_XNAME", "NODE_IDENTITY"},
	WordToken:     {"BOS_REFERRAL_TOKEN"},
	WordNodeToken: {"BOS_NODE_TOKEN"},
	WordFrequency: {"BOS_UPDATE_FREQUENCY"},
	WordAPI:       {"BOS_API"},
	WordCAFile:    {"BOS_CA_FILE"},
	WordTokenFile: {"BOS_TOKEN_FILE"},
}

// environment looks words up in the environment.
func environment(get func(string) string) func(string) string {
	return func(word string) string {
		for _, name := range variables[word] {
			if value := get(name); value != "" {
				return value
			}
		}
		return ""
	}
}

// maxWords bounds what is read of a command line or a file.
const maxWords = 64 << 10

// words reads the words of a file; one that does not exist has none.
func words(path string) (func(string) string, error) {
	f, err := os.Open(path) //nolint:gosec // whoever starts the program names it
	if errors.Is(err, os.ErrNotExist) {
		return func(string) string { return "" }, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxWords+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(text) > maxWords {
		return nil, fmt.Errorf("%s has more than %d bytes; it should hold words such as xname=x3000c0s1b0n0", path, maxWords)
	}
	found := parseWords(string(text))
	return func(word string) string { return found[word] }, nil
}

// parseWords reads name=value words as the kernel does: spaces between double quotes
// part none. Of a name that is there twice the first counts, as it does for the
// reporter of CSM: who makes boot scripts puts the node's identity before what
// templates say. A line that begins with # is a comment.
func parseWords(text string) map[string]string {
	found := make(map[string]string)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		quoted := false
		for _, word := range strings.FieldsFunc(line, func(r rune) bool {
			if r == '"' {
				quoted = !quoted
			}
			return !quoted && (r == ' ' || r >= '\t' && r <= '\r')
		}) {
			name, value, _ := strings.Cut(strings.ReplaceAll(word, `"`, ""), "=")
			if _, twice := found[name]; !twice {
				found[name] = value
			}
		}
	}
	return found
}

// settings are what the sources have, checked.
func (s sources) settings() (Settings, error) {
	made := Settings{
		API: s.find(WordAPI), Xname: s.find(WordXname), Token: s.find(WordToken), NodeToken: s.find(WordNodeToken),
		TokenFile: s.find(WordTokenFile), CAFile: s.find(WordCAFile),
	}
	var err error
	if made.Frequency, err = frequency(s.find(WordFrequency)); err != nil {
		return made, err
	}
	return made, made.check()
}

// check says which setting is missing or wrong, and normalises the address.
func (s *Settings) check() error {
	switch {
	case s.Xname == "":
		return fmt.Errorf("%w: nothing says which node this is; boot scripts of BOS and BSS have xname= on the kernel's command line, else use --xname", ErrSettings)
	case s.Token == "":
		return fmt.Errorf("%w: nothing says what this node has booted; boot scripts of BOS and BSS have bss_referral_token= on the kernel's command line: was this node booted by another one, or from a disk?", ErrSettings)
	case s.API == "":
		return fmt.Errorf("%w: nothing says where BOS is; add bos_api=http://ADDRESS:PORT to the kernel parameters of the template, or to the file of --config, or use --api", ErrSettings)
	case len(s.Xname) > maxWord || len(s.Token) > maxWord || len(s.NodeToken) > maxWord:
		return fmt.Errorf("%w: xname or token have more than %d bytes, and are none", ErrSettings, maxWord)
	}
	if !strings.Contains(s.API, "://") {
		s.API = "http://" + s.API
	}
	u, err := url.Parse(s.API)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%w: %s %.100q is no address such as http://10.1.0.1:8771; leave out what comes after the prefix before /v2, and users", ErrSettings, WordAPI, hideUser(s.API))
	}
	s.API = strings.TrimRight(u.String(), "/")
	if s.TokenFile != "" && u.Scheme == "http" && !loopback(u.Hostname()) {
		return fmt.Errorf("%w: the bearer token of %s would go over plain http to %s; use https, or leave %s out", ErrSettings, s.TokenFile, u.Host, WordTokenFile)
	}
	return nil
}

// maxWord bounds a name or a token: the kernel keeps 2 KiB of its whole line.
const maxWord = 1024

// hideUser leaves a user and a password out of an address.
func hideUser(address string) string {
	if at := strings.LastIndex(address, "@"); at >= 0 {
		return "..." + address[at:]
	}
	return address
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

var units = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// frequency reads an age such as 4h, as options of BOS have it.
func frequency(text string) (time.Duration, error) {
	if text == "" {
		return defaultFrequency, nil
	}
	number, unit := text[:len(text)-1], strings.ToLower(text[len(text)-1:])
	n, err := strconv.Atoi(number)
	of, known := units[unit]
	if err != nil || !known || n < 1 || n > int(maxFrequency/time.Second) {
		return 0, fmt.Errorf("%w: %s %.40q is no time such as 4h", ErrSettings, WordFrequency, text)
	}
	if n > int(maxFrequency/of) {
		return maxFrequency, nil
	}
	return max(time.Duration(n)*of, minFrequency), nil
}
