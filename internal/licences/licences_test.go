package licences

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const (
	root = "../.."
	ours = "github.com/bootorch/terraform-provider-bos"
)

// builds are what releases and packages are built for: each has packages of its own.
var builds = []string{
	"GOOS=linux GOARCH=amd64 CGO_ENABLED=0", "GOOS=linux GOARCH=amd64 CGO_ENABLED=1", "GOOS=linux GOARCH=arm64 CGO_ENABLED=0",
	"GOOS=darwin GOARCH=arm64 CGO_ENABLED=0", "GOOS=windows GOARCH=amd64 CGO_ENABLED=0",
}

// file is the name of one that says under what a folder is given away.
var file = regexp.MustCompile(`(?i)^(licen[sc]es?|copying|unlicense)([.-].*)?$`)

// notLinked are files, by module, that say what something is given away under that is in
// the module's folder and in no program.
var notLinked = map[string]string{"modernc.org/memory": "LICENSE-LOGO"} // of a picture

type module struct{ Path, Version, Dir string }

// linked are the modules that a package of a build is from, with the folders of those
// packages in the folder of the module. The error is that not all of them are here.
func linked(t *testing.T, build string) (map[module][]string, error) {
	t.Helper()
	// Read for the cache of test results alone: another module is another result.
	for _, name := range []string{"go.mod", "go.sum"} {
		if _, err := os.ReadFile(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Standard,Module", ".", "./cmd/bos-report")
	list.Dir = root
	list.Env = append(append(os.Environ(), "GOPROXY=off", "GOFLAGS=-mod=readonly"), strings.Fields(build)...)
	var said bytes.Buffer
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s; go mod download brings what is missing", err, said.Bytes())
	}
	all := map[module][]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir      string
			Standard bool
			Module   *struct {
				module
				Main    bool
				Replace *module
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Standard || p.Module == nil || p.Module.Main {
			continue
		}
		m := p.Module.module
		if p.Module.Replace != nil {
			m.Dir = p.Module.Replace.Dir
		}
		if !slices.Contains(all[m], p.Dir) {
			all[m] = append(all[m], p.Dir)
		}
	}
}

// found are the files of licences in the folder of a module and in those from there to
// its packages that are linked: what came from elsewhere has one of its own.
func found(t *testing.T, m module, packages []string) (files []string) {
	t.Helper()
	folders := map[string]bool{m.Dir: true}
	for _, dir := range packages {
		for ; strings.HasPrefix(dir, m.Dir+string(filepath.Separator)); dir = filepath.Dir(dir) {
			folders[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(folders)) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if dir == m.Dir && e.Name() == notLinked[m.Path] {
				continue
			}
			if !e.IsDir() && file.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
				files = append(files, filepath.Join(dir, e.Name()))
			}
		}
	}
	return files
}

// wrong is what stands against linking a module with these files, "" if nothing.
func wrong(m module, files map[string]string) string {
	if len(files) == 0 {
		return fmt.Sprintf("%s %s has no file of a licence; take another module, or ask its authors for one", m.Path, m.Version)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		names := Of(files[name])
		if len(names) == 0 {
			return fmt.Sprintf("%s %s: nobody knows the licence in %s; read it, and teach it to this package if the program may be linked with it", m.Path, m.Version, name)
		}
		for _, licence := range names {
			if !Allowed(licence) {
				return fmt.Sprintf("%s %s: %s has the licence %s, which is none of %s; take another module", m.Path, m.Version, name, licence, strings.Join(allowed, ", "))
			}
		}
	}
	return ""
}

func TestEachModuleThatIsLinkedHasALicenceThatAllowsIt(t *testing.T) {
	for _, build := range builds {
		t.Run(build, func(t *testing.T) {
			modules, err := linked(t, build)
			if err != nil && !strings.Contains(build, "GOOS="+runtime.GOOS+" ") {
				t.Skipf("not looked at, as modules of that system are not all on this machine: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for m, packages := range modules {
				texts := textsOf(t, m, packages)
				if says := wrong(m, texts); says != "" {
					t.Error(says)
				}
			}
			// What everything here is built on is among them, or nothing was looked at.
			for _, path := range []string{"github.com/hashicorp/terraform-plugin-framework", "github.com/spf13/cobra", "golang.org/x/sys"} {
				if !slices.ContainsFunc(slices.Collect(maps.Keys(modules)), func(m module) bool { return m.Path == path }) {
					t.Errorf("%s is not among the %d modules that were looked at", path, len(modules))
				}
			}
		})
	}
}

// textsOf are the files of licences of a module, by name.
func textsOf(t *testing.T, m module, packages []string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, name := range found(t, m, packages) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimPrefix(name, m.Dir+string(filepath.Separator))] = string(text)
	}
	return texts
}

// thirdParties is what packages have beside the program, of the builds of this system.
const thirdParties = root + "/packaging/THIRD-PARTIES.md"

func TestThePackagesNameTheLicencesOfWhatIsInThem(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("packages are of Linux")
	}
	lines := map[string]bool{}
	for _, build := range builds {
		if !strings.HasPrefix(build, "GOOS=linux ") {
			continue
		}
		modules, err := linked(t, build)
		if err != nil {
			t.Fatal(err)
		}
		for m, packages := range modules {
			var names []string
			for _, text := range textsOf(t, m, packages) {
				names = append(names, Of(text)...)
			}
			slices.Sort(names)
			lines[fmt.Sprintf("| %s | %s |", m.Path, strings.Join(slices.Compact(names), ", "))] = true
		}
	}
	want := "# What this program is linked with, and its licences\n\nMade by `UPDATE_LICENCES=1 go test ./internal/licences`; the texts are in the modules.\n\n| module | licences |\n|---|---|\n" +
		strings.Join(slices.Sorted(maps.Keys(lines)), "\n") + "\n"
	if os.Getenv("UPDATE_LICENCES") != "" {
		if err := os.WriteFile(thirdParties, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(thirdParties)
	if err != nil || string(got) != want {
		t.Errorf("%s does not name what the program is linked with now (%v); run UPDATE_LICENCES=1 go test ./internal/licences", thirdParties, err)
	}
}

func TestTheLicenceOfThisProgramIsKnown(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "LICENSE"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Of(string(text)); !slices.Equal(got, []string{mpl}) {
		t.Errorf("%s is under %q", ours, got)
	}
}

func TestAModuleWithALicenceThatIsUnknownOrNotAllowedIsNamed(t *testing.T) {
	const (
		granted = "Permission is hereby granted, free of charge, to any person obtaining a copy\n// of this software. THE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND"
		two     = "Redistribution and use in source and binary forms, with or\nwithout modification, are permitted: * Redistributions in binary form must reproduce the above copyright notice"
		gnu     = "GNU GENERAL PUBLIC LICENSE Version 3. Everyone is permitted to copy and distribute verbatim copies of this license document"
	)
	for _, c := range []struct {
		what  string
		files map[string]string
		says  string
	}{
		{"MIT", map[string]string{"LICENSE": granted}, ""},
		{"two clauses", map[string]string{"LICENSE": two}, ""},
		{"three clauses, and MIT beside", map[string]string{"LICENSE": two + ". Neither the name of", "LICENSE.other": granted}, ""},
		{"none", nil, "has no file of a licence"},
		{"an empty one", map[string]string{"LICENSE": ""}, "nobody knows the licence in LICENSE"},
		{"one that is only mentioned", map[string]string{"LICENSE": "Something like the MIT License."}, "nobody knows"},
		{"one of its own", map[string]string{"LICENSE": "You may use this on Tuesdays."}, "nobody knows"},
		{"that of GNU", map[string]string{"COPYING": gnu}, "COPYING has the licence GPL"},
		{"one of two is not allowed", map[string]string{"LICENSE": granted, "sub/LICENSE": gnu}, "sub/LICENSE has the licence GPL"},
		{"both in one file", map[string]string{"LICENSE": granted + gnu}, "has the licence GPL"},
		{"four clauses", map[string]string{"LICENSE": two + "All advertising materials mentioning features or use of this software must display"}, "BSD-4-Clause"},
	} {
		got := wrong(module{Path: "example.org/m", Version: "v1.2.3"}, c.files)
		if (got == "") != (c.says == "") || !strings.Contains(got, c.says) || got != "" && !strings.Contains(got, "example.org/m v1.2.3") {
			t.Errorf("%s: %q, want %q", c.what, got, c.says)
		}
	}
}
