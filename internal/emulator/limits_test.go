// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// largestBody is the size of the largest request body that the service reads.
const largestBody = 4 << 20

// newService returns a service as the program runs it.
func newService(t testing.TB, options emulator.Options) *emulator.Service {
	t.Helper()
	service, err := emulator.NewService(options)
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// A body that is too large is not read to its end, with or without credentials, whether its length is announced or not.
func TestService_largeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 8*largestBody)
	for _, test := range []struct {
		path, token string
		length      int64
	}{
		{jobsPath, emulator.DefaultToken, int64(len(content))},
		{jobsPath, "", -1},
		{"/v3/auth/tokens", "", int64(len(content))},
	} {
		body := strings.NewReader(content)
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, test.path, body)
		req.ContentLength = test.length
		req.Header.Set("X-Auth-Token", test.token)
		response := httptest.NewRecorder()
		newService(t, emulator.Options{}).ServeHTTP(response, req)
		if response.Code != 413 || !strings.Contains(response.Body.String(), `"error_code":"APIGW.0201"`) {
			t.Errorf("%v: got %d %s, want 413", test, response.Code, response.Body)
		}
		if read := len(content) - body.Len(); read > 2*largestBody { // The buffer is larger than its content.
			t.Errorf("%v: %d bytes were read", test, read)
		}
	}
}

// A body that ends early is an error, and not a shorter request.
func TestService_incompleteBodyIsNotCarriedOut(t *testing.T) {
	t.Parallel()
	service := newService(t, emulator.Options{})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, jobsPath,
		io.MultiReader(strings.NewReader(plainJob("app")), iotest.ErrReader(io.ErrUnexpectedEOF)))
	req.Header.Set("X-Auth-Token", emulator.DefaultToken)
	response := httptest.NewRecorder()
	service.ServeHTTP(response, req)
	if response.Code != http.StatusBadRequest || len(service.Jobs()) > 0 {
		t.Errorf("got %d %s, and the build jobs are %v", response.Code, response.Body, service.Jobs())
	}
}

// Without RecordRequests, memory is bounded: recent requests are kept without header and body, and counted.
//
//nolint:paralleltest // Other tests would change the size of the heap.
func TestService_memoryIsBounded(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		return memory.HeapAlloc
	}
	before := heap()
	service := newService(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	send := func(method, path, body string) {
		req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		req.Header.Set("X-Auth-Token", emulator.DefaultToken)
		service.ServeHTTP(httptest.NewRecorder(), req)
	}
	for range 10_000 {
		send(http.MethodPost, jobsPath, fullJob)
	}
	rejected := httptest.NewRequestWithContext(t.Context(), http.MethodGet, jobsPath, http.NoBody)
	for range 10_000 {
		service.ServeHTTP(httptest.NewRecorder(), rejected)
	}
	for range 20 {
		send(http.MethodPost, "/elsewhere", strings.Repeat("x", 1<<20))
	}
	after := heap()
	t.Logf("10,000 build jobs and 20,020 requests use %d MB", (after-before)/1e6)
	if len(service.Jobs()) != 10_000 || after > before+100e6 {
		t.Errorf("%d build jobs use %d bytes", len(service.Jobs()), after-before)
	}
	requests := service.Requests()
	last := requests[len(requests)-1]
	if len(requests) != 1000 || last.Path != "/elsewhere" || last.Header != nil || last.Body != nil {
		t.Errorf("%d requests are kept, the last one is %v", len(requests), last)
	}
}

// The metadata service returns keys to anybody: the oldest are dropped, so that they do not fill the memory.
func TestIAM_issuedKeysAreNotKeptForEver(t *testing.T) {
	t.Parallel()
	clock := new(clock)
	server := emulator.New(t, emulator.Options{Now: clock.Now})
	status := func(token string) int {
		header := map[string]string{"X-Auth-Token": token}
		return callWith(t, server, http.MethodGet, jobsPath+"?page=1&per_page=1", "", header).status
	}
	first := issueToken(t, server, toProject)
	clock.Advance(time.Second)
	before := status(first)
	for range 10_000 {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, metadataPath, http.NoBody)
		server.ServeHTTP(httptest.NewRecorder(), req)
	}
	after, fresh := status(first), status(issueToken(t, server, toProject))
	if before != http.StatusOK || after != http.StatusUnauthorized || fresh != http.StatusOK {
		t.Errorf("the first token: got %d, and %d after 10,000 keys; a new token: %d", before, after, fresh)
	}
}
