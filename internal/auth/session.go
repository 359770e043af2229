// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	// refreshTimeout limits one refresh with all its requests. A caller may stop waiting for it earlier.
	refreshTimeout = 2 * time.Minute
	// expiryWindow is how long before their expiry credentials are refreshed, but not before four fifths of their
	// lifetime.
	expiryWindow = 10 * time.Minute
	// retryInterval is the time between two attempts to refresh credentials that have not expired.
	retryInterval = time.Minute
)

// Session is an authenticator that gets credentials from a source when they are first needed, once for all concurrent
// requests, and refreshes them before they expire. It sets X-Project-Id. It is safe for concurrent use.
type Session struct {
	source      Source
	description string
	project     Project
	clients     Clients

	flight singleflight.Group
	// projectID is the ID of the project with the name. It does not depend on the credentials. Only a refresh uses it.
	projectID string

	mu     sync.Mutex
	cached *cached
	// failed is the error of a refresh that would fail again; nil if another one may succeed.
	failed error
	// seen contains the failures that were passed to [Error.Repeated].
	seen sync.Map
	// rejectedAt is when credentials were last dropped because the service had rejected them.
	rejectedAt time.Time
}

type cached struct {
	*Credentials
	projectID string
	refreshAt time.Time // Zero means never.
}

// NewSession returns a session. It sends no request. description says which settings the credentials come from, for
// error messages, such as "token from HW_AUTH_TOKEN". A client may be nil if source and project do not need it.
func NewSession(source Source, description string, project Project, clients Clients) *Session {
	if clients.Now == nil {
		clients.Now = time.Now
	}
	return &Session{source: source, description: description, project: project, clients: clients}
}

// Description names the settings that the credentials come from.
func (s *Session) Description() string { return s.description }

// Source returns the source of the credentials and the clients that it sends its requests with.
func (s *Session) Source() (Source, Clients) { return s.source, s.clients }

// Authenticate authenticates the request with the current credentials. Its error is an [*Error], or that of the context
// if it ends first.
func (s *Session) Authenticate(ctx context.Context, req *http.Request, body []byte) error {
	credentials, err := s.credentials(ctx)
	if err != nil {
		return err
	}
	if credentials.projectID != "" {
		req.Header.Set("X-Project-Id", credentials.projectID)
	}
	return credentials.Authenticate(ctx, req, body)
}

// Secrets returns the secrets of the cached credentials; nil if there are none. It sends no request.
func (s *Session) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cached == nil {
		return nil
	}
	return s.cached.Secrets()
}

// ProjectID returns the value of X-Project-Id; empty if the header is not sent. Its errors are those of Authenticate.
func (s *Session) ProjectID(ctx context.Context) (string, error) {
	credentials, err := s.credentials(ctx)
	if err != nil {
		return "", err
	}
	return credentials.projectID, nil
}

// Reject drops the cached credentials if the request was sent with them. It reports whether another attempt may
// succeed: false if the source has no other credentials, or if credentials were dropped less than a minute ago.
func (s *Session) Reject(req *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cached == nil || !s.cached.matches(req) {
		return true
	}
	now := s.clients.Now()
	if !s.cached.Refreshable || now.Sub(s.rejectedAt) <= retryInterval {
		return false
	}
	s.cached, s.rejectedAt = nil, now
	return true
}

func (s *Session) credentials(ctx context.Context) (*cached, error) {
	if current, err := s.current(); current != nil || err != nil {
		return current, err
	}
	// All waiting requests share the refresh, so it must not end with the first of them.
	refreshed := s.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
		defer cancel()
		return s.refresh(ctx)
	})
	select {
	case result := <-refreshed:
		credentials, _ := result.Val.(*cached)
		return credentials, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// current returns the cached credentials, or the error that another refresh would return, or neither if a refresh is
// due.
func (s *Session) current() (*cached, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cached != nil && (s.cached.refreshAt.IsZero() || s.clients.Now().Before(s.cached.refreshAt)) {
		return s.cached, nil
	}
	return nil, s.failed
}

// refresh fetches and caches credentials. If that fails, unexpired credentials stay in use: for a minute, or until they
// expire if the source rejected the request, because repeated attempts lock a user out.
func (s *Session) refresh(ctx context.Context) (*cached, error) {
	// Another refresh may have ended while this one was about to begin.
	if current, err := s.current(); current != nil || err != nil {
		return current, err
	}
	fetched, err := s.fetch(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.cached = fetched
		return s.cached, nil
	}
	if failure, ok := errors.AsType[*Error](err); ok {
		failure.Source, failure.seen = s.description, &s.seen
	}
	now := s.clients.Now()
	unexpired := s.cached != nil && now.Before(s.cached.ExpiresAt)
	if isRejection(err) || !unexpired && isPermanent(err) {
		s.failed = err
	}
	if !unexpired {
		s.cached = nil
		return nil, err
	}
	s.cached.refreshAt = s.cached.ExpiresAt
	if next := now.Add(retryInterval); s.failed == nil && next.Before(s.cached.ExpiresAt) {
		s.cached.refreshAt = next
	}
	return s.cached, nil
}

func (s *Session) fetch(ctx context.Context) (*cached, error) {
	credentials, err := s.source.Credentials(ctx, s.clients, s.project)
	if err != nil {
		return nil, err
	}
	projectID, err := s.projectFor(ctx, credentials)
	if err != nil {
		return nil, err
	}
	return &cached{credentials, projectID, refreshAt(credentials.ExpiresAt, s.clients.Now())}, nil
}

// projectFor returns the project ID to send with requests; empty for a token, which is for one project.
// A name is looked up once.
func (s *Session) projectFor(ctx context.Context, credentials *Credentials) (string, error) {
	if id := cmp.Or(s.project.ID, credentials.ProjectID); id != "" {
		return id, nil
	}
	if _, isToken := credentials.Credential.(Token); isToken || s.project.Name == "" {
		return "", nil
	}
	if s.projectID == "" { // One refresh runs at a time.
		id, err := findProject(ctx, s.clients, credentials, s.project.Name)
		if err != nil {
			return "", err
		}
		s.projectID = id
	}
	return s.projectID, nil
}

// refreshAt returns when to refresh credentials that were just fetched. If they seem to have expired because the clock
// is wrong, they are used until the service rejects them, and refreshed once a minute.
func refreshAt(expiresAt, now time.Time) time.Time {
	if expiresAt.IsZero() {
		return time.Time{}
	}
	at := expiresAt.Add(-min(expiresAt.Sub(now)/5, expiryWindow))
	if earliest := now.Add(retryInterval); at.Before(earliest) {
		return earliest
	}
	return at
}

// Step is a part of getting credentials, as the beginning of a message.
type Step string

// The steps. Their object is a user, an agency, an identity provider or a project; FindDomain and ReadMetadata have
// none.
const (
	Login           Step = "logging in as user"
	AssumeAgency    Step = "assuming agency"
	ReadIDToken     Step = "reading the ID token of identity provider"
	ExchangeIDToken Step = "exchanging the ID token of identity provider"
	ExchangeToken   Step = "exchanging the token for one of project"
	FindDomain      Step = "looking up the account of the access key"
	FindProject     Step = "looking up the ID of project"
	ReadMetadata    Step = "requesting access keys from the metadata service"
)

// Error is a failure to get credentials.
type Error struct {
	Step Step
	// Object is the name or ID of the step's object.
	Object string
	// Source describes the settings that the credentials come from; empty if the error does not come from a [Session].
	Source string
	// Err is the cause. It is a [*rest.Error] if a request failed.
	Err error

	seen *sync.Map
}

// failed returns an [*Error] with the cause err; nil if err is nil.
func failed(step Step, object string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Step: step, Object: object, Err: err}
}

// Repeated reports whether it was called before for an error of the same session with the same step and response. A
// message can then refer to an earlier one. It returns false for an error that does not come from a [Session].
func (e *Error) Repeated() bool {
	if e.seen == nil {
		return false
	}
	kind := e.Operation()
	if failure, ok := errors.AsType[*rest.Error](e.Err); ok {
		kind += fmt.Sprintf(" %d %s", failure.StatusCode, failure.Code)
	}
	_, repeated := e.seen.LoadOrStore(kind, true)
	return repeated
}

// Operation returns the step with its object, such as `logging in as user "ci"`.
func (e *Error) Operation() string {
	if e.Object == "" {
		return string(e.Step)
	}
	return fmt.Sprintf("%s %q", e.Step, e.Object)
}

// Error returns the operation and the cause.
func (e *Error) Error() string { return e.Operation() + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// isRejection reports whether IAM rejected the request.
func isRejection(err error) bool {
	failure, ok := errors.AsType[*rest.Error](err)
	return ok && failure.StatusCode/100 == 4 && !failure.Transient()
}

// isPermanent reports whether another attempt would fail too: after a rejection, a response that is not IAM's, and an
// error before any request.
func isPermanent(err error) bool {
	failure, ok := errors.AsType[*rest.Error](err)
	return !ok || !failure.Transient()
}
