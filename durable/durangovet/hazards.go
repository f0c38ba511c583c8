package durangovet

// The rules; docs/durangovet.md has a section for each.
const (
	ruleTime      = "time"
	ruleRandom    = "random"
	ruleGoroutine = "goroutine"
	ruleChannel   = "channel"
	ruleMapOrder  = "maporder"
	ruleIO        = "io"
	ruleGlobal    = "global"
	// ruleIgnore is about the comments that make exceptions from the others.
	ruleIgnore = "ignore"
)

// hazard is a way of not being deterministic. A message is made of what is done, why that is wrong, and what to do instead.
type hazard struct {
	Rule    string
	Why     string
	Instead string
}

var (
	clock = &hazard{ruleTime, "each replay gets another time", "use o.Now()"}
	wait  = &hazard{ruleTime, "the host forgets the wait when it stops, and waits again on each replay",
		"use o.Sleep, or await o.CreateTimer"}
	zone = &hazard{ruleTime, "the time zone is the host's", "use UTC, or a zone that the input names"}

	random = &hazard{ruleRandom, "each replay gets another value", "use o.Rand()"}
	guid   = &hazard{ruleRandom, "each replay gets another ID", "use o.NewGUID()"}

	goroutine = &hazard{ruleGoroutine, "the order in which goroutines run is not in the history",
		"start several tasks and await durable.WhenAll"}
	channel = &hazard{ruleChannel, "what goes through a channel, and when, is not in the history",
		"await tasks, several with durable.WhenAll or durable.WhenAny"}
	lock = &hazard{ruleChannel, "who gets a lock first is not in the history",
		"keep the state in variables of the orchestrator, which need no lock"}

	mapLoop = &hazard{ruleMapOrder, "a map has another order on each replay", "range over slices.Sorted(maps.Keys(m))"}
	mapFill = &hazard{ruleMapOrder, "a map has another order on each replay", "sort it first, as with slices.Sort"}

	effect = &hazard{ruleIO, "each replay does it again, and may see another outcome",
		"move it to an activity, or record its result with durable.SideEffect"}
	environment = &hazard{ruleIO, "a replay, perhaps on another host, may see another value",
		"pass it as input, or record it with durable.SideEffect"}
	logging  = &hazard{ruleIO, "each replay writes it again", "use o.Logger()"}
	exit     = &hazard{ruleIO, "it ends the host with all that runs there", "return an error"}
	deadline = &hazard{ruleIO, "the deadline is one of the host's clock", "await the task and o.CreateTimer with durable.WhenAny"}
	noIO     = &hazard{ruleIO, "what takes a context does I/O or waits, and each replay does it again", "move that to an activity"}
	client   = &hazard{ruleIO, "each replay does it again",
		"use the methods of *durable.Orchestration, or use the client in an activity"}

	globalWrite = &hazard{ruleGlobal, "it is not in the history, and every instance on the host has the same one", "use a local variable"}
	globalRead  = &hazard{ruleGlobal, "a replay may see another value", "pass it as input, or record it with durable.SideEffect"}
)

// asActivity is the hazard of an activity that is called as a plain function: what is wrong is what it does.
func asActivity(of *hazard) *hazard {
	return &hazard{of.Rule, of.Why, "call it as an activity, through the *durable.Orchestration"}
}
