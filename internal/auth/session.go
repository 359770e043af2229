// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	// obtainTimeout bounds one login with all that belongs to it. Who waits for it may leave earlier.
	obtainTimeout = 2 * time.Minute
	// maxMargin is how long before their end credentials are renewed; those that live shorter, after four fifths of their life.
	maxMargin = 10 * time.Minute
	// calm is how long nothing is tried again after it has failed while the old credentials are still good.
	calm = time.Minute
)

// Project says which project requests are for.
type Project struct {
	// ID goes with each request; where it is empty, that of the credentials does, else the one that Name is looked up to.
	ID string
	// Name is the name of the project, such as that of the region; where it is empty, nothing is looked up.
	Name string
}

// Session is an authenticator with credentials that it obtains when they are first needed, once for all who wait for them, and
// renews before they expire. It sets X-Project-Id. It is safe for concurrent use.
type Session struct {
	source  Source
	iam     *IAM
	project Project
	now     func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	held   *held
	// refused is why the source's credentials will never be had; nil as long as that is not known.
	refused error
	// renewed is when credentials were last had anew because the service had rejected some.
	renewed time.Time
}

// held are credentials, and when to have others.
type held struct {
	*Credentials
	projectID string
	renewAt   time.Time // Zero means never.
}

// NewSession returns a session that has asked for nothing yet. iam may be nil where project has no name; now may be nil, and is
// then [time.Now].
func NewSession(source Source, iam *IAM, project Project, now func() time.Time) *Session {
	if now == nil {
		now = time.Now
	}
	return &Session{source: source, iam: iam, project: project, now: now}
}

// Authenticate proves the request with the credentials at hand, or with new ones. Its error is an [*Error], or that of the
// context when that ends first.
func (s *Session) Authenticate(ctx context.Context, req *http.Request, body []byte) error {
	held, err := s.credentials(ctx)
	if err != nil {
		return err
	}
	if held.projectID != "" {
		req.Header.Set("X-Project-Id", held.projectID)
	}
	return held.Authenticate(ctx, req, body)
}

// ProjectID is what X-Project-Id says; empty where it is not sent. Its errors are those of Authenticate.
func (s *Session) ProjectID(ctx context.Context) (string, error) {
	held, err := s.credentials(ctx)
	if err != nil {
		return "", err
	}
	return held.projectID, nil
}

// Reject drops the credentials that the request was sent with, unless that was done already. It reports whether others may do
// better: not where the source has no others, nor where those at hand are the answer to a rejection a moment ago.
func (s *Session) Reject(req *http.Request) bool {
	if _, static := s.source.(Static); static {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil || !s.held.proves(req) {
		return true
	}
	if now := s.now(); s.renewed.IsZero() || now.Sub(s.renewed) > calm {
		s.held, s.renewed = nil, now
		return true
	}
	return false
}

func (s *Session) credentials(ctx context.Context) (*held, error) {
	if held, err := s.fresh(); held != nil || err != nil {
		return held, err
	}
	// One login serves all who wait, so it must not end with the first of them.
	obtained := s.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), obtainTimeout)
		defer cancel()
		return s.obtain(ctx)
	})
	select {
	case result := <-obtained:
		held, _ := result.Val.(*held)
		return held, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fresh returns the credentials at hand, or why there will never be any, or neither.
func (s *Session) fresh() (*held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil && (s.held.renewAt.IsZero() || s.now().Before(s.held.renewAt)) {
		return s.held, nil
	}
	return nil, s.refused
}

// obtain asks the source, and keeps what it says. Where that fails, credentials that are still good do for another moment.
func (s *Session) obtain(ctx context.Context) (*held, error) {
	// Somebody else's login may have ended while this one was about to begin.
	if held, err := s.fresh(); held != nil || err != nil {
		return held, err
	}
	fresh, err := s.ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	switch {
	case err == nil:
		s.held = fresh
	case s.held != nil && now.Before(s.held.ExpiresAt):
		s.held.renewAt = now.Add(calm)
	default:
		s.held = nil
		if isFinal(err) {
			s.refused = err
		}
		return nil, err
	}
	return s.held, nil
}

func (s *Session) ask(ctx context.Context) (*held, error) {
	credentials, err := s.source.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	fresh := &held{Credentials: credentials, projectID: s.project.ID}
	if fresh.projectID == "" {
		fresh.projectID = credentials.ProjectID
	}
	// A token is for one project, whatever the request says.
	if _, isToken := credentials.Proof.(Token); fresh.projectID == "" && s.project.Name != "" && !isToken {
		if fresh.projectID, err = s.iam.projectID(ctx, credentials, s.project.Name); err != nil {
			return nil, err
		}
	}
	if !credentials.ExpiresAt.IsZero() {
		margin := min(credentials.ExpiresAt.Sub(s.now())/5, maxMargin)
		fresh.renewAt = credentials.ExpiresAt.Add(-margin)
	}
	return fresh, nil
}

// Error is credentials that could not be had.
type Error struct {
	// Doing says what failed, such as `logging in as user "ci"`. It holds no secret.
	Doing string
	// Advice is a sentence on what to do; empty where there is nothing to say.
	Advice string
	// Err is the cause, mostly an [*rest.Error].
	Err error
}

// Error says what failed and why.
func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// isFinal is true of what will be the same the next time: a refusal, and what IAM was not asked for at all. Asking again would
// lock the user out at worst.
func isFinal(err error) bool {
	failure, ok := errors.AsType[*rest.Error](err)
	if !ok {
		return true
	}
	switch failure.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return failure.StatusCode/100 == 4
}
