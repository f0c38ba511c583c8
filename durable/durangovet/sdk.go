package durangovet

import (
	"go/ast"
	"go/types"
	"slices"

	"golang.org/x/tools/go/types/typeutil"
)

// durablePath is the package of the orchestrators' API. It is the one that makes things deterministic, so it is not checked itself.
const durablePath = "github.com/durango-functions/durango/durable"

// harmless are the methods of an orchestration and of a task that ask for nothing: calling them in any order changes no action.
// o.Rand and o.NewGUID are not among them: which value a key gets depends on the order.
var harmless = []string{
	"CurrentTime", "ExecutionID", "Input", "GetInput", "InstanceID", "IsReplaying", "Logger", "Name", "Now", "ParentInstanceID", "Version",
	"Done", "Err", "ID", "IsCanceled", "IsCompleted", "IsDone", "IsFaulted", "String",
}

// role is what a function is to an orchestration.
type role int

const (
	helper role = iota
	orchestrator
	activity
)

func roleOf(sig *types.Signature) role {
	params := sig.Params()
	for v := range params.Variables() {
		if isOrchestration(v.Type()) {
			return orchestrator
		}
	}
	if params.Len() > 0 && isNamed(params.At(0).Type(), "context", "Context") {
		return activity
	}
	return helper
}

func isOrchestration(t types.Type) bool {
	pointer, ok := types.Unalias(t).(*types.Pointer)
	return ok && isNamed(pointer.Elem(), durablePath, "Orchestration")
}

// isTask tells whether t is a type of package durable, or a pointer to one, that can be awaited, or a list or map of such.
func isTask(t types.Type) bool {
	switch u := types.Unalias(t).(type) {
	case *types.Slice:
		return isTask(u.Elem())
	case *types.Array:
		return isTask(u.Elem())
	case *types.Map:
		return isTask(u.Elem())
	}
	named := namedOf(t)
	if named == nil || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != durablePath {
		return false
	}
	awaits, _, _ := types.LookupFieldOrMethod(t, true, named.Obj().Pkg(), "Await")
	_, ok := awaits.(*types.Func)
	return ok
}

// namedOf is the named type that t is or points to; nil if there is none.
func namedOf(t types.Type) *types.Named {
	t = types.Unalias(t)
	if pointer, ok := t.(*types.Pointer); ok {
		t = types.Unalias(pointer.Elem())
	}
	named, _ := t.(*types.Named)
	return named
}

func isNamed(t types.Type, pkg, name string) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Name() == name && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == pkg
}

// callee is the function or method that is called, generic ones in their declared form; nil if it is a value or not known.
func (c *checker) callee(call *ast.CallExpr) *types.Func {
	fn, _ := typeutil.Callee(c.pass.TypesInfo, call).(*types.Func)
	if fn == nil {
		return nil
	}
	return fn.Origin()
}

func isOfSDK(fn *types.Func) bool {
	return fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == durablePath
}

func (c *checker) isSideEffect(call *ast.CallExpr) bool {
	fn := c.callee(call)
	return isOfSDK(fn) && fn.Name() == "SideEffect"
}

// action says whether a call asks something of the orchestration, by itself or in what it calls, so that the order of such calls counts.
// The answer is the call as the code has it, "" for no.
func (c *checker) action(call *ast.CallExpr) string {
	if !c.seesSDK {
		return ""
	}
	fn := c.callee(call)
	if c.takesPart(call, fn) || c.closureActs(call) {
		return calledName(call)
	}
	return ""
}

func (c *checker) takesPart(call *ast.CallExpr, fn *types.Func) bool {
	touches := fn != nil && fn.Signature().Recv() != nil && touchesOrchestration(fn.Signature().Recv().Type())
	for _, arg := range call.Args {
		if t := c.pass.TypesInfo.TypeOf(arg); t != nil && touchesOrchestration(t) {
			touches = true
		}
	}
	switch {
	case fn == nil:
		return touches && !c.isConversionOrBuiltin(call)
	case isOfSDK(fn):
		return touches && !slices.Contains(harmless, fn.Name())
	}
	if f := c.byObject[fn]; f != nil {
		return f.acts
	}
	for _, arg := range call.Args {
		if isOrchestration(c.pass.TypesInfo.TypeOf(arg)) {
			return true // of a function whose body is not seen, that is all that is known
		}
	}
	return false
}

func touchesOrchestration(t types.Type) bool { return isOrchestration(t) || isTask(t) }

func (c *checker) isConversionOrBuiltin(call *ast.CallExpr) bool {
	tv := c.pass.TypesInfo.Types[ast.Unparen(call.Fun)]
	return tv.IsType() || tv.IsBuiltin()
}

// closureActs tells whether the call is one of a local variable that holds a function literal which acts.
func (c *checker) closureActs(call *ast.CallExpr) bool {
	id, ok := ast.Unparen(call.Fun).(*ast.Ident)
	if !ok {
		return false
	}
	v, ok := c.pass.TypesInfo.Uses[id].(*types.Var)
	if !ok || c.closureBusy[v] {
		return false
	}
	c.closureBusy[v] = true
	defer delete(c.closureBusy, v)
	return slices.ContainsFunc(c.closures[v], func(lit *ast.FuncLit) bool { return c.firstAction(lit.Body) != "" })
}

// findActing marks the functions of the package that come to an action, until there are no more: they may call each other.
func (c *checker) findActing() {
	if !c.seesSDK {
		return
	}
	for changed := true; changed; {
		changed = false
		for _, f := range c.functions {
			if !f.acts && c.firstAction(f.body) != "" {
				f.acts, changed = true, true
			}
		}
	}
}

// firstAction finds an action in a piece of code; "" if there is none.
func (c *checker) firstAction(code ast.Node) string {
	found := ""
	ast.Inspect(code, func(n ast.Node) bool {
		if lit, ok := n.(*ast.FuncLit); ok && c.isSeparate(lit) {
			return false
		}
		if call, ok := n.(*ast.CallExpr); ok && found == "" {
			found = c.action(call)
		}
		return found == ""
	})
	return found
}

// calledName is what a call calls, as the code has it, without type arguments.
func calledName(call *ast.CallExpr) string {
	return types.ExprString(withoutTypeArguments(call.Fun))
}

func withoutTypeArguments(e ast.Expr) ast.Expr {
	switch e := ast.Unparen(e).(type) {
	case *ast.IndexExpr:
		return e.X
	case *ast.IndexListExpr:
		return e.X
	default:
		return e
	}
}
