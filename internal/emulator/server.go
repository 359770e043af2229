// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"net/http/httptest"
)

// TB is the part of [testing.TB] that a server needs.
type TB interface {
	Helper()
	Fatal(arguments ...any)
	Cleanup(func())
}

// Server is a service that listens on a free port of the loopback interface.
type Server struct {
	*Service
	// URL is the base URL, such as http://127.0.0.1:41234.
	URL string
}

// New starts a server that records requests and lives as long as the test.
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

// Job is a build job as the service holds it.
type Job struct {
	ID string
	// Spec is the document that was sent last. It is a copy.
	Spec map[string]any
}

// Name returns the job_name.
func (j Job) Name() string { return stringMember(j.Spec, "job_name") }

// Jobs returns what the service holds, oldest first.
func (s *Service) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := make([]Job, len(s.state.Jobs))
	for i, job := range s.state.Jobs {
		jobs[i] = Job{ID: job.ID, Spec: clone(job.Spec)}
	}
	return jobs
}

// AddJob adds a job without any check, as outside Terraform. It returns the ID.
func (s *Service) AddJob(spec map[string]any) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	added := s.newJob(newID(), clone(spec), "console")
	s.state.Jobs = append(s.state.Jobs, added)
	return added.ID
}

// ChangeJob changes a job, as outside Terraform. It reports whether there is one with this ID.
func (s *Service) ChangeJob(id string, change func(spec map[string]any)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.state.job(id)
	if err == nil {
		change(job.Spec)
		job.ChangedAt, job.ChangedBy = s.options.Now(), "console"
	}
	return err == nil
}

// RemoveJob deletes a job, as outside Terraform. It reports whether there was one with this ID.
func (s *Service) RemoveJob(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	job, err := s.state.job(id)
	if err == nil {
		s.state.delete(job)
	}
	return err == nil
}
