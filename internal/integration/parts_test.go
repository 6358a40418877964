//go:build linux

package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/localtoken"
)

// startPostgres starts a database server with the databases of SMD and BSS and
// returns its port.
func startPostgres(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("BOS_POSTGRES")
	dir, err := os.MkdirTemp("", "bos-postgres-") //nolint:usetesting // another user has to get there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	initdb := command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
	initdb.Dir = dir
	asNobody(t, initdb, dir)
	run(t, initdb)
	port := freePort(t)
	server := command(filepath.Join(bin, "postgres"), "-D", filepath.Join(dir, "data"), "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200")
	server.Dir = dir
	asNobody(t, server, dir)
	launch(t, server)
	client := []string{"-h", "127.0.0.1", "-p", port, "-U", "postgres"}
	await(t, "PostgreSQL is ready", func() (bool, string) {
		out, err := command(filepath.Join(bin, "pg_isready"), client[:4]...).CombinedOutput()
		return err == nil, fmt.Sprintf("%s, %v", out, err)
	})
	for _, name := range []string{"hmsds", "bssdb", "pcsdb"} {
		run(t, command(filepath.Join(bin, "createdb"), append(client, name)...))
	}
	return port
}

// startSMD starts an empty State Manager and returns where its API is.
func startSMD(t *testing.T, postgres string) string {
	t.Helper()
	dir, port := parts(t), freePort(t)
	database := []string{"-dbname", "hmsds", "-dbuser", "postgres", "-dbhost", "127.0.0.1", "-dbport", postgres, "-dbopts", "sslmode=disable"}
	env := append(os.Environ(), "SMD_DBPASS=unused")
	migrate := command(filepath.Join(dir, "smd-init"), append(database, "-migrationsdir", filepath.Join(dir, "smd-migrations"))...)
	migrate.Env = env
	run(t, migrate)
	// It speaks HTTP where it can neither find nor make a certificate.
	none := filepath.Join(t.TempDir(), "missing", "tls")
	server := command(filepath.Join(dir, "smd"), append(database, "-http-listen", "127.0.0.1:"+port, "-tls-cert", none, "-tls-key", none)...)
	server.Env = env
	url := "http://127.0.0.1:" + port + "/hsm/v2"
	launch(t, server).ready(t, url+"/service/ready")
	return url
}

// startBSS starts a Boot Script Service on an SMD and returns where its API is.
// It signs the addresses of what lies in S3.
func startBSS(t *testing.T, postgres, smd, s3, accessKey, secretKey string) string {
	t.Helper()
	dir, port := parts(t), freePort(t)
	database := []string{
		"-postgres-host", "127.0.0.1", "-postgres-port", postgres, "-postgres-dbname", "bssdb", "-postgres-password", "unused",
	}
	run(t, command(filepath.Join(dir, "bss-init"), append(database,
		"-postgres-user", "postgres", "-postgres-insecure", "-postgres-migrations", filepath.Join(dir, "bss-migrations"))...))
	server := command(filepath.Join(dir, "boot-script-service"), append(database,
		"-postgres", "-postgres-username", "postgres", "-insecure", "-http-listen", "127.0.0.1:"+port,
		"-hsm", strings.TrimSuffix(smd, "/hsm/v2"), "-hsm-retrieval-delay", "1", "-cloud-init-address", "127.0.0.1")...)
	server.Env = append(os.Environ(), "S3_ENDPOINT="+s3, "S3_ACCESS_KEY="+accessKey, "S3_SECRET_KEY="+secretKey, "S3_BUCKET=boot-images", "S3_REGION=default")
	url := "http://127.0.0.1:" + port + "/boot/v1"
	launch(t, server).ready(t, url+"/service/status")
	return url
}

// startS3 starts an object store that holds a bootable image: nothing but that
// of an emulated room is used.
func startS3(t *testing.T) emulator.Endpoints {
	t.Helper()
	room, err := emulator.Start(t.Context(), emulator.ServerConfig{
		Token:  localtoken.Find,
		Config: machineroom.Config{Nodes: 1}, Listen: "127.0.0.1:0", StateDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := room.Close(); err != nil {
			t.Error(err)
		}
	})
	return room.Endpoints()
}

// startBSSWithoutPostgres starts a BSS of the line that keeps its data in etcd, here in
// memory.
func startBSSWithoutPostgres(t *testing.T, smd, s3, accessKey, secretKey string) string {
	t.Helper()
	port := freePort(t)
	server := command(filepath.Join(parts(t), "boot-script-service"), "-datastore", "mem:", "-insecure", "-http-listen", "127.0.0.1:"+port,
		"-hsm", strings.TrimSuffix(smd, "/hsm/v2"), "-hsm-retrieval-delay", "1", "-cloud-init-address", "127.0.0.1")
	server.Env = append(os.Environ(), "S3_ENDPOINT="+s3, "S3_ACCESS_KEY="+accessKey, "S3_SECRET_KEY="+secretKey, "S3_BUCKET=boot-images", "S3_REGION=default")
	url := "http://127.0.0.1:" + port + "/boot/v1"
	launch(t, server).ready(t, url+"/service/status")
	return url
}

// startBootService starts a boot-service; smd is where it takes its nodes from, empty
// for nowhere.
func startBootService(t *testing.T, smd string) string {
	t.Helper()
	port, dir := freePort(t), t.TempDir()
	args := []string{"serve", "--host", "127.0.0.1", "--port", port, "--data-dir", filepath.Join(dir, "data"), "--enable-legacy-api=false"}
	if smd != "" {
		args = append(args, "--hsm-url", strings.TrimSuffix(smd, "/hsm/v2"))
	}
	server := command(filepath.Join(parts(t), "boot-service"), args...)
	server.Dir = dir
	url := "http://127.0.0.1:" + port
	launch(t, server).ready(t, url+"/health")
	return url
}

// pcsPort is the only one that PCS listens on.
const pcsPort = "28007"

// startPCS starts a Power Control Service on PostgreSQL. Its sources are not on the
// module proxy, so it has to be built by hand: BOS_PCS is its folder, with the program
// power-control in it.
func startPCS(t *testing.T, postgres, smd string) string {
	t.Helper()
	dir := os.Getenv("BOS_PCS")
	if dir == "" {
		t.Skip("BOS_PCS does not name a folder of the sources of PCS with the program power-control built in it")
	}
	database := []string{"--postgres-host", "127.0.0.1", "--postgres-port", postgres, "--postgres-dbname", "pcsdb", "--postgres-user", "postgres", "--postgres-password", "unused", "--postgres-insecure"}
	migrate := command(filepath.Join(dir, "power-control"), append([]string{"init-postgres", "--schema-migrations", filepath.Join(dir, "migrations", "postgres")}, database...)...)
	run(t, migrate)
	server := command(filepath.Join(dir, "power-control"), append(database,
		"--sms-server", strings.TrimSuffix(smd, "/hsm/v2"), "--fake-vault-enabled", "--vault-enabled=true")...)
	server.Env = append(os.Environ(), "STORAGE=POSTGRES", "PCS_FAKE_VAULT_REDFISH_USER="+bmcUser, "PCS_FAKE_VAULT_REDFISH_PASSWORD="+bmcPassword)
	url := "http://127.0.0.1:" + pcsPort + "/v1"
	launch(t, server).ready(t, url+"/transitions")
	return url
}
