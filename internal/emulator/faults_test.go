// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// The response to a create, what is recorded of it, and whether the job exists afterwards.
func TestFaults_beforeAndAfter(t *testing.T) {
	t.Parallel()
	const page = "<h1>Bad gateway</h1>"
	header := http.Header{"Retry-After": {"7"}, "Content-Type": {"text/html"}}
	html := emulator.Fault{StatusCode: http.StatusBadGateway, Header: header, Body: page}
	htmlAfter := html
	htmlAfter.After = true
	for recorded, fault := range map[string]emulator.Fault{
		"status 502, not carried out":        html,
		"status 502, carried out":            htmlAfter,
		"connection broken, not carried out": {Drop: true, StatusCode: http.StatusOK},
		"connection broken, carried out":     {Drop: true, After: true},
	} {
		server := emulator.New(t, emulator.Options{})
		server.InjectFault(fault)
		got := call(t, server, http.MethodPost, jobsPath, plainJob("app"))
		status := 0
		if !fault.Drop {
			status = http.StatusBadGateway
			kind, retry := got.header.Get("Content-Type"), got.header.Get("Retry-After")
			if got.raw != page || kind != "text/html" || retry != "7" {
				t.Errorf("%s: got %s %v", recorded, got.raw, got.header)
			}
		}
		request := server.Requests()[0]
		if got.status != status || request.StatusCode != status || request.Fault != recorded {
			t.Errorf("%s: got status %d and %+v", recorded, got.status, request)
		}
		if exists := len(server.Jobs()) == 1; exists != fault.After {
			t.Errorf("%s: the job exists: %t", recorded, exists)
		}
		createJob(t, server, plainJob("second")) // The fault is used up.
	}
}

// Do runs before the request. It may use the service and inject further faults.
func TestFaults_do(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	server.InjectFault(emulator.Fault{Do: func() {
		server.ChangeJob(id, func(spec map[string]any) { spec["job_description"] = "changed" })
		server.InjectFault(emulator.Fault{Do: func() { server.RemoveJob(id) }, StatusCode: 504})
	}})
	wantJSON(t, getSpec(t, server, id), `{"job_name":"app","job_description":"changed","environment_setting":{}}`)
	if got := call(t, server, http.MethodGet, jobsPath+"/"+id, "").status; got != 504 || len(server.Jobs()) > 0 {
		t.Errorf("got %d and the build jobs %v", got, server.Jobs())
	}
}

// A delay before the operation, and one of the response: the client that is gone meanwhile has created a build job or
// not. A delay may be longer than the time that the server has to write a response.
func TestFaults_delay(t *testing.T) {
	t.Parallel()
	for after, jobs := range map[bool]int{false: 0, true: 1} {
		service := newService(t, emulator.Options{Latency: time.Millisecond})
		service.InjectFault(emulator.Fault{Delay: 300 * time.Millisecond, After: after})
		server := httptest.NewUnstartedServer(service)
		server.Config.WriteTimeout = 100 * time.Millisecond
		server.Start()
		t.Cleanup(server.Close)
		start := time.Now()
		done := make(chan time.Duration)
		go func() {
			started := &emulator.Server{Service: service, URL: server.URL}
			if got := call(t, started, http.MethodPost, jobsPath, plainJob("app")); got.status != http.StatusOK {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			done <- time.Since(start)
		}()
		time.Sleep(100 * time.Millisecond)
		if got := len(service.Jobs()); got != jobs {
			t.Errorf("after %t: %d build jobs during the delay, want %d", after, got, jobs)
		}
		if passed := <-done; passed < 300*time.Millisecond {
			t.Errorf("after %t: the response arrived after %s", after, passed)
		}
	}
}
