// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// clock is a clock that only tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// frozen returns a clock that stands still, and the setting that makes a client read it.
func frozen() (*clock, func(*servicestage.Config)) {
	c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	return c, func(config *servicestage.Config) { config.Now = c.read }
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// throttled is a response, by a server whose clock is that of [frozen], that requests a wait.
func throttled(retryAfter string) reply {
	return reply{status: http.StatusTooManyRequests, header: map[string]string{"Retry-After": retryAfter, "Date": "Fri, 02 Jan 2026 03:04:05 GMT"}}
}

// A wait that the service asks one call for holds for every later one, as long as it lasts.
func TestThrottle_holdsForAllCalls(t *testing.T) {
	t.Parallel()
	for first, throttledCall := range operations {
		for second, laterCall := range operations {
			for _, test := range []struct {
				header  string
				elapsed time.Duration
				want    []time.Duration
			}{
				{"10", 0, []time.Duration{10 * time.Second, 10 * time.Second}},
				{"10", 4 * time.Second, []time.Duration{10 * time.Second, 6 * time.Second}},
				{"10", 10 * time.Second, []time.Duration{10 * time.Second}},
				{"10", time.Minute, []time.Duration{10 * time.Second}},
				{"Fri, 02 Jan 2026 03:04:35 GMT", 10 * time.Second, []time.Duration{30 * time.Second, 20 * time.Second}},
				{"86400", 10 * time.Minute, []time.Duration{24 * time.Hour, 24*time.Hour - 10*time.Minute}},
			} {
				t.Run(first+" "+second+" "+test.header+" "+test.elapsed.String(), func(t *testing.T) {
					t.Parallel()
					clock, setting := frozen()
					service := script(t, throttled(test.header), reply{body: goodJob}, reply{body: goodJob})
					client := service.client(t, setting)
					if err := throttledCall(t.Context(), client); err != nil {
						t.Fatal(err)
					}
					clock.advance(test.elapsed)
					if err := laterCall(t.Context(), client); err != nil {
						t.Fatal(err)
					}
					equal(t, "waits", service.waits(), test.want)
				})
			}
		}
	}
}

// Only the call itself waits where the service does not say how long, or says it for another reason.
func TestThrottle_notForOthers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]reply{
		"429 without the header": {status: http.StatusTooManyRequests},
		"429 that says nonsense": throttled("soon"),
		"503":                    {status: http.StatusServiceUnavailable, header: map[string]string{"Retry-After": "10"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, setting := frozen()
			service := script(t, answer, reply{body: goodJob}, reply{body: goodJob})
			client := service.client(t, setting)
			for range 2 {
				if err := operations[http.MethodGet](t.Context(), client); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, "number of waits", len(service.waits()), 1)
		})
	}
}

func TestThrottle_notForOtherClients(t *testing.T) {
	t.Parallel()
	_, setting := frozen()
	service := script(t, throttled("10"), reply{body: goodJob}, reply{body: goodJob})
	for range 2 {
		if err := operations[http.MethodGet](t.Context(), service.client(t, setting)); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "waits", service.waits(), []time.Duration{10 * time.Second})
}

// The last attempt of a call is heeded like any other.
func TestThrottle_afterTheLastAttempt(t *testing.T) {
	t.Parallel()
	for first, throttledCall := range operations {
		for _, retries := range []int{-1, 0, 2} {
			t.Run(fmt.Sprint(first, retries), func(t *testing.T) {
				t.Parallel()
				attempts := max(retries, 0) + 1
				clock, setting := frozen()
				service := script(t, append(slices.Repeat([]reply{throttled("10")}, attempts), reply{body: goodJob}, reply{body: goodJob})...)
				client := service.client(t, setting, maxRetries(retries))
				failure := failureOf(t, throttledCall(t.Context(), client))
				equal(t, "status", failure.StatusCode, http.StatusTooManyRequests)
				equal(t, "attempts", failure.Attempts, attempts)
				equal(t, "number of waits of the call", len(service.waits()), attempts-1)
				if err := operations[http.MethodGet](t.Context(), client); err != nil {
					t.Fatal(err)
				}
				equal(t, "waits with a second call", service.waits(), slices.Repeat([]time.Duration{10 * time.Second}, attempts))
				clock.advance(10 * time.Second)
				if err := operations[http.MethodGet](t.Context(), client); err != nil {
					t.Fatal(err)
				}
				equal(t, "number of waits in the end", len(service.waits()), attempts)
			})
		}
	}
}

// Of several waits the one that ends last holds.
func TestThrottle_longestHolds(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, test := range []struct {
		name    string
		replies []reply
		want    []time.Duration // With the one of a second call.
	}{
		{"a longer earlier one", []reply{throttled("60"), throttled("5")}, []time.Duration{60 * s, 60 * s, 60 * s}},
		{"a longer later one", []reply{throttled("5"), throttled("60")}, []time.Duration{5 * s, 60 * s, 60 * s}},
		{"one without the header in between", []reply{throttled("60"), {status: 429}}, []time.Duration{60 * s, 60 * s, 60 * s}},
		{"another failure in between", []reply{throttled("60"), {status: 503}}, []time.Duration{60 * s, 60 * s, 60 * s}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, setting := frozen()
			service := script(t, append(test.replies, reply{body: goodJob}, reply{body: goodJob})...)
			client := service.client(t, setting)
			for range 2 {
				if err := operations[http.MethodGet](t.Context(), client); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, "waits", service.waits(), test.want)
		})
	}
}

// A 429 that reaches one call while another is under way holds for the next attempt of that other one.
func TestThrottle_holdsForRetries(t *testing.T) {
	t.Parallel()
	_, setting := frozen()
	var client *servicestage.Client
	ofOther := []reply{throttled("30"), {body: goodJob}}
	first := true
	service := serve(t, func(w http.ResponseWriter, r received) {
		switch {
		case r.Method == http.MethodDelete:
			answer := ofOther[0]
			ofOther = ofOther[1:]
			answer.write(w)
		case first:
			first = false
			if err := operations[http.MethodDelete](t.Context(), client); err != nil {
				t.Error(err)
			}
			reply{status: http.StatusServiceUnavailable, header: map[string]string{"Retry-After": "2"}}.write(w)
		default:
			reply{body: goodJob}.write(w)
		}
	})
	client = service.client(t, setting)
	if err := operations[http.MethodGet](t.Context(), client); err != nil {
		t.Fatal(err)
	}
	equal(t, "waits", service.waits(), []time.Duration{30 * time.Second, 30 * time.Second})
}

func TestThrottle_cancellationEndsTheWait(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			_, setting := frozen()
			service := script(t, throttled("10"), reply{body: goodJob})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			client := service.client(t, setting, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, d time.Duration) error {
					if len(service.waits()) == 1 {
						cancel()
					}
					return service.wait(ctx, d)
				}
			})
			if err := operations[http.MethodGet](t.Context(), client); err != nil {
				t.Fatal(err)
			}
			err := call(ctx, client)
			failure := failureOf(t, err)
			equal(t, "error", err, error(failure))
			equal(t, "cancelled", errors.Is(err, context.Canceled), true)
			equal(t, "stopped", failure.Stopped, context.Canceled)
			equal(t, "sent", failure.Sent, false)
			equal(t, "attempts", failure.Attempts, 0)
			equal(t, "method", failure.Method, method)
			equal(t, "waits", service.waits(), []time.Duration{10 * time.Second, 10 * time.Second})
			equal(t, "number of requests", len(service.requests()), 2)
		})
	}
}
