package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// aStatus is what statuses of HTTP are called here.
var aStatus = regexp.MustCompile(`(?i)^(http)?status(code)?$|^code$`)

// statusRanges are the places of a file that compare a status with a bound: what a
// range of statuses means is for transport alone, as each reading of its own is
// wrong for some gateway.
func statusRanges(set *token.FileSet, f *ast.File) (places []string) {
	ast.Inspect(f, func(n ast.Node) bool {
		x, ok := n.(*ast.BinaryExpr)
		if !ok {
			return true
		}
		operands := []ast.Expr{x.X, x.Y}
		switch x.Op {
		case token.LSS, token.LEQ, token.GTR, token.GEQ:
		case token.QUO, token.REM: // 200 / 100 is a range as well
			operands = operands[:1]
		default:
			return true
		}
		for _, o := range operands {
			if isStatus(o) {
				places = append(places, set.Position(o.Pos()).String())
			}
		}
		return true
	})
	return places
}

// isStatus reports whether an expression is a status, by its name.
func isStatus(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.Ident:
		return aStatus.MatchString(x.Name)
	case *ast.SelectorExpr:
		return aStatus.MatchString(x.Sel.Name)
	case *ast.CallExpr:
		return isStatus(x.Fun)
	case *ast.ParenExpr:
		return isStatus(x.X)
	}
	return false
}

// single are the functions of a file that compare a status with one status, or switch on
// it, by their name.
func single(f *ast.File) (functions []string) {
	for _, d := range f.Decls {
		ast.Inspect(d, func(n ast.Node) bool {
			found := false
			switch x := n.(type) {
			case *ast.BinaryExpr:
				found = (x.Op == token.EQL || x.Op == token.NEQ) && (isStatus(x.X) || isStatus(x.Y)) && (isOne(x.X) || isOne(x.Y))
			case *ast.CaseClause:
				found = slices.ContainsFunc(x.List, isOne)
			}
			if found {
				name := "a variable"
				if fn, ok := d.(*ast.FuncDecl); ok {
					name = fn.Name.Name
				}
				functions = append(functions, name)
			}
			return true
		})
	}
	return functions
}

// isOne reports whether an expression is one status: its name in net/http, or its number.
func isOne(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.SelectorExpr:
		of, ok := x.X.(*ast.Ident)
		return ok && of.Name == "http" && strings.HasPrefix(x.Sel.Name, "Status")
	case *ast.BasicLit:
		n, err := strconv.Atoi(x.Value)
		return err == nil && n >= 100 && n < 600
	case *ast.ParenExpr:
		return isOne(x.X)
	}
	return false
}

// meanings are the functions of adapters that say what one status means where they ask,
// beside package transport.
var meanings = map[string]string{
	"redfish/statuses.go":               "what single statuses mean at a BMC, by name",
	"hsm/hsm.go badRequest":             "SMD calls the question who is locked bad where no component is asked about",
	"pcs/probe.go refusal":              "PCS tells the status of the BMC in words",
	"pcs/apply.go tooLarge":             "PCS is asked anew with fewer nodes",
	"bootservice/bootservice.go wayOut": "a word to whoever reads the error",
	"web/web.go Hash":                   "a part of a file, or nothing, is no file",
}

// TestWhatStatusesMeanIsSaidByTransportAlone: the adapters ask it for the class of an
// answer, and what one status means in one API is a function that is named for it. The
// emulated room and the virtual machines answer, and judge nothing.
func TestWhatStatusesMeanIsSaidByTransportAlone(t *testing.T) {
	const adapters = "../hw"
	inTransport, files := 0, 0
	unused := maps.Clone(meanings)
	err := filepath.WalkDir(adapters, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "emulator" || d.Name() == "qemu"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		files++
		found := statusRanges(set, f)
		if filepath.Base(filepath.Dir(path)) == "transport" {
			inTransport += len(found)
			return nil
		}
		for _, at := range found {
			t.Errorf("%s judges a range of statuses; ask transport (ClassOf, Accepted, Troubled)", at)
		}
		name := strings.TrimPrefix(filepath.ToSlash(path), adapters+"/")
		for _, function := range single(f) {
			delete(unused, name)
			delete(unused, name+" "+function)
			if meanings[name] == "" && meanings[name+" "+function] == "" {
				t.Errorf("%s: %s judges a status; ask transport (ClassOf, Missing, Absent, Unauthorized), or name what it means in this API and list that here", name, function)
			}
		}
		return nil
	})
	if err != nil || files < 50 || inTransport == 0 {
		t.Errorf("%d files, %d places in transport, %v", files, inTransport, err)
	}
	for place := range unused {
		t.Errorf("%s judges no status any more; take it off the list", place)
	}
}

func TestASingleStatusIsFound(t *testing.T) {
	for text, want := range map[string]int{
		`if res.Status == http.StatusConflict {}`: 1, `if 404 != status {}`: 1, `if status == 404 || status == 410 {}`: 2,
		`switch failed.Status { case http.StatusNotFound, http.StatusGone: }`: 1, `switch { case status == http.StatusOK: }`: 1,
		`w.WriteHeader(http.StatusOK)`: 0, `failed.Status = http.StatusUnauthorized`: 0, `if status == before {}`: 0, `if n == 404 {}`: 0,
		`if t.Status == "failed" {}`: 0, `if status > 404 {}`: 0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), strconv.Quote(text), "package p\nfunc it() {"+text+"}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := single(f); len(got) != want || want > 0 && got[0] != "it" {
			t.Errorf("%s: found %v, want %d", text, got, want)
		}
	}
}

func TestARangeOfStatusesIsFound(t *testing.T) {
	for text, want := range map[string]int{
		`res.Status >= 200 && res.Status < 300`: 2, `500 <= status`: 1, `res.StatusCode/100 == 2`: 1, `answer.StatusCode() > 399`: 1,
		`status == http.StatusConflict`: 0, `len(status) > 3`: 0, `statuses > 3`: 0,
	} {
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, strconv.Quote(text), "package p\nvar _ = "+text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := statusRanges(set, f); len(got) != want {
			t.Errorf("%s: found %v, want %d", text, got, want)
		}
	}
}
