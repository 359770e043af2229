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
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// A call may get a connection that became idle while it dials another one, which the next call then gets.
func TestConnections_noMoreThanCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		respond := make(chan struct{}) // Each value allows one response.
		config := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			<-respond
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
			calls.Go(func() { equal(t, "failure", do(t, client, get), nil) })
			synctest.Wait()
		}
		call()
		call()                // It dials and waits.
		respond <- struct{}{} // It gets the connection of the first call.
		synctest.Wait()
		call() // There are two connections for two calls, one of which is being dialed.
		close(second)
		respond <- struct{}{}
		respond <- struct{}{}
		calls.Wait()
		equal(t, "connections", dials.Load(), 2)
	})
}

// A connection that is closed, or could not be opened, is replaced.
func TestConnections_replaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			good(w, r)
		})
		dial, dials := config.Dial, atomic.Int32{}
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if dials.Add(1)%2 == 1 {
				return nil, net.ErrClosed
			}
			return dial(ctx, network, address)
		}
		equal(t, "error", callAll(t.Context(), newClient(t, config), 100, 5), nil)
		equal(t, "dials", dials.Load(), 200)
	})
}

// Fifty concurrent calls, several times, use the same fifty connections.
func TestConnections_reused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := serveInMemory(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second) // Until all calls of a round are in flight.
			good(w, r)
		})
		dial, dials := config.Dial, atomic.Int32{}
		config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return dial(ctx, network, address)
		}
		client := newClient(t, config)
		for range 4 {
			equal(t, "error", callAll(t.Context(), client, 50, 50), nil)
		}
		equal(t, "dials", dials.Load(), 50)
	})
}

func TestClient_usesHTTP2(t *testing.T) {
	t.Parallel()
	server := newServer(t, good)
	server.EnableHTTP2 = true
	server.StartTLS()
	equal(t, "failure", do(t, server.client(t, func(c *rest.Config) { c.InsecureSkipVerify = true }), get), nil)
	equal(t, "protocol", server.requests()[0].Proto, "HTTP/2.0")
}
