// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package emulator_test speaks plain HTTP to the emulator and knows the wire format from the API's pages alone: the
// provider's client is not imported, so that a mistake in it cannot hide one of the emulator.
package emulator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

type object = map[string]any

const jobsPath = "/assembling/v1/jobs"

// fullJob sets every documented member.
const fullJob = `{"job_name":"shop-web","job_description":"The shop","enterprise_project_id":"project-1",` +
	`"environment_setting":{"docker_version":"20.10","cluster_id":"c1","cluster_name":"builders","use_public_cluster":true,` +
	`"build_os":{"arch":"aarch64"}},"code_repo":{"type":"Github","url":"https://example.com/shop.git","branch":"main",` +
	`"namespace":"example"}}`

// plainJob is a body with nothing but what is mandatory.
func plainJob(name string) string {
	return fmt.Sprintf(`{"job_name":%q,"environment_setting":{}}`, name)
}

var (
	idRule        = regexp.MustCompile(`^[a-z0-9]{40}$`)
	timeRule      = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$`)
	requestIDRule = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// httpClient keeps no connections, because net/http sends a GET again by itself when a kept one breaks.
var httpClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

type answer struct {
	status int
	header http.Header
	raw    string
	body   object
}

// send sends a request with the default token. Unlike call, it may be used in any goroutine.
func send(ctx context.Context, server *emulator.Server, method, path, body string) (answer, error) {
	req, err := newRequest(ctx, server, method, path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Auth-Token", emulator.DefaultToken)
	return exchange(req)
}

// newRequest returns a request that nothing proves yet.
func newRequest(ctx context.Context, server *emulator.Server, method, path, body string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf8")
	return req, nil
}

func exchange(req *http.Request) (answer, error) {
	response, err := httpClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	raw, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return answer{}, err
	}
	got := answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	if len(raw) > 0 && strings.HasPrefix(response.Header.Get("Content-Type"), "application/json") {
		got.body, err = decode(raw)
	}
	return got, err
}

// decode keeps numbers as they are written.
func decode(raw []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var decoded object
	if err := decoder.Decode(&decoded); err != nil {
		return nil, fmt.Errorf("%q: %w", raw, err)
	}
	return decoded, nil
}

func call(t *testing.T, server *emulator.Server, method, path, body string) answer {
	t.Helper()
	got, err := send(t.Context(), server, method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return got
}

// mustCall is a call that has to be answered with 200.
func mustCall(t *testing.T, server *emulator.Server, method, path, body string) object {
	t.Helper()
	got := call(t, server, method, path, body)
	if got.status != http.StatusOK {
		t.Fatalf("%s %s: got %d %s, want 200", method, path, got.status, got.raw)
	}
	return got.body
}

func createJob(t *testing.T, server *emulator.Server, body string) string {
	t.Helper()
	return stringIn(t, mustCall(t, server, http.MethodPost, jobsPath, body), "job_id")
}

// getSpec returns what get answers under spec.
func getSpec(t *testing.T, server *emulator.Server, id string) object {
	t.Helper()
	return objectIn(t, mustCall(t, server, http.MethodGet, jobsPath+"/"+id, ""), "spec")
}

func stringIn(t *testing.T, container object, name string) string {
	t.Helper()
	value, ok := container[name].(string)
	if !ok {
		t.Fatalf("%s is no string in %v", name, container)
	}
	return value
}

func objectIn(t *testing.T, container object, name string) object {
	t.Helper()
	value, ok := container[name].(object)
	if !ok {
		t.Fatalf("%s is no object in %v", name, container)
	}
	return value
}

// wantError checks an error answer and its request id. An error code that ends in "*" stands for all that begin so.
func wantError(t *testing.T, got answer, status int, code string) {
	t.Helper()
	gotCode, _ := got.body["error_code"].(string)
	prefix, isPrefix := strings.CutSuffix(code, "*")
	if got.status != status || gotCode != code && (!isPrefix || !strings.HasPrefix(gotCode, prefix)) {
		t.Errorf("got %d %s, want %d and code %s", got.status, got.raw, status, code)
	}
	if message, _ := got.body["error_msg"].(string); message == "" {
		t.Errorf("error_msg is missing: %s", got.raw)
	}
	id := got.header.Get("X-Request-Id")
	if !requestIDRule.MatchString(id) || got.body["request_id"] != id {
		t.Errorf("request id: header %q, body %v", id, got.body["request_id"])
	}
}

func wantJSON(t *testing.T, got object, want string) {
	t.Helper()
	decoded, err := decode([]byte(want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, decoded) {
		t.Errorf("\n got %s\nwant %s", encode(t, got), encode(t, decoded))
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// jobNames returns the sorted names of what the service holds.
func jobNames(server *emulator.Server) []string {
	names := []string{}
	for _, job := range server.Jobs() {
		names = append(names, job.Name())
	}
	slices.Sort(names)
	return names
}

// clock stands still until a test moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2025, 11, 14, 9, 6, 28, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}
