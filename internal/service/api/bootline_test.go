package api

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/bootorch/terraform-provider-bos/internal/bos"
)

func TestKernelParametersAreOneLineWhereverTheyAreWritten(t *testing.T) {
	s := newSite(t)
	s.putTemplate("t1", withSet("kernel_parameters", " quiet  a=b "))
	s.record("x1c0s1b0n0", nil)
	for name, text := range map[string]string{
		"a heredoc": "quiet\n", "two lines": "quiet\nnosmt", "a line of Windows": "quiet\r\n", "a tab": "a\tb", "an escape": "a\x1b[0m", "a delete": "a\x7f", "a line of Unicode": "a\u2028b",
	} {
		t.Run(name, func(t *testing.T) {
			for _, member := range []string{"kernel_parameters", "rootfs_provider_passthrough"} {
				for _, method := range []string{"PUT", "PATCH"} {
					s.do(method, "/v2/sessiontemplates/t1", withSet(member, text)).refused(http.StatusBadRequest, "", "boot_sets.compute."+member, "U+")
				}
				s.do("POST", "/x/v1/previews", object{"operation": "boot", "template": withSet(member, text)}).refused(http.StatusBadRequest, "", member)
			}
			for _, state := range []string{"desired_state", "staged_state"} {
				patch := object{state: object{"boot_artifacts": object{"kernel_parameters": text}}}
				for _, c := range []struct {
					method, path string
					body         any
				}{
					{"PATCH", "/v2/components/x1c0s1b0n0", patch},
					{"PUT", "/v2/components/x1c0s1b0n0", patch},
					{"PATCH", "/v2/components", []object{with(patch, "id", "x1c0s1b0n0")}},
					{"PUT", "/v2/components", []object{with(patch, "id", "x1c0s1b0n0")}},
					{"PATCH", "/v2/components", object{"patch": patch, "filters": object{"ids": "x1c0s1b0n0"}}},
				} {
					s.do(c.method, c.path, c.body).refused(http.StatusBadRequest, "", state+".boot_artifacts.kernel_parameters")
				}
			}
		})
	}
	// What a node reports is not for us to refuse.
	s.do("PATCH", "/v2/components", []object{{"id": "x1c0s1b0n0", "actual_state": object{"boot_artifacts": object{"kernel_parameters": "quiet\n"}}}}).ok(http.StatusOK, nil)
}

// TestACommandLineThatAKernelWouldCutIsRefusedWhereAComponentIsWritten: unlike a
// template's, its parameters are the whole line, to which nothing is added that may yet
// change. It was stored, and each such node failed when it was to boot.
func TestACommandLineThatAKernelWouldCutIsRefusedWhereAComponentIsWritten(t *testing.T) {
	s := newSite(t)
	s.record("x1c0s1b0n0", nil)
	const room = bos.MaxCommandLine - len(bos.ScriptAdds) - len(" xname=x10000c7s63b1n15 bss_referral_token=00000000-0000-4000-8000-000000000001")
	for _, state := range []string{"desired_state", "staged_state"} {
		for parameters, says := range map[string]string{
			strings.Repeat("s", room+1):    "would have 2048 bytes, and a kernel keeps 2047",
			strings.Repeat("quiet ", 600):  "3600 are kernel parameters",
			"quiet bos_boot_proof=telnet":  "telnet",
			"quiet " + bos.ProofWord + "=": bos.ProofWord,
		} {
			patch := object{state: object{"boot_artifacts": object{"kernel_parameters": parameters}}}
			for _, c := range []struct {
				method, path string
				body         any
			}{
				{"PATCH", "/v2/components/x1c0s1b0n0", patch},
				{"PUT", "/v2/components/x1c0s1b0n0", patch},
				{"PATCH", "/v2/components", []object{with(patch, "id", "x1c0s1b0n0")}},
				{"PUT", "/v2/components", []object{with(patch, "id", "x1c0s1b0n0")}},
				{"PATCH", "/v2/components", object{"patch": patch, "filters": object{"ids": "x1c0s1b0n0"}}},
			} {
				s.do(c.method, c.path, c.body).refused(http.StatusBadRequest, "", state+".boot_artifacts.kernel_parameters", says)
			}
		}
		fits := object{state: object{"boot_artifacts": object{"kernel_parameters": strings.Repeat("s", room)}}}
		s.do("PATCH", "/v2/components/x1c0s1b0n0", fits).ok(http.StatusOK, nil)
	}
	// What a node runs is as it is.
	s.do("PATCH", "/v2/components/x1c0s1b0n0", object{"actual_state": object{"boot_artifacts": object{"kernel_parameters": strings.Repeat("s", 4096)}}}).ok(http.StatusOK, nil)
}

func TestABootPathIsOneLineWhereverItIsWritten(t *testing.T) {
	s := newSite(t)
	s.record("x1c0s1b0n0", nil)
	for name, text := range map[string]string{
		"two lines": "s3://boot/kernel\nshell", "a line break at the end": "s3://boot/kernel\n", "a NUL": "s3://boot/kernel\x00", "a line of Unicode": "s3://boot/kernel\u2028shell",
	} {
		t.Run(name, func(t *testing.T) {
			for _, state := range []string{"desired_state", "staged_state"} {
				for _, member := range []string{"kernel", "initrd"} {
					patch := object{state: object{"boot_artifacts": object{member: text}}}
					s.do("PATCH", "/v2/components/x1c0s1b0n0", patch).refused(http.StatusBadRequest, "", state+".boot_artifacts."+member)
					s.do("PATCH", "/v2/components", object{"patch": patch, "filters": object{"ids": "x1c0s1b0n0"}}).refused(http.StatusBadRequest, "", state+".boot_artifacts."+member)
					s.do("PUT", "/v2/components", []object{with(patch, "id", "x1c0s1b0n0")}).refused(http.StatusBadRequest, "", state+".boot_artifacts."+member)
				}
			}
		})
	}
	s.do("PATCH", "/v2/components/x1c0s1b0n0", object{"actual_state": object{"boot_artifacts": object{"kernel": "a b\n"}}}).ok(http.StatusOK, nil)
	s.do("PATCH", "/v2/components/x1c0s1b0n0", object{"desired_state": object{"boot_artifacts": object{"kernel": "", "initrd": ""}}}).ok(http.StatusOK, nil)
}

func TestACommandLineThatAKernelWouldCutIsRefusedBeforeANodeIsTouched(t *testing.T) {
	const path = "s3://boot-images/one/manifest.json"
	for name, c := range map[string]struct{ image, set, passthrough string }{
		"a long boot set":          {"", strings.Repeat("s", 1990), ""},
		"a long image":             {strings.Repeat("i ", 1000), "", ""},
		"a long root":              {"", "", strings.Repeat("r", 2000)},
		"all together":             {strings.Repeat("i", 700), strings.Repeat("s", 700), strings.Repeat("r", 700)},
		"a character of no line":   {"quiet\x00", "", ""},
		"an image that is no text": {"quiet \xff", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			image := s.images[path]
			image.Parameters = c.image
			s.images[path] = image
			set := template()["boot_sets"].(object)["compute"].(object)
			for member, text := range map[string]string{"kernel_parameters": c.set, "rootfs_provider_passthrough": c.passthrough} {
				if text != "" {
					set = with(set, member, text)
				}
			}
			// The image may come after the template, which is stored.
			s.putTemplate("t1", object{"boot_sets": object{"compute": set}})
			says := []string{"compute", "kernel"}
			if len(c.image) > 100 || c.image == "" {
				says = append(says, "2047", "bytes are of the image", "of the boot set")
			}
			for path, body := range map[string]object{"/v2/sessions": boot("s1"), "/x/v1/sessions": boot("s1"), "/x/v1/previews": ask()} {
				s.do("POST", path, body).refused(http.StatusBadRequest, "", says...)
			}
			valid := s.do("GET", "/v2/sessiontemplatesvalid/t1", nil).ok(http.StatusOK, nil).body
			for _, word := range says {
				if !strings.Contains(valid, word) {
					t.Errorf("the check of the template says %s, not %q", valid, word)
				}
			}
			// Nothing is booted by a shutdown.
			s.do("POST", "/v2/sessions", with(boot("s2"), "operation", "shutdown")).ok(http.StatusCreated, nil)
		})
	}
	s := newSite(t)
	image := s.images[path]
	image.Parameters = "quiet\n  nosmt\r\n"
	s.images[path] = image
	s.putTemplate("t1", withSet("kernel_parameters", strings.Repeat("s", 1850)))
	if got := s.preview(ask()).BootSets[0].KernelParameters; !strings.HasPrefix(got, "quiet nosmt sss") {
		t.Errorf("an image's file of several lines becomes %q", got)
	}
}

// TestATemplateWhoseLineIsTooLongIsStoredAndSaidWhateverItsImageIs: the contract lets
// 4,096 characters be stored, and the image that takes the rest may change. So it is
// said where it is stored, and refused where it would boot.
func TestATemplateWhoseLineIsTooLongIsStoredAndSaidWhateverItsImageIs(t *testing.T) {
	long := withSet("kernel_parameters", strings.Repeat("s", 2500))
	const path = "s3://boot-images/one/manifest.json"
	for name, change := range map[string]func(*site){
		"an image that is there":       func(*site) {},
		"an image that is not yet":     func(s *site) { clear(s.images) },
		"an image that cannot be read": func(s *site) { s.imgErr = errors.New("the store is away") },
		"an image with as much": func(s *site) {
			image := s.images[path]
			image.Parameters = strings.Repeat("i", 2500)
			s.images[path] = image
		},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := newSite(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			change(s)
			for _, method := range []string{"PUT", "PATCH"} {
				log.Reset()
				s.do(method, "/v2/sessiontemplates/t1", long).ok(http.StatusOK, nil)
				if got := log.String(); !strings.Contains(got, "although it may not boot") || !strings.Contains(got, "keeps 2047") || !strings.Contains(got, "2500 of the boot set") {
					t.Errorf("%s is answered with 200, and the log says %s", method, got)
				}
			}
			s.do("POST", "/v2/sessions", boot("s1")).refused(http.StatusBadRequest, "")
			if valid := s.do("GET", "/v2/sessiontemplatesvalid/t1", nil).ok(http.StatusOK, nil).body; strings.Contains(valid, `"Valid"`) {
				t.Errorf("the check of the template says %s", valid)
			}
		})
	}
}

// TestAWordAtWhichIPXEEndsACommandIsRefusedWhereverItIsWritten: it was warned of, and
// then each node failed when its boot parameters were written.
func TestAWordAtWhichIPXEEndsACommandIsRefusedWhereverItIsWritten(t *testing.T) {
	s := newSite(t)
	s.record("x1c0s1b0n0", nil)
	for _, text := range []string{"quiet || nosmt", "quiet && nosmt", "a ; b", "quiet # of the site"} {
		set := withSet("kernel_parameters", text)
		s.do("PUT", "/v2/sessiontemplates/t1", set).refused(http.StatusBadRequest, "", "boot_sets.compute.kernel_parameters", "iPXE")
		s.do("POST", "/x/v1/previews", object{"operation": "boot", "template": set}).refused(http.StatusBadRequest, "", "iPXE")
		patch := object{"desired_state": object{"boot_artifacts": object{"kernel_parameters": text}}}
		s.do("PATCH", "/v2/components/x1c0s1b0n0", patch).refused(http.StatusBadRequest, "", "iPXE")
	}
	// What an image brings along is found when its session is created.
	const path = "s3://boot-images/one/manifest.json"
	image := s.images[path]
	image.Parameters = "quiet\n# of the site\n"
	s.images[path] = image
	s.putTemplate("t1", withSet("kernel_parameters", "nosmt"))
	s.do("POST", "/v2/sessions", boot("s1")).refused(http.StatusBadRequest, "", "iPXE")
}
