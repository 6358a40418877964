package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const quadlets = repository + "contrib/quadlet/"

// quadletKeys are those of podman's own sections that podman 4.7 knows and that are used
// here. Its generator leaves out a unit that has any other.
var quadletKeys = map[string][]string{
	"Container": {
		"Image", "Pull", "ContainerName", "Network", "User", "ReadOnly", "Volume", "Tmpfs", "Environment", "Secret", "DropCapability", "NoNewPrivileges", "Notify", "PodmanArgs",
	},
	"Volume": {"VolumeName"},
}

// unit is what a file of systemd's form says, by section and key.
func unit(t *testing.T, path string) map[string]map[string][]string {
	t.Helper()
	found, section := map[string]map[string][]string{}, ""
	for line := range strings.Lines(read(t, path)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
			found[section] = map[string][]string{}
		default:
			key, value, is := strings.Cut(line, "=")
			if !is || found[section] == nil {
				t.Fatalf("%s: %q is no setting of a section", path, line)
			}
			found[section][key] = append(found[section][key], value)
		}
	}
	return found
}

func TestTheQuadletsSayWhatPodmanKnowsAndTheImageHas(t *testing.T) {
	image := read(t, repository+"packaging/Containerfile")
	guide := read(t, quadlets+"README.md")
	for file, has := range map[string]struct{ volumes, secrets []string }{
		"bos.container":        {[]string{"bos-records.volume:/var/lib/bos:U", "/etc/bos:/etc/bos:ro"}, []string{"bos-bmc-password"}},
		"shared/bos.container": {[]string{"/etc/bos:/etc/bos:ro"}, []string{"bos-bmc-password", "bos-database-password"}},
	} {
		u := unit(t, quadlets+file)
		for section, keys := range quadletKeys {
			for key := range u[section] {
				if !slices.Contains(keys, key) {
					t.Errorf("%s: podman 4.7 does not know %s in [%s]", file, key, section)
				}
			}
		}
		c := u["Container"]
		user := c["User"][0]
		if !strings.Contains(image, "\nUSER "+user+"\n") || !strings.Contains(image, "WORKDIR /var/lib/bos\n") {
			t.Errorf("%s runs as %s, and the image as another, or elsewhere", file, user)
		}
		if !slices.Equal(c["Volume"], has.volumes) {
			t.Errorf("%s has the volumes %q, want %q", file, c["Volume"], has.volumes)
		}
		var secrets []string
		for _, secret := range c["Secret"] {
			name, how, _ := strings.Cut(secret, ",")
			secrets = append(secrets, name)
			if number, _, _ := strings.Cut(user, ":"); !strings.Contains(how, "uid="+number) || !strings.Contains(how, "mode=0400") {
				t.Errorf("%s: %s is not for its user alone: %s", file, name, how)
			}
			if !strings.Contains(guide, "podman secret create "+name+" ") || !strings.Contains(guide, "password_file: /run/secrets/"+name+"\n") {
				t.Errorf("README.md does not say how %s comes to be, and what names it", name)
			}
		}
		if !slices.Equal(secrets, has.secrets) {
			t.Errorf("%s has the secrets %q, want %q", file, secrets, has.secrets)
		}
		stop := strings.Join(c["PodmanArgs"], " ")
		if !strings.Contains(stop, "--stop-timeout=45") || u["Service"]["TimeoutStopSec"][0] != "60" || c["Notify"][0] != "true" || u["Service"]["Restart"][0] != "always" {
			t.Errorf("%s does not wait until the lease is given up, or does not start it again", file)
		}
	}
	if name := unit(t, quadlets+"bos-records.volume")["Volume"]["VolumeName"]; !slices.Equal(name, []string{"bos-records"}) {
		t.Errorf("the volume is called %q", name)
	}
}

// generator is podman's own, where it is installed.
func generator() string {
	for _, path := range []string{os.Getenv("BOS_QUADLET"), "/usr/libexec/podman/quadlet", "/usr/lib/podman/quadlet"} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

func TestPodmanMakesUnitsOfTheQuadlets(t *testing.T) {
	quadlet := generator()
	if quadlet == "" {
		t.Skip("there is no quadlet generator here; podman 4.7 or newer has it (BOS_QUADLET names another)")
	}
	for folder, units := range map[string][]string{".": {"bos.service", "bos-records-volume.service"}, "shared": {"bos.service"}} {
		dir := t.TempDir()
		files, err := filepath.Glob(filepath.Join(quadlets, folder, "bos*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(read(t, file)), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		c := exec.CommandContext(t.Context(), quadlet, "-dryrun")
		c.Env = append(os.Environ(), "QUADLET_UNIT_DIRS="+dir)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, name := range units {
			if !strings.Contains(string(out), "---"+name+"---") {
				t.Errorf("%s: no %s:\n%s", folder, name, out)
			}
		}
		for _, part := range []string{"Type=notify", "--sdnotify=container", "--read-only", "--user 65532:65532", "--cap-drop all", "--stop-timeout=45", " localhost/bos:latest\n"} {
			if !strings.Contains(string(out), part) {
				t.Errorf("%s: the unit has no %s:\n%s", folder, part, out)
			}
		}
	}
}
