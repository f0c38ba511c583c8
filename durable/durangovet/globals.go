package durangovet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// findWritten finds the package variables that are written outside init, and where first. Tests may set what they like before they run.
func (c *checker) findWritten() {
	for _, file := range c.pass.Files {
		if strings.HasSuffix(c.pass.Fset.Position(file.Pos()).Filename, "_test.go") {
			continue
		}
		ast.PreorderStack(file, nil, func(n ast.Node, stack []ast.Node) bool {
			for _, id := range c.writes(n) {
				v := c.packageVariable(id)
				if v == nil || v.Pkg() != c.pass.Pkg || directlyInInit(stack) {
					continue
				}
				if _, known := c.written[v]; !known {
					c.written[v] = id.Pos()
				}
			}
			return true
		})
	}
}

func directlyInInit(stack []ast.Node) bool {
	for i := len(stack) - 1; i >= 0; i-- {
		switch n := stack[i].(type) {
		case *ast.FuncLit:
			return false
		case *ast.FuncDecl:
			return n.Recv == nil && n.Name.Name == "init"
		}
	}
	return false
}

// globalWrites finds the package variables that a statement or a call writes.
func (w *walker) globalWrites(n ast.Node) {
	for _, id := range w.checker.writes(n) {
		v := w.packageVariable(id)
		if v == nil {
			continue
		}
		w.writes[lineVariable{w.pass.Fset.Position(id.Pos()).Line, v}] = true
		w.find(id.Pos(), "writes the package variable "+w.qualified(v, v.Name()), globalWrite)
	}
}

// globalRead finds the use of a package variable that is written somewhere.
func (w *walker) globalRead(pos token.Pos, v *types.Var) {
	if w.writes[lineVariable{w.pass.Fset.Position(pos).Line, v}] {
		return
	}
	where := ""
	if v.Pkg() == w.pass.Pkg {
		if written, ok := w.written[v]; ok {
			where = w.place(written)
		}
	} else if fact, ok := w.variableFact(v); ok {
		where = fact.WrittenAt
	}
	if where != "" {
		w.find(pos, "reads the package variable "+w.qualified(v, v.Name())+", which "+where+" writes", globalRead)
	}
}

func (c *checker) packageVariable(id *ast.Ident) *types.Var {
	v, ok := c.pass.TypesInfo.Uses[id].(*types.Var)
	if !ok || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() {
		return nil
	}
	return v
}

// writes lists the names at the roots of what a node itself writes: v of v.field[3] = x.
func (c *checker) writes(n ast.Node) []*ast.Ident {
	var targets []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			targets = n.Lhs
		}
	case *ast.IncDecStmt:
		targets = []ast.Expr{n.X}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			targets = []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		targets = c.writtenByCall(n)
	}
	var roots []*ast.Ident
	for _, target := range targets {
		if id := c.root(target); id != nil {
			roots = append(roots, id)
		}
	}
	return roots
}

// decoders are packages whose functions write through the pointers that they get.
var decoders = map[string]bool{"encoding/json": true, "encoding/xml": true, "encoding/gob": true, "encoding/binary": true, "flag": true}

// writtenByCall lists what a call of a builtin, of an atomic operation, or of a decoder writes.
func (c *checker) writtenByCall(call *ast.CallExpr) []ast.Expr {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		_, builtin := c.pass.TypesInfo.Uses[id].(*types.Builtin)
		if builtin && len(call.Args) > 0 && (id.Name == "delete" || id.Name == "clear" || id.Name == "copy") {
			return call.Args[:1]
		}
		return nil
	}
	fn := c.callee(call)
	if fn == nil || fn.Pkg() == nil {
		return nil
	}
	pkg, name := fn.Pkg().Path(), methodName(fn)
	if isAtomicWrite(pkg, name) && fn.Signature().Recv() != nil {
		if selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
			return []ast.Expr{selector.X}
		}
	}
	if !decoders[pkg] && !isAtomicWrite(pkg, name) && (pkg != "fmt" || !strings.Contains(name, "scan")) {
		return nil
	}
	var targets []ast.Expr
	for _, arg := range call.Args {
		if address, ok := ast.Unparen(arg).(*ast.UnaryExpr); ok && address.Op == token.AND {
			targets = append(targets, address.X)
		}
	}
	return targets
}

// isAtomicWrite tells whether a function of sync/atomic, or a method of sync.Map, changes its operand.
func isAtomicWrite(pkg, name string) bool {
	if pkg == "sync" {
		return strings.HasPrefix(name, "Map.") && name != "Map.Load" && name != "Map.Range"
	}
	return pkg == "sync/atomic" && !strings.Contains(name, "Load")
}

// root is the name at the root of what is assigned to; nil if there is none, as in f().x = 1.
func (c *checker) root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.TypeAssertExpr:
			e = x.X
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok && c.isPackage(id) {
				return x.Sel
			}
			e = x.X
		default:
			return nil
		}
	}
}

func (c *checker) isPackage(id *ast.Ident) bool {
	_, ok := c.pass.TypesInfo.Uses[id].(*types.PkgName)
	return ok
}
