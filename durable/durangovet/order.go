package durangovet

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// orderScan goes through one function in the order of its source. It knows the loops over maps that it is in, and the variables whose
// elements are in the order of a map, until they are sorted or set anew. Branches are not told apart: sorted somewhere is sorted.
type orderScan struct {
	*checker
	f     *function
	loops map[ast.Node]token.Pos // loops in the order of a map (statements, or literals of sync.Map.Range), and where that order comes from
	// unsorted are the variables in the order of a map, and where they got it.
	unsorted map[variable]token.Pos
	found    map[token.Pos]bool
}

// variable is a local or package variable, or a field of one: path is "" or ".field".
type variable struct {
	root types.Object
	path string
}

// scanOrder scans a function once; others may ask for its results before its turn has come.
func (c *checker) scanOrder(f *function) {
	if f.scanned {
		return
	}
	f.scanned = true
	s := &orderScan{
		checker: c, f: f, loops: map[ast.Node]token.Pos{}, unsorted: map[variable]token.Pos{}, found: map[token.Pos]bool{},
	}
	ast.PreorderStack(f.body, nil, s.visit)
	slices.SortStableFunc(f.findings, func(a, b finding) int { return cmp.Compare(a.pos, b.pos) })
}

func (s *orderScan) visit(n ast.Node, stack []ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		return !s.isSeparate(n)
	case *ast.RangeStmt:
		s.loop(n)
	case *ast.CallExpr:
		s.call(n)
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			s.assign(lhs, n.Rhs[min(i, len(n.Rhs)-1)], n.Tok, stack)
		}
	case *ast.ValueSpec:
		for i, value := range n.Values {
			if i < len(n.Names) {
				s.assign(n.Names[i], value, token.DEFINE, stack)
			}
		}
	case *ast.ReturnStmt:
		s.returns(n, stack)
	}
	return true
}

// loop looks at a range statement. One without variables does the same however the map is ordered.
func (s *orderScan) loop(n *ast.RangeStmt) {
	if isBlank(n.Key) && isBlank(n.Value) {
		return
	}
	if origin, ok := s.origin(n.X); ok {
		v, isVariable := s.unsortedIn(n.X)
		s.orderedLoop(n, n.Body, origin, v, isVariable)
		return
	}
	if is[*types.Map](s.pass.TypesInfo.TypeOf(n.X)) {
		s.orderedLoop(n, n.Body, n.Pos(), variable{}, false)
	}
}

// orderedLoop reports a loop in the order of a map if it comes to an action, and remembers it otherwise.
func (s *orderScan) orderedLoop(loop ast.Node, body *ast.BlockStmt, origin token.Pos, over variable, isVariable bool) {
	action := s.firstAction(body)
	switch {
	case action == "":
		s.loops[loop] = origin
	case isVariable:
		s.find(origin, "fills "+over.name()+" in the order of a map, and "+s.place(loop.Pos())+" ranges over it and calls "+action, mapFill)
	default:
		s.find(loop.Pos(), "ranges over a map and calls "+action+" in the loop", mapLoop)
	}
}

func (s *orderScan) call(n *ast.CallExpr) {
	fn := s.callee(n)
	if fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "sync" && methodName(fn) == "Map.Range" && len(n.Args) == 1 {
		if lit, ok := ast.Unparen(n.Args[0]).(*ast.FuncLit); ok {
			s.orderedLoop(lit, lit.Body, n.Pos(), variable{}, false)
		}
		return
	}
	if sorts(n) {
		for _, arg := range n.Args {
			s.sorted(arg)
		}
		if method, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr); ok {
			s.sorted(method.X)
		}
		return
	}
	action := s.action(n)
	if action == "" {
		return
	}
	for _, arg := range n.Args {
		s.passed(arg, action)
	}
}

// sorts tells by its name whether a function sorts its arguments or its receiver: those of sort and slices, and the author's own.
// slices.Sorted makes another list.
func sorts(n *ast.CallExpr) bool {
	name := calledName(n)
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.HasPrefix(name, "sort.") || strings.HasPrefix(strings.ToLower(last), "sort") && !strings.HasPrefix(name, "slices.Sorted")
}

// sorted forgets what an argument of a sorting function names: keys, byName(keys), sorter for its sorter.keys; and the other variables
// that were filled at the same place, since they may be the same list.
func (s *orderScan) sorted(arg ast.Expr) {
	ast.Inspect(arg, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			root := s.pass.TypesInfo.Uses[id]
			for v, origin := range maps.Clone(s.unsorted) {
				if v.root == root {
					maps.DeleteFunc(s.unsorted, func(_ variable, o token.Pos) bool { return o == origin })
				}
			}
		}
		_, isLit := n.(*ast.FuncLit)
		return !isLit
	})
}

// passed reports what an argument of an action has in the order of a map. What other functions make of such a list, its length or its
// sum perhaps, is not known.
func (s *orderScan) passed(arg ast.Expr, action string) {
	ast.Inspect(arg, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if origin, ok := s.origin(e); ok {
			if v, ok := s.unsortedIn(e); ok {
				s.find(origin, "fills "+v.name()+" in the order of a map and passes it to "+action+" at "+s.place(e.Pos()), mapFill)
			} else {
				s.find(e.Pos(), "passes a list in the order of a map to "+action, mapFill)
			}
			return false
		}
		switch e := e.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			return s.keepsOrder(e) || s.showsOrder(e)
		}
		return true
	})
}

// assign follows an assignment: it puts a list in the order of a map, or takes that order away.
func (s *orderScan) assign(lhs, rhs ast.Expr, tok token.Token, stack []ast.Node) {
	if index, ok := ast.Unparen(lhs).(*ast.IndexExpr); ok {
		s.assignElement(index, rhs, stack)
		return
	}
	v, ok := s.variable(lhs)
	if !ok {
		return
	}
	if origin, ok := s.origin(rhs); ok && hasOrder(s.pass.TypesInfo.TypeOf(lhs)) {
		if _, known := s.unsorted[v]; !known {
			s.unsorted[v] = origin
		}
		return
	}
	appends := s.appended(rhs, v)
	if loop, origin, ok := s.loopAround(v, stack); ok {
		added := appends
		if tok == token.ADD_ASSIGN && isString(s.pass.TypesInfo.TypeOf(lhs)) {
			added = []ast.Expr{rhs}
		}
		if slices.ContainsFunc(added, func(e ast.Expr) bool { return s.variesIn(e, loop) }) {
			s.unsorted[v] = origin
			return
		}
	}
	if appends == nil && (tok == token.ASSIGN || tok == token.DEFINE) {
		delete(s.unsorted, v)
	}
}

// assignElement follows list[i] = key, with an i that counts in the loop. An index that the key decides puts each at its place.
func (s *orderScan) assignElement(lhs *ast.IndexExpr, rhs ast.Expr, stack []ast.Node) {
	v, ok := s.variable(lhs.X)
	index, isVariable := s.variable(lhs.Index)
	if !ok || !isVariable || is[*types.Map](s.pass.TypesInfo.TypeOf(lhs.X)) {
		return
	}
	loop, origin, ok := s.loopAround(v, stack)
	if ok && s.variesIn(rhs, loop) && s.counts(index, loop) {
		s.unsorted[v] = origin
	}
}

func (s *orderScan) counts(index variable, loop ast.Node) bool {
	found := false
	ast.Inspect(loop, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IncDecStmt:
			if v, ok := s.variable(n.X); ok && v == index {
				found = true
			}
		case *ast.AssignStmt:
			if v, ok := s.variable(n.Lhs[0]); ok && v == index && n.Tok == token.ADD_ASSIGN {
				found = true
			}
		}
		return !found
	})
	return found
}

// returns notes a result in the order of a map. A function that says that it sorts is believed.
func (s *orderScan) returns(n *ast.ReturnStmt, stack []ast.Node) {
	if strings.Contains(strings.ToLower(s.f.name), "sort") {
		return
	}
	for _, around := range stack {
		if _, ok := around.(*ast.FuncLit); ok {
			return // of a closure
		}
	}
	for _, result := range n.Results {
		if _, ok := s.origin(result); ok {
			s.f.unordered = true
		}
	}
	if len(n.Results) > 0 || s.f.obj == nil {
		return
	}
	for v := range s.f.obj.Signature().Results().Variables() {
		if _, ok := s.unsorted[variable{root: v}]; ok {
			s.f.unordered = true
		}
	}
}

// find reports a place once, however often what it fills is used.
func (s *orderScan) find(pos token.Pos, does string, h *hazard) {
	if s.found[pos] {
		return
	}
	s.found[pos] = true
	s.add(s.f, finding{pos: pos, does: does, hazard: h})
}
