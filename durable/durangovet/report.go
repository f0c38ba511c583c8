package durangovet

import "golang.org/x/tools/go/analysis"

// pathTo is the way from an orchestrator to one of the functions that it calls.
type pathTo struct {
	f   *function
	way string // "calls load, which calls stamp, which "; "" for the orchestrator itself
}

// report reports what the orchestrators come to: each place once, with the shortest way from the first orchestrator that reaches it.
func (c *checker) report() {
	reached := map[*function]bool{}
	for _, root := range c.functions {
		if root.role != orchestrator {
			continue
		}
		seen := map[*function]bool{root: true}
		for queue := []pathTo{{root, ""}}; len(queue) > 0; queue = queue[1:] {
			at := queue[0]
			if !reached[at.f] {
				reached[at.f] = true
				c.reportFunction(root, at)
			}
			for _, call := range at.f.calls {
				to := c.byObject[call.to]
				if to == nil || to.role != helper || seen[to] {
					continue // one that takes part in the orchestration is an orchestrator here
				}
				seen[to] = true
				queue = append(queue, pathTo{to, at.way + "calls " + to.name + ", which "})
			}
		}
	}
}

func (c *checker) reportFunction(root *function, at pathTo) {
	for _, found := range at.f.findings {
		c.reportFinding(root, at.way, found)
	}
	for _, call := range at.f.calls {
		to := c.byObject[call.to]
		if to == nil || to.role != activity {
			continue
		}
		if does, found := c.summary(to); found != nil {
			c.reportFinding(root, at.way, finding{pos: call.pos, does: "calls " + to.name + ", which " + does, hazard: asActivity(found.hazard)})
		}
	}
}

func (c *checker) reportFinding(root *function, way string, found finding) {
	c.pass.Report(analysis.Diagnostic{
		Pos:      found.pos,
		Category: found.hazard.Rule,
		Message:  "orchestrator " + root.name + " " + way + found.does + ": " + found.hazard.Why + "; " + found.hazard.Instead,
	})
}
