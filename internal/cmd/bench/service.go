// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// transport is how a service is reached.
type transport int

const (
	plain transport = iota
	tls1
	tls2
)

// service is the emulator, which takes its time, throttles where it is told to, and counts what the client does to it.
type service struct {
	*emulator.Service
	server *httptest.Server

	delay                       atomic.Int64 // A [time.Duration].
	opened, handshakes, refused atomic.Int64

	mu       sync.Mutex
	limit    int // Requests in a second; 0 means any number.
	second   time.Time
	inSecond int
}

func newService(t transport) (*service, error) {
	emulated, err := emulator.NewService(emulator.Options{RecordRequests: true})
	if err != nil {
		return nil, err
	}
	s := &service{Service: emulated}
	s.server = httptest.NewUnstartedServer(s)
	s.server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.opened.Add(1)
		}
	}
	if t == plain {
		s.server.Start()
		return s, nil
	}
	s.server.EnableHTTP2 = t == tls2
	s.server.TLS = &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			s.handshakes.Add(1)
			return nil, nil //nolint:nilnil // The configuration stays as it is.
		},
	}
	s.server.StartTLS()
	return s, nil
}

func (s *service) url() string { return s.server.URL }

func (s *service) close() { s.server.Close() }

// ServeHTTP answers as the emulator does, after the delay, or refuses as the gateway does.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.throttles() {
		s.refused.Add(1)
		w.Header().Set("Content-Type", "application/json;charset=utf8")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}`)) // The client may be gone.
		return
	}
	if delay := time.Duration(s.delay.Load()); delay > 0 {
		time.Sleep(delay)
	}
	s.Service.ServeHTTP(w, r)
}

// throttles counts the requests of each second, as the gateway does; the first request begins the first one.
func (s *service) throttles() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit == 0 {
		return false
	}
	now := time.Now()
	if s.second.IsZero() {
		s.second = now
	}
	if over := now.Sub(s.second).Truncate(time.Second); over > 0 {
		s.second, s.inSecond = s.second.Add(over), 0
	}
	if s.inSecond == s.limit {
		return true
	}
	s.inSecond++
	return false
}

// throttle lets so many requests through in a second from now on; 0 lets all through.
func (s *service) throttle(limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.second, s.inSecond = limit, time.Time{}, 0
}

// counts is what has reached a service since its counters were last taken.
type counts struct {
	requests                    map[string]int // By method.
	total                       int
	opened, handshakes, refused int
}

func (s *service) take() counts {
	c := counts{
		requests: map[string]int{}, opened: int(s.opened.Swap(0)),
		handshakes: int(s.handshakes.Swap(0)), refused: int(s.refused.Swap(0)),
	}
	for _, request := range s.Requests() {
		c.requests[request.Method]++
		c.total++
	}
	s.ForgetRequests()
	return c
}
