// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// tokens is a source of numbered tokens, or of access keys if it has a secret.
type tokens struct {
	clock

	lifetime time.Duration
	secret   string
	calls    atomic.Int32
	fail     func(ctx context.Context) error // Returns the error of a call; nil means none.
}

func (s *tokens) Credentials(ctx context.Context, _ auth.Clients, _ auth.Project) (*auth.Credentials, error) {
	number := s.calls.Add(1)
	if s.fail != nil {
		if err := s.fail(ctx); err != nil {
			return nil, err
		}
	}
	var issued auth.Credential = auth.Token(strconv.Itoa(int(number)))
	if s.secret != "" {
		issued = auth.AccessKey{ID: "AK", Secret: s.secret}
	}
	return &auth.Credentials{Credential: issued, ExpiresAt: s.time().Add(s.lifetime), Refreshable: true}, nil
}

func (s *tokens) session() *auth.Session {
	return auth.NewSession(s, "", auth.Project{}, auth.Clients{Now: s.time})
}

func (s *tokens) wantCalls(t *testing.T, want int32) {
	t.Helper()
	if got := s.calls.Load(); got != want {
		t.Errorf("tokens were requested %d times, want %d", got, want)
	}
}

// tokenOf returns the token that a session sends.
func tokenOf(t *testing.T, session *auth.Session) string {
	t.Helper()
	return authenticated(t, session).Header.Get("X-Auth-Token")
}

// A refresh continues after the context of the request that started it has ended. Each request waits until its own
// context ends.
func TestSession_canceledWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &tokens{lifetime: time.Hour, fail: func(ctx context.Context) error {
			time.Sleep(time.Second)
			return ctx.Err()
		}}
		session := source.session()
		var running sync.WaitGroup
		for _, c := range []struct {
			timeout time.Duration
			want    error
		}{
			{time.Millisecond, context.DeadlineExceeded}, {-time.Second, context.DeadlineExceeded}, {time.Minute, nil},
		} {
			req := unsent(t)
			ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
			defer cancel()
			running.Go(func() {
				if err := session.Authenticate(ctx, req, nil); !errors.Is(err, c.want) {
					t.Errorf("timeout of %s: got %v, want %v", c.timeout, err, c.want)
				}
			})
			synctest.Wait()
		}
		running.Wait()
		tokenOf(t, session)
		source.wantCalls(t, 1)
	})
}

// Credentials are refreshed ten minutes before they expire, or after four fifths of a short lifetime.
func TestSession_refresh(t *testing.T) {
	t.Parallel()
	for lifetime, refresh := range map[time.Duration]time.Duration{
		24 * time.Hour: 23*time.Hour + 50*time.Minute, 15 * time.Minute: 12 * time.Minute,
	} {
		source := &tokens{lifetime: lifetime}
		session := source.session()
		for _, want := range []string{"1", "2", "3"} {
			first := tokenOf(t, session)
			source.advance(refresh - time.Second)
			if last := tokenOf(t, session); first != want || last != want {
				t.Errorf("%s: the token is first %s, then %s, want %s", lifetime, first, last, want)
			}
			source.advance(time.Second)
		}
	}
}

// If a refresh fails, the old token is used until it expires. The refresh is repeated after a minute, unless IAM
// rejected it: repeated logins lock a user out.
func TestSession_failedRefresh(t *testing.T) {
	t.Parallel()
	type step struct {
		after time.Duration // Since the last step.
		calls int32
		token string // Empty for an error.
	}
	const s, m, h = time.Second, time.Minute, time.Hour
	for name, c := range map[string]struct {
		status, failures int
		steps            []step
	}{
		"twice": {503, 2, []step{{24*h - 9*m, 2, "1"}, {59 * s, 2, "1"}, {2 * s, 3, "1"}, {m + s, 4, "4"}}},
		"just before the expiry": {
			503, 9, []step{{24*h - 30*s, 2, "1"}, {31 * s, 3, ""}},
		},
		"by a rejection": {
			401, 9, []step{{24*h - 9*m, 2, "1"}, {2 * m, 2, "1"}, {6 * m, 2, "1"}, {m + s, 2, ""}, {m, 2, ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := &tokens{lifetime: 24 * h}
			session := source.session()
			tokenOf(t, session)
			source.fail = func(context.Context) error {
				if c.failures--; c.failures < 0 {
					return nil
				}
				return &auth.Error{Step: auth.Login, Err: &rest.Error{StatusCode: c.status}}
			}
			for i, step := range c.steps {
				source.advance(step.after)
				req := unsent(t)
				err := session.Authenticate(t.Context(), req, nil)
				if got := req.Header.Get("X-Auth-Token"); got != step.token || (err == nil) != (got != "") {
					t.Errorf("step %d: the token is %q, want %q; %v", i, got, step.token, err)
				}
				source.wantCalls(t, step.calls)
			}
		})
	}
}

// Concurrent rejections of the same credentials cause one refresh. Its credentials are not dropped within a minute.
func TestSession_Reject(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &tokens{lifetime: time.Hour}
		session := source.session()
		rejected := authenticated(t, session)
		source.fail = func(context.Context) error {
			time.Sleep(time.Second) // Until all requests wait for the refresh.
			return nil
		}
		var running sync.WaitGroup
		for range 20 {
			running.Go(func() {
				if !session.Reject(rejected) {
					t.Error("rejected credentials were kept")
				}
				if got := tokenOf(t, session); got != "2" {
					t.Errorf("the token is %s, want 2", got)
				}
			})
		}
		running.Wait()
		refreshed := authenticated(t, session)
		for range 3 {
			if session.Reject(refreshed) {
				t.Error("new credentials were dropped")
			}
			authenticated(t, session)
		}
		source.wantCalls(t, 2)
		source.advance(time.Minute + time.Second)
		if got := session.Reject(refreshed); !got || tokenOf(t, session) != "3" {
			t.Errorf("older credentials were kept: %v", got)
		}
	})
}

// Static credentials are not dropped.
func TestSession_RejectStatic(t *testing.T) {
	t.Parallel()
	for _, credential := range []auth.Credential{auth.Token("T"), auth.AccessKey{ID: "AK", Secret: "SK"}} {
		session := auth.NewSession(auth.Static{Credential: credential}, "", auth.Project{}, auth.Clients{})
		if session.Reject(authenticated(t, session)) {
			t.Errorf("%T: Reject returned true", credential)
		}
	}
}

// New credentials that seem to have expired, because the local clock is wrong, are used.
func TestSession_wrongClock(t *testing.T) {
	t.Parallel()
	source := &tokens{lifetime: -time.Hour}
	session := source.session()
	for range 5 {
		tokenOf(t, session)
	}
	source.wantCalls(t, 1)
}

// The project of a name is looked up once, also if the credentials are refreshed. Their secrets are known.
func TestSession_projectName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{
		AccessKey: "AK", SecretKey: "SK", IAM: emulator.IAM{Projects: map[string]string{"n": "p"}},
	})
	source := &tokens{lifetime: time.Hour, secret: "SK"}
	clients := clientsOf(t, server.URL)
	clients.Now = source.time
	session := auth.NewSession(source, "", auth.Project{Name: "n"}, clients)
	if secrets := session.Secrets(); secrets != nil {
		t.Errorf("secrets before the first request: %q", secrets)
	}
	for range 2 {
		if id, err := session.ProjectID(t.Context()); id != "p" || err != nil {
			t.Errorf("got project %q, %v", id, err)
		}
		if secrets := session.Secrets(); !slices.Contains(secrets, "SK") {
			t.Errorf("secrets are %q", secrets)
		}
		source.advance(time.Hour)
	}
	source.wantCalls(t, 2)
	if got := len(server.Requests()); got != 1 {
		t.Errorf("the project was looked up %d times", got)
	}
}
