package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// entityApp is the app of testdata/entities on the generation of durable-functions that the folder sdk of testdata pins; "v4" declares the same functions in code.
func entityApp(t testing.TB, sdk string) string {
	root := app(t, filepath.Join("testdata", "entities"), filepath.Join("testdata", sdk))
	if sdk == "v4" {
		folders, err := filepath.Glob(filepath.Join(root, "*", "function.json"))
		require.NoError(t, err)
		for _, file := range folders {
			require.NoError(t, os.Remove(file))
		}
		write(t, `{"main": "v4/index.js"}`, root, "package.json")
	}
	return root
}

func entityPath(name, key, query string) string {
	path := webhooks + "/entities/" + url.PathEscape(name)
	if key != "" {
		path += "/" + url.PathEscape(key)
	}
	return path + query
}

func (h *host) signal(name, key, op string, input any) {
	h.t.Helper()
	h.call(http.MethodPost, entityPath(name, key, "?op="+url.QueryEscape(op)), asJSON(h.t, input), "Content-Type", "application/json").want(http.StatusAccepted)
}

// stateIs waits until the entity has the state, nil for none.
func (h *host) stateIs(name, key string, want any) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("state %v of %s %s", want, name, key), func() (bool, any) {
		a := h.call(http.MethodGet, entityPath(name, key, ""), nil)
		if want == nil || a.Status == http.StatusNotFound {
			return want == nil && a.Status == http.StatusNotFound, a.text()
		}
		var found any
		a.want(http.StatusOK).json(&found)
		return equalJSON(h.t, want, found), found
	})
}

func ask(name, key, op string, input any) object { return object{"call": []any{name, key, op, input}} }

func TestEntities(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		run  func(t *testing.T, h *host)
		sdks []string
	}{
		// In 1.5.4 orchestrators cannot signal, and calls do not throw.
		{"operations", entityOperations, []string{"app21", "v4"}},
		{"failures", entityFailures, []string{"app21", "v4"}},
		{"routes", entityRoutes, []string{"app15", "app21", "v4"}},
		{"crash", entityCrash, []string{"app15", "app21", "v4"}},
		{"client", entityClient, []string{"app15", "app21", "v4"}},
	}
	for _, sdk := range []string{"app15", "app21", "v4"} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			h := startHost(t, options{Root: entityApp(t, sdk), Redis: startRedis(t).URL})
			for _, c := range tests {
				if !slices.Contains(c.sdks, sdk) {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					if c.name != "crash" { // which ends the worker, and runs before the others
						t.Parallel()
					}
					c.run(t, h.in(t))
				})
			}
		})
	}
}

// TestEntitySettings: failed operations keep what they have done when host.json says so.
func TestEntitySettings(t *testing.T) {
	t.Parallel()
	setting := "AzureFunctionsJobHost__extensions__durableTask__"
	h := startHost(t, options{Root: entityApp(t, "app21"), Redis: startRedis(t).URL, Env: []string{
		setting + "rollbackEntityOperationsOnExceptions=false", setting + "maxEntityOperationBatchSize=1", setting + "maxConcurrentEntityFunctions=1",
	}})
	out := h.complete("Ask", []object{ask("Counter", "k", "add", 1), ask("Counter", "k", "fail", nil), ask("Counter", "k", "get", nil)})
	require.JSONEq(t, `[null,{"failed":"no more than 1"},1001]`, toJSON(t, out))
	h.stateIs("Counter", "told", 1)
}

func entityOperations(t *testing.T, h *host) {
	out := h.complete("Ask", []object{
		{"signal": []any{"Counter", "o", "add", 5}},
		ask("counter", "o", "get", nil), // after the signal
		{"all": [][]any{{"Counter", "o", "add", 2}, {"Counter", "p", "add", 3}, {"Counter", "o", "get", nil}}},
		ask("Counter", "new", "identify", "a \"text\""),
		ask("Counter", "Käy@x y", "identify", object{"deep": []any{1, nil}}),
		{"signal": []any{"Counter", "o", "tell", "p"}},
		ask("Counter", "o", "reset", nil),
		ask("Counter", "o", "get", nil),
	})
	identity := func(key string, input any) object {
		return object{"name": "counter", "key": key, "isNew": true, "input": input}
	}
	want := []any{5, []any{nil, nil, 7}, identity("new", "a \"text\""), identity("Käy@x y", object{"deep": []any{1, nil}}), nil, 0}
	require.JSONEq(t, toJSON(t, want), toJSON(t, out))
	h.stateIs("Counter", "p", 10)
	same := object{"signal": []any{"Counter", "last", "add", 1}} // of an episode that fails
	require.Contains(t, h.fail("Ask", []object{ask("Counter", "last", "add", 1), same, same, {"throw": "enough"}}), "enough")
	h.stateIs("Counter", "last", 3)
	require.Contains(t, h.fail("Ask", []object{ask("Nothing", "x", "get", nil)}), "The function 'nothing' doesn't exist, is disabled, or is not an entity function.")
}

func entityFailures(t *testing.T, h *host) {
	h.signal("Counter", "f", "add", 1)
	out := h.complete("Ask", []object{
		ask("Counter", "f", "fail", nil), ask("Counter", "f", "throwText", nil), ask("Counter", "f", "throwObject", nil), ask("Counter", "f", "bug", nil),
		ask("Counter", "f", "describe", nil), ask("Counter", "f", "get", nil),
		{"all": [][]any{{"Counter", "f", "add", 1}, {"Counter", "f", "fail", nil}, {"Counter", "f", "add", 1}}},
		ask("Counter", "f", "get", nil),
	})
	failed := func(message string) object { return object{"failed": message} }
	require.JSONEq(t, toJSON(t, []any{
		failed("no more than 1"), failed("just a text"), failed(`{"code":7}`), failed("Cannot read properties of undefined (reading 'property')"),
		`{"error":{"code":7}}`, 1, failed("no more than 2"), 3,
	}), toJSON(t, out))
	h.stateIs("Counter", "told", nil)
	h.logged("no more than 1")
	h.logged(filepath.Join("Counter", "index.js")) // where it was thrown
}

func entityRoutes(t *testing.T, h *host) {
	h.call(http.MethodGet, entityPath("Counter", "r", ""), nil).want(http.StatusNotFound)
	h.call(http.MethodPost, entityPath("Countre", "r", "?op=add"), nil).want(http.StatusBadRequest)
	for i := range 5 {
		h.signal("Account", "r"+strconv.Itoa(i), "deposit", i)
	}
	for i := range 5 {
		h.stateIs("Account", "r"+strconv.Itoa(i), i)
	}
	var keys []string
	token := ""
	for {
		a := h.call(http.MethodGet, entityPath("Account", "", "?top=2&fetchState=true"), nil, "x-ms-continuation-token", token).want(http.StatusOK)
		var page []struct {
			EntityID struct{ Name, Key string }
			State    int
		}
		a.json(&page)
		for _, e := range page {
			require.Equal(t, "account", e.EntityID.Name)
			require.Equal(t, "r"+strconv.Itoa(e.State), e.EntityID.Key)
			keys = append(keys, e.EntityID.Key)
		}
		if token = a.Header.Get("x-ms-continuation-token"); token == "" {
			break
		}
	}
	require.Equal(t, []string{"r0", "r1", "r2", "r3", "r4"}, keys)
}

// entityCrash: operations whose worker dies are run again, and count once.
func entityCrash(t *testing.T, h *host) {
	out := h.complete("Ask", []object{{"all": [][]any{{"Counter", "c", "add", 1}, {"Counter", "c", "exitOnce", nil}, {"Counter", "c", "add", 1}}}, ask("Counter", "c", "get", nil)})
	require.JSONEq(t, `[[null,null,null],3]`, toJSON(t, out))
}

// entityClient uses the SDK's client over the host's own endpoint.
func entityClient(t *testing.T, h *host) {
	id := object{"$entity": []any{"Counter", "from client"}}
	require.JSONEq(t, `{"entityExists":false}`, toJSON(t, h.sdk("readEntityState", id)))
	h.sdk("signalEntity", id, "add", 4)
	h.sdk("signalEntity", id, "add", 5)
	eventually(t, "the client's signals", func() (bool, any) {
		found := toJSON(t, h.sdk("readEntityState", id))
		return found == `{"entityExists":true,"entityState":9}`, found
	})
	h.sdk("signalEntity", id, "reset")
	h.stateIs("Counter", "from client", nil)
}

// TestEntitySignalsOnce: 20,000 signals of 200 orchestrations over 4 partitions and 3 hosts, two of which are killed one after the other, are counted
// once each.
func TestEntitySignalsOnce(t *testing.T) {
	t.Parallel()
	const senders, each = 200, 100
	for _, sdk := range []string{"app21", "v4"} {
		t.Run(sdk, func(t *testing.T) {
			t.Parallel()
			o := options{Root: entityApp(t, sdk), Redis: startRedis(t).URL}
			hosts := []*host{startHost(t, o), startHost(t, o)}
			last := startHost(t, o)
			var wg sync.WaitGroup
			defer wg.Wait()
			for w := range 8 {
				wg.Go(func() {
					for i := w; i < senders; i += 8 {
						last.start("Send", fmt.Sprintf("s%d", i), each)
					}
				})
			}
			for i, h := range hosts {
				part := senders * each * (i + 1) / 4
				eventually(t, fmt.Sprintf("%d signals", part), func() (bool, any) {
					n := last.counted("sum")
					return n >= part, n
				})
				h.kill()
			}
			require.Less(t, last.counted("sum"), senders*each, "the hosts must die in the middle")
			wg.Wait()
			for i := range senders {
				last.waitFor(fmt.Sprintf("s%d", i), "Completed")
			}
			last.stateIs("Counter", "sum", senders*each)
			eventually(t, "nothing but the sum", func() (bool, any) { // the last signal of each deletes its own counter
				found := last.call(http.MethodGet, entityPath("Counter", "", ""), nil).text()
				return strings.Count(found, `"key":`) == 1, found
			})
		})
	}
}

// counted is the state of a counter.
func (h *host) counted(key string) (n int) {
	h.t.Helper()
	if a := h.call(http.MethodGet, entityPath("Counter", key, ""), nil); a.Status == http.StatusOK {
		require.NoError(h.t, json.Unmarshal(a.Body, &n))
	}
	return n
}

// TestEntityTransfers moves money between 32 accounts under locks while a host is killed: the sum stays, and no account stays locked.
func TestEntityTransfers(t *testing.T) {
	t.Parallel()
	const accounts, transfers = 32, 500
	o := options{Root: entityApp(t, "v4"), Redis: startRedis(t).URL}
	a, b := startHost(t, o), startHost(t, o)
	for i := range accounts {
		b.signal("Account", strconv.Itoa(i), "deposit", 100)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range transfers {
		from := rng.IntN(accounts)
		to := (from + 1 + rng.IntN(accounts-1)) % accounts
		b.start("Transfer", fmt.Sprintf("t%d", i), object{
			"from": strconv.Itoa(from), "to": strconv.Itoa(to), "amount": 1 + rng.IntN(80), "end": []string{"", "fail", "forget"}[rng.IntN(3)],
		})
		if i == transfers/2 {
			a.kill()
		}
	}
	outcomes := map[any]int{}
	for i := range transfers {
		id := fmt.Sprintf("t%d", i)
		eventually(t, "the end of "+id, func() (bool, any) {
			s := b.status(id)
			if s.finished() {
				outcomes[s.Output]++
			}
			return s.finished(), *s
		})
	}
	t.Log(outcomes)
	require.Positive(t, outcomes["moved"])
	sum := 0
	for i := range accounts { // a deposit of nothing is handled by accounts that are not locked only
		out := b.complete("Ask", []object{ask("Account", strconv.Itoa(i), "deposit", 0)})
		balance, ok := out.([]any)[0].(float64)
		require.True(t, ok, "%v", out)
		require.GreaterOrEqual(t, balance, 0.0)
		sum += int(balance)
	}
	require.Equal(t, accounts*100, sum)
}
