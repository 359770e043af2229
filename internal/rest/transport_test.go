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

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
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

// Fifty concurrent calls, several times, use the same fifty connections.
func TestConnections_areReused(t *testing.T) {
	t.Parallel()
	const atOnce, rounds = 50, 4
	var opened atomic.Int32
	var arrived sync.WaitGroup
	server := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		arrived.Done()
		arrived.Wait() // All calls of a round are in flight.
		good(w, r)
	})
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	client := server.client(t)
	for range rounds {
		arrived.Add(atOnce)
		if err := callAll(t.Context(), client, atOnce, atOnce); err != nil {
			t.Error(err)
		}
	}
	if opened := opened.Load(); opened > atOnce {
		t.Errorf("%d connections were opened for %d concurrent calls", opened, atOnce)
	}
}

func TestClient_usesHTTP2(t *testing.T) {
	t.Parallel()
	server := newServer(t, good)
	server.EnableHTTP2 = true
	server.StartTLS()
	equal(t, "failure", do(t, server.client(t, func(c *rest.Config) { c.InsecureSkipVerify = true }), get), nil)
	equal(t, "protocol", server.requests()[0].Proto, "HTTP/2.0")
}
