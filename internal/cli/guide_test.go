package cli

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator"
	"github.com/bootorch/terraform-provider-bos/internal/hw/emulator/machineroom"
	"github.com/bootorch/terraform-provider-bos/internal/service/config"
)

const (
	repository = "../../"
	guide      = repository + "docs/guides/openchami.md"
)

// blocks are the blocks of a language in a page.
func blocks(t *testing.T, page, language string) (found []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(read(t, page), -1) {
		found = append(found, m[1])
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block of %q", page, language)
	}
	return found
}

// commandsOf are the commands of this program in a page, without their prompt.
func commandsOf(t *testing.T, page string) (commands [][]string) {
	t.Helper()
	for _, block := range blocks(t, page, "console") {
		for line := range strings.Lines(block) {
			words := strings.Fields(line)
			for i, word := range words {
				if word == "bos" && (i == 1 || words[i-1] == "--") {
					commands = append(commands, words[i+1:])
					break
				}
			}
		}
	}
	return commands
}

func TestTheCommandsOfTheGuidesExist(t *testing.T) {
	for page, least := range map[string]int{guide: 5, exposeGuide: 2, repository + "docs/guides/operate-the-service.md": 2} {
		commands := commandsOf(t, page)
		if len(commands) < least {
			t.Errorf("%s has %d commands of this program, want %d or more: %q", page, len(commands), least, commands)
		}
		for _, words := range commands {
			c, rest, err := rootCommand("0").Find(words)
			if err != nil || c.Run == nil && c.RunE == nil {
				t.Errorf("%s: %q is no command: %v", page, words, err)
				continue
			}
			if err := c.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", page, words, err)
			}
		}
	}
}

func TestTheSettingsOfTheOpenCHAMIGuideAreThoseThatAreShipped(t *testing.T) {
	if page, template := read(t, guide), read(t, repository+"templates/guides/openchami.md"); page != template {
		t.Error("docs/guides/openchami.md is not templates/guides/openchami.md: run make docs")
	}
	settings := blocks(t, guide, "yaml")[0]
	var shipped strings.Builder
	for line := range strings.Lines(read(t, repository+"contrib/config/openchami.yaml")) {
		if !strings.HasPrefix(line, "#") {
			shipped.WriteString(line)
		}
	}
	if settings != shipped.String() {
		t.Errorf("the guide has\n%s\nand contrib/config/openchami.yaml\n%s", settings, shipped.String())
	}
	c, err := config.Parse("the guide", settings)
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, guide)
	for _, at := range []string{"http://" + c.BootParameters.Builtin.Listen + "/boot/v1/bootscript?mac=${net0/mac}", "http://" + c.BootParameters.Builtin.Listen + " /root_ca"} {
		if !strings.Contains(page, at) {
			t.Errorf("the guide sends nodes not to builtin.listen: %q is not in it", at)
		}
	}
}

func TestTheKernelParametersOfTheOpenCHAMIGuideAreTaken(t *testing.T) {
	m := regexp.MustCompile(`kernel_parameters = "([^"]*)"`).FindStringSubmatch(blocks(t, guide, "terraform")[0])
	if m == nil {
		t.Fatal("the template has none")
	}
	for _, err := range []error{bos.CheckKernelParameters(m[1]), bos.CheckIPXEWords(m[1]), bos.CheckCommandLine("x3000c0s1b0n0", "", m[1])} {
		if err != nil {
			t.Error(err)
		}
	}
}

// What reads secrets is run as who may read them, and with them; what asks the API comes
// after something that proves who asks.
func TestWhoFollowsTheOpenCHAMIGuideHasWhatEachCommandNeeds(t *testing.T) {
	secrets, token := false, false
	for _, block := range blocks(t, guide, "console") {
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			switch {
			case strings.HasPrefix(line, "# set -a; . /etc/bos/secrets.env"):
				secrets = true
			case strings.Contains(line, "bos check ") || strings.Contains(line, "bos image "):
				if !secrets || !strings.HasPrefix(line, "# runuser -u bos -- bos ") {
					t.Errorf("it has no secrets, or is not run as the user of the service: %s", line)
				}
			case strings.Contains(line, "bos bmc pin "):
				if !strings.HasPrefix(line, "# bos ") {
					t.Errorf("the user of the service may not write in /etc/bos: %s", line)
				}
			case strings.Contains(line, "bos token make "):
				token = strings.HasPrefix(line, "# runuser -u bos -- bos ")
			case strings.Contains(line, "terraform plan") && !token:
				t.Errorf("the API answers 401 to %s", line)
			}
		}
	}
	if !token {
		t.Error("nothing makes a token for terraform")
	}
	file := regexp.MustCompile(`tokens_file: ([^ ]+)`).FindStringSubmatch(read(t, guide))
	if file == nil || !strings.Contains(read(t, guide), "--file "+file[1]+"\n") {
		t.Errorf("the token is made in another file than the service reads: %q", file)
	}
}

// A release has the agent in an archive; the paths of its files there are those that an
// image takes them from.
func TestTheFilesOfBosReportInTheOpenCHAMIGuideAreThoseOfItsArchive(t *testing.T) {
	release := read(t, repository+".goreleaser.yaml")
	if !strings.Contains(release, "contrib/report/**/*") || !strings.Contains(release, `"bos-report_{{ .Version }}_{{ .Os }}_{{ .Arch }}"`) {
		t.Fatal("the archive is called otherwise, or has no contrib/report")
	}
	page := read(t, guide)
	sources := regexp.MustCompile(`src: '/opt/bos/([^']+)'`).FindAllStringSubmatch(page, -1)
	if len(sources) != 2 || !strings.Contains(page, "-v /opt/bos:/opt/bos:ro") || !strings.Contains(page, "bos-report_VERSION_linux_amd64.tar.gz") {
		t.Errorf("the image does not get what it copies: %q", sources)
	}
	for _, m := range sources {
		if m[1] == "bos-report" {
			continue
		}
		if _, err := os.Stat(repository + m[1]); err != nil {
			t.Error(err)
		}
	}
}

// The objects are as image-builder stores them; everything else is as the guide has it, but
// for where the configuration and the database are.
func TestTheManifestOfTheOpenCHAMIGuideIsMadeByItsCommand(t *testing.T) {
	room, file := emulated(t, emulator.ServerConfig{Config: machineroom.Config{Nodes: 1}})
	for _, words := range commandsOf(t, guide) {
		here := map[string]string{"/etc/bos/bos.yaml": file, "/var/lib/bos/bos.db": filepath.Join(t.TempDir(), "bos.db"), "/etc/bos/bmc-pins": filepath.Join(t.TempDir(), "pins"), "/var/lib/bos/tokens.yaml": filepath.Join(t.TempDir(), "tokens.yaml")}
		for i, word := range words {
			if to, ok := here[word]; ok {
				words[i] = to
			}
			if i > 0 && (words[i-1] == "--kernel" || words[i-1] == "--initrd" || words[i-1] == "--rootfs") {
				stored(t, room, map[string]string{word: "a file"})
			}
		}
		if words[0] == "check" {
			words = append(words, "--listen", "127.0.0.1:0")
		}
		printed, status := run(t, rootCommand("0"), words...)
		if status == statusErrors || status != 0 && words[0] != "check" {
			t.Errorf("%q ended with %d:\n%s", words, status, printed)
		}
	}
	path := regexp.MustCompile(`path +=\s+"([^"]*)"`).FindStringSubmatch(blocks(t, guide, "terraform")[0])
	if path == nil {
		t.Fatal("the template names no path")
	}
	printed, _ := run(t, rootCommand("0"), "check", "--config", file, "--listen", "127.0.0.1:0", "--database", filepath.Join(t.TempDir(), "bos.db"), "--image", path[1])
	if !strings.Contains(printed, "manifest, kernel and initrd are there") {
		t.Errorf("the template's path is not the manifest that was made:\n%s", printed)
	}
}

func TestTheLinksOfTheOpenCHAMIGuideLeadSomewhere(t *testing.T) {
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(read(t, guide), -1) {
		to, anchor, _ := strings.Cut(m[1], "#")
		if u, err := url.Parse(to); err == nil && u.IsAbs() {
			_, inside, ours := strings.Cut(strings.Replace(to, "/tree/", "/blob/", 1), "/blob/main/")
			if !ours {
				continue
			}
			to = repository + inside
		} else {
			to = filepath.Join(filepath.Dir(guide), to)
		}
		if _, err := os.Stat(to); err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		if anchor != "" && !strings.Contains(strings.ToLower(read(t, to)), "\n## "+strings.ReplaceAll(anchor, "-", " ")) {
			t.Errorf("%s has no heading %s", to, anchor)
		}
	}
}

// What a page has somebody type against the API, most of all to stop everything at
// once, is not refused for want of a token.
func TestRequestsToTheAPIInGuidesAndExamplesSayWhoAsks(t *testing.T) {
	var pages []string
	for _, pattern := range []string{"README.md", "CONTRIBUTING.md", "docs/guides/*.md", "examples/*/README.md", "contrib/*/README.md"} {
		found, err := filepath.Glob(repository + pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	requests := 0
	for _, page := range pages {
		for line := range strings.Lines(strings.ReplaceAll(read(t, page), "\\\n", " ")) {
			if !strings.Contains(line, "curl ") || !strings.Contains(line, ":8770/") || strings.Contains(line, "/v2/healthz") {
				continue
			}
			if requests++; !strings.Contains(line, `-H "Authorization: Bearer $(`) {
				t.Errorf("%s: the API answers 401 to %s", page, line)
			}
		}
	}
	if requests < 5 {
		t.Errorf("%d requests to the API were found in %d pages", requests, len(pages))
	}
}
