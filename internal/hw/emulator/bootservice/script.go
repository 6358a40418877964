package bootservice

import (
	"fmt"
	"html"
	"net"
	"strconv"
	"strings"
	"time"
)

// cacheFor is how long a script is handed out again that was made of a
// configuration named default; those of others never are.
const cacheFor = 5 * time.Minute

// cacheable is the name of the configurations whose scripts are kept.
const cacheable = "default"

type kept struct {
	script string
	until  time.Time
}

// escaped is how what a configuration holds arrives in a script: written for HTML.
func escaped(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "+", "&#43;")
}

// Script is the iPXE script of whoever asks by an xname, a MAC address or a number.
func (s *Service) Script(identifier string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.cache[identifier]; ok && s.now().Before(k.until) {
		return k.script
	}
	n, known := s.find(identifier)
	if !known {
		return "#!ipxe\n# Error: node not found for identifier " + identifier + "\necho Boot script generation failed\nhalt\n"
	}
	c := choose(s.configurations, n)
	if c == nil {
		return "#!ipxe\necho no configuration available for " + identifier + "\ndhcp\nboot\n"
	}
	text := script(c, n)
	if c.Name == cacheable || c.Name == "" {
		s.cache[identifier] = kept{text, s.now().Add(cacheFor)}
	}
	return text
}

func script(c *Configuration, n Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#!ipxe\n# Configuration: %s\ndhcp\nset kernel %s\n", escaped(c.Name), escaped(c.Spec.Kernel))
	if c.Spec.Initrd != "" {
		fmt.Fprintf(&b, "set initrd %s\n", escaped(c.Spec.Initrd))
	}
	params := withBootIF(c.Spec.Params, n.BootMAC)
	if params != "" {
		fmt.Fprintf(&b, "set params %s\n", escaped(params))
	}
	b.WriteString("kernel ${kernel} ${params}\n")
	if c.Spec.Initrd != "" {
		b.WriteString("initrd ${initrd}\n")
	}
	b.WriteString("boot\n")
	return b.String()
}

func withBootIF(params, mac string) string {
	address, err := net.ParseMAC(mac)
	if err != nil || strings.Contains(params, "BOOTIF=") {
		return params
	}
	return strings.TrimSpace(params + " BOOTIF=01-" + strings.ReplaceAll(address.String(), ":", "-"))
}

// find is the node of an identifier. The caller holds the mutex.
func (s *Service) find(identifier string) (Node, bool) {
	for _, n := range s.nodes() {
		if n.XName == identifier || strings.EqualFold(n.BootMAC, identifier) && n.BootMAC != "" {
			return n, true
		}
		if nid, err := strconv.ParseInt(identifier, 10, 32); err == nil && int32(nid) == n.NID {
			return n, true
		}
	}
	return Node{}, false
}
