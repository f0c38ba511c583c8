package durangovet

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// origin tells whether an expression is a list or an iterator in the order of a map, and where it got that order.
func (s *orderScan) origin(e ast.Expr) (token.Pos, bool) {
	e = ast.Unparen(e)
	if v, ok := s.variable(e); ok {
		pos, ok := s.unsorted[v]
		return pos, ok
	}
	switch e := e.(type) {
	case *ast.SliceExpr:
		return s.origin(e.X)
	case *ast.CallExpr:
		return s.originOfCall(e)
	}
	return token.NoPos, false
}

// unsortedIn finds the variable that gives an expression the order of a map; there is none in slices.Collect(maps.Keys(m)).
func (s *orderScan) unsortedIn(e ast.Expr) (found variable, ok bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if e, isExpr := n.(ast.Expr); isExpr && !ok {
			if v, isVariable := s.variable(e); isVariable {
				if _, ok = s.unsorted[v]; ok {
					found = v
				}
			}
		}
		return !ok
	})
	return found, ok
}

func (s *orderScan) originOfCall(call *ast.CallExpr) (token.Pos, bool) {
	if s.keepsOrder(call) {
		for _, arg := range call.Args {
			if pos, ok := s.origin(arg); ok {
				return pos, true
			}
		}
		return token.NoPos, false
	}
	fn := s.callee(call)
	if fn == nil || fn.Pkg() == nil {
		return token.NoPos, false
	}
	switch fn.Pkg().Path() {
	case "maps", "golang.org/x/exp/maps":
		return call.Pos(), fn.Name() == "Keys" || fn.Name() == "Values" || fn.Name() == "All"
	case s.pass.Pkg.Path():
		if f := s.byObject[fn]; f != nil {
			s.scanOrder(f)
			return call.Pos(), f.unordered
		}
		return token.NoPos, false
	}
	fact, ok := s.functionFact(fn)
	return call.Pos(), ok && fact.Unordered
}

// keepsOrder tells whether the call's result has the elements of an argument in their order: append, a conversion, slices.Collect.
func (s *orderScan) keepsOrder(call *ast.CallExpr) bool {
	if s.isConversionOrBuiltin(call) {
		id, ok := ast.Unparen(call.Fun).(*ast.Ident)
		return !ok || id.Name == "append" || s.pass.TypesInfo.Types[call.Fun].IsType()
	}
	fn := s.callee(call)
	if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "slices" {
		return false
	}
	switch fn.Name() {
	case "All", "AppendSeq", "Backward", "Chunk", "Clip", "Clone", "Collect", "Compact", "CompactFunc", "Concat", "Grow", "Insert", "Repeat",
		"Values":
		return true
	}
	return false
}

// showsOrder tells whether the call makes a text of a list, in which the order shows.
func (s *orderScan) showsOrder(call *ast.CallExpr) bool {
	fn := s.callee(call)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() {
	case "fmt":
		return strings.HasPrefix(fn.Name(), "Sprint") || strings.HasPrefix(fn.Name(), "Append")
	case "strings", "bytes":
		return fn.Name() == "Join"
	case "encoding/json":
		return strings.HasPrefix(fn.Name(), "Marshal")
	}
	return false
}

// appended lists what an append to v adds; nil if the expression is none.
func (s *orderScan) appended(e ast.Expr, v variable) []ast.Expr {
	call, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return nil
	}
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok || id.Name != "append" || !s.isConversionOrBuiltin(call) {
		return nil
	}
	if to, ok := s.variable(call.Args[0]); !ok || to != v {
		return nil
	}
	return call.Args[1:]
}

// loopAround finds the innermost loop in the order of a map around an assignment to v, when v lives longer than a turn of it.
func (s *orderScan) loopAround(v variable, stack []ast.Node) (loop ast.Node, origin token.Pos, ok bool) {
	for i := len(stack) - 1; i >= 0; i-- {
		origin, isLoop := s.loops[stack[i]]
		if isLoop && (v.root.Pos() < stack[i].Pos() || v.root.Pos() > stack[i].End()) {
			return stack[i], origin, true
		}
	}
	return nil, token.NoPos, false
}

// variesIn tells whether an expression uses what the loop declares, and may thus be another in each turn.
func (s *orderScan) variesIn(e ast.Expr, loop ast.Node) bool {
	varies := false
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			obj := s.pass.TypesInfo.Uses[id]
			if _, isVar := obj.(*types.Var); isVar && loop.Pos() <= obj.Pos() && obj.Pos() <= loop.End() {
				varies = true
			}
		}
		return !varies
	})
	return varies
}

// variable is the variable, or its field, that an expression names.
func (c *checker) variable(e ast.Expr) (variable, bool) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, ok := c.pass.TypesInfo.ObjectOf(e).(*types.Var)
		return variable{root: v}, ok && e.Name != "_"
	case *ast.SelectorExpr:
		if _, isField := c.pass.TypesInfo.Selections[e]; !isField {
			return c.variable(e.Sel)
		}
		v, ok := c.variable(e.X)
		return variable{v.root, v.path + "." + e.Sel.Name}, ok
	case *ast.StarExpr:
		return c.variable(e.X)
	}
	return variable{}, false
}

func (v variable) name() string { return v.root.Name() + v.path }

func isBlank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// hasOrder tells whether a type is that of a list, an iterator or a text.
func hasOrder(t types.Type) bool {
	return is[*types.Slice](t) || is[*types.Array](t) || is[*types.Signature](t) || t != nil && isString(t)
}

func isString(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsString != 0
}
