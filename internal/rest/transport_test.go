// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"io"
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

// HTTP/2 would send a request again by itself, without a limit, although the service may have carried it out.
func TestClient_doesNotUseHTTP2(t *testing.T) {
	t.Parallel()
	server := newServer(t, good)
	server.EnableHTTP2 = true
	server.StartTLS()
	equal(t, "failure", do(t, server.client(t, func(c *rest.Config) { c.InsecureSkipVerify = true }), get), nil)
	equal(t, "protocol", server.requests()[0].Proto, "HTTP/1.1")
}

// The body of a response that switches protocols is the connection, which may never end.
func TestClient_switchedProtocolEndsCall(t *testing.T) {
	t.Parallel()
	for _, call := range []rest.Call{get, post} {
		t.Run(call.Method, func(t *testing.T) {
			t.Parallel()
			returned := make(chan struct{})
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n")
				select {
				case <-returned:
				case <-time.After(5 * time.Second):
					t.Error("the call waits for the end of the connection")
				}
				_ = conn.Close() // The client may have closed it.
			})
			failure := do(t, client(t, server.URL), call)
			close(returned)
			if failure == nil || failure.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("got %v, want an error with status 101", failure)
			}
		})
	}
}
