package durangovet

import (
	"go/ast"
	"go/token"
	"go/types"
)

// walker finds what one function does that is not deterministic, and what it calls. The order of maps is orderScan's.
type walker struct {
	*checker
	f    *function
	seen map[lineHazard]bool
	// writes are the package variables that a line writes: what it reads of them is not worth another diagnostic.
	writes map[lineVariable]bool
}

// lineHazard makes one diagnostic of rdb.Get(key).Result() and of time.Now().Sub(time.Now()).
type lineHazard struct {
	line   int
	hazard *hazard
	pkg    *types.Package
}

type lineVariable struct {
	line int
	v    *types.Var
}

func (c *checker) walk(f *function) {
	w := &walker{checker: c, f: f, seen: map[lineHazard]bool{}, writes: map[lineVariable]bool{}}
	ast.PreorderStack(f.body, nil, w.visit)
}

func (w *walker) visit(n ast.Node, stack []ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		return !w.isSeparate(n)
	case *ast.GoStmt:
		w.find(n.Pos(), "starts a goroutine", goroutine)
	case *ast.SelectStmt:
		w.find(n.Pos(), "selects among channels", channel)
	case *ast.SendStmt:
		if !inSelect(n, stack) {
			w.find(n.Pos(), "sends to a channel", channel)
		}
	case *ast.UnaryExpr:
		if n.Op == token.ARROW && !inSelect(n, stack) {
			w.find(n.Pos(), "receives from a channel", channel)
		}
	case *ast.RangeStmt:
		if is[*types.Chan](w.pass.TypesInfo.TypeOf(n.X)) {
			w.find(n.Pos(), "ranges over a channel", channel)
		}
	case *ast.CallExpr:
		w.builtin(n)
	case *ast.Ident:
		w.use(n, stack)
	}
	w.globalWrites(n)
	return true
}

// inSelect tells whether a send or a receive is what a case of a select waits for: the select is reported.
func inSelect(n ast.Node, stack []ast.Node) bool {
	for _, around := range stack {
		clause, ok := around.(*ast.CommClause)
		if ok && clause.Comm != nil && clause.Comm.Pos() <= n.Pos() && n.End() <= clause.Comm.End() {
			return true
		}
	}
	return false
}

func (w *walker) builtin(call *ast.CallExpr) {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok || len(call.Args) == 0 {
		return
	}
	if _, ok := w.pass.TypesInfo.Uses[id].(*types.Builtin); !ok {
		return
	}
	switch id.Name {
	case "make":
		if is[*types.Chan](w.pass.TypesInfo.TypeOf(call.Args[0])) {
			w.find(call.Pos(), "makes a channel", channel)
		}
	case "close":
		w.find(call.Pos(), "closes a channel", channel)
	case "print", "println":
		w.find(call.Pos(), "calls "+id.Name, logging)
	}
}

// use looks at the use of a function or a variable by its name.
func (w *walker) use(id *ast.Ident, stack []ast.Node) {
	pos := w.start(id, stack)
	switch obj := w.pass.TypesInfo.Uses[id].(type) {
	case *types.Func:
		w.useFunction(id, pos, obj.Origin(), stack)
	case *types.Var:
		if obj.Pkg() == nil || obj.Parent() != obj.Pkg().Scope() {
			return
		}
		if h := hazardOf(obj); h != nil {
			w.findUse(pos, obj.Pkg(), "uses "+w.qualified(obj, obj.Name()), h)
			return
		}
		w.globalRead(pos, obj)
	}
}

// start is where a name begins: that of pkg.Name with the package. A method stays where it is, since the chain of calls before it may
// have begun lines above.
func (w *walker) start(id *ast.Ident, stack []ast.Node) token.Pos {
	selector, ok := parentOf(stack).(*ast.SelectorExpr)
	if !ok || selector.Sel != id {
		return id.Pos()
	}
	if pkg, ok := selector.X.(*ast.Ident); ok && w.isPackage(pkg) {
		return pkg.Pos()
	}
	return id.Pos()
}

func (w *walker) useFunction(id *ast.Ident, pos token.Pos, fn *types.Func, stack []ast.Node) {
	if fn.Pkg() == nil {
		return // error.Error
	}
	called, around := callAround(id, stack)
	if !called && around != nil && isOfSDK(w.callee(around)) {
		return // o.CallActivity(SendMail, ...), durable.SideEffect(o, time.Now)
	}
	name := w.qualified(fn, methodName(fn))
	if fn.Pkg() == w.pass.Pkg {
		// A function that is handed to another, as to slices.SortFunc, is called there; an activity or an orchestrator is not.
		if called || around != nil && roleOf(fn.Signature()) == helper {
			w.calls(pos, fn)
		}
		return
	}
	if h := hazardOf(fn); h != nil {
		if h == noIO && w.isForLogger(around, stack) {
			return
		}
		verb := "calls "
		if !called {
			verb = "uses "
		}
		w.findUse(pos, fn.Pkg(), verb+name, h)
		return
	}
	if !called && (around == nil || roleOf(fn.Signature()) != helper) || isOfSDK(fn) {
		return
	}
	if fact, ok := w.functionFact(fn); ok && fact.Does != "" {
		h := &hazard{fact.Rule, fact.Why, fact.Instead}
		if roleOf(fn.Signature()) == activity {
			h = asActivity(h)
		}
		w.add(finding{pos: pos, does: "calls " + name + ", which " + fact.Does, hazard: h, far: true})
	}
}

// isForLogger tells whether a context, made by the innermost call on the stack, is an argument of a *slog.Logger's method, which wants
// one and does nothing with it but hand it on.
func (w *walker) isForLogger(made *ast.CallExpr, stack []ast.Node) bool {
	for i, n := range stack {
		if n != made || i == 0 {
			continue
		}
		outer, ok := parentOf(stack[:i]).(*ast.CallExpr)
		if !ok {
			return false
		}
		fn := w.callee(outer)
		if fn == nil || fn.Signature().Recv() == nil {
			return false
		}
		named := namedOf(fn.Signature().Recv().Type())
		return named != nil && isNamed(named, "log/slog", "Logger")
	}
	return false
}

// callAround finds the call that a name belongs to: called is true when the name says what is called, false when it is an argument.
// Without either the call is nil.
func callAround(id *ast.Ident, stack []ast.Node) (called bool, around *ast.CallExpr) {
	var expr ast.Expr = id
	for i := len(stack) - 1; i >= 0; i-- {
		switch n := stack[i].(type) {
		case *ast.ParenExpr:
			expr = n
		case *ast.IndexExpr:
			if n.X != expr {
				return false, nil
			}
			expr = n
		case *ast.IndexListExpr:
			expr = n
		case *ast.SelectorExpr:
			if n.Sel != expr {
				return false, nil
			}
			expr = n
		case *ast.CallExpr:
			return n.Fun == expr, n
		default:
			return false, nil
		}
	}
	return false, nil
}

// qualified is a name as the package's code writes it.
func (c *checker) qualified(obj types.Object, name string) string {
	if obj.Pkg() == nil || obj.Pkg() == c.pass.Pkg {
		return name
	}
	return obj.Pkg().Name() + "." + name
}

func (w *walker) find(pos token.Pos, does string, h *hazard) {
	w.add(finding{pos: pos, does: does, hazard: h})
}

func (w *walker) findUse(pos token.Pos, pkg *types.Package, does string, h *hazard) {
	key := lineHazard{w.pass.Fset.Position(pos).Line, h, pkg}
	if w.seen[key] {
		return
	}
	w.seen[key] = true
	w.find(pos, does, h)
}

func (w *walker) add(f finding) { w.checker.add(w.f, f) }

func (c *checker) add(f *function, found finding) {
	if !c.ignored.covers(c.pass.Fset, found.pos) {
		f.findings = append(f.findings, found)
	}
}

func (w *walker) calls(pos token.Pos, fn *types.Func) {
	if !w.ignored.covers(w.pass.Fset, pos) {
		w.f.calls = append(w.f.calls, call{pos, fn})
	}
}

// is tells whether t's underlying type, or that of all types that a type parameter allows, is a T.
func is[T types.Type](t types.Type) bool {
	if t == nil {
		return false
	}
	if param, ok := types.Unalias(t).(*types.TypeParam); ok {
		return constrained[T](param)
	}
	_, ok := t.Underlying().(T)
	return ok
}

func constrained[T types.Type](param *types.TypeParam) bool {
	constraint, ok := param.Constraint().Underlying().(*types.Interface)
	if !ok || constraint.NumEmbeddeds() == 0 {
		return false
	}
	for embedded := range constraint.EmbeddedTypes() {
		union, ok := types.Unalias(embedded).(*types.Union)
		if !ok {
			if is[T](embedded) {
				return true
			}
			continue
		}
		for term := range union.Terms() {
			if !is[T](term.Type()) {
				return false
			}
		}
		return true
	}
	return false
}
