// Package ordering has orchestrators whose actions follow the order of a map.
package ordering

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/durango-functions/durango/durable"
)

func Direct(o *durable.Orchestration, orders map[string]int) {
	for id, n := range orders { // want `orchestrator Direct ranges over a map and calls o\.CallActivity in the loop: a map has another order on each replay; range over slices\.Sorted\(maps\.Keys\(m\)\)`
		o.CallActivity(id, n)
	}
	for id := range maps.Keys(orders) { // want `ranges over a map and calls durable\.Call in the loop`
		durable.Call[int](o, "Bill", id)
	}
	for _, n := range slices.Collect(maps.Values(orders)) { // want `ranges over a map and calls o\.SetCustomStatus in the loop`
		o.SetCustomStatus(n)
	}
}

func Awaits(o *durable.Orchestration, tasks map[string]*durable.Task[any]) {
	for _, t := range tasks { // want `orchestrator Awaits ranges over a map and calls t\.Await in the loop`
		t.Await()
	}
}

func IDs(o *durable.Orchestration, users map[string]bool) map[string]string {
	ids := map[string]string{}
	for u := range users { // want `ranges over a map and calls o\.NewGUID in the loop`
		ids[u] = o.NewGUID()
	}
	return ids
}

func ThroughFunction(o *durable.Orchestration, orders map[string]int) {
	for id := range orders { // want `ranges over a map and calls bill in the loop`
		bill(o, id)
	}
	var self func(id string)
	self = func(id string) { bill(o, id); self(id) }
	for id := range orders { // want `ranges over a map and calls self in the loop`
		self(id)
	}
	f := flow{o}
	for id := range orders { // want `ranges over a map and calls f\.step in the loop`
		f.step(id)
	}
	var m sync.Map
	m.Range(func(k, v any) bool { // want `ranges over a map and calls o\.CallActivity in the loop`
		o.CallActivity("Bill", k)
		return true
	})
}

func bill(o *durable.Orchestration, id string) { o.CallActivity("Bill", id) }

type flow struct{ o *durable.Orchestration }

func (f flow) step(id string) { bill(f.o, id) }

func Filled(o *durable.Orchestration, orders map[string]int) {
	var ids []string
	for id := range orders { // want `orchestrator Filled fills ids in the order of a map, and ordering\.go:71 ranges over it and calls o\.CallActivity: a map has another order on each replay; sort it first, as with slices\.Sort`
		ids = append(ids, id)
	}
	for _, id := range ids[:1] {
		o.CallActivity("Bill", id)
	}
}

func Passed(o *durable.Orchestration, orders map[string]int) {
	ids := make([]string, len(orders))
	i := 0
	for id := range orders { // want `orchestrator Passed fills ids in the order of a map and passes it to o\.CallActivity at ordering\.go:83`
		ids[i] = id
		i++
	}
	o.CallActivity("BillAll", ids)

	values := slices.Collect(maps.Values(orders)) // want `fills values in the order of a map and passes it to o\.CallActivity at ordering\.go:88`
	total := 0
	for i := 0; i < len(values); i++ {
		o.CallActivity("Bill", values[i])
		total += values[i]
	}

	text := ""
	for id := range orders { // want `fills text in the order of a map and passes it to o\.CallActivity`
		text += id
	}
	o.CallActivity("Print", text)

	o.CallActivity("BillAll", slices.Collect(maps.Keys(orders)))                   // want `passes a list in the order of a map to o\.CallActivity`
	o.CallActivity("Print", strings.Join(slices.Collect(maps.Keys(orders)), ", ")) // want `passes a list in the order of a map to o\.CallActivity`
}

type batch struct{ ids []string }

func Field(o *durable.Orchestration, orders map[string]int) {
	var b batch
	for id := range orders { // want `fills copied in the order of a map and passes it to o\.CallActivity`
		b.ids = append(b.ids, "order "+id)
	}
	copied := slices.Clone(b.ids)
	o.CallActivity("BillAll", copied[:1])
	o.CallActivity("BillAll", b.ids)
}

func Helped(o *durable.Orchestration, orders map[string]int) {
	ids := keysOf(orders) // want `fills ids in the order of a map and passes it to o\.CallActivity`
	o.CallActivity("BillAll", ids)

	sorted := sortedKeysOf(orders)
	o.CallActivity("BillAll", sorted)
}

func keysOf[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

func namedKeysOf(m map[string]int) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return
}

func sortedKeysOf(m map[string]int) []string {
	keys := namedKeysOf(m)
	sort.Strings(keys)
	return keys
}

func Generic[M ~map[string]V, V any](o *durable.Orchestration, m M) {
	for k := range m { // want `orchestrator Generic ranges over a map and calls o\.CallActivity in the loop`
		o.CallActivity("Bill", k)
	}
}

// Fine iterates over maps where the order does not matter, or is made.
func Fine(o *durable.Orchestration, orders map[string]int) (int, error) {
	sum, most := 0, map[string]int{}
	byLength := map[int][]string{}
	for id, n := range orders {
		o.Logger().Info("order", "id", id, "at", o.Now())
		sum += n
		most[id] = max(most[id], n)
		byLength[len(id)] = append(byLength[len(id)], id)
		var once []string
		once = append(once, id)
		_ = once
	}
	for range orders {
		o.CallActivity("Tick", nil)
	}
	o.CallActivity("Sum", sum)
	o.CallActivity("Most", most)

	for _, id := range slices.Sorted(maps.Keys(orders)) {
		o.CallActivity("Bill", id)
	}

	var ids []string
	for id := range orders {
		ids = append(ids, id)
	}
	o.CallActivity("Count", len(ids))
	o.CallActivity("Max", slices.Max(ids))
	slices.Sort(ids)
	o.CallActivity("BillAll", ids)

	keys := slices.Collect(maps.Keys(orders))
	sort.Slice(keys, func(i, j int) bool { return keys[i] < keys[j] })
	o.CallActivity("BillAll", keys)

	keys = keysOf(orders)
	sortByLength(keys)
	o.CallActivity("BillAll", keys)
	var l list
	unsorted := slices.Collect(maps.Keys(orders))
	l.names = unsorted
	sort.Sort(&l)
	o.CallActivity("BillAll", unsorted)

	var named names
	for id := range orders {
		named = append(named, id)
	}
	named.sort()
	o.CallActivity("BillAll", named)
	keys = slices.Collect(maps.Keys(orders))
	keys = []string{"a"}
	o.CallActivity("BillAll", keys)

	ordered := make([]int, len(orders))
	for _, n := range orders {
		ordered[n] = n
	}
	o.CallActivity("BillAll", ordered)

	var ones []int
	for range orders {
		ones = append(ones, 1)
	}
	o.CallActivity("BillAll", ones)

	done := map[string]*durable.Task[any]{}
	open := 0
	for _, t := range done {
		if !t.IsCompleted() {
			open++
		}
	}
	var options []durable.RetryOption
	for _, n := range orders {
		options = append(options, durable.WithAttempts(n))
	}
	_ = options
	return open, nil
}

type list struct {
	sort.Interface
	names []string
}

type names []string

func (n names) sort() {}

func sortByLength(keys []string) {}
