// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	jobs   = "/assembling/v1/jobs"
	noJobs = `{"total":0,"list":[]}`
	// goodJob is the shortest response to a read.
	goodJob = `{"job_id":"id","spec":{"job_name":"app"}}`
)

var (
	// noList is a list that cannot be read.
	noList = reply{status: http.StatusForbidden, body: `{"error_code":"APIGW.0302"}`}
	// notFound is the response for an object that does not exist.
	notFound = reply{status: http.StatusNotFound, body: `{"error_code":"SVCSTG.CPE.4040001"}`}
)

// received is a request as it reached the server.
type received struct {
	*http.Request
	body string
}

// reply is a response, or a lost one.
type reply struct {
	status int // 0 means 200.
	body   string
	drop   bool // The connection breaks after the request has arrived.
	cut    bool // The connection breaks within the body.
}

func (r reply) write(w http.ResponseWriter) {
	if r.drop {
		panic(http.ErrAbortHandler)
	}
	if r.cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.body)+1))
	}
	w.WriteHeader(cmp.Or(r.status, http.StatusOK))
	_, _ = io.WriteString(w, r.body)
}

// service is a server that records requests, and the waits of its clients.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	received []received
	waited   []time.Duration
}

// serve starts a service with a handler.
func serve(t *testing.T, handler func(w http.ResponseWriter, r received)) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the request: %v", err)
		}
		request := received{r, string(body)}
		s.mu.Lock()
		s.received = append(s.received, request)
		s.mu.Unlock()
		handler(w, request)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// script starts a service that returns the replies in order. Another request is an error.
func script(t *testing.T, replies ...reply) *service {
	t.Helper()
	left := make(chan reply, len(replies))
	for _, reply := range replies {
		left <- reply
	}
	return serve(t, func(w http.ResponseWriter, r received) {
		select {
		case reply := <-left:
			reply.write(w)
		default:
			t.Errorf("unexpected request %s %s", r.Method, r.RequestURI)
			w.WriteHeader(http.StatusTeapot)
		}
	})
}

// client returns a client of the service whose waits take no time and are recorded.
func (s *service) client(t *testing.T, adjust ...func(*servicestage.Config)) *servicestage.Client {
	t.Helper()
	record := func(config *servicestage.Config) { config.Wait = s.wait }
	return newClient(t, s.URL, append([]func(*servicestage.Config){record}, adjust...)...)
}

// newClient returns a client that retries three times. Its waits take no time.
func newClient(t testing.TB, endpoint string, adjust ...func(*servicestage.Config)) *servicestage.Client {
	t.Helper()
	config := servicestage.Config{
		Endpoint:      endpoint,
		Authenticator: auth.Token(emulator.DefaultToken),
		MaxRetries:    3,
		Wait:          func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range adjust {
		f(&config)
	}
	client, err := servicestage.New(config)
	noError(t, err)
	return client
}

func maxRetries(n int) func(*servicestage.Config) {
	return func(config *servicestage.Config) { config.MaxRetries = n }
}

func (s *service) wait(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = append(s.waited, d)
	return ctx.Err()
}

func (s *service) waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.waited)
}

func (s *service) requests() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// lines returns the method and the URI of each request that has reached the service.
func (s *service) lines() []string {
	var lines []string
	for _, r := range s.requests() {
		lines = append(lines, r.Method+" "+r.RequestURI)
	}
	return lines
}

type (
	callError      = *servicestage.Error
	nameTaken      = *servicestage.NameTakenError
	unknownOutcome = *servicestage.UnknownOutcomeError
	unknownStart   = *servicestage.UnknownStartError
)

// errorOf returns the error of type E in the chain of err.
func errorOf[E error](t *testing.T, err error) E {
	t.Helper()
	found, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("got %T (%v), want a %T", err, err, found)
	}
	return found
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %#v\nwant %#v", what, got, want)
	}
}

// equalBody compares JSON documents, and numbers in them digit by digit.
func equalBody(t *testing.T, got, want string) {
	t.Helper()
	gotDocument, gotErr := rest.Decode([]byte(got))
	wantDocument, wantErr := rest.Decode([]byte(want))
	noError(t, errors.Join(gotErr, wantErr))
	equal(t, "body", gotDocument, wantDocument)
}
