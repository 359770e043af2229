// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// maxAnswer bounds what is read of one answer, in bytes.
	maxAnswer = 4 << 20
	// tries is how often a request that may be repeated is sent.
	tries = 5
	// postTimeout bounds a create, which no interrupt cuts off: only its answer says which job to delete.
	postTimeout = 30 * time.Second
)

// object is a JSON object.
type object = map[string]any

// request is one request for the jobs, past the provider's client: the questions are about what that client never sends.
type request struct {
	method string
	// id is that of a job; empty for all jobs.
	id    string
	query url.Values
	body  object
	// without is a header to leave out.
	without string
}

// answer is what came back.
type answer struct {
	status int
	body   []byte
	// object is the body where it is a JSON object.
	object object
	code   string
}

// good is true of an answer that says yes.
func (a *answer) good() bool { return a.status/100 == 2 && a.code == "" }

// String is the status with the service's code.
func (a *answer) String() string {
	return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", a.status, a.code))
}

// said is what became of a request: accepted, or refused and how.
func (a *answer) said() string {
	if a.good() {
		return "accepted"
	}
	return "refused: " + a.String()
}

// refusal is an answer that keeps further questions from being asked.
type refusal struct {
	what   string
	answer *answer
}

// Error says what was refused.
func (r *refusal) Error() string { return r.what + " was refused: " + r.answer.String() }

func newTransport(insecureSkipVerify bool) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		IdleConnTimeout:       90 * time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecureSkipVerify}, //nolint:gosec // The user's own choice: the setting `insecure`.
	}
}

// send sends a request, and again where that changes nothing and the failure may pass. It refuses to change anything that
// this run has not made.
func (p *probe) send(ctx context.Context, request request) (*answer, error) {
	if request.id != "" && request.method != http.MethodGet && !slices.Contains(p.made, request.id) {
		return nil, fmt.Errorf("%s of a job that the probe has not made", request.method)
	}
	for attempt := 1; ; attempt++ {
		answer, err := p.exchange(ctx, request)
		passes := err != nil || answer.status == http.StatusTooManyRequests || answer.status >= http.StatusInternalServerError
		if !passes || attempt == tries || request.method == http.MethodPost {
			if err == nil && request.method == http.MethodDelete && answer.good() {
				p.deleted = append(p.deleted, request.id)
			}
			return answer, err
		}
		if stopped := p.config.Wait(ctx, time.Second<<attempt); stopped != nil {
			return nil, stopped
		}
	}
}

func (p *probe) exchange(ctx context.Context, request request) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if request.method == http.MethodPost {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), postTimeout)
		defer cancel()
	}
	target := strings.TrimSuffix(p.config.Endpoint, "/") + "/assembling/v1/jobs"
	if request.id != "" {
		target += "/" + url.PathEscape(request.id)
	}
	if len(request.query) > 0 {
		target += "?" + request.query.Encode()
	}
	var body []byte
	if request.body != nil {
		var err error
		if body, err = json.Marshal(request.body); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, request.method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json;charset=utf8", "Accept": "application/json", "X-Language": "en-us",
		"User-Agent": p.config.UserAgent, "X-Project-Id": p.config.ProjectID,
	} {
		if value != "" && name != request.without {
			req.Header.Set(name, value)
		}
	}
	if err := p.config.Authenticator.Authenticate(ctx, req, body); err != nil {
		return nil, err
	}
	return p.roundTrip(req)
}

// roundTrip follows no redirect: credentials are for the configured host alone.
func (p *probe) roundTrip(req *http.Request) (*answer, error) {
	resp, err := p.transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%s had no answer: %w", req.Method, err)
	}
	defer func() { _ = resp.Body.Close() }() // Reading has ended; closing can lose nothing.
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("%s had no whole answer: %w", req.Method, err)
	}
	for name := range resp.Header {
		lower := strings.ToLower(name)
		if (strings.Contains(lower, "ratelimit") || slices.Contains([]string{"retry-after", "sunset", "deprecation"}, lower)) && !slices.Contains(p.headers, name) {
			p.headers = append(p.headers, name)
		}
	}
	answer := &answer{status: resp.StatusCode, body: body}
	if json.Unmarshal(body, &answer.object) != nil {
		answer.object = nil // A question may be whether it is JSON at all.
	}
	answer.code = errorCode(answer.object)
	return answer, nil
}

// errorCode is the code in an error body, flat or nested.
func errorCode(body object) string {
	if inner, ok := body["error"].(object); ok {
		body = inner
	}
	for _, name := range []string{"error_code", "errorCode", "code"} {
		if code, ok := body[name].(string); ok && code != "" {
			return code
		}
	}
	return ""
}
