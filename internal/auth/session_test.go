// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	logIn  = "/v3/auth/tokens"
	assume = "/v3.0/OS-CREDENTIAL/securitytokens"
	lookUp = "/v3/projects"
)

// emulated is an emulator and its clients, all with the same clock.
type emulated struct {
	*emulator.Server
	clock   *clock
	clients auth.Clients
}

func emulate(t *testing.T) *emulated {
	t.Helper()
	clock := &clock{}
	server := emulator.New(t, emulator.Options{Now: clock.time})
	return &emulated{server, clock, clientsOf(t, server.URL, func(c *rest.Config) { c.Now = clock.time })}
}

// password returns a session whose tokens expire after a day.
func (e *emulated) password() *auth.Session {
	return auth.NewSession(auth.Password{
		UserName: emulator.DefaultUserName, Password: emulator.DefaultPassword, DomainName: emulator.DefaultDomainName,
	}, "", auth.Project{Name: "cn-north-4"}, e.clients)
}

// agency returns a session whose keys expire after 15 minutes.
func (e *emulated) agency() *auth.Session {
	return auth.NewSession(auth.Agency{
		Base: auth.Static{Credential: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}},
		Name: emulator.DefaultAgency, DomainName: emulator.DefaultDomainName, CallerDomainID: emulator.DomainID,
		Duration: 15 * time.Minute,
	}, "", auth.Project{Name: "cn-north-4"}, e.clients)
}

// service returns a client of the Build API that uses a session.
func (e *emulated) service(t *testing.T, session *auth.Session) *rest.Client {
	t.Helper()
	return client(t, e.URL, func(c *rest.Config) { c.Authenticator, c.Now = session, e.clock.time })
}

func (e *emulated) wantLogins(t *testing.T, want int) {
	t.Helper()
	if got := e.CountRequests(http.MethodPost, logIn); got != want {
		t.Errorf("got %d logins, want %d", got, want)
	}
}

var listJobs = rest.Call{
	Method: http.MethodGet, Path: []string{"assembling", "v1", "jobs"},
	Query: url.Values{"page": {"1"}, "per_page": {"10"}},
}

// all calls a function several times at once, and returns its errors.
func all(times int, do func() error) []error {
	failures := make([]error, times)
	var running sync.WaitGroup
	for i := range times {
		running.Go(func() { failures[i] = do() })
	}
	running.Wait()
	return slices.DeleteFunc(failures, func(err error) bool { return err == nil })
}

// A login continues after the context of the request that started it has ended. Each request waits until its own
// context ends.
func TestSession_canceledWait(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	arrived, release := make(chan bool), make(chan bool)
	e.InjectFault(emulator.Fault{Path: logIn, Do: func() { close(arrived); <-release }})
	session := e.password()
	wait := func(ctx context.Context) <-chan error {
		ended, req := make(chan error, 1), unsent(t) //nolint:contextcheck // The request is not sent.
		go func() { ended <- session.Authenticate(ctx, req, nil) }()
		return ended
	}
	first, cancelFirst := context.WithCancel(t.Context())
	defer cancelFirst()
	second, cancelSecond := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancelSecond()
	firstEnded := wait(first)
	<-arrived
	patient, late := wait(t.Context()), wait(second)
	if err := <-late; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("context past its deadline: got %v", err)
	}
	cancelFirst()
	if err := <-firstEnded; !errors.Is(err, context.Canceled) {
		t.Errorf("canceled context: got %v", err)
	}
	close(release)
	if err := <-patient; err != nil {
		t.Errorf("context without an end: %v", err)
	}
	authenticated(t, session)
	e.wantLogins(t, 1)
}

// Credentials are refreshed ten minutes before they expire, or after four fifths of a short lifetime.
func TestSession_refresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		session      func(*emulated) *auth.Session
		path         string
		still, again time.Duration
	}{
		"24 hours":   {(*emulated).password, logIn, 23*time.Hour + 49*time.Minute, 23*time.Hour + 51*time.Minute},
		"15 minutes": {(*emulated).agency, assume, 11*time.Minute + 59*time.Second, 12*time.Minute + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t)
			session := c.session(e)
			service := e.service(t, session)
			for i, step := range []struct {
				at   time.Duration
				want int
			}{{0, 1}, {c.still, 1}, {c.again, 2}, {c.again + c.still, 2}, {2 * c.again, 3}} {
				e.clock.advance(step.at - e.clock.time().Sub(start))
				// The emulator checks the credentials and the date of the signature by the same clock.
				if _, err := service.Do(t.Context(), listJobs, nil); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if got := e.CountRequests(http.MethodPost, c.path); got != step.want {
					t.Errorf("after %s: got %d, want %d", step.at, got, step.want)
				}
			}
			if got := e.CountRequests(http.MethodGet, lookUp); got > 1 {
				t.Errorf("the project was looked up %d times", got)
			}
		})
	}
}

// If a refresh fails, the old token is used until it expires. The refresh is repeated after a minute, unless IAM
// rejected it: repeated logins lock a user out.
func TestSession_failedRefresh(t *testing.T) {
	t.Parallel()
	type step struct {
		after  time.Duration // Since the last step.
		logins int
		token  string // old or new; empty for an error.
	}
	const s, m, h = time.Second, time.Minute, time.Hour
	for name, c := range map[string]struct {
		fault emulator.Fault
		steps []step
	}{
		"two failures": {
			emulator.Fault{StatusCode: http.StatusServiceUnavailable, Times: 2},
			[]step{{24*h - 9*m, 2, "old"}, {59 * s, 2, "old"}, {2 * s, 3, "old"}, {m + s, 4, "new"}},
		},
		"a failure just before the expiry": {
			emulator.Fault{StatusCode: http.StatusServiceUnavailable, Times: -1},
			[]step{{24*h - 30*s, 2, "old"}, {31 * s, 3, ""}},
		},
		"a rejection": {
			emulator.Fault{StatusCode: http.StatusUnauthorized, Times: -1},
			[]step{{24*h - 9*m, 2, "old"}, {2 * m, 2, "old"}, {6 * m, 2, "old"}, {m + s, 2, ""}, {m, 2, ""}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t)
			session := e.password()
			old := authenticated(t, session).Header.Get("X-Auth-Token")
			c.fault.Path, c.fault.Body = logIn, "{}"
			e.InjectFault(c.fault)
			for i, step := range c.steps {
				e.clock.advance(step.after)
				req, got := unsent(t), ""
				if err := session.Authenticate(t.Context(), req, nil); err == nil {
					got = "new"
				}
				if req.Header.Get("X-Auth-Token") == old {
					got = "old"
				}
				if got != step.token {
					t.Errorf("step %d: the token is %q, want %q", i, got, step.token)
				}
				e.wantLogins(t, step.logins)
			}
		})
	}
}

// Concurrent rejections of the same credentials cause one login. Its credentials are not dropped within a minute.
func TestSession_Reject(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	session := e.password()
	rejected := authenticated(t, session)
	reject := func() error {
		if !session.Reject(rejected) {
			return errors.New("Reject returned false")
		}
		return session.Authenticate(t.Context(), unsent(t), nil)
	}
	if failures := all(20, reject); len(failures) > 0 {
		t.Fatal(len(failures), failures[0])
	}
	e.wantLogins(t, 2)

	refreshed := authenticated(t, session)
	for range 3 {
		if session.Reject(refreshed) {
			t.Error("new credentials were dropped")
		}
		authenticated(t, session)
	}
	e.wantLogins(t, 2)
	e.clock.advance(time.Minute + time.Second)
	if !session.Reject(refreshed) {
		t.Error("older credentials were kept")
	}
	authenticated(t, session)
	e.wantLogins(t, 3)
}

// Static credentials are not dropped.
func TestSession_RejectStatic(t *testing.T) {
	t.Parallel()
	for name, credential := range map[string]auth.Credential{
		"token": auth.Token("T"), "key": auth.AccessKey{ID: "AK", Secret: "SK"},
	} {
		session := auth.NewSession(auth.Static{Credential: credential}, "", auth.Project{}, auth.Clients{})
		req := authenticated(t, session)
		if session.Reject(req) {
			t.Errorf("%s: Reject returned true", name)
		}
		if again := authenticated(t, session); again.Header.Get("X-Auth-Token") != req.Header.Get("X-Auth-Token") {
			t.Errorf("%s: the credentials changed", name)
		}
	}
}

// New credentials that seem to have expired, because the local clock is wrong, are used.
func TestSession_wrongClock(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	ahead := func() time.Time { return e.clock.time().Add(48 * time.Hour) }
	source := auth.Password{UserID: emulator.UserID, Password: emulator.DefaultPassword}
	session := auth.NewSession(source, "", auth.Project{Name: "r"}, auth.Clients{IAM: e.clients.IAM, Now: ahead})
	for range 5 {
		authenticated(t, session)
	}
	e.wantLogins(t, 1)
}
