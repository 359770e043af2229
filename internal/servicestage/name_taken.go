// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// NameTakenError reports that a create or a rename was rejected and that another build job has the name.
type NameTakenError struct {
	// Job is the build job that has the name; its name may differ in case.
	Job BuildJobSummary
	// Own is true if this process has created or read that build job.
	Own bool
	// Err is the rejection.
	Err error
}

// Error returns the text of Err.
func (e *NameTakenError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *NameTakenError) Unwrap() error { return e.Err }

// idleChecks is the number of checks in a row without a write in progress after which a wait for a name ends. Terraform
// starts the operations of an apply one after the other.
const idleChecks = 4

// retryNameTaken calls write, which creates the build job of the name (id is empty) or renames one. If write is
// rejected and another build job has the name, it is called again after each successful rename or delete of this
// process, until none is in progress. The error is then a [*NameTakenError].
func (c *Client) retryNameTaken(ctx context.Context, name, id string, write func() error) error {
	writes := &c.shared.writes
	for {
		_, before := writes.counts()
		err := write()
		if !IsRejected(err) && (id == "" || !isServerError(err)) {
			return err
		}
		taken := c.nameTaken(ctx, name, id, err)
		active, freed := writes.counts()
		switch {
		case freed > before:
		// The name may be free before the response to the write that frees it has arrived.
		case taken == nil && active == 0:
			return err
		case c.waitForFreedName(ctx, before):
		case taken != nil:
			return taken
		default:
			return err
		}
	}
}

// waitForFreedName waits until this process has freed more names than before. It returns false if no write that may
// free one is in progress, or if ctx ends.
func (c *Client) waitForFreedName(ctx context.Context, before int64) bool {
	for idle := 0; idle < idleChecks; {
		if c.rest.Pause(ctx, rest.Delay(idle+1)) != nil {
			return false
		}
		active, freed := c.shared.writes.counts()
		if freed > before {
			return true
		}
		if idle++; active > 0 {
			idle = 0
		}
	}
	return false
}

// nameTaken returns the error for a rejected write if another build job than id has the name, compared
// case-insensitively; nil otherwise, also if the list cannot be read.
func (c *Client) nameTaken(ctx context.Context, name, id string, err error) *NameTakenError {
	for _, filter := range []string{name, ""} { // The filter may be case-sensitive.
		for job, listErr := range c.BuildJobs(ctx, filter) {
			if listErr != nil {
				return nil
			}
			if job.ID != id && strings.EqualFold(job.Name, name) {
				return &NameTakenError{Job: job, Own: c.shared.knows(object{jobID: job.ID}), Err: err}
			}
		}
	}
	return nil
}
