package durangovet

import (
	"fmt"
	"go/types"
	"path"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// functionFact is what other packages of the module know of a function.
type functionFact struct {
	Module string
	// Does says what is not deterministic in the function, as the end of a sentence: "calls time.Now at clock/clock.go:12"; "" for nothing.
	Does               string
	Rule, Why, Instead string
	// Unordered: a result is a list in the order of a map.
	Unordered bool
}

// AFact makes it a fact.
func (*functionFact) AFact() {}

func (f *functionFact) String() string {
	switch {
	case f.Unordered && f.Does != "":
		return f.Does + "; result in the order of a map"
	case f.Unordered:
		return "result in the order of a map"
	default:
		return f.Does
	}
}

// variableFact says that a package variable is written after its package is initialised.
type variableFact struct {
	Module    string
	WrittenAt string
}

// AFact makes it a fact.
func (*variableFact) AFact() {}

func (f *variableFact) String() string { return "written at " + f.WrittenAt }

// functionFact is what is known of a function of another package. Only functions of the same module are looked into: they can be
// changed, and what is inside libraries, caches and pools mostly, is rarely what matters.
func (c *checker) functionFact(fn *types.Func) (functionFact, bool) {
	var fact functionFact
	ok := c.pass.ImportObjectFact(fn, &fact) && fact.Module == modulePath(c.pass)
	return fact, ok
}

func (c *checker) variableFact(v *types.Var) (variableFact, bool) {
	var fact variableFact
	ok := c.pass.ImportObjectFact(v, &fact) && fact.Module == modulePath(c.pass)
	return fact, ok
}

// exportFacts tells the packages above what the exported functions and variables are like. Those that take part in an orchestration
// have their diagnostics in this package.
func (c *checker) exportFacts() {
	module := modulePath(c.pass)
	for _, f := range c.functions {
		if f.obj == nil || !f.obj.Exported() {
			continue
		}
		fact := functionFact{Module: module, Unordered: f.unordered}
		if f.role != orchestrator {
			if does, found := c.summary(f); found != nil {
				fact.Does, fact.Rule, fact.Why, fact.Instead = does, found.hazard.Rule, found.hazard.Why, found.hazard.Instead
			}
		}
		if fact.Does != "" || fact.Unordered {
			c.pass.ExportObjectFact(f.obj, &fact)
		}
	}
	for v, pos := range c.written {
		if v.Exported() {
			c.pass.ExportObjectFact(v, &variableFact{Module: module, WrittenAt: c.longPlace(c.place(pos))})
		}
	}
}

// summary says how a function comes to what is not deterministic, by the shortest way: "calls stamp, which calls time.Now at
// clock/clock.go:12". Without a finding there is none.
func (c *checker) summary(from *function) (string, *finding) {
	type step struct {
		f   *function
		way string
	}
	seen := map[*function]bool{from: true}
	for queue := []step{{from, ""}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if len(at.f.findings) > 0 {
			found := &at.f.findings[0]
			if found.far {
				return at.way + found.does, found
			}
			return fmt.Sprintf("%s%s at %s", at.way, found.does, c.longPlace(c.place(found.pos))), found
		}
		for _, call := range at.f.calls {
			to := c.byObject[call.to]
			if to == nil || to.role == orchestrator || seen[to] {
				continue
			}
			seen[to] = true
			queue = append(queue, step{to, at.way + "calls " + to.name + ", which "})
		}
	}
	return "", nil
}

// longPlace puts the package's last element before a place: what other packages show.
func (c *checker) longPlace(place string) string {
	return path.Base(c.pass.Pkg.Path()) + "/" + place
}

func modulePath(pass *analysis.Pass) string {
	if pass.Module == nil {
		return ""
	}
	return pass.Module.Path
}

// standardRoots are the first elements of the standard library's paths.
const standardRoots = " archive bufio builtin bytes cmp cmd compress container context crypto database debug embed encoding errors expvar" +
	" flag fmt go hash html image index internal io iter log maps math mime net os path plugin reflect regexp runtime simd slices sort" +
	" strconv strings structs sync syscall testing text time unicode unique unsafe vendor weak "

// isStandard tells whether the package is of the standard library, which the tables describe. Drivers give it no module.
func isStandard(pass *analysis.Pass) bool {
	if module := modulePath(pass); module != "" && module != "std" && module != "cmd" {
		return false
	}
	root, _, _ := strings.Cut(pass.Pkg.Path(), "/")
	return strings.Contains(standardRoots, " "+root+" ")
}
