package durangovet

import (
	"go/ast"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/analysis"
)

const doc = `check that orchestrators are deterministic

An orchestrator, a function with a parameter of type *durable.Orchestration, is replayed from its history, so it has to do the same each
time. The analyzer reports what would not: the clock, randomness, goroutines, channels and locks, actions in the order of a map, I/O, and
package variables that change; in the orchestrators and in what they call.

A comment "//durangovet:ignore reason" on the line, or alone on the line above, makes an exception.`

// Analyzer finds what is not deterministic in orchestrators.
var Analyzer = &analysis.Analyzer{
	Name:      "durangovet",
	Doc:       doc,
	URL:       "https://pkg.go.dev/github.com/durango-functions/durango/durable/durangovet",
	Run:       run,
	FactTypes: []analysis.Fact{(*functionFact)(nil), (*variableFact)(nil)},
}

// checker checks one package.
type checker struct {
	pass    *analysis.Pass
	seesSDK bool // the package imports package durable, perhaps through others

	functions []*function // in order of position
	byObject  map[*types.Func]*function
	closures  map[*types.Var][]*ast.FuncLit // what local variables hold
	recorded  map[*ast.FuncLit]bool         // arguments of durable.SideEffect
	written   map[*types.Var]token.Pos      // package variables that are written outside init and tests, and where
	ignored   ignores

	closureBusy map[*types.Var]bool // guards against closures that call themselves
}

// function is code that is checked on its own: a declared function, or a literal that is an orchestrator.
type function struct {
	name string
	role role
	obj  *types.Func // nil for a literal
	body *ast.BlockStmt

	findings []finding // in order of position
	calls    []call
	acts     bool // it comes to an action

	scanned   bool // for the order of maps
	unordered bool // a result is a list in the order of a map
}

// finding is a place that is not deterministic.
type finding struct {
	pos    token.Pos
	does   string // what the code does there, as the end of a sentence: "calls time.Now"
	hazard *hazard
	far    bool // does says already where it happens, in another package
}

// call is a call of a function of this package.
type call struct {
	pos token.Pos
	to  *types.Func
}

func run(pass *analysis.Pass) (any, error) {
	if isStandard(pass) || pass.Pkg.Path() == durablePath {
		return nil, nil
	}
	c := &checker{
		pass:        pass,
		seesSDK:     imports(pass.Pkg, durablePath, map[*types.Package]bool{}),
		byObject:    map[*types.Func]*function{},
		closures:    map[*types.Var][]*ast.FuncLit{},
		recorded:    map[*ast.FuncLit]bool{},
		written:     map[*types.Var]token.Pos{},
		closureBusy: map[*types.Var]bool{},
	}
	c.ignored = c.readIgnores()
	c.findClosures()
	c.findFunctions()
	c.findWritten()
	c.findActing()
	for _, f := range c.functions {
		c.walk(f)
	}
	for _, f := range c.functions {
		c.scanOrder(f)
	}
	c.exportFacts()
	c.report()
	return nil, nil
}

func imports(pkg *types.Package, path string, seen map[*types.Package]bool) bool {
	if seen[pkg] {
		return false
	}
	seen[pkg] = true
	if pkg.Path() == path {
		return true
	}
	for _, imported := range pkg.Imports() {
		if imports(imported, path, seen) {
			return true
		}
	}
	return false
}
