// Package fieldcases checks docs/field-cases.md, docs/rules.md and SECURITY.md against
// the tests that they name.
package fieldcases

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	root      = "../.."
	tableFile = root + "/docs/field-cases.md"
	adrFile   = root + "/docs/adr/0006-cases-that-cannot-occur.md"
	caseCount = 206
)

// ruleCounts are the files of rules, with how many tables each has.
var ruleCounts = map[string]int{root + "/docs/rules.md": 14, root + "/docs/provider-rules.md": 5, root + "/SECURITY.md": 1}

var (
	rule    = regexp.MustCompile(`^\| (\d+)\.(\d+) \| ([^|]+) \| ([^|]+) \|$`)
	row     = regexp.MustCompile(`^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$`)
	proof   = regexp.MustCompile("`([^`]+)`|ADR 6\\.(\\d+)")
	adrLine = regexp.MustCompile(`(?m)^(\d+)\. \S`)
)

// tests are the functions of the test files of one package, with the text
// literals in them, and those of the packages they take suites from.
type tests struct {
	functions map[string]bool
	literals  map[string]bool
}

// suites are where the parts of a test are named that runs a suite.
var suites = map[string]string{"internal/service/store/sqlite": "internal/service/store/storetest"}

func testsOf(dir string) (tests, error) {
	found := tests{map[string]bool{}, map[string]bool{}}
	files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		return found, errors.Join(err, fmt.Errorf("there are no tests in %s", dir))
	}
	if suite, ok := suites[dir]; ok {
		more, err := filepath.Glob(filepath.Join(root, suite, "*.go"))
		if err != nil {
			return found, err
		}
		files = append(files, more...)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return found, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && (strings.HasPrefix(n.Name.Name, "Test") || strings.HasPrefix(n.Name.Name, "Fuzz")) {
					found.functions[n.Name.Name] = true
				}
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					found.literals[text] = true
				}
			}
			return true
		})
	}
	return found, nil
}

// missing says what is not there of a name such as internal/bos.TestX/part.
func missing(name string, known map[string]tests) error {
	dir, rest, ok := strings.Cut(name, ".")
	if !ok {
		return fmt.Errorf("%q is no package with a test", name)
	}
	in, ok := known[dir]
	if !ok {
		var err error
		if in, err = testsOf(dir); err != nil {
			return err
		}
		known[dir] = in
	}
	function, part, _ := strings.Cut(rest, "/")
	if !in.functions[function] {
		return fmt.Errorf("there is no %s in %s", function, dir)
	}
	if part != "" && !in.literals[part] {
		return fmt.Errorf("%s in %s has no part %q", function, dir, part)
	}
	return nil
}

func TestEveryCaseNamesTestsThatExistOrALineThatSaysWhyItCannotOccur(t *testing.T) {
	table, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	adr, err := os.ReadFile(adrFile)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(map[string]bool)
	for _, m := range adrLine.FindAllStringSubmatch(string(adr), -1) {
		lines[m[1]] = false
	}
	known := make(map[string]tests)
	next := 1
	for line := range strings.Lines(string(table)) {
		m := row.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		if m[1] != strconv.Itoa(next) {
			t.Fatalf("case %s comes where %d should", m[1], next)
		}
		next++
		proofs := proof.FindAllStringSubmatch(m[4], -1)
		if len(proofs) == 0 {
			t.Errorf("case %s is shown by nothing", m[1])
		}
		for _, p := range proofs {
			if p[1] != "" {
				if err := missing(p[1], known); err != nil {
					t.Errorf("case %s: %v", m[1], err)
				}
				continue
			}
			if _, ok := lines[p[2]]; !ok {
				t.Errorf("case %s: ADR 6 has no line %s", m[1], p[2])
			}
			lines[p[2]] = true
		}
	}
	if next-1 != caseCount {
		t.Errorf("the table has %d cases, want %d", next-1, caseCount)
	}
	for number, used := range lines {
		if !used {
			t.Errorf("no case refers to line %s of ADR 6", number)
		}
	}
}

func TestEveryRuleNamesTestsThatExist(t *testing.T) {
	for file, count := range ruleCounts {
		t.Run(filepath.Base(file), func(t *testing.T) { rulesNameTests(t, file, count) })
	}
}

func rulesNameTests(t *testing.T, file string, count int) {
	t.Helper()
	table, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]tests)
	last, part := 0, 0
	for line := range strings.Lines(string(table)) {
		m := rule.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| # ") {
				t.Errorf("this is no row of a rule: %s", line)
			}
			continue
		}
		switch {
		case m[1] == strconv.Itoa(last) && m[2] == strconv.Itoa(part+1):
			part++
		case m[1] == strconv.Itoa(last+1) && m[2] == "1":
			last, part = last+1, 1
		default:
			t.Fatalf("rule %s.%s comes after %d.%d", m[1], m[2], last, part)
		}
		proofs := proof.FindAllStringSubmatch(m[4], -1)
		if len(proofs) == 0 {
			t.Errorf("rule %s.%s is shown by nothing", m[1], m[2])
		}
		for _, p := range proofs {
			if err := missing(p[1], known); err != nil {
				t.Errorf("rule %s.%s: %v", m[1], m[2], err)
			}
		}
	}
	if last != count {
		t.Errorf("there are %d tables of rules, want %d", last, count)
	}
}

func TestANameThatIsNotThereIsFound(t *testing.T) {
	known := make(map[string]tests)
	for _, name := range []string{
		"internal/bos.TestThatNobodyWrote", "internal/nowhere.TestX", "TestX",
		"internal/service/store/sqlite.TestStore/a part that nobody wrote",
	} {
		if missing(name, known) == nil {
			t.Errorf("%s is said to exist", name)
		}
	}
	if err := missing("internal/service/store/sqlite.TestStore/concurrent writers lose no update", known); err != nil {
		t.Error(err)
	}
}
