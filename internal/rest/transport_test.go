// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// If a call gets a connection that became idle, the next call gets the one that it was dialing.
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
		equal(t, "error", callAll(t.Context(), client, atOnce, atOnce), nil)
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

// http2Resets starts a server that carries out each request and then resets the stream with PROTOCOL_ERROR, after which
// the transport of the standard library sends a request again. It returns its URL and the number of requests.
func http2Resets(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	var requests atomic.Int32
	server := newServer(t, good)
	server.TLS = &tls.Config{NextProtos: []string{"h2"}}
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) {
			const settings, isAck, resetStream, protocolError, endStream = 4, 1, 3, 1, 1
			_, _ = io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")))
			_, _ = conn.Write([]byte{0, 0, 0, settings, 0, 0, 0, 0, 0})
			header := make([]byte, 9) // Length, type, flags and stream.
			for {
				if _, err := io.ReadFull(conn, header); err != nil {
					return // The client has left.
				}
				kind, flags := header[3], header[4]
				_, _ = io.CopyN(io.Discard, conn, int64(header[0])<<16+int64(header[1])<<8+int64(header[2]))
				switch {
				case kind == settings && flags != isAck:
					_, _ = conn.Write([]byte{0, 0, 0, settings, isAck, 0, 0, 0, 0})
				case kind <= 1 && flags&endStream != 0: // The end of a header or of a body.
					requests.Add(1)
					reset := slices.Concat([]byte{0, 0, 4, resetStream, 0}, header[5:], []byte{0, 0, 0, protocolError})
					_, _ = conn.Write(reset)
				}
			}
		},
	}
	server.StartTLS()
	return server.URL, &requests
}

// HTTP/2 must not send a request again by itself: the service may have carried it out.
func TestClient_http2DoesNotRepeat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call     rest.Call
		requests int32
	}{
		"POST":              {post, 1},
		"POST without body": {rest.Call{Method: http.MethodPost, Path: []string{"thing"}}, 1},
		"GET":               {get, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := http2Resets(t)
			client := client(t, url, retries(2), func(config *rest.Config) { config.InsecureSkipVerify = true })
			failure := do(t, client, c.call)
			if failure == nil || !failure.Sent || failure.StatusCode != 0 || failure.Stopped != nil {
				t.Errorf("got %v, want a request without response", failure)
			}
			equal(t, "requests", requests.Load(), c.requests)
		})
	}
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
