// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"testing"
	"time"
)

// The rate grows again, and ends in no limit.
func TestRateLimiter_limitIsLifted(t *testing.T) {
	t.Parallel()
	var limiter rateLimiter
	now := time.Now()
	for i := range 60 {
		limiter.observe(i >= 50, now)
	}
	waitOf := func(requests int) (total time.Duration) {
		for range requests {
			d := limiter.reserve(now)
			now, total = now.Add(d), total+d
		}
		return total
	}
	// At the old rate, it would be 100 seconds.
	if d := waitOf(5000); d < 30*time.Second || d > 45*time.Second {
		t.Errorf("5,000 requests wait for %s", d)
	}
	waitOf(7000)
	if d := waitOf(100); d != 0 {
		t.Errorf("long after, 100 requests wait for %s", d)
	}
}
