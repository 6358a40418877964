package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// spoken are members and methods that hold sentences for people.
var spoken = []string{"Error", "Detail", "Answer", "Sentence", "Hold"}

// searches are the functions that look into a text.
var searches = []string{"HasPrefix", "HasSuffix", "TrimPrefix", "TrimSuffix", "CutPrefix", "CutSuffix", "Cut", "Contains", "ContainsAny", "Index", "EqualFold", "Compare"}

// compared are the comparisons of two sentences that decide no more than whether the
// same is said twice.
var compared = map[string]bool{"internal/service/engine.putOff": true}

// decideOnTexts lists the places of a file that look into a sentence, or compare it with
// another. Whether there is one at all may be asked.
func decideOnTexts(folder string, file *ast.File) []string {
	var found []string
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || compared[folder+"."+fn.Name.Name] {
			continue
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if (n.Op == token.EQL || n.Op == token.NEQ) && (isSpoken(n.X) && !isNothing(n.Y) || isSpoken(n.Y) && !isNothing(n.X)) {
					found = append(found, fn.Name.Name)
				}
			case *ast.SwitchStmt:
				if n.Tag != nil && isSpoken(n.Tag) {
					found = append(found, fn.Name.Name)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.SelectorExpr); ok && isName(f.X, "strings") && slices.Contains(searches, f.Sel.Name) && slices.ContainsFunc(n.Args, isSpoken) {
					found = append(found, fn.Name.Name)
				}
			}
			return true
		})
	}
	return found
}

func isSpoken(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return slices.Contains(spoken, e.Sel.Name)
	case *ast.CallExpr:
		return isSpoken(e.Fun)
	case *ast.StarExpr:
		return isSpoken(e.X)
	case *ast.ParenExpr:
		return isSpoken(e.X)
	default:
		return false
	}
}

// isNothing is "" or nil.
func isNothing(e ast.Expr) bool {
	literal, ok := e.(*ast.BasicLit)
	return ok && literal.Value == `""` || isName(e, "nil")
}

func isName(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestNothingIsDecidedByWhatASentenceSays(t *testing.T) {
	for _, folder := range []string{"internal/bos", "internal/service/decide", "internal/service/engine", "internal/service/shell", "internal/service/api"} {
		files, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, fn := range decideOnTexts(folder, file) {
				t.Errorf("%s: %s looks into a sentence for people; decide by a value, and make the sentence of it on the way out", name, fn)
			}
		}
	}
}

func TestADecisionByASentenceIsFound(t *testing.T) {
	for body, want := range map[string]bool{
		`if r.Error == r.Work.Hold { return }`:           true,
		`if r.Error != "busy" { return }`:                true,
		`if strings.HasPrefix(r.Work.Hold, "a") {}`:      true,
		`x = strings.Contains(c.Sentence(), "a")`:        true,
		`if *s.Status.Error == text { return }`:          true,
		`switch r.Error { case "a": }`:                   true,
		`if r.Error == "" { return }`:                    false,
		`if p.Error != nil { return }`:                   false,
		`if r.Work.Cause == CauseLocked { return }`:      false,
		`x = strings.HasPrefix(r.Path, "a")`:             false,
		`x = "why: " + r.Work.Waiting.Detail; _ = x + y`: false,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package p\nfunc f() {\n"+body+"\n}", 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(decideOnTexts("p", file)) > 0; got != want {
			t.Errorf("%s: found %t, want %t", body, got, want)
		}
	}
}
