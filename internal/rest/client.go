// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package rest sends JSON requests to Huawei Cloud services: it authenticates each attempt, retries where that is safe,
// limits the rate, and returns one type of error. It must not import any other package of this module, and knows no
// service's error codes.
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
	"sync/atomic"
	"time"
)

const (
	// maxResponse limits the body of a response, in bytes.
	maxResponse = 4 << 20
	// postTimeout limits a POST in flight. The caller's context does not cancel it: the service may have created
	// something, and only the response contains its ID.
	postTimeout = 30 * time.Second
)

// Authenticator adds credentials to a request. It is called once for each attempt, with the complete request. body is
// the body that is sent, nil if there is none. ctx is the context of the call, which also ends requests for
// credentials. An Authenticator must be safe for concurrent use.
type Authenticator interface {
	Authenticate(ctx context.Context, req *http.Request, body []byte) error
}

// Refresher is an [Authenticator] that can replace its credentials.
type Refresher interface {
	Authenticator
	// Reject tells the Authenticator that the service rejected the credentials of a request. It reports whether the
	// request should be sent again with others.
	Reject(req *http.Request) bool
}

// Describer is an [Authenticator] that knows where its credentials come from.
type Describer interface {
	Authenticator
	// Description names the settings that the credentials come from, such as "token from HW_AUTH_TOKEN". It contains no
	// secret.
	Description() string
}

// Config configures a [Client]. Only Endpoint is required.
type Config struct {
	// Endpoint is the base URL of the service, such as https://servicestage.cn-north-4.myhuaweicloud.com.
	Endpoint string
	// Authenticator adds credentials to each request; nil sends requests without credentials.
	Authenticator Authenticator
	// UserAgent is the User-Agent header: the name and version of the program.
	UserAgent string
	// AcceptsCredentials reports whether a failure with status 401 has a reason other than rejected credentials; nil
	// means that the credentials are always the reason.
	AcceptsCredentials func(failure *Error) bool
	// MaxRetries is the maximum number of retries of a call; 0 or less means none.
	MaxRetries int
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
	// RootCAs are the trusted certificate authorities; nil means those of the system.
	RootCAs *x509.CertPool
	// Proxy returns the proxy for a request, nil for none; a nil Proxy means [http.ProxyFromEnvironment].
	Proxy func(req *http.Request) (*url.URL, error)
	// Dial opens connections, also to a proxy; nil means TCP with a timeout of ten seconds.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log receives one line for each attempt, without any header or body; nil logs nothing.
	Log func(ctx context.Context, message string, fields ...map[string]any)
	// Wait waits for d between attempts, and returns the context's error as soon as ctx ends; nil means a timer.
	Wait func(ctx context.Context, d time.Duration) error
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Client sends the calls to one service. It is safe for concurrent use.
type Client struct {
	config      Config
	endpoint    *url.URL
	transport   *http.Transport
	connections *connections
	limiter     rateLimiter
}

// New returns a client, or an error if the endpoint is not an absolute URL. It sends nothing.
func New(config Config) (*Client, error) {
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil || endpoint.Scheme == "" || endpoint.Host == "" {
		return nil, errors.New("the endpoint is not an absolute URL") // It is not quoted: it may contain a password.
	}
	if config.Wait == nil {
		config.Wait = wait
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Proxy == nil {
		config.Proxy = http.ProxyFromEnvironment
	}
	client := &Client{config: config, endpoint: endpoint, connections: newConnections()}
	client.transport = newTransport(config, client.connections)
	return client, nil
}

// Host returns the host of the endpoint, with the port if the endpoint contains one.
func (c *Client) Host() string { return c.endpoint.Host }

// MaxRetries returns the maximum number of retries of a call, from the configuration.
func (c *Client) MaxRetries() int { return c.config.MaxRetries }

// ProjectID returns the ID of the project that requests are for, or "" if the authenticator does not know it.
func (c *Client) ProjectID(ctx context.Context) (string, error) {
	source, ok := c.config.Authenticator.(interface {
		ProjectID(ctx context.Context) (string, error)
	})
	if !ok {
		return "", nil
	}
	return source.ProjectID(ctx)
}

// Now returns the time of the client's clock.
func (c *Client) Now() time.Time { return c.config.Now() }

// PathElement matches what may be an element of the path of a call, such as an ID: letters, digits, "-", "_" and ".",
// but not dots alone.
var PathElement = regexp.MustCompile(`^[A-Za-z0-9._-]*[A-Za-z0-9_-][A-Za-z0-9._-]*$`)

// Call is a request for one operation of a service, which [Client.Do] may send several times.
type Call struct {
	Method string
	// Path contains the elements of the path. If one does not match [PathElement], nothing is sent.
	Path  []string
	Query url.Values
	// Header contains additional headers; nil means none.
	Header http.Header
	// Body is encoded as JSON; nil sends no body.
	Body any
	// Authenticator replaces that of the client; nil keeps it.
	Authenticator Authenticator
	// Repeatable marks a POST that may be sent twice. Any other POST is not retried if it may have reached the service,
	// and is not canceled with the caller's context, but ends within 30 seconds.
	Repeatable bool
	// Secrets are the secrets in the body, which are redacted in errors; nil means none. Those in headers are redacted
	// anyway.
	Secrets []string
	// Once disables retries.
	Once bool
	// Confidential marks a call whose successful response contains secrets. A response that is not JSON is not quoted,
	// unless it is HTML.
	Confidential bool
}

// mayBeRepeated reports whether the call may be sent again although the first request may have reached the service.
func (c Call) mayBeRepeated() bool { return c.Method != http.MethodPost || c.Repeatable }

// Do sends a call, with retries where that is safe, and decodes the response into out, unless that is nil. It returns
// the headers of the response. Its error is an [*Error], unless the call itself is invalid.
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
	refreshed := false
	for attempt, retries := 1, 0; ; attempt++ {
		if stopped := c.waitFor(ctx, retries, last); stopped != nil {
			if last == nil {
				last = c.limiter.unsent(call, c.endpoint.Host, stopped)
			}
			last.Stopped = stopped
			return nil, last
		}
		response, failure := c.exchange(ctx, call, target, body, attempt)
		if response != nil {
			c.limiter.observe(response.StatusCode == http.StatusTooManyRequests, response.now)
		}
		if failure == nil {
			failure = decode(response, out, call.Confidential)
		}
		if failure == nil {
			return response.Header, nil
		}
		failure.Attempts = attempt
		if describer, ok := call.Authenticator.(Describer); ok {
			failure.Credentials = describer.Description()
		}
		c.limiter.pause(failure, c.config.Now())
		switch {
		case !refreshed && c.rejected(call.Authenticator, response, failure):
			// The service has only checked the credentials, so any call may be sent again, without a wait.
			refreshed, last = true, nil
			continue
		case retries >= c.config.MaxRetries, !retryable(call, failure):
			return nil, failure
		}
		retries++
		last = failure
	}
}

// rejected reports whether the credentials of a request were rejected and the authenticator can get others.
func (c *Client) rejected(authenticator Authenticator, response *response, failure *Error) bool {
	refresher, ok := authenticator.(Refresher)
	if !ok || failure.StatusCode != http.StatusUnauthorized {
		return false
	}
	hasOtherReason := c.config.AcceptsCredentials != nil && c.config.AcceptsCredentials(failure)
	return !hasOtherReason && refresher.Reject(response.Request)
}

func (c *Client) url(call Call) (string, error) {
	for _, element := range call.Path {
		if !PathElement.MatchString(element) {
			return "", fmt.Errorf("invalid ID %q: it may contain only letters, digits, hyphens, underscores and dots",
				Sanitize(element, maxRequestID))
		}
	}
	target := c.endpoint.JoinPath(call.Path...)
	target.RawQuery = call.Query.Encode()
	return target.String(), nil
}

// response is a complete response with any status.
type response struct {
	*http.Response
	body    []byte
	now     time.Time
	secrets redactor
}

// exchange sends one attempt and returns its response, also if that is an error. The response is nil if there is none.
func (c *Client) exchange(ctx context.Context, call Call, target string, body []byte, attempt int) (*response, *Error) {
	req, err := c.request(ctx, call, target, body)
	if err != nil {
		failure := &Error{Method: call.Method, Host: c.endpoint.Host, Err: permanentError{err}}
		if ctx.Err() != nil {
			failure.Err, failure.Stopped = nil, ctx.Err()
		}
		return nil, failure
	}
	sendCtx := ctx
	if !call.mayBeRepeated() {
		var cancel context.CancelFunc
		sendCtx, cancel = context.WithTimeout(context.WithoutCancel(ctx), postTimeout)
		defer cancel()
	}
	// The transport has a connection only after dialing and the TLS handshake. Before that, nothing can have reached
	// the service.
	var connected atomic.Bool
	sendCtx = httptrace.WithClientTrace(sendCtx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})

	fields := map[string]any{"method": call.Method, "host": req.URL.Host, "path": req.URL.Path, "attempt": attempt}
	start := c.config.Now()
	proxy, _ := c.config.Proxy(req) // Sending the request fails with the same error.
	secrets := newRedactor(call, req.Header, proxy)
	response, err := c.send(req.WithContext(sendCtx))
	fields["duration_ms"] = c.config.Now().Sub(start).Milliseconds()
	if err != nil {
		failure := &Error{Method: call.Method, Host: req.URL.Host, Sent: connected.Load(), Err: secrets.cause(err)}
		if c.config.Log != nil {
			fields["error"] = failure.Err.Error()
			c.config.Log(ctx, "no response", fields)
		}
		return nil, failure
	}
	response.secrets = secrets.with(response.Header.Get("X-Subject-Token"))
	if c.config.Log != nil { // Redacting the request ID costs more than the rest of the call.
		fields["status"], fields["request_id"] = response.StatusCode, response.requestID()
		c.config.Log(ctx, "response", fields)
	}
	return response, response.failure()
}

// request returns the request for an attempt, with credentials.
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

func (c *Client) send(req *http.Request) (*response, error) {
	c.connections.begin()
	defer c.connections.end()
	// The transport follows no redirects: credentials and signatures are for the configured host and path only.
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // Reading has ended; closing can lose nothing.
	if resp.StatusCode == http.StatusSwitchingProtocols {
		// Its body is the connection, and reading that does not end with the context.
		return &response{Response: resp, now: c.config.Now()}, nil
	}
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("reading the response (HTTP %d): %w", resp.StatusCode, err)
	}
	if len(content) > maxResponse {
		err = fmt.Errorf("the response (HTTP %d) is longer than %d MiB", resp.StatusCode, maxResponse>>20)
		return nil, permanentError{err}
	}
	return &response{Response: resp, body: content, now: c.config.Now()}, nil
}

// decode decodes the body of a good response into out. If out is nil, it accepts any body except an HTML page.
func decode(response *response, out any, confidential bool) *Error {
	if out == nil && !response.isHTML() { // A page comes from a proxy, not from the service.
		return nil
	}
	err := json.Unmarshal(response.body, out)
	if err == nil && (confidential || !response.secrets.echoedIn(response.body)) {
		return nil
	}
	failure := response.error()
	switch {
	case err == nil:
		failure.Err = errors.New("the response contains a secret of the request")
		return failure
	case confidential: // The cause may quote a value.
		failure.Err = errors.New("the response is not the documented JSON")
	default:
		failure.Err = fmt.Errorf("the response is not the documented JSON: %w", response.secrets.cause(err))
	}
	if !json.Valid(response.body) && (!confidential || response.isHTML()) {
		failure.Message = response.excerpt()
	}
	return failure
}
