// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// largestBody is the size of the largest request body that the service reads.
const largestBody = 4 << 20

// endless is a body that counts what is read of it. It ends after 64 times the largest body, so that a test that fails does so soon.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read > 64*largestBody {
		return 0, io.EOF
	}
	e.read += len(p)
	return len(p), nil
}

// newService returns a service as the program runs it.
func newService(t testing.TB, options emulator.Options) *emulator.Service {
	t.Helper()
	service, err := emulator.NewService(options)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// A body that is too large is not read to its end, whoever sends it, whether its length is announced or not.
func TestService_largeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	for name, length := range map[string]int64{"announced": 1 << 30, "not announced": -1} {
		for _, token := range []string{emulator.DefaultToken, ""} {
			for _, path := range []string{jobsPath, "/v3/auth/tokens", "/elsewhere"} {
				t.Run(fmt.Sprintf("%s, %s, token %q", name, path, token), func(t *testing.T) {
					t.Parallel()
					server := emulator.New(t, emulator.Options{})
					body := &endless{}
					req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, io.NopCloser(body))
					req.ContentLength = length
					req.Header.Set("X-Auth-Token", token)
					response := httptest.NewRecorder()
					server.ServeHTTP(response, req)
					if response.Code != http.StatusRequestEntityTooLarge || !strings.Contains(response.Body.String(), `"error_code":"APIGW.0201"`) {
						t.Errorf("got %d %s, want 413", response.Code, response.Body)
					}
					if body.read > 2*largestBody { // The buffer is larger than what it holds.
						t.Errorf("%d bytes were read", body.read)
					}
				})
			}
		}
	}
}

// The client gets the response although it has not sent its whole body, and the largest body is accepted.
func TestService_bodySizeOverHTTP(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	largest := strings.Replace(plainJob("app"), "{}", `{"padding":"`+strings.Repeat("x", largestBody-len(plainJob("app"))-len(`"padding":""`))+`"}`, 1)
	if len(largest) != largestBody {
		t.Fatalf("the body has %d bytes", len(largest))
	}
	createJob(t, server, largest)
	wantError(t, call(t, server, http.MethodPost, jobsPath, largest+" "), http.StatusRequestEntityTooLarge, "APIGW.0201")
}

// A body that ends early is an error, and not a shorter request.
func TestService_incompleteBodyIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, jobsPath,
		io.MultiReader(strings.NewReader(plainJob("app")), errorReader{}))
	req.Header.Set("X-Auth-Token", emulator.DefaultToken)
	response := httptest.NewRecorder()
	server.ServeHTTP(response, req)
	if response.Code != http.StatusBadRequest || len(server.Jobs()) > 0 {
		t.Errorf("got %d %s, and the service holds %v", response.Code, response.Body, server.Jobs())
	}
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, errors.New("the connection is reset") }

// A service that is not for tests keeps no requests: its memory does not grow with them.
//
//nolint:paralleltest // Other tests would change the size of the heap.
func TestService_requestsAreNotKept(t *testing.T) {
	service := newService(t, emulator.Options{})
	body := strings.Repeat("x", 1<<20)
	heap := func() uint64 {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	before := heap()
	for range 200 {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, jobsPath, strings.NewReader(body))
		service.ServeHTTP(httptest.NewRecorder(), req)
	}
	if after := heap(); after > before+100<<20 {
		t.Errorf("200 requests of 1 MiB left %d MiB", (after-before)>>20)
	}
	if got := len(service.Requests()) + service.CountRequests(http.MethodPost, jobsPath); got > 0 {
		t.Errorf("%d requests are kept", got)
	}
}

// The metadata service hands out keys to anybody: the oldest are dropped, so that they do not fill the memory.
func TestIAM_issuedKeysAreNotKeptForEver(t *testing.T) {
	t.Parallel()
	clock := newClock()
	service := newService(t, emulator.Options{Now: clock.Now})
	logIn := func() string {
		body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":%q,"password":%q}}},"scope":{"project":{"name":"p"}}}}`,
			emulator.UserID, emulator.DefaultPassword)
		response := httptest.NewRecorder()
		service.ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v3/auth/tokens", strings.NewReader(body)))
		return response.Header().Get("X-Subject-Token")
	}
	status := func(token string) int {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, jobsPath+"?page=1&per_page=1", http.NoBody)
		req.Header.Set("X-Auth-Token", token)
		response := httptest.NewRecorder()
		service.ServeHTTP(response, req)
		return response.Code
	}
	first := logIn()
	if got := status(first); got != http.StatusOK {
		t.Fatalf("the first token: got %d", got)
	}
	clock.Advance(time.Second)
	for range 10_000 {
		service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/openstack/latest/securitykey", http.NoBody))
	}
	if got := status(first); got != http.StatusUnauthorized {
		t.Errorf("the first token after 10,000 keys: got %d, want 401", got)
	}
	if got := status(logIn()); got != http.StatusOK {
		t.Errorf("a new token: got %d", got)
	}
}
