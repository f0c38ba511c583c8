package replay

import (
	"math"
	"time"
)

// longest keeps delays within what time.Duration and the SDKs' dates hold.
const longest = 100 * 365 * 24 * time.Hour

// milliseconds converts a number of the wire.
func milliseconds(ms float64) time.Duration {
	if !(ms < float64(longest/time.Millisecond)) { // NaN too
		return longest
	}
	return time.Duration(max(ms, 0) * float64(time.Millisecond))
}

// delay is the time between the failure of attempt n, counted from 1, and the next attempt: min(first*coefficient^(n-1), max)
// (Azure/durabletask DurableTask.Core/RetryInterceptor.cs:103-130).
func (o *RetryOptions) delay(n int) time.Duration {
	coefficient := o.BackoffCoefficient
	if coefficient <= 0 {
		coefficient = 1
	}
	d := milliseconds(o.FirstRetryIntervalInMilliseconds * math.Pow(coefficient, float64(n-1)))
	if o.MaxRetryIntervalInMilliseconds > 0 {
		d = min(d, milliseconds(o.MaxRetryIntervalInMilliseconds))
	}
	return d
}

// exhausted reports whether the SDK makes no further attempt after n failed ones. The generations differ for fractions.
func (o *RetryOptions) exhausted(n, schema int) bool {
	switch limit := o.MaxNumberOfAttempts; {
	case limit == nil:
		return false
	case schema == 0:
		return float64(n) >= *limit // durable-functions 1.5.4 lib/src/durableorchestrationcontext.js
	default:
		return float64(n+1) > *limit // durable-functions 2.1.4 lib/src/task.js:280
	}
}

// expired reports whether no further attempt may begin, by the time that all attempts have together.
func (o *RetryOptions) expired(first, now time.Time) bool {
	return o.RetryTimeoutInMilliseconds > 0 && !now.Before(first.Add(milliseconds(o.RetryTimeoutInMilliseconds)))
}
