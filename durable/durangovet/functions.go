package durangovet

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path/filepath"
)

// findFunctions lists the declared functions and the literals that are orchestrators.
func (c *checker) findFunctions() {
	for _, file := range c.pass.Files {
		ast.PreorderStack(file, nil, func(n ast.Node, stack []ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				obj, _ := c.pass.TypesInfo.Defs[n.Name].(*types.Func)
				if obj == nil || n.Body == nil {
					return false
				}
				f := &function{name: methodName(obj), role: roleOf(obj.Signature()), obj: obj, body: n.Body}
				c.byObject[obj] = f
				c.functions = append(c.functions, f)
			case *ast.FuncLit:
				if c.literalRole(n) == orchestrator && !c.recorded[n] {
					c.functions = append(c.functions, &function{name: c.literalName(n, stack), role: orchestrator, body: n.Body})
				}
			}
			return true
		})
	}
}

func (c *checker) literalRole(lit *ast.FuncLit) role {
	sig, _ := c.pass.TypesInfo.TypeOf(lit).(*types.Signature)
	if sig == nil {
		return helper
	}
	return roleOf(sig)
}

// isSeparate tells whether a literal is no part of the function around it: an orchestrator is checked on its own, an activity not at
// all, and what durable.SideEffect records neither.
func (c *checker) isSeparate(lit *ast.FuncLit) bool {
	return c.recorded[lit] || c.literalRole(lit) != helper
}

// literalName is the name that an orchestrator's literal is registered under (the text before it in the call), or that of the variable
// or the field it goes to, or its place.
func (c *checker) literalName(lit *ast.FuncLit, stack []ast.Node) string {
	switch parent := parentOf(stack).(type) {
	case *ast.CallExpr:
		for _, arg := range parent.Args {
			value := c.pass.TypesInfo.Types[arg].Value
			if arg.Pos() < lit.Pos() && value != nil && value.Kind() == constant.String && constant.StringVal(value) != "" {
				return constant.StringVal(value)
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := parent.Key.(*ast.Ident); ok {
			return key.Name
		}
	case *ast.ValueSpec:
		for i, value := range parent.Values {
			if value == lit && i < len(parent.Names) {
				return parent.Names[i].Name
			}
		}
	case *ast.AssignStmt:
		for i, value := range parent.Rhs {
			if value == lit && i < len(parent.Lhs) {
				return types.ExprString(parent.Lhs[i])
			}
		}
	}
	return "at " + c.place(lit.Pos())
}

// place is a position as messages have it: the file's name without its folder, which differs from machine to machine.
func (c *checker) place(pos token.Pos) string {
	p := c.pass.Fset.Position(pos)
	return fmt.Sprintf("%s:%d", filepath.Base(p.Filename), p.Line)
}

// findClosures finds the literals that local variables hold, and those that durable.SideEffect records: its arguments, and the literals
// of variables that are used for nothing else.
func (c *checker) findClosures() {
	uses := map[*types.Var]int{}
	for _, obj := range c.pass.TypesInfo.Uses {
		if v, ok := obj.(*types.Var); ok {
			uses[v]++
		}
	}
	for _, file := range c.pass.Files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if len(n.Lhs) == len(n.Rhs) {
					for i, lhs := range n.Lhs {
						c.holds(lhs, n.Rhs[i])
					}
				}
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if len(n.Names) == len(n.Values) {
						c.holds(n.Names[i], value)
					}
				}
			case *ast.CallExpr:
				if c.isSideEffect(n) {
					c.record(n, uses)
				}
			}
			return true
		})
	}
}

func (c *checker) holds(lhs, rhs ast.Expr) {
	id, isIdent := lhs.(*ast.Ident)
	lit, isLit := ast.Unparen(rhs).(*ast.FuncLit)
	if !isIdent || !isLit {
		return
	}
	if v, ok := c.pass.TypesInfo.ObjectOf(id).(*types.Var); ok {
		c.closures[v] = append(c.closures[v], lit)
	}
}

func (c *checker) record(sideEffect *ast.CallExpr, uses map[*types.Var]int) {
	for _, arg := range sideEffect.Args {
		switch arg := ast.Unparen(arg).(type) {
		case *ast.FuncLit:
			c.recorded[arg] = true
		case *ast.Ident:
			v, ok := c.pass.TypesInfo.Uses[arg].(*types.Var)
			if !ok {
				continue
			}
			// One that is called as well, or handed to something else, is checked.
			if uses[v]--; uses[v] == 0 {
				for _, lit := range c.closures[v] {
					c.recorded[lit] = true
				}
			}
		}
	}
}

func parentOf(stack []ast.Node) ast.Node {
	for i := len(stack) - 1; i >= 0; i-- {
		if _, paren := stack[i].(*ast.ParenExpr); !paren {
			return stack[i]
		}
	}
	return nil
}
