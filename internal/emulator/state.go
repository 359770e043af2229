// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// state is what the service contains, oldest first.
type state struct {
	Jobs   []*job   `json:"jobs"`
	Builds []*build `json:"builds"`
}

// job is a build job. Its spec is the last request body, with the members that the API does not document.
type job struct {
	ID          string    `json:"id"`
	CreatedAt   time.Time `json:"created_at"`
	LastBuildID string    `json:"last_build_id"`
	ChangedAt   time.Time `json:"changed_at"`
	ChangedBy   string    `json:"changed_by"`
	Spec        document  `json:"spec"`
}

// build is one run of a job. Its progress follows from the clock.
type build struct {
	ID          string    `json:"id"`
	JobID       string    `json:"job_id"`
	JobName     string    `json:"job_name"`
	Index       int       `json:"index"`
	StartedAt   time.Time `json:"started_at"`
	CancelledAt time.Time `json:"cancelled_at"`
	// Outcome is nil for a build that succeeds.
	Outcome *Outcome `json:"outcome,omitempty"`
}

// load reads a state file. A missing file is empty; one that the service cannot have written is an error, because the
// first change would overwrite it.
func (s *state) load(file string) error {
	if file == "" {
		return nil
	}
	content, err := os.ReadFile(file) //nolint:gosec // The user names the file.
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = decode(bytes.NewReader(content), s, (*json.Decoder).DisallowUnknownFields)
	}
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return fmt.Errorf("state file %s: %w", file, err)
	}
	return nil
}

// check returns the first member that the service could not have saved; nil if there is none.
func (s *state) check() error {
	jobs, builds := map[string]bool{}, map[string]bool{}
	for i, job := range s.Jobs {
		switch {
		case job == nil:
			return fmt.Errorf("jobs[%d] is null", i)
		case job.ID == "" || jobs[job.ID]:
			return fmt.Errorf("jobs[%d].id %q is empty or that of another job", i, job.ID)
		case job.name() == "":
			return fmt.Errorf("jobs[%d].spec.job_name is missing or not a string", i)
		}
		jobs[job.ID] = true
	}
	for i, build := range s.Builds {
		switch {
		case build == nil:
			return fmt.Errorf("builds[%d] is null", i)
		case build.ID == "" || builds[build.ID]:
			return fmt.Errorf("builds[%d].id %q is empty or that of another build", i, build.ID)
		case !jobs[build.JobID]:
			return fmt.Errorf("builds[%d].job_id %q is not the id of a job", i, build.JobID)
		case build.Index < 1:
			return fmt.Errorf("builds[%d].index must be at least 1", i)
		}
		builds[build.ID] = true
	}
	return nil
}

// decode reads exactly one JSON document. Numbers keep their spelling, because members that the API does not document
// are returned as they were sent.
func decode(content io.Reader, target any, options ...func(*json.Decoder)) error {
	decoder := json.NewDecoder(content)
	decoder.UseNumber()
	for _, option := range options {
		option(decoder)
	}
	if err := decoder.Decode(target); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON document")
	}
	return nil
}

// save replaces the file in one step, so that a kill at any time leaves a complete one.
func (s *state) save(file string) error {
	if file == "" {
		return nil
	}
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("state file: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return nil
}

func (s *state) job(id string) (*job, error) {
	for _, job := range s.Jobs {
		if job.ID == id {
			return job, nil
		}
	}
	return nil, errNoSuchJob
}

// buildsOf returns the builds of a job, newest first.
func (s *state) buildsOf(job *job) []*build {
	var builds []*build
	for _, build := range slices.Backward(s.Builds) {
		if build.JobID == job.ID {
			builds = append(builds, build)
		}
	}
	return builds
}

func (s *state) build(id string) (*build, error) {
	for _, build := range s.Builds {
		if build.ID == id {
			return build, nil
		}
	}
	return nil, errNoSuchBuild
}
