package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWhatIsSmallWithTheRaceDetectorRunsWithoutItToo holds LARGE_TESTS of the GNUmakefile
// against the tests that take fewer nodes with the race detector: one that is missing there
// would never run at its size.
func TestWhatIsSmallWithTheRaceDetectorRunsWithoutItToo(t *testing.T) {
	makefile, err := os.ReadFile("../../GNUmakefile")
	if err != nil {
		t.Fatal(err)
	}
	listed := regexp.MustCompile(`(?m)^LARGE_TESTS := (.+)$`).FindSubmatch(makefile)
	packages := regexp.MustCompile(`(?m)^LARGE := (.+)$`).FindSubmatch(makefile)
	if listed == nil || packages == nil {
		t.Fatal("the GNUmakefile has no LARGE_TESTS or LARGE")
	}
	var large []string
	for folder := range strings.FieldsSeq(string(packages[1])) {
		large = append(large, largeTests(t, filepath.Join("../..", folder))...)
	}
	slices.Sort(large)
	want := strings.Split(string(listed[1]), "|")
	slices.Sort(want)
	if !slices.Equal(slices.Compact(large), want) {
		t.Errorf("LARGE_TESTS are\n%s\nand these are smaller with the race detector:\n%s", strings.Join(want, "\n"), strings.Join(large, "\n"))
	}
}

// largeTests are the tests of a package that name what its race detector makes smaller, by
// themselves or in a function that they call.
func largeTests(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]map[string]bool) // of each function, what it names
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			f, is := declaration.(*ast.FuncDecl)
			if !is || f.Recv != nil || f.Body == nil {
				continue
			}
			names[f.Name.Name] = make(map[string]bool)
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if id, is := n.(*ast.Ident); is {
					names[f.Name.Name][id.Name] = true
				}
				return true
			})
		}
	}
	small := map[string]bool{"raced": true}
	for grew := true; grew; {
		grew = false
		for f, named := range names {
			for name := range named {
				if small[name] && !small[f] {
					small[f], grew = true, true
				}
			}
		}
	}
	var large []string
	for f := range small {
		if strings.HasPrefix(f, "Test") {
			large = append(large, f)
		}
	}
	return large
}
