package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/durango-functions/durango/durable"
	"github.com/durango-functions/durango/durable/entity"
	"github.com/durango-functions/durango/internal/redistest"
)

// transferApp has orchestrations that move money between accounts under locks.
func transferApp() *app {
	a := withEntities()
	a.orchestrators["Transfer"] = func(o *orch) (any, error) {
		var in struct {
			From, To entity.ID
			Amount   int
			End      string
		}
		o.input(&in)
		set := []entity.ID{in.From, in.To}
		if set[0].String() > set[1].String() {
			set[0], set[1] = set[1], set[0]
		}
		release := o.lock(set...)
		if !o.succeeds(in.From.String(), "withdraw", in.Amount) {
			release()
			return "refused", nil
		}
		if in.End == "fail" { // in the middle of the section, with the money put back
			if _, err := o.call(in.From.String(), "deposit", in.Amount); err != nil {
				return nil, err
			}
			return nil, errors.New("given up in the section")
		}
		if _, err := o.call(in.To.String(), "deposit", in.Amount); err != nil {
			return nil, err
		}
		if in.End != "forget" {
			release()
		}
		return "moved", nil
	}
	return a
}

// TestTransfers moves money between 32 accounts under locks, a host dying in between: the sum stays.
func TestTransfers(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	opts, hub := redistest.Real(t), redistest.HubName(t)
	first, second := startHost(t, opts, hub, "a", transferApp()), startHost(t, opts, hub, "b", transferApp())
	const accounts, transfers = 32, 200
	key := func(i int) entity.ID { return id("Account", fmt.Sprint(i)) }
	for i := range accounts {
		signal(t, first, key(i), "deposit", 100)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range transfers {
		from := rng.IntN(accounts)
		to := (from + 1 + rng.IntN(accounts-1)) % accounts
		end := []string{"", "fail", "forget"}[rng.IntN(3)]
		start(t, second, "Transfer", fmt.Sprintf("t%d", i), map[string]any{"From": key(from), "To": key(to), "Amount": 1 + rng.IntN(60), "End": end})
		if i == transfers/2 {
			first.cut.Store(true) // it can commit nothing any more
		}
	}
	outcomes := map[string]int{}
	for i := range transfers {
		st := await(t, second, fmt.Sprintf("t%d", i), durable.RuntimeStatus.IsFinished)
		outcomes[string(st.Output)]++
	}
	t.Log(outcomes)
	sum := 0
	for i := range accounts {
		st, err := second.ReadEntity(t.Context(), key(i))
		require.NoError(t, err)
		var n int
		require.NoError(t, json.Unmarshal(st.State, &n))
		require.GreaterOrEqual(t, n, 0)
		sum += n
	}
	require.Equal(t, accounts*100, sum)
	for i := range accounts {
		require.Eventually(t, func() bool {
			st, err := second.ReadEntity(t.Context(), key(i))
			return err == nil && st.LockedBy == ""
		}, 10*time.Second, 5*time.Millisecond, "account %d stays locked", i)
	}
}

// TestLockEnds: whatever ends the owner of a lock, and whether it has the whole lock or not, others get it.
func TestLockEnds(t *testing.T) {
	t.Parallel()
	throughExecutor(t)
	ends := map[string]func(t *testing.T, h *host, id string){
		"completion":      func(t *testing.T, h *host, id string) { raise(t, h, id, "complete") },
		"failure":         func(t *testing.T, h *host, id string) { raise(t, h, id, "fail") },
		"continue as new": func(t *testing.T, h *host, id string) { raise(t, h, id, "again") },
		"termination":     func(t *testing.T, h *host, id string) { require.NoError(t, h.Terminate(t.Context(), id, "r", false)) },
		"purge":           func(t *testing.T, h *host, id string) { require.NoError(t, h.Purge(t.Context(), id)) },
		"replacement": func(t *testing.T, h *host, id string) {
			require.NoError(t, h.Create(t.Context(), durable.CreateRequest{Name: "Wait", InstanceID: id, ExecutionID: "new", AnyState: true}))
		},
	}
	a, b, c := id("account", "a"), id("account", "b"), id("account", "c")
	for name, end := range ends {
		for _, whole := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, whole lock %v", name, whole), func(t *testing.T) {
				t.Parallel()
				opts, hub := redistest.Real(t), redistest.HubName(t)
				x := transferApp()
				x.orchestrators["Wait"] = func(o *orch) (any, error) { return nil, errors.New(string(o.event("e"))) }
				x.orchestrators["Hold"] = func(o *orch) (any, error) {
					var set []entity.ID
					o.input(&set)
					if set == nil {
						return "anew", nil
					}
					o.lock(set...)
					var order string
					_ = json.Unmarshal(o.event("order"), &order)
					switch order {
					case "fail":
						return nil, errors.New("failed")
					case "again":
						next := raw(nil)
						o.again = &next
					}
					return nil, nil
				}
				h := startHost(t, opts, hub, "a", x)
				lockedBy := func(e entity.ID, want string) {
					t.Helper()
					require.Eventually(t, func() bool {
						st, err := h.ReadEntity(t.Context(), e)
						return err == nil && st.LockedBy == want
					}, 10*time.Second, 2*time.Millisecond, "%s should be locked by %q", e, want)
				}
				for _, e := range []entity.ID{a, b, c} {
					signal(t, h, e, "deposit", 100)
				}
				holder := "whole"
				start(t, h, "Hold", "whole", []entity.ID{b})
				lockedBy(b, "whole")
				if !whole { // it gets a, and waits for b
					holder = "part"
					start(t, h, "Hold", holder, []entity.ID{a, b, c})
					lockedBy(a, holder)
					if name != "termination" && name != "purge" && name != "replacement" {
						raise(t, h, "whole", "complete") // it must go on to end by itself
						lockedBy(c, holder)
					}
				}
				signal(t, h, b, "deposit", 1) // waits
				end(t, h, holder)
				if !whole {
					lockedBy(a, "")
					if name == "termination" || name == "purge" || name == "replacement" {
						lockedBy(b, "whole")
						raise(t, h, "whole", "complete")
					}
				}
				for _, e := range []entity.ID{a, b, c} {
					lockedBy(e, "")
				}
				stateIs(t, h, b, "101")
				start(t, h, "Transfer", "t", map[string]any{"From": c, "To": a, "Amount": 10})
				require.JSONEq(t, `"moved"`, string(completed(t, h, "t")))
			})
		}
	}
}

func raise(t testing.TB, h *host, id, order string) {
	t.Helper()
	require.NoError(t, h.RaiseEvent(t.Context(), id, "order", raw(order)))
}
