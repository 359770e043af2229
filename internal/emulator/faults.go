// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
)

// Request is one request that reached the emulator.
type Request struct {
	Method string
	Path   string
	Query  string
	Header http.Header
	Body   []byte
	// StatusCode is that of the response; 0 before it, and if the connection was broken.
	StatusCode int
}

// Fault changes what happens to a request.
type Fault struct {
	// Method and Path choose the requests; empty means any. Path is a pattern of [path.Match].
	Method, Path string
	// When chooses among them; nil means all.
	When func(Request) bool
	// Times is how many requests it hits; 0 means one, and a negative number means every one.
	Times int
	// Do runs before the request is carried out, such as a change outside Terraform at that moment. If nothing else is set, the
	// request is then carried out as usual.
	Do func()
	// After carries the request out before it fails; otherwise the request has no effect.
	After bool
	// Drop breaks the connection instead of sending a response.
	Drop bool
	// StatusCode, Header and Body are the response; StatusCode 0 keeps the usual one.
	StatusCode int
	Header     http.Header
	Body       string
}

// InjectFault adds a fault. Faults hit in the order in which they were added, one for a request.
func (s *Service) InjectFault(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fault.Times == 0 {
		fault.Times = 1
	}
	s.faults = append(s.faults, &fault)
}

// InjectRandomFaults makes the given part of all requests fail from now on, in ways that pass: connections that break before and
// after the request is carried out, error responses before and after, throttling. The seed makes the sequence repeatable as far
// as the order of the requests is.
func (s *Service) InjectRandomFaults(seed uint64, part float64) {
	faults := []Fault{
		{Drop: true},
		{Drop: true, After: true},
		{StatusCode: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		{StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401","error_msg":"injected"}`, After: true},
		{StatusCode: http.StatusTooManyRequests, Body: `{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}`},
	}
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // Repeatable, not secret.
	each := part / float64(len(faults))
	for _, fault := range faults {
		fault.Times = -1
		fault.When = func(Request) bool { return random.Float64() < each } // The service asks one request at a time.
		s.InjectFault(fault)
	}
}

// ForgetFaults takes back all faults that have not hit yet.
func (s *Service) ForgetFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests returns what has reached the service since the last [Service.ForgetRequests], oldest first. It is empty unless
// [Options.RecordRequests] is set.
func (s *Service) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, request := range s.requests {
		requests[i] = *request
	}
	return requests
}

// CountRequests counts the requests with the given method whose path matches the pattern of [path.Match], among those that
// [Service.Requests] returns.
func (s *Service) CountRequests(method, pattern string) int {
	count := 0
	for _, request := range s.Requests() {
		if request.Method == method && matches(pattern, request.Path) {
			count++
		}
	}
	return count
}

// ForgetRequests empties the record, between the steps of a test.
func (s *Service) ForgetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// record keeps a request if the options say so, and returns the fault that hits it; nil if none does.
func (s *Service) record(r *http.Request, body []byte) (*Request, *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := &Request{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: body,
	}
	if s.options.RecordRequests {
		s.requests = append(s.requests, request)
	}
	for i, fault := range s.faults {
		if !fault.hits(request) {
			continue
		}
		fault.Times--
		if fault.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return request, fault
	}
	return request, nil
}

func (f *Fault) hits(request *Request) bool {
	return (f.Method == "" || f.Method == request.Method) &&
		(f.Path == "" || matches(f.Path, request.Path)) &&
		(f.When == nil || f.When(*request))
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// keepsResponse reports whether the request gets its usual response.
func (f *Fault) keepsResponse() bool { return !f.Drop && f.StatusCode == 0 }

func (f *Fault) write(response *bufferedResponse) {
	response.status = f.StatusCode
	response.header.Set("Content-Type", "application/json;charset=utf8")
	maps.Copy(response.header, f.Header)
	response.body.Reset()
	response.body.WriteString(f.Body)
}

// drop breaks the connection without a word.
func drop(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 cannot be hijacked; this resets the stream.
	}
	_ = connection.Close() // It is to be broken; how does not matter.
}
