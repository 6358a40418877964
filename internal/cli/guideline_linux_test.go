package cli

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgrestest"
)

// typed is a command of a guide, and where it is typed.
type typed struct{ host, text string }

// block is what a guide has somebody do: files to write, or commands.
type block struct {
	language, text string
	done           bool
}

// guideline follows a guide on machines that are folders and addresses of this one.
type guideline struct {
	t        *testing.T
	file     string
	sections map[string][]*block
	root     string
	shims    string
	// addresses are those of the names in the guide.
	addresses map[string]string
	socket    string
	database  string
	password  string
	// drives is the part of the settings that the guide takes as there.
	drives   string
	machines map[string]*process
	// balanced is the load balancer, once it runs.
	balanced string
	tokens   map[string]string
	// said is what commands of the section have printed, by their names.
	said map[string][]string
	// before is called with each command, and may change where it is typed.
	before func(*typed)
}

// shims do for one user of one machine what the guide has several do.
var shims = map[string]string{
	"bos":     `BOS_TEST_AS_COMMAND=1 exec "$BOS_TEST_PROGRAM" "$@"`,
	"runuser": `if [ "$2" = postgres ]; then export PGUSER=postgres; fi; shift 3; exec "$@"`,
	"chown":   `exec test -e "$2"`,
	"chgrp":   `shift; for f; do test -e "$f"; done`,
	"install": `exec /usr/bin/install "$1" "$2" "${@:5}"`,
	// The machine is the last number of its address, its root is beside that of this one.
	"scp": `shift; to=${*: -1}; n=${to%%:*}; n=${n##*.}; to=$(echo "${to#*:}" | sed "s|^$BOS_TEST_ROOT/[^/]*|$BOS_TEST_ROOT/bos$n|")
for f in "${@:1:$#-1}"; do cp -p "$f" "$to"; done
sed -i "s|$BOS_TEST_ROOT/bos1/|$BOS_TEST_ROOT/bos$n/|g; s|^\(listen: 127[0-9.]*\)\.1:|\1.$n:|" "$to"* 2>/dev/null || true`,
}

var (
	heading = regexp.MustCompile(`(?m)^## (.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	named   = regexp.MustCompile(`^# (/\S+) on (\S+)\n`)
	prompt  = regexp.MustCompile(`^([a-z]+[0-9N]?)[#$] (.*)$`)
)

// following reads a guide, and starts a PostgreSQL as Debian's package has one running.
func following(t *testing.T, file string) *guideline {
	t.Helper()
	postgrestest.Skip(t)
	for program, from := range map[string]string{"haproxy": "haproxy", "curl": "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("the guide is not followed: %s is not on PATH; the package %s has it", program, from)
		}
	}
	g := &guideline{
		t: t, file: file, sections: map[string][]*block{}, root: t.TempDir(), shims: t.TempDir(), password: "a long password of the guide",
		machines: map[string]*process{}, tokens: map[string]string{}, said: map[string][]string{},
	}
	text := read(t, file)
	at := heading.FindAllStringSubmatchIndex(text, -1)
	for i, h := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		for _, m := range fenced.FindAllStringSubmatch(text[h[1]:end], -1) {
			g.sections[text[h[2]:h[3]]] = append(g.sections[text[h[2]:h[3]]], &block{language: m[1], text: m[2]})
		}
	}
	// Each run has addresses of its own, so that ports are those of the guide.
	pid := os.Getpid()
	address := func(n int) string { return fmt.Sprintf("127.%d.%d.%d", 65+pid>>8%128, pid%256, n) }
	g.addresses = map[string]string{
		"bos1.example": address(1), "bos2.example": address(2), "bos3.example": address(3), "bos.example": address(10), "db1.example": address(11), "db2.example": address(12),
	}
	for name, text := range shims {
		if err := os.WriteFile(filepath.Join(g.shims, name), []byte("#!/bin/bash\nset -e\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g.prepare()
	return g
}

// prepare makes what the guide takes as there: folders, certificates, a PostgreSQL.
func (g *guideline) prepare() {
	g.t.Helper()
	for host := range g.services() {
		for _, dir := range []string{"/etc/bos", "/var/lib/bos"} {
			g.write(g.path(host, dir+"/.there"), "")
		}
	}
	for _, dir := range []string{"/etc/haproxy", "/var/backups"} {
		g.write(g.path("lb", dir+"/.there"), "")
		g.write(g.path("db1", dir+"/.there"), "")
	}
	cert, key := g.certificate(slices.Collect(maps.Values(g.addresses))...)
	for path, text := range map[string]string{
		g.path("bos1", "/etc/bos/tls.crt"): cert, g.path("bos1", "/etc/bos/tls.key"): key, g.path("admin", "/bos-ca.pem"): cert,
		g.path("lb", "/etc/haproxy/bos-ca.pem"): cert, g.path("monitor", "/etc/prometheus/bos-ca.pem"): cert,
		g.path("monitor", "/etc/prometheus/bos.rules.yaml"): read(g.t, repository+"examples/observability/bos.rules.yaml"),
	} {
		g.write(path, text)
	}
	g.startDatabase()
}

// certificate is one that signs itself for addresses.
func (g *guideline) certificate(addresses ...string) (cert, key string) {
	g.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		g.t.Fatal(err)
	}
	is := &x509.Certificate{Subject: pkix.Name{CommonName: "bos.example"}, SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	for _, address := range addresses {
		is.IPAddresses = append(is.IPAddresses, net.ParseIP(address))
	}
	der, err := x509.CreateCertificate(rand.Reader, is, is, private.Public(), private)
	if err != nil {
		g.t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

// startDatabase starts a PostgreSQL with TLS, whose superuser is postgres.
func (g *guideline) startDatabase() {
	g.t.Helper()
	cert, key := g.certificate(g.addresses["db1.example"])
	g.write(g.path("bos1", "/etc/bos/database-ca.pem"), cert)
	dir, err := os.MkdirTemp("", "bospgtls") // others than the user of the test read it
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = os.RemoveAll(dir) }) // temporary files
	if os.Getuid() == 0 {
		if err := os.Chown(dir, postgrestest.Unprivileged, postgrestest.Unprivileged); err != nil {
			g.t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"cert": cert, "key": key} {
		g.write(filepath.Join(dir, name), text)
		if os.Getuid() == 0 {
			if err := os.Chown(filepath.Join(dir, name), postgrestest.Unprivileged, postgrestest.Unprivileged); err != nil {
				g.t.Fatal(err)
			}
		}
	}
	server, err := postgrestest.Start(append(slices.Clone(postgrestest.Settings),
		"listen_addresses="+g.addresses["db1.example"], "ssl=on", "ssl_cert_file="+filepath.Join(dir, "cert"), "ssl_key_file="+filepath.Join(dir, "key"))...)
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		if err := server.Close(); err != nil {
			g.t.Error(err)
		}
	})
	for _, program := range []string{"createuser", "createdb", "pg_dump", "pg_restore", "psql"} {
		if err := os.Symlink(filepath.Join(postgrestest.Programs(), program), filepath.Join(g.shims, program)); err != nil {
			g.t.Fatal(err)
		}
	}
	is, err := url.Parse(server.Schema(g.t))
	if err != nil {
		g.t.Fatal(err)
	}
	g.socket = is.Query().Get("host")
	g.sql("bos", "CREATE ROLE postgres SUPERUSER LOGIN")
	g.sql("postgres", "ALTER ROLE bos RENAME TO installed")
	// Nobody but postgres comes in, and on this machine alone.
	g.database = g.sql("postgres", "SHOW hba_file")
	if err := os.WriteFile(g.database, []byte("local all postgres trust\n"), 0o644); err != nil {
		g.t.Fatal(err)
	}
}

// sql runs a statement as one of the users that PostgreSQL trusts.
func (g *guideline) sql(user, statement string) (answer string) {
	g.t.Helper()
	conn, err := pgx.Connect(g.t.Context(), "postgres://"+user+"@/postgres?host="+url.QueryEscape(g.socket))
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close(g.t.Context()) //nolint:errcheck // the test is over
	rows, err := conn.Query(g.t.Context(), statement)
	if err != nil {
		g.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&answer); err != nil {
			g.t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		g.t.Fatalf("%s: %v", statement, err)
	}
	return answer
}

// reloadDatabase has PostgreSQL read the line that the guide adds.
func (g *guideline) reloadDatabase() {
	g.t.Helper()
	added := read(g.t, g.path("db1", "/etc/postgresql/15/main/pg_hba.conf"))
	if err := os.WriteFile(g.database, []byte("local all postgres trust\n"+added), 0o644); err != nil {
		g.t.Fatal(err)
	}
	g.sql("postgres", "SELECT pg_reload_conf()::text")
}

// follow does all that a section has somebody do.
func (g *guideline) follow(section string) {
	g.t.Helper()
	began := time.Now()
	defer func() { g.t.Logf("%s: %s", section, time.Since(began).Round(100*time.Millisecond)) }()
	if len(g.sections[section]) == 0 {
		g.t.Fatalf("%s has nothing to do under %q", g.file, section)
	}
	g.said = map[string][]string{}
	for _, b := range g.sections[section] {
		b.done = true
		if b.language != "console" {
			g.place(b.text)
			continue
		}
		for line := range strings.Lines(b.text) {
			m := prompt.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if m == nil {
				g.t.Fatalf("%s: nobody knows where this is typed: %s", g.file, line)
			}
			hosts := []string{m[1]}
			if strings.HasSuffix(m[1], "N") {
				hosts = slices.Sorted(maps.Keys(g.services()))
			}
			for _, host := range hosts {
				g.do(&typed{host, m[2]})
			}
		}
	}
}

// place writes a file, which says itself where it is. The settings are added to what
// drives the site.
func (g *guideline) place(text string) {
	g.t.Helper()
	m := named.FindStringSubmatch(text)
	if m == nil {
		g.t.Fatalf("%s: nobody knows where this file is:\n%s", g.file, text)
	}
	text = g.here(m[2], strings.TrimPrefix(text, m[0]))
	if strings.HasSuffix(m[1], "/bos.yaml") {
		text = g.drives + text
	}
	g.write(g.path(m[2], m[1]), text)
}

// do types a command.
func (g *guideline) do(c *typed) {
	g.t.Helper()
	if g.before != nil {
		g.before(c)
	}
	_, program, ofUser := strings.Cut(c.text, " -- ")
	if !ofUser {
		program = c.text
	}
	words := strings.Fields(program)
	switch {
	case words[0] == "systemctl":
		g.systemctl(c.host, strings.TrimPrefix(program, "systemctl "))
		return
	case words[0] == "bos" && slices.Contains(words, "--hold"):
		g.hold(c.host, strings.TrimPrefix(program, "bos "))
		return
	}
	if _, err := exec.LookPath(words[0]); err != nil && words[0] == "promtool" {
		g.t.Logf("not tried, as there is no promtool: %s", c.text)
		return
	}
	out := g.bash(c.host, c.text)
	name := words[0]
	switch {
	case strings.Contains(program, "curl "):
		name = "curl"
	case name == "bos":
		name = words[1]
	}
	g.said[name] = append(g.said[name], out)
	g.noted(c.host, words, strings.TrimSpace(out))
}

// noted does what the guide says beside its commands: a token goes into a file of its
// client, and the password into the file that was made for it.
func (g *guideline) noted(host string, words []string, out string) {
	g.t.Helper()
	if len(words) > 3 && words[1] == "token" {
		g.tokens[words[3]] = out
		g.write(g.path("admin", "/"+words[3]+".token"), out+"\n")
		g.write(g.path("monitor", "/etc/prometheus/"+words[3]+".token"), out+"\n")
	}
	if words[0] == "install" && strings.HasSuffix(words[len(words)-1], "/database-password") {
		g.write(g.path(host, "/etc/bos/database-password"), g.password+"\n")
	}
}

// all fails for what the guide has somebody do and was not done.
func (g *guideline) all() {
	g.t.Helper()
	for section, blocks := range g.sections {
		for _, b := range blocks {
			if !b.done {
				g.t.Errorf("under %q nobody tried\n%s", section, b.text)
			}
		}
	}
}
