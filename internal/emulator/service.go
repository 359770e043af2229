// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package emulator implements the ServiceStage Build API and the part of IAM that the provider uses, in memory. It must
// not import Terraform or the provider's client: its wire structs are written from the API's pages, so that client and
// emulator check each other.
package emulator

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Defaults of [Options].
const (
	DefaultAccessKey = "EMULATORACCESSKEY"
	DefaultSecretKey = "emulator-secret-key"
	DefaultToken     = "emulator-token"
	DefaultRegion    = "cn-north-4"
)

// Options configure an emulator. The zero value behaves as documented and, where nothing is documented, in the simplest
// way.
type Options struct {
	// AccessKey and SecretKey can sign requests; empty means the defaults.
	AccessKey, SecretKey string
	// SecurityToken is required in requests that AccessKey signs, as for temporary keys; empty means that none is.
	SecurityToken string
	// Token is accepted as X-Auth-Token; empty means the default.
	Token string
	// IAM configures the identities that can log in.
	IAM IAM
	// Region and Project are the only region and the ID of its only project. If one is set, the other defaults to
	// [DefaultRegion] or to the [ProjectID] of the region. If none is set, every region and every project exists.
	Region, Project string
	// Quirks select other behavior where nothing is documented.
	Quirks Quirks
	// StateFile keeps jobs and builds over restarts; empty keeps them in memory only.
	StateFile string
	// Seed is a JSON array of the initial jobs, as in POST /_emulator/seed. Jobs in the state file replace them.
	Seed []byte
	// BuildDuration is the duration of a build; zero means ten seconds.
	BuildDuration time.Duration
	// FailIn is the phase in which builds fail unless [Service.InjectOutcomes] sets another outcome; empty means that
	// they succeed.
	FailIn string
	// Faults are the initial faults.
	Faults []Fault
	// RateLimit is the number of requests per second above which requests are rejected with 429; 0 means no limit.
	RateLimit int
	// Latency is added to each request of the emulated service.
	Latency time.Duration
	// AdminToken protects the JSON API and makes it available to other machines; empty means loopback clients only.
	AdminToken string
	// Log receives one line for each request; nil logs nothing.
	Log *log.Logger
	// RecordRequests keeps all requests, with header and body, for [Service.Requests]. [New] sets it.
	RecordRequests bool
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Service is the emulated service, an [http.Handler]. Its methods are safe for concurrent use.
type Service struct {
	options Options
	routes  *http.ServeMux
	admin   *http.ServeMux

	mu       sync.Mutex
	state    state
	requests []*Request
	counts   map[string]int // Requests by the pattern of their route.
	faults   []*Fault
	issued   map[string]issued
	outcomes []Outcome
	limiter  *rate.Limiter
}

// NewService returns a service with the contents of the state file or, if that has no jobs, with the initial jobs. An
// invalid option, state file or initial job is an error.
func NewService(options Options) (*Service, error) {
	options.AccessKey = cmp.Or(options.AccessKey, DefaultAccessKey)
	options.SecretKey = cmp.Or(options.SecretKey, DefaultSecretKey)
	options.Token = cmp.Or(options.Token, DefaultToken)
	iam := &options.IAM
	iam.Password = cmp.Or(iam.Password, DefaultPassword)
	iam.Users = append([]User{{DefaultUserName, iam.Password, options.AccessKey, options.SecretKey}}, iam.Users...)
	iam.IDToken = cmp.Or(iam.IDToken, DefaultIDToken)
	iam.Lifetime = cmp.Or(iam.Lifetime, 24*time.Hour)
	if options.Region != "" || options.Project != "" {
		options.Region = cmp.Or(options.Region, DefaultRegion)
		iam.Projects = map[string]string{options.Region: cmp.Or(options.Project, ProjectID(options.Region))}
	}
	options.BuildDuration = cmp.Or(options.BuildDuration, 10*time.Second)
	if options.BuildDuration < 0 || options.Latency < 0 || options.RateLimit < 0 || iam.Lifetime < 0 {
		return nil, errors.New("durations and the rate limit must be at least 0")
	}
	if options.FailIn != "" && !slices.Contains(phases, options.FailIn) {
		return nil, fmt.Errorf("there is no phase %q; the phases are %s", options.FailIn, strings.Join(phases, ", "))
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = log.New(io.Discard, "", 0)
	}
	s := &Service{options: options, counts: map[string]int{}, issued: map[string]issued{}}
	s.limiter = rate.NewLimiter(rate.Limit(options.RateLimit), options.RateLimit)
	s.routes, s.admin = s.newRoutes(), s.newAdminRoutes()
	if err := s.state.load(options.StateFile); err != nil {
		return nil, err
	}
	return s, s.restart()
}

// forJob returns a handler for an operation on a build job.
func (s *Service) forJob(handle func(*http.Request, *job) (any, error)) operation {
	return func(r *http.Request) (any, error) {
		job, err := s.state.job(r.PathValue("job_id"))
		if err != nil {
			return nil, err
		}
		return handle(r, job)
	}
}

// forBuild returns a handler for an operation on a build.
func (s *Service) forBuild(handle func(*http.Request, *build) (any, error)) operation {
	return func(r *http.Request) (any, error) {
		build, err := s.state.build(r.PathValue("build_id"))
		if err != nil {
			return nil, err
		}
		return handle(r, build)
	}
}

// An operation returns the body of a response; nil means 204. It runs with the lock.
type operation func(*http.Request) (any, error)

// register adds operations to routes. Responses have the status, or are what failure returns for an error.
func (s *Service) register(
	routes *http.ServeMux, status int, failure func(*apiError) any, operations map[string]operation,
) {
	for pattern, operation := range operations {
		s.counts[pattern] = 0
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			body, err := operation(r)
			if err == nil && r.Method != http.MethodGet {
				err = s.state.save(s.options.StateFile)
			}
			if err != nil {
				respondError(w, err, failure)
				return
			}
			if token, ok := body.(tokenResponse); ok {
				w.Header().Set("X-Subject-Token", token.value)
				body = document{"token": token.body}
			}
			respond(w, status, body)
		})
	}
}

// newRoutes returns the operations of the Build API and of IAM.
func (s *Service) newRoutes() *http.ServeMux {
	routes := http.NewServeMux()
	s.register(routes, http.StatusOK, buildFailure, map[string]operation{
		"POST /assembling/v1/jobs":                     s.createJob,
		"GET /assembling/v1/jobs":                      s.listJobs,
		"GET /assembling/v1/jobs/{job_id}":             s.forJob(s.getJob),
		"PUT /assembling/v1/jobs/{job_id}":             s.forJob(s.updateJob),
		"DELETE /assembling/v1/jobs/{job_id}":          s.forJob(s.deleteJob),
		"POST /assembling/v1/jobs/{job_id}":            s.forJob(s.createBuild),
		"POST /assembling/v1/jobs/{job_id}/builds":     s.forJob(s.startBuild),
		"GET /assembling/v1/jobs/{job_id}/builds":      s.forJob(s.listBuilds),
		"GET /assembling/v1/builds/{build_id}":         s.forBuild(s.getBuild),
		"PATCH /assembling/v1/builds/{build_id}":       s.forBuild(s.cancelBuild),
		"GET /assembling/v1/builds/{build_id}/phases":  s.forBuild(s.listPhases),
		"GET /assembling/v1/builds/{build_id}/logs":    s.forBuild(s.getLog),
		"GET /assembling/v1/builds/{build_id}/results": s.forBuild(s.getResults),
		"GET /assembling/v1/base_images":               s.listBaseImages,
		"GET /v3/{project_id}/assembling/base-images":  s.listBaseImages,
	})
	s.addIAMRoutes(routes)
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		respondError(w, errNotPublished, buildFailure)
	})
	return routes
}

// maxBody is the size of the largest request body that is read, in bytes.
const maxBody = 4 << 20

// readBody returns the body of a request. Its errors are those of the gateway. The code for a slow client is not
// documented.
//
// Source: https://support.huaweicloud.com/intl/en-us/usermanual-apig/apig_03_0048.html.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	_, isTooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case isTooLarge:
		return nil, errorf(http.StatusRequestEntityTooLarge, "APIGW.0201", "Request entity too large")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errorf(http.StatusRequestTimeout, "APIGW.0201", "Request timeout")
	case err != nil:
		return nil, errorf(http.StatusBadRequest, "APIGW.0201", "API request error: the body is incomplete")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}

// isCanonical reports whether a path has no empty and no dot segments. [http.ServeMux] redirects other paths, with
// HTML.
func isCanonical(name string) bool {
	return strings.HasPrefix(name, "/") && !strings.HasSuffix(name, "//") &&
		cmp.Or(strings.TrimSuffix(name, "/"), "/") == path.Clean(name)
}

// ServeHTTP serves the page and the JSON API below /_emulator/, and the emulated service everywhere else.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path+"/", adminPrefix):
		s.serveAdmin(w, r)
	case r.URL.Path == "/" && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
		http.Redirect(w, r, adminPrefix, http.StatusFound)
	default:
		s.serve(w, r)
	}
}

// serve records a request, authenticates it and carries it out, unless a fault hits it.
func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	start := s.options.Now()
	body, err := readBody(w, r, maxBody)
	request, fault := s.record(r, body)
	if fault == nil {
		fault = &Fault{}
	}
	sleep(w, r, s.options.Latency)
	if !fault.After {
		sleep(w, r, fault.Delay)
	}
	if fault.Do != nil {
		fault.Do()
	}
	response := httptest.NewRecorder() // A fault can still replace it.
	response.Header().Set("X-Request-Id", newRequestID())
	if fault.After || fault.keepsResponse() {
		if err == nil && s.options.RateLimit > 0 && !s.limiter.AllowN(s.options.Now(), 1) {
			err = errThrottled
		}
		if err == nil {
			err = s.authenticate(r, body)
		}
		if err == nil && !isCanonical(r.URL.EscapedPath()) {
			err = errNotPublished
		}
		if err != nil {
			respondError(response, err, buildFailure)
		} else {
			s.routes.ServeHTTP(response, r)
		}
	}
	if fault.After {
		sleep(w, r, fault.Delay)
	}
	duration := s.options.Now().Sub(start)
	if fault.Drop {
		s.complete(request, 0, duration)
		s.options.Log.Printf("%s %s: connection broken by an injected fault", r.Method, r.URL.RequestURI())
		drop(w)
		return
	}
	if !fault.keepsResponse() {
		fault.write(response)
	}
	s.complete(request, response.Code, duration)
	maps.Copy(w.Header(), response.Header())
	w.WriteHeader(response.Code)
	if _, err := w.Write(response.Body.Bytes()); err != nil {
		s.options.Log.Printf("%s %s: the client did not wait for the response: %v", r.Method, r.URL.RequestURI(), err)
		return
	}
	s.options.Log.Printf("%s %s %d %s", r.Method, r.URL.RequestURI(), response.Code, duration.Round(time.Microsecond))
}

// sleep waits for the duration, or until the client is gone. The time to write the response starts afterwards.
func sleep(w http.ResponseWriter, r *http.Request, duration time.Duration) {
	if duration <= 0 {
		return
	}
	// Only a server without deadlines returns an error.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(duration + time.Minute))
	select {
	case <-time.After(duration):
	case <-r.Context().Done():
	}
}

// respond writes a body as JSON; nil as 204.
func respond(w http.ResponseWriter, status int, body any) {
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("emulator: a response cannot be encoded: %v", err))
	}
	w.Header().Set("Content-Type", "application/json;charset=utf8")
	w.WriteHeader(status)
	_, _ = w.Write(encoded) // The client may be gone.
}

func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // Never fails.
	return hex.EncodeToString(id[:])
}

// newID returns 40 lower-case letters and digits, as in the samples of the API.
func newID() string { return strings.ToLower(rand.Text() + rand.Text())[:40] }

// timestamp returns a time in the format of the Build API; "" for the zero time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05 -0700 MST")
}
