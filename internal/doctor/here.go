package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/bootorch/terraform-provider-bos/internal/assembly"
	"github.com/bootorch/terraform-provider-bos/internal/hw/transport"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/postgres"
	"github.com/bootorch/terraform-provider-bos/internal/service/store/sqlite"
)

// Room on the disk below which it is worth a word, and below which work stops soon.
const (
	littleRoom = 1 << 30
	noRoom     = 100 << 20
)

// database looks at the file, its folder, the room there and the version.
func (d *doctor) database(ctx context.Context, s *section) {
	const what = "database"
	if postgres.Is(d.Database) {
		d.postgres(ctx, s, what)
		return
	}
	path := d.Database
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case err != nil:
		s.bad(what, path, fmt.Sprintf("its folder cannot be used: %v", err), "make the folder, owned by the user of the service")
		return
	case !info.IsDir():
		s.bad(what, path, folder+" is no folder", "correct database")
		return
	case !writable(folder):
		s.warn(what, path, "this user may not write in its folder "+folder, "run the check as the user of the service (runuser -u bos --), which must own the folder")
	}
	if free, remote, ok := room(folder); ok {
		switch {
		case remote:
			s.bad(what, path, "it is on a file system of the network, on which SQLite's locks do not hold", "move it to a local disk")
		case free < noRoom:
			s.bad(what, path, fmt.Sprintf("there are %d MiB left on its disk", free>>20), "make room: without it nothing is acted on")
		case free < littleRoom:
			s.warn(what, path, fmt.Sprintf("there are %d MiB left on its disk", free>>20), "make room for its growth, and for the backup before an upgrade")
		}
	}
	info, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.ok(what, path, "it is made when the service starts first")
		return
	}
	if err != nil {
		s.bad(what, path, err.Error(), "let the user of the service read and write it")
		return
	}
	if info.Mode().Perm()&0o007 != 0 {
		s.warn(what, path, fmt.Sprintf("its permissions are %#o, so others than its owner read the tokens in it", info.Mode().Perm()), "chmod 0600")
	}
	v, err := sqlite.Versions(ctx, path)
	switch {
	case err != nil:
		s.failed(what, path, err)
	case v.From > v.To:
		s.bad(what, path, fmt.Sprintf("it has version %d, newer than the %d of this program", v.From, v.To), "use the newer program, or the backup that it made before it upgraded")
	case v.From < v.To:
		s.ok(what, path, "it has version %d and is upgraded to %d when the service starts, after a backup beside it", v.From, v.To)
	default:
		s.ok(what, path, "it has the version of this program, %d", v.To)
	}
}

// postgres looks at a PostgreSQL, its version and what the user may do there.
func (d *doctor) postgres(ctx context.Context, s *section, what string) {
	var password func() (string, error)
	if source := d.Commanded(d.DatabasePassword()); !source.Empty() {
		password = source.Cached()
	}
	f, err := postgres.Look(ctx, d.Database, password)
	if err != nil {
		s.failed(what, f.Address, err)
		return
	}
	if f.Server < postgres.MinServer {
		s.warn(what, f.Address, fmt.Sprintf("it is PostgreSQL %d, and this program is tried with %d and newer", f.Server/10000, postgres.MinServer/10000), "upgrade it")
	}
	if !f.Durable {
		s.warn(what, f.Address, "no standby is waited for (synchronous_standby_names), so what was acknowledged last may be lost in a failover",
			"wait for one, if the database has standbys")
	}
	switch {
	case f.From > f.To:
		s.bad(what, f.Address, fmt.Sprintf("its tables have version %d, newer than the %d of this program", f.From, f.To), "use the newer program")
	case f.From < f.To && !f.MayCreate:
		s.bad(what, f.Address, "this user may make no tables in it", "let the user own the database or its schema")
	case f.From == 0:
		s.ok(what, f.Address, "its tables are made when the service starts first")
	case f.From < f.To:
		s.ok(what, f.Address, "its tables have version %d and are upgraded to %d when the service starts; back it up before", f.From, f.To)
	default:
		s.ok(what, f.Address, "its tables have the version of this program, %d", f.To)
	}
}

func writable(folder string) bool {
	f, err := os.CreateTemp(folder, ".bos-check-*")
	if err != nil {
		return false
	}
	return errors.Join(f.Close(), os.Remove(f.Name())) == nil
}

// auth reads what says who may ask, as the service does when it starts.
func (d *doctor) auth(_ context.Context, s *section) {
	if a := d.Auth; a.TokensFile == "" && len(a.OIDC) == 0 && len(a.Certificates) == 0 {
		return
	}
	if err := assembly.CheckAuth(d.Auth); err != nil {
		s.failed("auth", "", err)
		return
	}
	s.ok("auth", "", "tokens, certificates and issuers can be read; issuers of tokens are asked for their keys when the first token comes")
}

// scripts looks at the address for nodes, and at what they are told of it.
func (d *doctor) scripts(ctx context.Context, s *section) {
	if at := d.Report.Listen; at != "" {
		d.address(ctx, s, "report.listen", at, place{"http", "/v2/components/bos-check"}, "reports are taken there already")
	}
	b := d.BootParameters.Builtin
	if b == nil {
		return
	}
	const what = "boot_parameters.builtin"
	if err := d.parts.Faults["boot_parameters.builtin"]; err != nil {
		s.failed(what, "", err)
	}
	if b.Listen == "" {
		s.warn(what+".listen", "", "it is not set, so scripts are served at the address of the API alone", "set it to an address on the network of the nodes, such as 10.1.0.1:8771")
	} else {
		d.address(ctx, s, what+".listen", b.Listen, place{"http", "/boot/v1/bootscript?name=bos-check"}, "boot scripts are served there already")
	}
	for name, at := range map[string]string{what + ".url": b.URL, what + ".artifacts_url": b.ArtifactsURL} {
		if at == "" {
			continue
		}
		if strings.HasSuffix(name, ".url") {
			at += "/bootscript?name=bos-check"
		}
		if err := answers(ctx, at); err != nil {
			s.warn(name, transport.Address(at), err.Error(), "nodes are sent there: start the service, or what is there, and check again; else correct it")
			continue
		}
		s.ok(name, transport.Address(at), "it answers")
	}
}

// answers is why nobody answers at an address; nil if anybody does.
func answers(ctx context.Context, at string) error {
	client := asker()
	defer client.Close()
	res, err := client.Do(ctx, transport.Request{Method: http.MethodGet, URL: at})
	if res != nil {
		return nil // whatever it says, it is there
	}
	return err
}

func asker() *transport.Client {
	return transport.New(transport.Config{Upstream: "the server there"}, transport.NewConn(transport.ConnConfig{MaxIdle: 1}))
}

// named looks at the names by which this service is asked.
func (d *doctor) named(ctx context.Context, s *section) {
	for _, name := range d.Names {
		d.resolves(ctx, s, "names", name)
	}
	reached := map[string]string{"inventory.notifications": d.Inventory.Notifications}
	if r := d.Power.Redfish; r != nil {
		reached["power.redfish.events"] = r.Events
	}
	for what, at := range reached {
		u, err := url.Parse(at)
		if at == "" || err != nil {
			continue
		}
		if u.Scheme == "http" && what == "power.redfish.events" {
			s.warn(what, at, "it is http, and many BMCs send events to https only", "put a proxy with a certificate in front, and name its address")
		}
		if net.ParseIP(u.Hostname()) == nil {
			d.resolves(ctx, s, what, u.Hostname())
		}
	}
}

func (d *doctor) resolves(ctx context.Context, s *section, what, name string) {
	found, err := net.DefaultResolver.LookupHost(ctx, name)
	if err != nil {
		s.warn(what, name, "the name cannot be resolved here", "have it resolved for those who ask this service by it, or take it out")
		return
	}
	s.ok(what, name, "it resolves to %s", strings.Join(found, ", "))
}

// secrets looks at who may read the files that hold secrets.
func (d *doctor) secrets(_ context.Context, s *section) {
	for what, path := range d.secretFiles() {
		info, err := os.Stat(path)
		if path == "" || err != nil {
			continue // whoever needs it says so
		}
		if info.Mode().Perm()&0o007 != 0 {
			s.warn(what, path, fmt.Sprintf("its permissions are %#o, so every user of this machine may read the secret", info.Mode().Perm()), "chmod 0640, with the group of the service")
		}
	}
}

func (d *doctor) secretFiles() map[string]string {
	files := map[string]string{"auth.tokens_file": d.Auth.TokensFile}
	for name, u := range d.Upstreams() {
		files[name+".token_file"] = u.TokenFile
	}
	if c := d.Artifacts.S3; c != nil {
		files["artifacts.s3.secret_key_file"], files["artifacts.s3.session_token_file"] = c.SecretKeyFile, c.SessionTokenFile
	}
	if r := d.Power.Redfish; r != nil {
		files["power.redfish.credentials.password_file"], files["power.redfish.next_password_file"] = r.Credentials.PasswordFile, r.NextPasswordFile
		for i, b := range r.BMCs {
			files[fmt.Sprintf("power.redfish.bmcs[%d].credentials.password_file", i)] = b.Credentials.PasswordFile
		}
	}
	return files
}
