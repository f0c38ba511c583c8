package replay

// nodeState is the state of an awaited task.
type nodeState uint8

const (
	pending nodeState = iota
	completed
	faulted
)

// node is a task that the orchestrator yielded, as a tree: a leaf, or Task.all or Task.any of others. It follows the rules of
// durable-functions 2.x (lib/src/task.js): Task.all fails with the first failure, Task.any completes with the first child, failed or not.
type node struct {
	kind     ActionType // WhenAll, WhenAny, or any other for a leaf
	leaf     *leaf
	parent   *node
	children []*node
	open     int  // children that have not completed
	flat     bool // the children are leaves, no two the same, none a polled request
	state    nodeState
}

// settle gives the node its state and tells the parents.
func (n *node) settle(s nodeState) {
	for n != nil && n.state == pending {
		n.state = s
		p := n.parent
		if p == nil || p.state != pending {
			return
		}
		p.open--
		switch {
		case p.kind == WhenAny:
			s = completed
		case s == faulted:
		case p.open > 0:
			return
		}
		n = p
	}
}

// entry is one element of the SDK's list: something that the orchestrator yielded. Entries are registered in order, each once the one
// before it is done.
type entry struct {
	root  *node   // nil in schema version 0, which tells no trees
	waits []*leaf // each occurrence, in pre-order
	end   int     // the number of leaves up to here
	// from is the episode in which the entry appeared, -1 when that is not known: waits leave no scheduling event.
	from int
}

func (e *entry) pending() bool { return e.root != nil && e.root.state == pending }

// newEntry builds the tree of one element; find gives the leaves in pre-order.
func newEntry(a *Action, find func(*Action) *leaf) *entry {
	e := &entry{}
	e.root = e.grow(a, find)
	return e
}

func (e *entry) grow(a *Action, find func(*Action) *leaf) *node {
	n := &node{kind: a.Type}
	if a.Ref == nil && a.isCompound() {
		n.children = make([]*node, len(a.CompoundActions))
		n.open, n.flat = len(n.children), true
		for i := range a.CompoundActions {
			part := &a.CompoundActions[i]
			n.flat = n.flat && part.Ref == nil && !part.isCompound()
			// The parent is linked afterwards, so that finished children do not settle a tree that is not complete yet.
			n.children[i] = e.grow(part, find)
		}
		n.adopt()
		return n
	}
	l := find(a)
	n.leaf, n.kind, n.state = l, l.action.Type, l.state
	switch l.action.Type {
	case WaitForExternalEvent:
		e.waits = append(e.waits, l)
	case ContinueAsNewAction, SignalEntity, ScheduledSignalEntity, ReleaseEntities:
		n.state = completed // nobody waits for it
	default:
	}
	l.nodes = append(l.nodes, n)
	return n
}

// adopt links the children and gives the node the state that follows from theirs.
func (n *node) adopt() {
	anyDone := len(n.children) == 0
	failed := false
	for _, c := range n.children {
		c.parent = n
		n.flat = n.flat && c.leaf != nil && !c.leaf.polled
		if c.state != pending {
			n.open--
			anyDone = true
			failed = failed || c.state == faulted
		}
	}
	switch {
	case n.kind == WhenAny && anyDone, n.kind == WhenAll && !failed && n.open == 0:
		n.state = completed
	case n.kind == WhenAll && failed:
		n.state = faulted
	}
}

// wouldEnd reports whether the node would complete if the leaves of done (true: failed) completed.
func (n *node) wouldEnd(done map[*leaf]bool) (end, failed bool) {
	if n.state != pending {
		return true, n.state == faulted
	}
	if n.leaf != nil {
		failed, end = done[n.leaf]
		return end, failed
	}
	left := n.open
	if n.kind == WhenAll && n.flat && left > len(done) && !anyFailure(done) {
		return false, false
	}
	for _, c := range n.children {
		if c.state != pending {
			continue
		}
		end, failed := c.wouldEnd(done)
		switch {
		case !end:
		case n.kind == WhenAny:
			return true, false
		case failed:
			return true, true
		default:
			left--
		}
	}
	return n.kind == WhenAll && left == 0, false
}

func anyFailure(done map[*leaf]bool) bool {
	for _, failed := range done {
		if failed {
			return true
		}
	}
	return false
}
