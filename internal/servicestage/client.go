// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package servicestage is a client of the ServiceStage Build API. It knows HTTP and the API's own words, and nothing of
// Terraform.
package servicestage

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const (
	// maxAnswer bounds what is read of one answer, in bytes.
	maxAnswer = 4 << 20
	// postTimeout bounds a POST that has gone out. It is not cut off by the caller's context: the service may have done
	// what it was asked, and only the answer says under which id.
	postTimeout = 30 * time.Second
)

// Config is what a [Client] is made of.
type Config struct {
	// Endpoint is the base URL of the service, such as https://servicestage.cn-north-4.myhuaweicloud.com.
	Endpoint string
	// Authenticator proves who sends each request.
	Authenticator auth.Authenticator
	// ProjectID goes with each request as X-Project-Id; empty sends none, and the credentials imply the project.
	ProjectID string
	// UserAgent names the program and its version.
	UserAgent string
	// MaxRetries is how many times one call is sent again after the first time; 0 means never.
	MaxRetries int
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
	// Log receives one line for each attempt: no header and no body, whatever the level. Nil logs nothing.
	Log func(ctx context.Context, message string, fields ...map[string]any)
	// Wait pauses between attempts, and returns early with the context's error when that ends. Nil really waits.
	Wait func(ctx context.Context, d time.Duration) error
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Client calls the Build API of one region and project. It is safe for concurrent use.
type Client struct {
	config    Config
	endpoint  *url.URL
	transport *http.Transport
	creating  nameLocks
	starting  nameLocks
	met       idSet
	throttle  throttle
}

// New returns a client, or an error when the endpoint is no absolute URL or the authenticator is missing. It does not touch
// the network.
func New(config Config) (*Client, error) {
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if endpoint.Scheme == "" || endpoint.Host == "" {
		return nil, fmt.Errorf("endpoint %q is no absolute URL", config.Endpoint)
	}
	if config.Authenticator == nil {
		return nil, errors.New("there is no authenticator")
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
	return &Client{config: config, endpoint: endpoint, transport: newTransport(config.InsecureSkipVerify)}, nil
}

// newTransport is the standard library's, with the proxies of the environment, but for its two idle connections per host:
// Terraform runs ten operations at once, and many teams raise that.
func newTransport(insecureSkipVerify bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecureSkipVerify}, //nolint:gosec // The user's own choice: the setting `insecure`.
	}
}

// call is one operation of the API.
type call struct {
	method string
	// path holds the elements of the path; each is escaped.
	path  []string
	query url.Values
	// body is sent as JSON; nil sends none.
	body any
}

// do is the one road to the network. It sends a call, again where that is safe, and decodes the answer into out, unless
// that is nil. Its error is an [*Error], but where the call itself cannot be written.
func (c *Client) do(ctx context.Context, call call, out any) error {
	target, err := c.url(call)
	if err != nil {
		return err
	}
	var body []byte
	if call.body != nil {
		if body, err = json.Marshal(call.body); err != nil {
			return fmt.Errorf("encoding the request: %w", err)
		}
	}
	var last *Error
	for attempt := 1; ; attempt++ {
		if stopped := c.waitFor(ctx, attempt, last); stopped != nil {
			if last == nil {
				last = &Error{Method: call.method, Host: c.endpoint.Host}
			}
			last.Stopped = stopped
			return last
		}
		answer, failure := c.exchange(ctx, call.method, target, body, attempt)
		if failure == nil {
			failure = decode(answer, out)
		}
		if failure == nil {
			return nil
		}
		failure.Attempts = attempt
		c.throttle.heed(failure, c.config.Now())
		if attempt > c.config.MaxRetries || !retryable(failure) {
			return failure
		}
		last = failure
	}
}

func (c *Client) url(call call) (string, error) {
	escaped := make([]string, len(call.path))
	for i, element := range call.path {
		if element == "" || element == "." || element == ".." {
			return "", fmt.Errorf("%q cannot be part of a path", element)
		}
		escaped[i] = url.PathEscape(element)
	}
	target := strings.TrimSuffix(c.endpoint.String(), "/") + "/" + strings.Join(escaped, "/")
	if len(call.query) > 0 {
		target += "?" + call.query.Encode()
	}
	return target, nil
}

// answer is a complete answer of the service, whatever its status.
type answer struct {
	*http.Response
	method string
	body   []byte
	now    time.Time
}

// exchange is one attempt: a request that is authenticated anew, and its whole answer. The failure is one without an answer,
// or an answer that says so.
func (c *Client) exchange(ctx context.Context, method, target string, body []byte, attempt int) (*answer, *Error) {
	sending := ctx
	if method == http.MethodPost {
		var cancel context.CancelFunc
		sending, cancel = context.WithTimeout(context.WithoutCancel(ctx), postTimeout)
		defer cancel()
	}
	// A connection is handed out when it is dialled and TLS is agreed; before that nothing can have reached the service.
	var connected atomic.Bool
	sending = httptrace.WithClientTrace(sending, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})

	req, err := http.NewRequestWithContext(sending, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Method: method, Host: c.endpoint.Host, Err: err}
	}
	fields := map[string]any{"method": method, "host": req.URL.Host, "path": req.URL.Path, "attempt": attempt}
	start := c.config.Now()
	answer, err := c.send(req, body)
	fields["duration_ms"] = c.config.Now().Sub(start).Milliseconds()
	if err != nil {
		failure := &Error{Method: method, Host: req.URL.Host, Sent: connected.Load(), Err: err}
		fields["error"] = failure.Err.Error()
		c.config.Log(ctx, "ServiceStage did not answer", fields)
		return nil, failure
	}
	fields["status"] = answer.StatusCode
	fields["request_id"] = answer.Header.Get("X-Request-Id")
	c.config.Log(ctx, "ServiceStage answered", fields)
	return answer, answer.failure()
}

func (c *Client) send(req *http.Request, body []byte) (*answer, error) {
	req.Header.Set("Content-Type", "application/json;charset=utf8")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Language", "en-us")
	req.Header.Set("User-Agent", c.config.UserAgent)
	if c.config.ProjectID != "" {
		req.Header.Set("X-Project-Id", c.config.ProjectID)
	}
	if err := c.config.Authenticator.Authenticate(req, body); err != nil {
		return nil, final{fmt.Errorf("authenticating the request: %w", err)}
	}
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

func decode(answer *answer, out any) *Error {
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.body, out); err != nil {
		failure := answer.error()
		if !json.Valid(answer.body) {
			failure.Message = excerpt(answer.body)
		}
		failure.Err = fmt.Errorf("the answer is not the documented JSON: %w", err)
		return failure
	}
	return nil
}
