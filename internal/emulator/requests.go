// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// Request is one request to the emulated service.
type Request struct {
	Time   time.Time
	Method string
	Path   string
	Query  string
	// Header and Body are nil unless [Options.RecordRequests] is set.
	Header http.Header
	Body   []byte
	// StatusCode is that of the response; 0 before it, and if the connection was broken.
	StatusCode int
	// Duration is the time from the request to the response.
	Duration time.Duration
	// Credential describes who sent the request, such as "access key EMULATORACCESSKEY". It contains no secret.
	Credential string
	// Fault describes the injected fault that hit the request, such as "connection broken, carried out"; empty
	// if none did.
	Fault string
}

// maxRequests is how many requests are kept unless [Options.RecordRequests] is set.
const maxRequests = 1000

// Requests returns the requests since the last [Service.ForgetRequests], oldest first: all if [Options.RecordRequests]
// is set, otherwise the most recent 1,000.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, request := range s.requests {
		requests[i] = *request
	}
	return requests
}

// CountRequests returns the number of [Service.Requests] with the method and with a path that matches the pattern of
// [path.Match].
func (s *Service) CountRequests(method, pattern string) int {
	count := 0
	for _, request := range s.Requests() {
		if request.Method == method && matches(pattern, request.Path) {
			count++
		}
	}
	return count
}

// ForgetRequests removes the recorded requests, between the steps of a test.
func (s *Service) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetRequests()
}

func (s *Service) forgetRequests() {
	s.requests = nil
	for pattern := range s.counts {
		s.counts[pattern] = 0
	}
}

// record keeps and counts a request. It returns the fault that hits it; nil if none does.
func (s *Service) record(r *http.Request, body []byte) (*Request, *Fault) {
	_, route := s.routes.Handler(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	request := &Request{
		Time: s.options.Now(), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		Header: r.Header.Clone(), Body: body, Credential: s.credential(r),
	}
	s.counts[route]++
	fault := s.takeFault(request)
	if fault != nil {
		request.Fault = fault.String()
	}
	if !s.options.RecordRequests {
		request.Header, request.Body = nil, nil
		request.Path, request.Query = strings.Clone(truncate(request.Path)), strings.Clone(truncate(request.Query))
		if len(s.requests) >= maxRequests {
			s.requests = slices.Delete(s.requests, 0, len(s.requests)-maxRequests+1)
		}
	}
	s.requests = append(s.requests, request)
	return request, fault
}

// complete adds what is known at the end of a request.
func (s *Service) complete(request *Request, status int, duration time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request.StatusCode, request.Duration = status, duration
}

// credential describes the credentials of a request without secrets. The lock must be held.
func (s *Service) credential(r *http.Request) string {
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		return cmp.Or(s.issued[token].owner, "token")
	}
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Access="); ok {
		id, _, _ := strings.Cut(rest, ",")
		return "access key " + truncate(id)
	}
	return "none"
}

// truncate limits a text of a client to what the web page shows of it.
func truncate(text string) string { return text[:min(len(text), 256)] }

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}
