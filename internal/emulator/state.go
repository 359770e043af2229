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
	"time"
)

// state is what the service holds, oldest first.
type state struct {
	Jobs   []*job   `json:"jobs"`
	Builds []*build `json:"builds"`
}

// job is a build job. Its spec is the document that was sent, with the members that the API does not document.
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
	// Outcome is nil for a build that goes well.
	Outcome *Outcome `json:"outcome,omitempty"`
}

func (s *state) load(file string) error {
	if file == "" {
		return nil
	}
	content, err := os.ReadFile(file) //nolint:gosec // The user names the file.
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("state file: %w", err)
	}
	// A file with other members is something else, and the first change would overwrite it.
	if err := decode(content, s, (*json.Decoder).DisallowUnknownFields); err != nil {
		return fmt.Errorf("state file %s: %w", file, err)
	}
	if err := s.check(); err != nil {
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
		case job.ID == "":
			return fmt.Errorf("jobs[%d].id is missing", i)
		case jobs[job.ID]:
			return fmt.Errorf("jobs[%d].id %q is that of another job", i, job.ID)
		case job.Spec == nil:
			return fmt.Errorf("jobs[%d].spec is missing", i)
		case job.name() == "":
			return fmt.Errorf("jobs[%d].spec.job_name is missing or not a string", i)
		}
		jobs[job.ID] = true
	}
	for i, build := range s.Builds {
		switch {
		case build == nil:
			return fmt.Errorf("builds[%d] is null", i)
		case build.ID == "":
			return fmt.Errorf("builds[%d].id is missing", i)
		case builds[build.ID]:
			return fmt.Errorf("builds[%d].id %q is that of another build", i, build.ID)
		case !jobs[build.JobID]:
			return fmt.Errorf("builds[%d].job_id %q is not the id of a job", i, build.JobID)
		case build.Index < 1:
			return fmt.Errorf("builds[%d].index must be at least 1", i)
		}
		builds[build.ID] = true
	}
	return nil
}

// decode reads one JSON document and nothing behind it. Numbers stay as they are written: what the API does not document has
// to go back as it came.
func decode(content []byte, target any, options ...func(*json.Decoder)) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
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

// save replaces the file in one step, so that a kill at any time leaves a whole one.
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

func (s *state) build(id string) (*build, error) {
	for _, build := range s.Builds {
		if build.ID == id {
			return build, nil
		}
	}
	return nil, errNoSuchBuild
}
