// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// emulated is an emulator with sessions that log in to it, and a clock for all of them.
type emulated struct {
	*emulator.Server
	clock   *clock
	clients auth.Clients
}

func emulate(t *testing.T) *emulated {
	t.Helper()
	clock := newClock()
	server := emulator.New(t, emulator.Options{Now: clock.time})
	return &emulated{server, clock, clientsOf(t, server.URL, func(c *rest.Config) { c.Now = clock.time })}
}

// password is a session whose tokens expire after a day.
func (e *emulated) password() *auth.Session {
	return auth.NewSession(auth.Password{
		UserName: emulator.DefaultUserName, Password: emulator.DefaultPassword, DomainName: emulator.DefaultDomainName,
	}, "", auth.Project{Name: "cn-north-4"}, e.clients)
}

// agency is a session whose keys expire after 15 minutes.
func (e *emulated) agency() *auth.Session {
	return auth.NewSession(auth.Agency{
		Base: auth.Static{Credential: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}},
		Name: emulator.DefaultAgency, DomainName: emulator.DefaultDomainName, CallerDomainID: emulator.DomainID, Duration: 15 * time.Minute,
	}, "", auth.Project{Name: "cn-north-4"}, e.clients)
}

// service is a client that uses a session.
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
	Method: http.MethodGet, Path: []string{"assembling", "v1", "jobs"}, Query: url.Values{"page": {"1"}, "per_page": {"10"}},
}

// all runs a function many times at once, and returns what went wrong.
func all(times int, do func() error) []error {
	failures := make([]error, times)
	var running sync.WaitGroup
	for i := range times {
		running.Go(func() { failures[i] = do() })
	}
	running.Wait()
	return slices.DeleteFunc(failures, func(err error) bool { return err == nil })
}

func TestSession_oneLoginForAll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		session func(*emulated) *auth.Session
		want    []string
	}{
		"password": {(*emulated).password, []string{logIn}},
		"agency":   {(*emulated).agency, []string{assume, lookUp}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := emulate(t)
			service := e.service(t, c.session(e))
			failures := all(50, func() error {
				_, err := service.Do(t.Context(), listJobs, nil)
				return err
			})
			if len(failures) > 0 {
				t.Fatal(len(failures), failures[0])
			}
			var asked []string
			for _, request := range e.Requests() {
				if !strings.HasPrefix(request.Path, "/assembling/") {
					asked = append(asked, request.Path)
				} else if got, want := request.Header.Get("X-Project-Id"), emulator.ProjectID("cn-north-4"); got != want {
					t.Errorf("a request is for project %q, want %q", got, want)
				}
			}
			if !slices.Equal(asked, c.want) {
				t.Errorf("IAM was asked for %v, want %v", asked, c.want)
			}
		})
	}
}

// The login is nobody's own: it goes on when the one who began it leaves, and each leaves when the own time is over.
func TestSession_waitersLeaveAlone(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	arrived, release := make(chan bool), make(chan bool)
	e.InjectFault(emulator.Fault{Path: logIn, Do: func() { close(arrived); <-release }})
	session := e.password()
	wait := func(ctx context.Context) <-chan error {
		ended, req := make(chan error, 1), unsent(t) //nolint:contextcheck // The request is not sent; what counts is the context of Authenticate.
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
		t.Errorf("who has no time left: got %v", err)
	}
	cancelFirst()
	if err := <-firstEnded; !errors.Is(err, context.Canceled) {
		t.Errorf("who was interrupted: got %v", err)
	}
	close(release)
	if err := <-patient; err != nil {
		t.Errorf("who waits: %v", err)
	}
	authenticated(t, session)
	e.wantLogins(t, 1)
}

// Credentials are renewed ten minutes before their end, or after four fifths of a short life.
func TestSession_renewsBeforeTheEnd(t *testing.T) {
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
				e.clock.advance(step.at - e.clock.time().Sub(newClock().time()))
				// The emulator checks the credentials and the date of the signature by the same clock.
				if _, err := service.Do(t.Context(), listJobs, nil); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if got := e.CountRequests(http.MethodPost, c.path); got != step.want {
					t.Errorf("after %s: got %d, want %d", step.at, got, step.want)
				}
			}
			if got := e.CountRequests(http.MethodGet, lookUp); got > 1 {
				t.Errorf("the project was looked up %d times; it stays the same", got)
			}
		})
	}
}

// As long as the old credentials are good, a renewal that fails fails nobody. It is tried again in a minute.
func TestSession_failedRenewal(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	session := e.password()
	old := authenticated(t, session).Header.Get("X-Auth-Token")
	e.clock.advance(23*time.Hour + 51*time.Minute)
	e.InjectFault(emulator.Fault{Path: logIn, StatusCode: http.StatusServiceUnavailable, Body: "{}", Times: 2})
	for _, step := range []struct {
		after  time.Duration
		logins int
		old    bool
	}{{0, 2, true}, {59 * time.Second, 2, true}, {2 * time.Second, 3, true}, {59 * time.Second, 3, true}, {2 * time.Second, 4, false}} {
		e.clock.advance(step.after)
		if got := authenticated(t, session).Header.Get("X-Auth-Token"); (got == old) != step.old {
			t.Errorf("logins %d: the old token is used: %v, want %v", step.logins, got == old, step.old)
		}
		e.wantLogins(t, step.logins)
	}
}

// Credentials are not used after their end, not even for the rest of the minute in which nothing is tried.
func TestSession_failedRenewalAtTheEnd(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	session := e.password()
	authenticated(t, session)
	e.InjectFault(emulator.Fault{Path: logIn, StatusCode: http.StatusServiceUnavailable, Body: "{}", Times: -1})
	e.clock.advance(24*time.Hour - 30*time.Second)
	authenticated(t, session)
	e.wantLogins(t, 2)
	e.clock.advance(31 * time.Second)
	if err := session.Authenticate(t.Context(), unsent(t), nil); err == nil {
		t.Error("a token was used after its end")
	}
	e.wantLogins(t, 3)
}

// A renewal that is refused is not tried again, since that locks the user out; the old token does to its end.
func TestSession_refusedRenewal(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	session := e.password()
	authenticated(t, session)
	e.InjectFault(emulator.Fault{Path: logIn, StatusCode: http.StatusUnauthorized, Body: `{"error":{"message":"changed"}}`, Times: -1})
	e.clock.advance(23*time.Hour + 51*time.Minute)
	for range 8 {
		authenticated(t, session)
		e.clock.advance(time.Minute)
	}
	e.wantLogins(t, 2)
	e.clock.advance(time.Minute + time.Second)
	for range 2 {
		if err := session.Authenticate(t.Context(), unsent(t), nil); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("after the end: got %v", err)
		}
	}
	e.wantLogins(t, 2)
}

// What IAM refuses stays refused; what may pass is asked for again by the next operation.
func TestSession_remembersRefusals(t *testing.T) {
	t.Parallel()
	for status, logins := range map[int]int{
		http.StatusMovedPermanently: 1, http.StatusBadRequest: 1, http.StatusUnauthorized: 1, http.StatusForbidden: 1, http.StatusNotFound: 1,
		http.StatusRequestTimeout: 2, http.StatusTooManyRequests: 2, http.StatusInternalServerError: 2, http.StatusBadGateway: 2,
		http.StatusServiceUnavailable: 2, http.StatusGatewayTimeout: 2,
		0: 2, // The connection breaks.
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			e := emulate(t)
			e.InjectFault(emulator.Fault{Path: logIn, StatusCode: status, Drop: status == 0, Body: "{}"})
			session := e.password()
			var failure *auth.Error
			if err := session.Authenticate(t.Context(), unsent(t), nil); !errors.As(err, &failure) || failure.Operation() != `logging in as user "emulator-user"` {
				t.Errorf("got %v", err)
			}
			if err := session.Authenticate(t.Context(), unsent(t), nil); (err == nil) != (logins == 2) {
				t.Errorf("the second time: got %v", err)
			}
			e.wantLogins(t, logins)
		})
	}
}

// Many requests that are rejected with the same credentials need one login; and the answer to a rejection is not rejected at once.
func TestSession_Reject(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	session := e.password()
	rejected := authenticated(t, session)
	reject := func() error {
		if !session.Reject(rejected) {
			return errors.New("not worth another try")
		}
		return session.Authenticate(t.Context(), unsent(t), nil)
	}
	if failures := all(20, reject); len(failures) > 0 {
		t.Fatal(len(failures), failures[0])
	}
	e.wantLogins(t, 2)

	renewed := authenticated(t, session)
	for range 3 {
		if session.Reject(renewed) {
			t.Error("credentials that were had a moment ago are dropped")
		}
		authenticated(t, session)
	}
	e.wantLogins(t, 2)
	e.clock.advance(time.Minute + time.Second)
	if !session.Reject(renewed) {
		t.Error("credentials of more than a minute ago are kept")
	}
	authenticated(t, session)
	e.wantLogins(t, 3)
}

// What cannot be had anew is not dropped.
func TestSession_RejectStatic(t *testing.T) {
	t.Parallel()
	for name, credential := range map[string]auth.Credential{"token": auth.Token("T"), "key": auth.AccessKey{ID: "AK", Secret: "SK"}} {
		session := auth.NewSession(auth.Static{Credential: credential}, "", auth.Project{}, auth.Clients{})
		req := authenticated(t, session)
		if session.Reject(req) {
			t.Errorf("%s: reported to be worth another try", name)
		}
		if again := authenticated(t, session); again.Header.Get("X-Auth-Token") != req.Header.Get("X-Auth-Token") {
			t.Errorf("%s: other credentials", name)
		}
	}
}

// Credentials that die in the middle fail no call: twenty POSTs at once, one login more.
func TestSession_revokedCredentials(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	service := e.service(t, e.password())
	if _, err := service.Do(t.Context(), listJobs, nil); err != nil {
		t.Fatal(err)
	}
	e.RevokeCredentials()
	var number atomic.Int32
	failures := all(20, func() error {
		body := map[string]any{"job_name": fmt.Sprintf("app-%d", number.Add(1)), "environment_setting": map[string]any{}}
		_, err := service.Do(t.Context(), rest.Call{Method: http.MethodPost, Path: listJobs.Path, Body: body}, nil)
		return err
	})
	if len(failures) > 0 {
		t.Fatal(len(failures), failures[0])
	}
	e.wantLogins(t, 2)
	if got := len(e.Jobs()); got != 20 {
		t.Errorf("the service holds %d jobs, want 20", got)
	}
}

// Where the clock here is so wrong that new credentials seem to have expired, they are used all the same, not one login a request.
func TestSession_wrongClock(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	ahead := func() time.Time { return e.clock.time().Add(48 * time.Hour) }
	session := auth.NewSession(auth.Password{UserID: emulator.UserID, Password: emulator.DefaultPassword}, "", auth.Project{Name: "r"},
		auth.Clients{IAM: e.clients.IAM, Now: ahead})
	for range 5 {
		authenticated(t, session)
	}
	e.wantLogins(t, 1)
}

// The project's id, in the order in which it is found.
func TestSession_project(t *testing.T) {
	t.Parallel()
	e := emulate(t)
	key := auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}
	for name, c := range map[string]struct {
		credential auth.Credential
		project    auth.Project
		want       string
		lookUps    int
	}{
		"id":             {key, auth.Project{ID: "p", Name: "n"}, "p", 0},
		"name":           {key, auth.Project{Name: "n"}, emulator.ProjectID("n"), 1},
		"nothing":        {key, auth.Project{}, "", 0},
		"token":          {auth.Token("T"), auth.Project{Name: "n"}, "", 0},
		"token with one": {auth.Token("T"), auth.Project{ID: "p"}, "p", 0},
	} {
		e.ForgetRequests()
		req := authenticated(t, auth.NewSession(auth.Static{Credential: c.credential}, "", c.project, e.clients))
		if got := req.Header.Get("X-Project-Id"); got != c.want || e.CountRequests(http.MethodGet, lookUp) != c.lookUps {
			t.Errorf("%s: project %q by %d look-ups, want %q by %d", name, got, e.CountRequests(http.MethodGet, lookUp), c.want, c.lookUps)
		}
	}
}
