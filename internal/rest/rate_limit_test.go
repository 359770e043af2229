// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// throttling answers so many requests in each second, and refuses the others as the gateway does: without Retry-After.
type throttling struct {
	mu                   sync.Mutex
	limit                int // 0 answers all.
	begin                time.Time
	accepted, refused    int
	acceptedInThisSecond int
	second               int
}

func (s *throttling) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if second := int(time.Since(s.begin) / time.Second); second != s.second {
		s.second, s.acceptedInThisSecond = second, 0
	}
	if s.limit > 0 && s.acceptedInThisSecond == s.limit {
		s.refused++
		say(http.StatusTooManyRequests, `{"error_code":"APIGW.0308"}`)(w, nil)
		return
	}
	s.accepted++
	s.acceptedInThisSecond++
	good(w, nil)
}

// callAll makes so many calls, by so many workers at once, and returns the first error.
func callAll(ctx context.Context, client *rest.Client, calls, workers int) error {
	numbers := make(chan int)
	failures := make(chan error, calls)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for range numbers {
				if _, err := client.Do(ctx, get, nil); err != nil {
					failures <- err
				}
			}
		})
	}
	for i := range calls {
		numbers <- i
	}
	close(numbers)
	group.Wait()
	close(failures)
	return <-failures
}

// As many calls are made as the service takes, and none of them fails, however many are under way at once.
func TestPace_throttledService(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{10, 50, 200} {
		t.Run(fmt.Sprintf("%d at once", workers), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &throttling{limit: 50, begin: time.Now()}
				client := newClient(t, serveInMemory(t, service.ServeHTTP))
				if err := callAll(t.Context(), client, 1000, workers); err != nil {
					t.Error(err)
				}
				// 1,000 calls fill 20 seconds, of which the last may be short.
				if took := time.Since(service.begin); took < 19*time.Second || took > 22*time.Second {
					t.Errorf("1,000 calls took %s", took)
				}
				if service.accepted != 1000 || service.refused > 3*workers+100 {
					t.Errorf("%d accepted, %d refused", service.accepted, service.refused)
				}
			})
		})
	}
}

// A refusal now and then is no limit: but for the call that it hits, nothing waits.
func TestPace_fewRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		requests, pauses := 0, 0
		config := serveInMemory(t, func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			requests++
			if requests%20 == 0 {
				say(http.StatusTooManyRequests, ``)(w, nil)
				return
			}
			good(w, nil)
		})
		config.Wait = func(_ context.Context, d time.Duration) error {
			mu.Lock()
			pauses++
			mu.Unlock()
			time.Sleep(d)
			return nil
		}
		if err := callAll(t.Context(), newClient(t, config), 1000, 10); err != nil {
			t.Error(err)
		}
		if refused := requests - 1000; pauses != refused || refused < 50 {
			t.Errorf("%d pauses for %d refusals", pauses, refused)
		}
	})
}

// A service that takes more again is used more again.
func TestPace_limitIsLifted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &throttling{limit: 50, begin: time.Now()}
		client := newClient(t, serveInMemory(t, service.ServeHTTP))
		if err := callAll(t.Context(), client, 200, 10); err != nil {
			t.Error(err)
		}
		service.limit = 0
		lifted := time.Now()
		if err := callAll(t.Context(), client, 5000, 10); err != nil {
			t.Error(err)
		}
		// At the old pace they would take 100 seconds.
		if took := time.Since(lifted); took > 45*time.Second {
			t.Errorf("5,000 calls took %s", took)
		}
		if err := callAll(t.Context(), client, 7000, 10); err != nil {
			t.Error(err)
		}
		forgotten := time.Now()
		if err := callAll(t.Context(), client, 100, 10); err != nil {
			t.Error(err)
		}
		if took := time.Since(forgotten); took != 0 {
			t.Errorf("long after, 100 calls still wait: %s", took)
		}
	})
}

// Who waits for a turn ends with the operation, and sends nothing.
func TestPace_cancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := &throttling{limit: 50, begin: time.Now()}
		config := serveInMemory(t, service.ServeHTTP)
		client := newClient(t, config)
		if err := callAll(t.Context(), client, 200, 50); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		accepted, before := service.accepted, time.Now()
		go func() {
			time.Sleep(time.Millisecond)
			cancel()
		}()
		err := callAll(ctx, client, 50, 50)
		failure, ok := errors.AsType[*rest.Error](err)
		if !ok || !errors.Is(failure.Stopped, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(before); took != time.Millisecond {
			t.Errorf("it took %s to end", took)
		}
		if sent := service.accepted - accepted; sent > 1 {
			t.Errorf("%d were sent", sent)
		}
	})
}
