// Package exceptions has comments that keep diagnostics from being reported.
package exceptions

import (
	"time"

	"github.com/durango-functions/durango/durable"
)

func Same(o *durable.Orchestration) {
	_ = time.Now() //durangovet:ignore only logged
	_ = time.Now() // want `orchestrator Same calls time\.Now`
}

func Above(o *durable.Orchestration) {
	//durangovet:ignore only logged
	_ = time.Now()

	//durangovet:ignore only logged, and the reason
	// goes on in a second line
	_ = time.Now()

	_ = 1 //durangovet:ignore this line only

	_ = 2          //durangovet:ignore this line only
	_ = time.Now() // want `orchestrator Above calls time\.Now`
}

func NoReason(o *durable.Orchestration) {
	_ = time.Now() //durangovet:ignore // want `//durangovet:ignore gives no reason: write after it why the code is safe to replay`
	//durangovet:ignore // want `//durangovet:ignore gives no reason`
	_ = time.Now()
}

func Typo(o *durable.Orchestration) {
	_ = time.Now() //durangovet:ignored not the directive // want `orchestrator Typo calls time\.Now`
	_ = time.Now() // durangovet:ignore with a space // want `orchestrator Typo calls time\.Now`
}

func Helped(o *durable.Orchestration) {
	helper() //durangovet:ignore what it gives is only logged
}

func helper() time.Time { return time.Now() }

func Ordered(o *durable.Orchestration, m map[string]int) {
	//durangovet:ignore the activities commute, and each has an ID of its own
	for k := range m {
		o.CallActivity("Bill", k)
	}
}
