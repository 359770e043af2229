// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"cmp"
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
	// refused is why the source's credentials will never be had again; nil as long as that is not known.
	refused error
	// projectID is what the project's name was looked up to, which stays so whatever the credentials.
	projectID string
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

// Secrets returns those of the credentials that were obtained last; nil if there are none. It sends nothing.
func (s *Session) Secrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == nil {
		return nil
	}
	return s.held.Secrets()
}

// ProjectID is what X-Project-Id says; empty where it is not sent. Its errors are those of Authenticate.
func (s *Session) ProjectID(ctx context.Context) (string, error) {
	held, err := s.credentials(ctx)
	if err != nil {
		return "", err
	}
	return held.projectID, nil
}

// Proof is what requests are proven with at this time. Its errors are those of Authenticate.
func (s *Session) Proof(ctx context.Context) (Proof, error) {
	held, err := s.credentials(ctx)
	if err != nil {
		return nil, err
	}
	return held.Proof, nil
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

// fresh returns the credentials at hand, or why there will be no others, or neither.
func (s *Session) fresh() (*held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held != nil && (s.held.renewAt.IsZero() || s.now().Before(s.held.renewAt)) {
		return s.held, nil
	}
	return nil, s.refused
}

// obtain asks the source, and keeps what it says. Where that fails, credentials that are still good do for another moment; where it is
// refused, as long as they are good, since a user whose login is refused time and again is locked out.
func (s *Session) obtain(ctx context.Context) (*held, error) {
	// Somebody else's login may have ended while this one was about to begin.
	if held, err := s.fresh(); held != nil || err != nil {
		return held, err
	}
	fresh, err := s.ask(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.held = fresh
		return s.held, nil
	}
	now := s.now()
	stillGood := s.held != nil && now.Before(s.held.ExpiresAt)
	if isRefusal(err) || !stillGood && isFinal(err) {
		s.refused = err
	}
	if !stillGood {
		s.held = nil
		return nil, err
	}
	s.held.renewAt = s.held.ExpiresAt
	if next := now.Add(calm); s.refused == nil && next.Before(s.held.ExpiresAt) {
		s.held.renewAt = next
	}
	return s.held, nil
}

func (s *Session) ask(ctx context.Context) (*held, error) {
	credentials, err := s.source.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	projectID, err := s.projectFor(ctx, credentials)
	if err != nil {
		return nil, err
	}
	return &held{Credentials: credentials, projectID: projectID, renewAt: renewAt(credentials.ExpiresAt, s.now())}, nil
}

// projectFor is the id that goes with requests; empty where the proof says for itself which project it is for. A name is looked up
// once.
func (s *Session) projectFor(ctx context.Context, credentials *Credentials) (string, error) {
	if id := cmp.Or(s.project.ID, credentials.ProjectID); id != "" {
		return id, nil
	}
	// A token is for one project, whatever the request says.
	if _, isToken := credentials.Proof.(Token); isToken || s.project.Name == "" {
		return "", nil
	}
	s.mu.Lock()
	known := s.projectID
	s.mu.Unlock()
	if known != "" {
		return known, nil
	}
	id, err := s.iam.projectID(ctx, credentials, s.project.Name)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.projectID = id
	s.mu.Unlock()
	return id, nil
}

// renewAt is when to have others than credentials that were had just now. Those that seem to have expired, by a clock that is wrong,
// are used as long as the service accepts them, and renewed every minute at most.
func renewAt(expiresAt, now time.Time) time.Time {
	if expiresAt.IsZero() {
		return time.Time{}
	}
	renewAt := expiresAt.Add(-min(expiresAt.Sub(now)/5, maxMargin))
	if soonest := now.Add(calm); renewAt.Before(soonest) {
		return soonest
	}
	return renewAt
}

// Error is credentials that could not be had.
type Error struct {
	// Doing says what failed, such as `logging in as user "ci"`. It holds no secret.
	Doing string
	// Tried says which other sources were of no use, and names the one that failed at last, such as `token: not set; metadata`; empty
	// where there was but one.
	Tried string
	// Advice is a sentence on what to do; empty where there is nothing to say.
	Advice string
	// Err is the cause, mostly an [*rest.Error].
	Err error
}

// Error says what failed and why.
func (e *Error) Error() string {
	if e.Tried != "" {
		return e.Doing + ": " + e.Tried + ": " + e.Err.Error()
	}
	return e.Doing + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// isRefusal is true where IAM has said no.
func isRefusal(err error) bool {
	failure, ok := errors.AsType[*rest.Error](err)
	return ok && failure.StatusCode/100 == 4 && isFinal(err)
}

// isFinal is true of what will be the same the next time: a refusal, an answer that is none of IAM, and what IAM was not asked for at
// all.
func isFinal(err error) bool {
	failure, ok := errors.AsType[*rest.Error](err)
	if !ok {
		return true
	}
	switch failure.StatusCode {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return failure.StatusCode/100 != 5
}
