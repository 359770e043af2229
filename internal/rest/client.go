// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package rest is the one road to Huawei Cloud's services: JSON over HTTP, authenticated anew for each attempt, sent again
// where that is safe, and with one kind of error for all that may go wrong.
package rest

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// maxAnswer bounds what is read of one answer, in bytes.
	maxAnswer = 4 << 20
	// postTimeout bounds a POST that has gone out. It is not cut off by the caller's context: the service may have done
	// what it was asked, and only the answer says under which id.
	postTimeout = 30 * time.Second
)

// Authenticator adds to a request what proves who sends it. It is called once for each attempt, on the complete request; body
// is exactly what will be sent, nil where there is none. ctx is that of the operation: an Authenticator that has to ask for
// credentials first ends with it. An Authenticator is safe for concurrent use.
type Authenticator interface {
	Authenticate(ctx context.Context, req *http.Request, body []byte) error
}

// Renewer is an [Authenticator] that can have its credentials anew.
type Renewer interface {
	Authenticator
	// Reject says that the service has refused the credentials of a request. It reports whether the request is worth sending
	// again with others.
	Reject(req *http.Request) bool
}

// Config is what a [Client] is made of.
type Config struct {
	// Endpoint is the base URL of the service, such as https://servicestage.cn-north-4.myhuaweicloud.com.
	Endpoint string
	// Authenticator proves who sends each request; nil sends requests that nobody signs.
	Authenticator Authenticator
	// UserAgent names the program and its version.
	UserAgent string
	// AcceptsCredentials reports whether a response with status 401 means something else than rejected credentials, as far as the
	// service's code says; nil means that no such response does.
	AcceptsCredentials func(failure *Error) bool
	// MaxRetries is how many times one call is sent again after the first time; 0 means never.
	MaxRetries int
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
	// RootCAs are the authorities whose certificates are accepted; nil means those of the system.
	RootCAs *x509.CertPool
	// NoProxy ignores the proxies of the environment, for what is reached directly or not at all.
	NoProxy bool
	// Dial opens connections, a proxy's included; nil means TCP with a timeout of ten seconds.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log receives one line for each attempt: no header and no body, whatever the level. Nil logs nothing.
	Log func(ctx context.Context, message string, fields ...map[string]any)
	// Wait pauses between attempts, and returns early with the context's error when that ends. Nil really waits.
	Wait func(ctx context.Context, d time.Duration) error
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	config      Config
	endpoint    *url.URL
	transport   *http.Transport
	connections *connections
	throttle    throttle
	pace        pace
}

// New returns a client, or an error when the endpoint is no absolute URL. It does not touch the network.
func New(config Config) (*Client, error) {
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil || endpoint.Scheme == "" || endpoint.Host == "" {
		return nil, errors.New("the endpoint is not an absolute URL") // It is not quoted: it may contain a password.
	}
	if config.Log == nil {
		config.Log = func(context.Context, string, ...map[string]any) {}
	}
	if config.Wait == nil {
		config.Wait = wait
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	connections := newConnections()
	return &Client{config: config, endpoint: endpoint, transport: newTransport(config, connections), connections: connections}, nil
}

// Host is host:port of the endpoint.
func (c *Client) Host() string { return c.endpoint.Host }

// MaxRetries is how many times one call is sent again after the first time.
func (c *Client) MaxRetries() int { return c.config.MaxRetries }

// ProjectID returns the ID of the project that requests are for, or "" if the authenticator does not know it.
func (c *Client) ProjectID(ctx context.Context) (string, error) {
	knows, ok := c.config.Authenticator.(interface {
		ProjectID(ctx context.Context) (string, error)
	})
	if !ok {
		return "", nil
	}
	return knows.ProjectID(ctx)
}

// Now is the time by the client's clock.
func (c *Client) Now() time.Time { return c.config.Now() }

// PathElement matches what may be an element of the path of a call, such as an ID: letters, digits, "-", "_" and ".", but not dots alone.
var PathElement = regexp.MustCompile(`^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

// Call is one operation of a service.
type Call struct {
	Method string
	// Path holds the elements of the path. Each has to match [PathElement], or nothing is sent.
	Path  []string
	Query url.Values
	// Header holds headers besides the usual ones; nil means none.
	Header http.Header
	// Body is sent as JSON; nil sends none.
	Body any
	// Authenticator replaces that of the client; nil does not.
	Authenticator Authenticator
	// Repeatable is true of a POST that makes nothing which a second one would make twice. Any other POST is not sent again
	// where the first one may have arrived, and is not cut off by the caller's context, but ends within 30 seconds.
	Repeatable bool
	// Secrets are the secrets of the body, which no error quotes; nil means none. Those of headers need not be listed.
	Secrets []string
	// Once is true of a call that is sent once, whatever its failure.
	Once bool
	// Confidential is true where a good answer holds secrets: what cannot be understood of it is not quoted, unless it is HTML.
	Confidential bool
}

// mayBeRepeated is true of what can be sent twice without harm.
func (c Call) mayBeRepeated() bool { return c.Method != http.MethodPost || c.Repeatable }

// Do sends a call, again where that is safe, and decodes the answer into out, unless that is nil. It returns the headers of the
// answer. Its error is an [*Error], but where the call itself cannot be written.
func (c *Client) Do(ctx context.Context, call Call, out any) (http.Header, error) {
	target, err := c.url(call)
	if err != nil {
		return nil, err
	}
	var body []byte
	if call.Body != nil {
		if body, err = json.Marshal(call.Body); err != nil {
			return nil, fmt.Errorf("encoding the request: %w", err)
		}
	}
	if call.Authenticator == nil {
		call.Authenticator = c.config.Authenticator
	}
	var last *Error
	renewed := false
	for attempt, retries := 1, 0; ; attempt++ {
		if stopped := c.waitFor(ctx, retries, last); stopped != nil {
			if last == nil {
				last = c.throttle.unsent(call, c.endpoint.Host, stopped)
			}
			last.Stopped = stopped
			return nil, last
		}
		answer, failure := c.exchange(ctx, call, target, body, attempt)
		if answer != nil {
			c.pace.note(answer.StatusCode == http.StatusTooManyRequests, answer.now)
		}
		if failure == nil {
			failure = decode(answer, out, call.Confidential)
		}
		if failure == nil {
			return answer.Header, nil
		}
		failure.Attempts = attempt
		c.throttle.heed(failure, c.config.Now())
		switch {
		case !renewed && c.rejected(call.Authenticator, answer, failure):
			// The service has done nothing but look at the credentials, so any call may be sent again, at once.
			renewed, last = true, nil
			continue
		case retries >= c.config.MaxRetries, !retryable(call, failure):
			return nil, failure
		}
		retries++
		last = failure
	}
}

// rejected reports whether the credentials of a request were rejected and the authenticator can get others.
func (c *Client) rejected(authenticator Authenticator, answer *answer, failure *Error) bool {
	renewer, ok := authenticator.(Renewer)
	if !ok || failure.StatusCode != http.StatusUnauthorized || c.config.AcceptsCredentials != nil && c.config.AcceptsCredentials(failure) {
		return false
	}
	return renewer.Reject(answer.Request)
}

func (c *Client) url(call Call) (string, error) {
	for _, element := range call.Path {
		if !PathElement.MatchString(element) {
			return "", fmt.Errorf("invalid ID %q: it may contain only letters, digits, hyphens, underscores and dots", Sanitize(element, maxRequestID))
		}
	}
	target := strings.TrimSuffix(c.endpoint.String(), "/") + "/" + strings.Join(call.Path, "/")
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	return target, nil
}

// answer is a complete answer of the service, whatever its status.
type answer struct {
	*http.Response
	method  string
	body    []byte
	now     time.Time
	secrets redactor
}

// exchange is one attempt: a request that is authenticated anew, and its whole answer. The failure is one without an answer,
// or an answer that says so.
func (c *Client) exchange(ctx context.Context, call Call, target string, body []byte, attempt int) (*answer, *Error) {
	req, err := c.request(ctx, call, target, body)
	if err != nil {
		failure := &Error{Method: call.Method, Host: c.endpoint.Host, Err: final{err}}
		if ctx.Err() != nil {
			failure.Err, failure.Stopped = nil, ctx.Err()
		}
		return nil, failure
	}
	sending := ctx
	if !call.mayBeRepeated() {
		var cancel context.CancelFunc
		sending, cancel = context.WithTimeout(context.WithoutCancel(ctx), postTimeout)
		defer cancel()
	}
	// A connection is handed out when it is dialled and TLS is agreed; before that nothing can have reached the service.
	var connected atomic.Bool
	sending = httptrace.WithClientTrace(sending, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	fields := map[string]any{"method": call.Method, "host": req.URL.Host, "path": req.URL.Path, "attempt": attempt}
	start := c.config.Now()
	secrets := newRedactor(call, req.Header, c.proxy(req))
	answer, err := c.send(req.WithContext(sending))
	fields["duration_ms"] = c.config.Now().Sub(start).Milliseconds()
	if err != nil {
		failure := &Error{Method: call.Method, Host: req.URL.Host, Sent: connected.Load(), Err: secrets.cause(err)}
		fields["error"] = failure.Err.Error()
		c.config.Log(ctx, "no answer", fields)
		return nil, failure
	}
	answer.secrets = secrets.with(answer.Header.Get("X-Subject-Token"))
	fields["status"] = answer.StatusCode
	fields["request_id"] = answer.requestID()
	c.config.Log(ctx, "answer", fields)
	return answer, answer.failure()
}

// request is a call as it goes out. It takes as long as the authenticator needs.
func (c *Client) request(ctx context.Context, call Call, target string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, call.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Language", "en-us")
	req.Header.Set("User-Agent", c.config.UserAgent)
	maps.Copy(req.Header, call.Header)
	if call.Authenticator != nil {
		if err := call.Authenticator.Authenticate(ctx, req, body); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// proxy is nil if the request is sent to the service itself, or cannot be sent.
func (c *Client) proxy(req *http.Request) *url.URL {
	if c.transport.Proxy == nil {
		return nil
	}
	proxy, err := c.transport.Proxy(req)
	if err != nil {
		return nil
	}
	return proxy
}

func (c *Client) send(req *http.Request) (*answer, error) {
	c.connections.begin()
	defer c.connections.end()
	// The transport follows no redirect: credentials and signatures are for the configured host and path alone.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // Reading has ended; closing can lose nothing.
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer (HTTP %d): %w", resp.StatusCode, err)
	}
	if len(content) > maxAnswer {
		return nil, final{fmt.Errorf("the answer (HTTP %d) is longer than %d MiB", resp.StatusCode, maxAnswer>>20)}
	}
	return &answer{Response: resp, method: req.Method, body: content, now: c.config.Now()}, nil
}

func decode(answer *answer, out any, confidential bool) *Error {
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.body, out); err != nil {
		failure := answer.error()
		if !json.Valid(answer.body) && (!confidential || answer.isHTML()) {
			failure.Message = answer.excerpt()
		}
		failure.Err = errors.New("the answer is not the documented JSON")
		if !confidential { // The cause may quote a value.
			failure.Err = fmt.Errorf("the answer is not the documented JSON: %w", answer.secrets.cause(err))
		}
		return failure
	}
	return nil
}
