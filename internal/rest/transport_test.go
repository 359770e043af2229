// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// A call that gets a connection of another one, while its own is still dialled, leaves that one to the next call.
func TestConnections_noMoreThanCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan struct{}) // Each lets one request be answered.
		config := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			<-answers
			good(w, r)
		})
		dial, dials, second := config.Dial, atomic.Int32{}, make(chan struct{})
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1) == 2 {
				<-second
			}
			return dial(ctx, network, address)
		}
		client := newClient(t, config)
		var calls sync.WaitGroup
		call := func() {
			calls.Go(func() {
				if _, err := client.Do(t.Context(), get, nil); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		call()
		call()                // It dials, and waits.
		answers <- struct{}{} // It gets the connection of the first.
		synctest.Wait()
		call() // There are two connections for two calls, one of which is still dialled.
		close(second)
		answers <- struct{}{}
		answers <- struct{}{}
		calls.Wait()
		if n := dials.Load(); n != 2 {
			t.Errorf("%d connections were opened, and at most two calls were under way at once", n)
		}
	})
}

// A connection that ends makes room for another one.
func TestConnections_again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			good(w, r)
		})
		dial, dials := config.Dial, atomic.Int32{}
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1)%2 == 1 {
				return nil, net.ErrClosed // Nor does one that was never opened take a place.
			}
			return dial(ctx, network, address)
		}
		if err := callAll(t.Context(), newClient(t, config), 100, 5); err != nil {
			t.Error(err)
		}
		if n := dials.Load(); n != 200 {
			t.Errorf("%d connections were dialled", n)
		}
	})
}
