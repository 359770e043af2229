// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// lookups is how often the list of jobs is asked for a job whose creation was not answered. It may lag behind.
const lookups = 4

// CreatedBuildJob is the part of the answer of create that is not known before or read afterwards.
type CreatedBuildJob struct {
	ID string
	// CreatedAt is in RFC 3339 where it could be understood, else as it came; empty where the service does not say.
	CreatedAt string
	// Adopted means that the service's answer was lost, and that the job was found by its name and content.
	Adopted bool
	// Unchecked is why nothing is known of a twin that an earlier, unanswered send may have made; nil where there is none.
	Unchecked error
}

// LostError says that a create went out and that nobody knows what became of it.
type LostError struct {
	// Name is the name of the job.
	Name string
	// Jobs are those of this name that the service holds, none of which is surely the one that was sent.
	Jobs []BuildJobSummary
	// Created is the job that a later send made, where an earlier one made another; empty otherwise.
	Created string
	// Err is the last failure of a request that went out; nil where Created is set.
	Err error
	// Lookup is why the list of jobs, or one of them, could not be had; nil where it could.
	Lookup error
}

// Error names the jobs in question.
func (e *LostError) Error() string {
	var parts []string
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if e.Lookup != nil {
		parts = append(parts, e.Lookup.Error())
	}
	if e.Created != "" {
		parts = append(parts, fmt.Sprintf("build job %s was made", e.Created))
	}
	for _, job := range e.Jobs {
		parts = append(parts, fmt.Sprintf("the service holds %q as %s", job.Name, job.ID))
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the failures.
func (e *LostError) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Err, e.Lookup} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// CreateBuildJob makes one job, whatever becomes of the answers. A request that has gone out is not cut off by ctx, but ends
// within 30 seconds. Where its answer is lost, the job is looked for by its name: one that equals what was sent, and that this
// client has not met otherwise, is adopted; if there is none, the request is sent again as long as ctx and the retries allow;
// anything else is a [LostError]. If that has Created set, the returned job is not nil.
func (c *Client) CreateBuildJob(ctx context.Context, spec BuildJobSpec) (*CreatedBuildJob, error) {
	// Of two creates of one name, each would take the other's job for its own.
	unlock, err := c.creating.lock(ctx, strings.ToLower(spec.JobName))
	if err != nil {
		return nil, &Error{Method: http.MethodPost, Host: c.rest.Host(), Stopped: err}
	}
	defer unlock()

	lost := &LostError{Name: spec.JobName}
	var last *Error // The last failure of a request that went out.
	for send := 1; ; send++ {
		var created CreatedBuildJob
		err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: jobPath(), Body: spec}, &created)
		if err == nil {
			c.met.add(created.ID)
			if send > 1 {
				return c.withoutTwin(ctx, spec.JobName, &created)
			}
			return &created, nil
		}
		failure, ok := errors.AsType[*Error](err)
		if !ok || send == 1 && !isLost(failure) {
			return nil, err
		}
		if last == nil || failure.Sent {
			last, lost.Err = failure, err
		}
		var adopted string
		adopted, lost.Jobs, lost.Lookup = c.lookFor(ctx, spec)
		switch {
		case adopted != "":
			return &CreatedBuildJob{ID: adopted, Adopted: true}, nil
		case lost.Lookup != nil, len(lost.Jobs) > 0, !isLost(failure), send > c.rest.MaxRetries(),
			c.rest.Pause(ctx, rest.Delay(send)) != nil:
			last.Stopped = ctx.Err()
			return nil, lost
		}
	}
}

// isLost is true of a failure after which the service may have done what it was asked.
func isLost(failure *Error) bool {
	return failure.Sent && (failure.StatusCode < http.StatusMultipleChoices && failure.Code == "" ||
		failure.StatusCode == http.StatusRequestTimeout || failure.StatusCode >= http.StatusInternalServerError)
}

// lookFor looks for a job that was sent and not answered. It returns the id of the one that is adopted, or the jobs of its name
// that are not. Once the operation's time is over there is one more look, with a time of its own: the id has to be saved.
func (c *Client) lookFor(ctx context.Context, spec BuildJobSpec) (adopted string, others []BuildJobSummary, err error) {
	for try := 1; try <= lookups; try++ {
		adopted, others, err = c.look(ctx, spec)
		if err != nil || adopted != "" || len(others) > 0 || try == lookups || c.rest.Pause(ctx, rest.Delay(try)) != nil {
			break
		}
	}
	if ctx.Err() == nil || adopted != "" || err == nil && len(others) > 0 {
		return adopted, others, err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	return c.look(late, spec)
}

func (c *Client) look(ctx context.Context, spec BuildJobSpec) (adopted string, others []BuildJobSummary, err error) {
	if others, err = c.unmetNamed(ctx, spec.JobName); err != nil {
		return "", nil, err
	}
	var equal []string
	for _, job := range others {
		held, err := c.getBuildJob(ctx, job.ID)
		if err != nil {
			return "", others, err
		}
		if held.holds(spec) {
			equal = append(equal, job.ID)
		}
	}
	if len(equal) == 1 && c.met.add(equal[0]) {
		return equal[0], nil, nil
	}
	return "", others, nil
}

// withoutTwin makes sure that a second send has not made a second job.
func (c *Client) withoutTwin(ctx context.Context, name string, created *CreatedBuildJob) (*CreatedBuildJob, error) {
	lookup, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	others, err := c.unmetNamed(lookup, name)
	if err != nil {
		created.Unchecked = err
		return created, nil
	}
	if len(others) > 0 {
		return created, &LostError{Name: name, Jobs: others, Created: created.ID}
	}
	return created, nil
}

// unmetNamed lists the jobs with exactly this name that this client has not met.
func (c *Client) unmetNamed(ctx context.Context, name string) ([]BuildJobSummary, error) {
	var jobs []BuildJobSummary
	for job, err := range c.BuildJobs(ctx, name) {
		if err != nil {
			return nil, err
		}
		if job.Name == name && !c.met.has(job.ID) {
			jobs = append(jobs, job)
		}
	}
	return jobs, nil
}

// holds reports whether the job has everything that was sent. What was not sent is not compared, "" is the same as absent,
// and the type of a repository is compared without regard to case, all as when a job is read.
func (j *BuildJob) holds(sent BuildJobSpec) bool {
	same := func(sent, held *string) bool {
		return sent == nil || *sent == value(held)
	}
	environment, sentEnvironment := j.Spec.EnvironmentSetting, sent.EnvironmentSetting
	if j.Spec.JobName != sent.JobName ||
		!same(sent.JobDescription, j.Spec.JobDescription) ||
		!same(sent.EnterpriseProjectID, j.EnterpriseProjectID) ||
		!same(sentEnvironment.DockerVersion, environment.DockerVersion) ||
		!same(sentEnvironment.ClusterID, environment.ClusterID) ||
		!same(sentEnvironment.ClusterName, environment.ClusterName) {
		return false
	}
	// Absent is false, as "" is absent.
	if public := sentEnvironment.UsePublicCluster; public != nil && *public != (environment.UsePublicCluster != nil && *environment.UsePublicCluster) {
		return false
	}
	if os := sentEnvironment.BuildOS; os != nil {
		held := environment.BuildOS
		if held == nil {
			held = &BuildOS{}
		}
		if !same(os.Arch, held.Arch) {
			return false
		}
	}
	if repo := sent.CodeRepo; repo != nil {
		held := j.Spec.CodeRepo
		if held == nil {
			held = &CodeRepo{}
		}
		return (repo.Type == nil || strings.EqualFold(*repo.Type, value(held.Type))) && same(repo.URL, held.URL) &&
			same(repo.Branch, held.Branch) && same(repo.Namespace, held.Namespace)
	}
	return true
}

func value(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// idSet is the ids of the jobs that a client has met: made, read, adopted. None of them can be the one that a lost answer was
// about.
type idSet struct {
	mu  sync.Mutex
	ids map[string]bool
}

// add reports whether the id is new.
func (s *idSet) add(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] {
		return false
	}
	if s.ids == nil {
		s.ids = map[string]bool{}
	}
	s.ids[id] = true
	return true
}

func (s *idSet) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ids[id]
}

// nameLocks lets one create of a name run at a time.
type nameLocks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits for its turn, or returns the context's error when that ends first.
func (l *nameLocks) lock(ctx context.Context, name string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		released, busy := l.held[name]
		if !busy {
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			l.held[name] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, name)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-released:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
