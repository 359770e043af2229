// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"time"
)

// Fault changes what happens to a request.
type Fault struct {
	// Method and Path select the requests; empty means all. Path is a pattern of [path.Match].
	Method, Path string
	// When selects among them; nil means all.
	When func(Request) bool
	// Times is the number of requests; 0 means one, and a negative number means all.
	Times int
	// Delay is the time before the request is carried out or, with After, before the response is sent.
	Delay time.Duration
	// Do runs before the request is carried out, for example to change a build job outside Terraform at that moment.
	Do func()
	// After carries out the request before it fails. Without After, a request that fails has no effect.
	After bool
	// Drop breaks the connection instead of sending a response.
	Drop bool
	// StatusCode, Header and Body are the response; StatusCode 0 means the usual response.
	StatusCode int
	Header     http.Header
	Body       string
}

// faultJSON is a fault in the JSON API and in the -fault flag.
type faultJSON struct {
	Method  string            `json:"method,omitempty"`
	Path    string            `json:"path,omitempty"`
	Count   int               `json:"count,omitempty"`
	When    string            `json:"when,omitempty"`
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	Delay   string            `json:"delay,omitempty"`
	Drop    bool              `json:"drop,omitempty"`
}

// MarshalJSON returns the fault without the functions When and Do.
func (f *Fault) MarshalJSON() ([]byte, error) {
	encoded := faultJSON{
		Method: f.Method, Path: f.Path, Count: f.Times, When: "before", Drop: f.Drop,
		Status: f.StatusCode, Headers: map[string]string{}, Body: f.Body,
	}
	if f.After {
		encoded.When = "after"
	}
	if f.Delay > 0 {
		encoded.Delay = f.Delay.String()
	}
	for name := range f.Header {
		encoded.Headers[name] = f.Header.Get(name)
	}
	return json.Marshal(encoded)
}

// UnmarshalJSON reads a fault. Unknown members, and values that have no effect, are errors.
func (f *Fault) UnmarshalJSON(content []byte) error {
	var decoded faultJSON
	if err := decode(bytes.NewReader(content), &decoded, (*json.Decoder).DisallowUnknownFields); err != nil {
		return err
	}
	*f = Fault{
		Method: strings.ToUpper(decoded.Method), Path: decoded.Path, Times: cmp.Or(decoded.Count, 1),
		After: decoded.When == "after", Drop: decoded.Drop,
		StatusCode: decoded.Status, Body: decoded.Body, Header: http.Header{},
	}
	for name, value := range decoded.Headers {
		f.Header.Set(name, value)
	}
	_, err := path.Match(f.Path, "")
	var delayErr error
	if decoded.Delay != "" {
		f.Delay, delayErr = time.ParseDuration(decoded.Delay)
	}
	switch {
	case err != nil:
		return fmt.Errorf("path %q: %w", f.Path, err)
	case decoded.When != "" && decoded.When != "before" && !f.After:
		return fmt.Errorf("when must be before or after, not %q", decoded.When)
	case delayErr != nil || f.Delay < 0:
		return fmt.Errorf("delay must be a duration such as 2s, not %q", decoded.Delay)
	case f.StatusCode != 0 && (f.StatusCode < 200 || f.StatusCode > 599):
		return fmt.Errorf("status must be from 200 to 599, not %d", f.StatusCode)
	case f.keepsResponse() && f.Delay == 0:
		return errors.New("a fault needs status, drop or delay")
	case f.StatusCode == 0 && (f.Body != "" || len(f.Header) > 0):
		return errors.New("body and headers need status")
	}
	return nil
}

// String describes the effect of the fault and whether the request was carried out, such as "status 503, not carried
// out". A fault without an effect on the response is a change.
func (f *Fault) String() string {
	var effects []string
	if f.Delay > 0 {
		effects = append(effects, "delay "+f.Delay.String())
	}
	if f.Drop {
		effects = append(effects, "connection broken")
	} else if f.StatusCode != 0 {
		effects = append(effects, fmt.Sprintf("status %d", f.StatusCode))
	}
	if !f.keepsResponse() {
		effects = append(effects, map[bool]string{true: "carried out", false: "not carried out"}[f.After])
	}
	return cmp.Or(strings.Join(effects, ", "), "change")
}

// InjectFault adds a fault. A request is hit by the first fault that selects it, and by no other.
func (s *Service) InjectFault(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addFault(fault)
}

func (s *Service) addFault(fault Fault) {
	fault.Times = cmp.Or(fault.Times, 1)
	s.faults = append(s.faults, &fault)
}

// InjectRandomFaults makes a part of all requests, from 0 to 1, fail in ways that a retry overcomes: broken
// connections and error responses, before and after the request is carried out, and throttling. The sequence depends
// only on the seed and on the order of the requests.
func (s *Service) InjectRandomFaults(seed uint64, part float64) {
	faults := []Fault{
		{Drop: true},
		{Drop: true, After: true},
		{StatusCode: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		{StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401"}`, After: true},
		{StatusCode: http.StatusTooManyRequests, Body: `{"error_code":"APIGW.0308","error_msg":"throttled"}`},
	}
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // Repeatable, not secret.
	each := part / float64(len(faults))
	for _, fault := range faults {
		fault.Times = -1
		fault.When = func(Request) bool { return random.Float64() < each } // Called with the lock.
		s.InjectFault(fault)
	}
}

// ForgetFaults removes all faults.
func (s *Service) ForgetFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault returns the first fault that hits a request, and counts down; nil if none does. The lock must be held.
func (s *Service) takeFault(request *Request) *Fault {
	for i, fault := range s.faults {
		if !fault.hits(request) {
			continue
		}
		taken := *fault
		fault.Times--
		if fault.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return &taken
	}
	return nil
}

func (f *Fault) hits(request *Request) bool {
	return (f.Method == "" || f.Method == request.Method) &&
		(f.Path == "" || matches(f.Path, request.Path)) &&
		(f.When == nil || f.When(*request))
}

// keepsResponse reports whether the request gets its usual response.
func (f *Fault) keepsResponse() bool { return !f.Drop && f.StatusCode == 0 }

func (f *Fault) write(response *httptest.ResponseRecorder) {
	response.Code = f.StatusCode
	response.Header().Set("Content-Type", "application/json;charset=utf8")
	maps.Copy(response.Header(), f.Header)
	response.Body.Reset()
	response.Body.WriteString(f.Body)
}

// drop breaks the connection without a response.
func drop(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 cannot be hijacked; this resets the stream.
	}
	_ = connection.Close() // An error breaks it, too.
}
