// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// BuildJob is a build job as the service returns it.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0276.html.
type BuildJob struct {
	ID string
	// EnterpriseProjectID is the one at the top level of the response, else that of its spec; empty if both are absent.
	EnterpriseProjectID string
	// Creator is the name of the user; empty if the service does not return it.
	Creator string
	// CreatedAt is in RFC 3339 format if it could be parsed. It is usually empty: only the response to create is
	// documented to contain it.
	CreatedAt string
	// LastBuildID is empty until a build is started.
	LastBuildID string
	Spec        Spec

	// rawSpec is the spec as returned, with members that are not documented.
	rawSpec json.RawMessage
}

// UnmarshalJSON decodes the response to a read. A response without job_id or spec is an error.
func (j *BuildJob) UnmarshalJSON(data []byte) error {
	type jobResponse struct {
		JobID               string          `json:"job_id"`
		EnterpriseProjectID string          `json:"enterprise_project_id"`
		Creator             creator         `json:"creator"`
		CreatedAt           timestamp       `json:"created_at"`
		LastBuildID         looseString     `json:"last_build_id"`
		Spec                json.RawMessage `json:"spec"`
	}
	var wire jobResponse
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.JobID == "" || len(wire.Spec) == 0 || string(wire.Spec) == "null" {
		return errors.New("job_id or spec is missing")
	}
	*j = BuildJob{
		ID:          wire.JobID,
		Creator:     string(wire.Creator),
		CreatedAt:   string(wire.CreatedAt),
		LastBuildID: string(wire.LastBuildID),
		Spec:        Spec{"job_name": ""}, // A body contains it even if the response did not.
		rawSpec:     wire.Spec,
	}
	err := j.Spec.decode("", wire.Spec)
	j.EnterpriseProjectID = cmp.Or(wire.EnterpriseProjectID, j.Spec.text(enterpriseProjectID))
	return err
}

// GetBuildJob reads a build job. [IsNotFound] is true of the error only if the response is unambiguous, or if a
// complete list of all build jobs does not contain the job. name is the last known name of the job and shortens that
// search; it may be empty. A response that describes another build job is an error.
func (c *Client) GetBuildJob(ctx context.Context, id, name string) (*BuildJob, error) {
	job, err := c.getBuildJob(ctx, id)
	if err != nil {
		return nil, c.resolveNotFound(ctx, id, name, err)
	}
	c.shared.read(object{jobID: id})
	return job, nil
}

// maxStaleReads is the maximum number of reads after a write that may return the previous state.
const maxStaleReads = 5

// GetWrittenBuildJob reads a build job that was written a moment ago. While the service reports that it does not exist,
// the read is repeated until ctx ends. While current returns false of the job, the read is repeated up to four times
// over a few seconds, because reads may lag; the last response is returned.
func (c *Client) GetWrittenBuildJob(ctx context.Context, id string, current func(*BuildJob) bool) (*BuildJob, error) {
	for attempt, reads := 1, 0; ; attempt++ {
		job, err := c.getBuildJob(ctx, id)
		if err == nil {
			if reads++; current(job) || reads == maxStaleReads {
				return job, nil
			}
		} else if !mayBeNotFound(err) {
			return nil, err
		}
		if stopped := c.rest.Pause(ctx, rest.Delay(attempt)); stopped != nil {
			if failure, ok := errors.AsType[*Error](err); ok {
				failure.Stopped = stopped
			}
			return job, err
		}
	}
}

func (c *Client) getBuildJob(ctx context.Context, id string) (*BuildJob, error) {
	var job BuildJob
	if err := c.get(ctx, jobPath(id), nil, &job); err != nil {
		return nil, err
	}
	if job.ID != id {
		return nil, &Error{
			Method: http.MethodGet, Host: c.rest.Host(), StatusCode: http.StatusOK, Sent: true,
			Err: fmt.Errorf("the response describes another build job: %s", printableID(job.ID)),
		}
	}
	return &job, nil
}

// UpdateBuildJob replaces the documented members of a build job by spec. A PUT replaces all members, so the others are
// sent as they are in current, at every depth. A rename that is rejected because of the name is sent again
// while this process renames or deletes other build jobs.
func (c *Client) UpdateBuildJob(ctx context.Context, current *BuildJob, spec Spec) error {
	body := spec.body("", current.rawSpec)
	put := func() error {
		return c.do(ctx, rest.Call{Method: http.MethodPut, Path: jobPath(current.ID), Body: body}, nil)
	}
	if spec.Name() == current.Spec.Name() {
		return put()
	}
	rename := func() error { return c.shared.writes.track(put) }
	return c.retryNameTaken(ctx, spec.Name(), current.ID, rename)
}

// DeleteBuildJob deletes a build job. A build job that does not exist is not an error. name is that of
// [Client.GetBuildJob].
func (c *Client) DeleteBuildJob(ctx context.Context, id, name string) error {
	return c.shared.writes.track(func() error {
		err := c.do(ctx, rest.Call{Method: http.MethodDelete, Path: jobPath(id)}, nil)
		if err = c.resolveNotFound(ctx, id, name, err); IsNotFound(err) {
			return nil
		}
		return err
	})
}

func jobPath(id ...string) []string {
	return append([]string{"assembling", "v1", "jobs"}, id...)
}
