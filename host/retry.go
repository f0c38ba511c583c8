package host

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/durango-functions/durango/functions"
	"github.com/durango-functions/durango/worker"
)

// retryable reports whether another attempt could go better: not when the code cannot be loaded, and not when the caller has gone.
func retryable(ctx context.Context, err error) bool {
	return ctx.Err() == nil && !errors.As(err, new(*worker.LoadError))
}

// retryLeft reports whether the policy allows a retry after the attempt with this number, counted from 0.
func retryLeft(p *functions.RetryPolicy, attempt int) bool {
	return p != nil && (p.MaxRetryCount < 0 || attempt < p.MaxRetryCount)
}

// retryDelay is the time to wait before the retry that follows the attempt with this number, counted from 0. Exponential delays start
// at the minimum and roughly double, 20 % up or down, up to the maximum.
func retryDelay(p *functions.RetryPolicy, attempt int, random func() float64) time.Duration {
	if p.Strategy != functions.ExponentialBackoff {
		return p.DelayInterval
	}
	if attempt == 0 {
		return min(p.MinimumInterval, p.MaximumInterval)
	}
	growth := (math.Pow(2, float64(min(attempt, 62))) - 1) * (0.8 + 0.4*random())
	delay := float64(p.MinimumInterval) * (1 + growth)
	if delay >= float64(p.MaximumInterval) {
		return p.MaximumInterval
	}
	return time.Duration(delay)
}
