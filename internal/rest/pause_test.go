// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// clock is a clock that tests set.
type clock struct {
	mu      sync.Mutex
	elapsed time.Duration
}

func (c *clock) set(config *rest.Config) {
	config.Now = func() time.Time {
		c.mu.Lock()
		defer c.mu.Unlock()
		return now.Add(c.elapsed)
	}
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.elapsed += d
}

// limited is a 429 response that requests a wait. The clock of the server is that of the client.
func limited(retryAfter string) http.HandlerFunc {
	return respond(http.StatusTooManyRequests, "", "Retry-After: "+retryAfter, "Date: Fri, 02 Jan 2026 03:04:05 GMT")
}

// The wait that a 429 response requests applies to later calls until it is over.
func TestPause_appliesToLaterCalls(t *testing.T) {
	t.Parallel()
	type handlers []http.HandlerFunc
	const s, m = time.Second, time.Minute
	three := []time.Duration{60 * s, 60 * s, 60 * s}
	for name, c := range map[string]struct {
		responses handlers      // To the first call, which then succeeds.
		elapsed   time.Duration // Between the calls.
		want      []time.Duration
	}{
		"immediately":    {handlers{limited("10")}, 0, []time.Duration{10 * s, 10 * s}},
		"later":          {handlers{limited("10")}, 4 * s, []time.Duration{10 * s, 6 * s}},
		"after the wait": {handlers{limited("10")}, 10 * s, []time.Duration{10 * s}},
		"date": {
			handlers{limited("Fri, 02 Jan 2026 03:04:35 GMT")}, 10 * s, []time.Duration{30 * s, 20 * s},
		},
		"a day":                    {handlers{limited("86400")}, 10 * m, []time.Duration{1440 * m, 1430 * m}},
		"longer wait before":       {handlers{limited("60"), limited("5")}, 0, three},
		"longer wait after":        {handlers{limited("5"), limited("60")}, 0, []time.Duration{5 * s, 60 * s, 60 * s}},
		"429 without a wait after": {handlers{limited("60"), respond(429, "")}, 0, three},
		"503 after":                {handlers{limited("60"), busy}, 0, three},
		"503 with a wait":          {handlers{respond(503, "", "Retry-After: 10")}, 0, []time.Duration{10 * s}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock clock
			server := serve(t, append(c.responses, good)...)
			client := server.client(t, clock.set)
			equal(t, "first", do(t, client, get), nil)
			clock.advance(c.elapsed)
			equal(t, "second", do(t, client, post), nil)
			equal(t, "waits", server.waits(), c.want)
		})
	}
}

// A 429 response without a valid wait, and one to another client, delay their own call only.
func TestPause_otherCallsDoNotWait(t *testing.T) {
	t.Parallel()
	for _, fault := range []http.HandlerFunc{respond(429, ""), limited("soon"), limited("10")} {
		server := serve(t, fault, good)
		equal(t, "first", do(t, server.client(t), get), nil)
		equal(t, "second", do(t, server.client(t), get), nil)
		equal(t, "number of waits", len(server.waits()), 1)
	}
}

// A 429 response to one call delays the next attempt of another call in progress.
func TestPause_appliesToRetries(t *testing.T) {
	t.Parallel()
	var client *rest.Client
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := client.Do(r.Context(), get, nil); err != nil {
			t.Error(err)
		}
		respond(503, "", "Retry-After: 2")(w, nil)
	}, limited("30"), good)
	client = server.client(t, new(clock).set)
	equal(t, "call", do(t, client, get), nil)
	equal(t, "waits", server.waits(), []time.Duration{30 * time.Second, 30 * time.Second})
}
