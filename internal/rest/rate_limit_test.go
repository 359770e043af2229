// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// throttling accepts a number of requests in each second and rejects the others as the gateway does: without
// Retry-After.
type throttling struct {
	mu                 sync.Mutex
	limit              int
	begin              time.Time
	accepted, rejected int
	second, inSecond   int
}

func (s *throttling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := int(time.Since(s.begin) / time.Second); second != s.second {
		s.second, s.inSecond = second, 0
	}
	if s.inSecond == s.limit {
		s.rejected++
		respond(http.StatusTooManyRequests, `{"error_code":"APIGW.0308"}`)(w, r)
		return
	}
	s.accepted++
	s.inSecond++
	good(w, r)
}

// callAll makes a number of calls, of which at most atOnce run at the same time, and returns the first error.
func callAll(ctx context.Context, client *rest.Client, calls, atOnce int) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for range calls {
		group.Go(func() error {
			_, err := client.Do(ctx, get, nil)
			return err
		})
	}
	return group.Wait()
}

// The client uses the rate that the service accepts, and no call fails, with any number of concurrent calls.
func TestRateLimiter_throttledService(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{10, 50, 200} {
		t.Run(strconv.Itoa(atOnce), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &throttling{limit: 50, begin: time.Now()}
				client := newClient(t, serveInMemory(t, service.ServeHTTP))
				if err := callAll(t.Context(), client, 1000, atOnce); err != nil {
					t.Error(err)
				}
				// 1,000 calls fill 20 seconds, of which the last may be short.
				if took := time.Since(service.begin); took < 19*time.Second || took > 22*time.Second {
					t.Errorf("1,000 calls took %s", took)
				}
				if service.accepted != 1000 || service.rejected > 3*atOnce+100 {
					t.Errorf("%d accepted, %d rejected", service.accepted, service.rejected)
				}
			})
		})
	}
}

// Few rejections set no limit: only the calls that are rejected wait.
func TestRateLimiter_fewRejections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var requests, waits atomic.Int32
		config := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			if requests.Add(1)%20 == 0 {
				respond(http.StatusTooManyRequests, ``)(w, r)
				return
			}
			good(w, r)
		})
		config.Wait = func(_ context.Context, d time.Duration) error {
			waits.Add(1)
			time.Sleep(d)
			return nil
		}
		if err := callAll(t.Context(), newClient(t, config), 1000, 10); err != nil {
			t.Error(err)
		}
		if rejected := requests.Load() - 1000; waits.Load() != rejected || rejected < 50 {
			t.Errorf("%d waits for %d rejections", waits.Load(), rejected)
		}
	})
}

// A call that waits for the rate ends with its context, and sends nothing.
func TestRateLimiter_canceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &throttling{limit: 50, begin: time.Now()}
		client := newClient(t, serveInMemory(t, service.ServeHTTP))
		if err := callAll(t.Context(), client, 200, 50); err != nil {
			t.Error(err)
		}
		sent, before := service.accepted+service.rejected, time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		_, err := client.Do(ctx, post, nil)
		if took := time.Since(before); !errors.Is(err, context.Canceled) || took != time.Millisecond {
			t.Errorf("got %v after %s", err, took)
		}
		equal(t, "requests", service.accepted+service.rejected, sent)
	})
}

// clock is a clock that tests advance.
type clock struct{ elapsed atomic.Int64 }

func (c *clock) set(config *rest.Config) {
	config.Now = func() time.Time { return now.Add(time.Duration(c.elapsed.Load())) }
}

func (c *clock) advance(d time.Duration) { c.elapsed.Add(int64(d)) }

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
