// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"net/http/httptest"
	"slices"
)

// TB is the part of [testing.TB] that [New] needs.
type TB interface {
	Helper()
	Fatal(arguments ...any)
	Cleanup(func())
}

// Server is a service that listens on a free loopback port.
type Server struct {
	*Service
	// URL is the base URL, such as http://127.0.0.1:41234.
	URL string
}

// New starts a server that records all requests. It stops at the end of the test.
func New(t TB, options Options) *Server {
	t.Helper()
	options.RecordRequests = true
	service, err := NewService(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return &Server{Service: service, URL: server.URL}
}

// Job is a build job of the service.
type Job struct {
	ID string
	// Spec is a copy of the last request body.
	Spec map[string]any
}

// Name returns the job_name.
func (j Job) Name() string { return stringMember(j.Spec, "job_name") }

// Jobs returns the build jobs, oldest first.
func (s *Service) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := make([]Job, len(s.state.Jobs))
	for i, job := range s.state.Jobs {
		jobs[i] = Job{ID: job.ID, Spec: clone(job.Spec)}
	}
	return jobs
}

// AddJob adds a build job outside Terraform, without checks. It returns the ID.
func (s *Service) AddJob(spec map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addJob(newID(), clone(spec), "console").ID
}

// ChangeJob changes a build job outside Terraform. It reports whether the ID exists.
func (s *Service) ChangeJob(id string, change func(spec map[string]any)) bool {
	return s.withJob(id, func(job *job) {
		change(job.Spec)
		job.ChangedAt, job.ChangedBy = s.options.Now(), "console"
	})
}

// RemoveJob deletes a build job outside Terraform. It reports whether the ID existed.
func (s *Service) RemoveJob(id string) bool { return s.withJob(id, s.state.delete) }

// Build is a build of the service.
type Build struct {
	ID, JobID string
	// State is the state at the time of the call, such as Building.
	State string
}

// Builds returns the builds of all jobs, oldest first.
func (s *Service) Builds() []Build {
	s.mu.Lock()
	defer s.mu.Unlock()
	builds := make([]Build, len(s.state.Builds))
	for i, build := range s.state.Builds {
		builds[i] = Build{ID: build.ID, JobID: build.JobID, State: s.progress(build).State}
	}
	return builds
}

// AddBuild starts a build outside Terraform. It returns the ID; "" if the job does not exist.
func (s *Service) AddBuild(jobID string) (id string) {
	s.withJob(jobID, func(job *job) { id = s.start(job).ID })
	return id
}

// RemoveBuild removes a build outside Terraform. It reports whether the ID existed.
func (s *Service) RemoveBuild(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.state.Builds)
	s.state.Builds = slices.DeleteFunc(s.state.Builds, func(build *build) bool { return build.ID == id })
	return len(s.state.Builds) < before
}

// withJob calls f with the build job, and reports whether the ID exists.
func (s *Service) withJob(id string, f func(*job)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.state.job(id)
	if err == nil {
		f(job)
	}
	return err == nil
}
