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
	if err := decode(content, s); err != nil {
		return fmt.Errorf("state file %s: %w", file, err)
	}
	return nil
}

// decode reads one JSON document and nothing behind it. Numbers stay as they are written: what the API does not document has
// to go back as it came.
func decode(content []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
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
