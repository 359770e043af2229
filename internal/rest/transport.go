// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"context"
	"crypto/tls"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// newTransport returns a transport with more than the standard library's two idle connections per host: Terraform runs
// ten operations at once by default.
func newTransport(config Config, connections *connections) *http.Transport {
	dial := config.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	// After some errors of a stream, HTTP/2 sends a request again by itself, without a limit, although the service may
	// have carried it out.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Transport{
		Protocols: &protocols,
		Proxy:     config.Proxy,
		OnProxyConnectResponse: func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return &ProxyError{Host: proxy.Host, StatusCode: resp.StatusCode}
			}
			return nil
		},
		DialContext:           connections.limit(dial),
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		// Headers take some kilobytes, including a token.
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			RootCAs:            config.RootCAs,
			InsecureSkipVerify: config.InsecureSkipVerify, //nolint:gosec // The user sets it.
		},
	}
}

// ProxyError reports that a proxy rejected the connection to the service.
type ProxyError struct {
	// Host is the host of the proxy, with its port if there is one.
	Host string
	// StatusCode is the HTTP status of its response.
	StatusCode int
}

// Error names the proxy and the status.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("the proxy %s returned HTTP %d", e.Host, e.StatusCode)
}

// connections limits the number of connections to the largest number of concurrent calls so far. The standard library
// dials for a call that finds no idle connection, and continues dialing after the call got another connection that
// became idle.
//
// No call waits forever: if all slots are taken, there are at least as many connections as calls, and the unused one
// becomes idle or is closed.
type connections struct {
	slots *semaphore.Weighted

	mu          sync.Mutex
	calls, most int
}

func newConnections() *connections {
	slots := semaphore.NewWeighted(math.MaxInt64)
	slots.TryAcquire(math.MaxInt64) // There are no slots before the first call.
	return &connections{slots: slots}
}

// begin counts a call, until end.
func (c *connections) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.calls > c.most {
		c.most = c.calls
		c.slots.Release(1)
	}
}

func (c *connections) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls--
}

// limit returns a dial function that takes a slot for each connection until that is closed.
func (c *connections) limit(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := c.slots.Acquire(ctx, 1); err != nil {
			return nil, err
		}
		free := sync.OnceFunc(func() { c.slots.Release(1) })
		conn, err := dial(ctx, network, address)
		if err != nil {
			free()
			return nil, err
		}
		return &connection{Conn: conn, free: free}, nil
	}
}

// connection releases its slot when it is closed.
type connection struct {
	net.Conn

	free func()
}

// Close implements [net.Conn].
func (c *connection) Close() error {
	defer c.free()
	return c.Conn.Close()
}
