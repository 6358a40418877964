package provider_test

import (
	"archive/zip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// hides fails the test if a secret is in the saved plan, be it the file or the
// JSON of it, or in the state.
func (w *workspace) hides(plan, secret string) {
	w.t.Helper()
	said := map[string]string{"the plan as JSON": w.printed("show", "-json", plan), "the plan as text": w.printed("show", "-no-color", plan)}
	archive, err := zip.OpenReader(filepath.Join(w.dir, plan))
	if err != nil {
		w.t.Fatal(err)
	}
	defer archive.Close() //nolint:errcheck // it was only read
	for _, file := range archive.File {
		content, err := file.Open()
		if err != nil {
			w.t.Fatal(err)
		}
		text, err := io.ReadAll(io.LimitReader(content, 1<<24))
		if err != nil {
			w.t.Fatal(err)
		}
		said["the plan file's "+file.Name] = string(text)
	}
	if state, err := os.ReadFile(filepath.Join(w.dir, "terraform.tfstate")); err == nil {
		said["the state"] = string(state)
	}
	for where, text := range said {
		if strings.Contains(text, secret) {
			w.t.Errorf("%s shows the secret", where)
		}
	}
}

func TestTheExamplesKeepSecretsOutOfPlanFiles(t *testing.T) {
	t.Parallel()
	t.Run("provider", func(t *testing.T) {
		w := newWorkspace(t)
		w.use("provider")
		w.add("platform-ca.pem", "no certificate")
		w.add("output.tf", "output \"one\" { value = 1 }\n")
		w.env = append(w.env, "TF_VAR_bos_token="+handedOut)
		w.plan("-out=saved").exits(t, 2)
		w.hides("saved", handedOut)
	})
	t.Run("csm-keycloak", func(t *testing.T) {
		fake := startFake(t.Cleanup, room...)
		fake.Plain()
		url, ca := gateway(t, fake.URL())
		w := newWorkspace(t)
		w.use("csm-keycloak")
		w.env = append(w.env, "TF_VAR_client_secret="+clientSecret)
		w.plan("-out=saved", "-var=gateway="+url, "-var=ca_file="+ca, "-var=image_id=i", "-var=configuration=c").exits(t, 2)
		w.hides("saved", clientSecret)
		w.terraform("apply", "-no-color", "-input=false", "saved").exits(t, 0)
		w.hides("saved", clientSecret)
		sessions(t, fake, 1)
	})
}

// Of a variable that is sensitive and not ephemeral the plan file has the value.
func TestEverySensitiveVariableOfTheExamplesIsEphemeral(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`(?s)variable "([^"]+)" \{\n(.*?)\n\}`)
	isTrue := func(block, name string) bool {
		return regexp.MustCompile(`(?m)^\s*` + name + `\s*=\s*true`).MatchString(block)
	}
	found := 0
	err := filepath.WalkDir("../examples", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".tf" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range variable.FindAllStringSubmatch(string(content), -1) {
			if !isTrue(match[2], "sensitive") {
				continue
			}
			found++
			if !isTrue(match[2], "ephemeral") {
				t.Errorf("%s: %s is sensitive and not ephemeral", path, match[1])
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d sensitive variables were found (%v)", found, err)
	}
}
