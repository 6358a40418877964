package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
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

// TestWhatRangesOfStatusesMeanIsSaidByTransportAlone: the adapters ask it for the class of
// an answer. The emulated room and the virtual machines answer, and judge nothing.
func TestWhatRangesOfStatusesMeanIsSaidByTransportAlone(t *testing.T) {
	const adapters = "../hw"
	inTransport, files := 0, 0
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
		return nil
	})
	if err != nil || files < 50 || inTransport == 0 {
		t.Errorf("%d files, %d places in transport, %v", files, inTransport, err)
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
