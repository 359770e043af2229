// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// BuildJobSpec is the body of create and update, and the member `spec` of the response to a read. A nil member is
// omitted from a body; a pointer to "" clears the argument.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html (create),
// _0272 (update).
type BuildJobSpec struct {
	JobName             string             `json:"job_name"`
	JobDescription      *string            `json:"job_description,omitempty"`
	EnvironmentSetting  EnvironmentSetting `json:"environment_setting"`
	CodeRepo            *CodeRepo          `json:"code_repo,omitempty"`
	EnterpriseProjectID *string            `json:"enterprise_project_id,omitempty"`
}

// EnvironmentSetting is where a job builds: its cluster, architecture and version of Docker.
type EnvironmentSetting struct {
	DockerVersion    *string  `json:"docker_version,omitempty"`
	ClusterID        *string  `json:"cluster_id,omitempty"`
	ClusterName      *string  `json:"cluster_name,omitempty"`
	UsePublicCluster *bool    `json:"use_public_cluster,omitempty"`
	BuildOS          *BuildOS `json:"build_os,omitempty"`
}

// BuildOS is the architecture that a job builds for: x86_64 or aarch64.
type BuildOS struct {
	Arch *string `json:"arch,omitempty"`
}

// CodeRepo is the repository that a job builds. The API requires all four members.
type CodeRepo struct {
	Type      *string `json:"type,omitempty"`
	URL       *string `json:"url,omitempty"`
	Branch    *string `json:"branch,omitempty"`
	Namespace *string `json:"namespace,omitempty"`
}

// BuildJob is a build job as the service returns it.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0276.html.
type BuildJob struct {
	ID string
	// EnterpriseProjectID is the one at the top level of the response, else that of its spec; nil if both are absent.
	EnterpriseProjectID *string
	// Creator is the name of the user; empty if the service does not return it.
	Creator string
	// CreatedAt is in RFC 3339 format if it could be parsed. It is usually empty: only the response to create is
	// documented to contain it.
	CreatedAt string
	// LastBuildID is empty until a build is started.
	LastBuildID string
	Spec        BuildJobSpec

	// rawSpec is the spec as returned, with members that are not documented.
	rawSpec json.RawMessage
}

// UnmarshalJSON decodes the response to a read. A response without job_id or spec is an error.
func (j *BuildJob) UnmarshalJSON(data []byte) error {
	type jobResponse struct {
		JobID               string          `json:"job_id"`
		EnterpriseProjectID *string         `json:"enterprise_project_id"`
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
		ID:                  wire.JobID,
		EnterpriseProjectID: wire.EnterpriseProjectID,
		Creator:             string(wire.Creator),
		CreatedAt:           string(wire.CreatedAt),
		LastBuildID:         string(wire.LastBuildID),
		rawSpec:             wire.Spec,
	}
	if err := json.Unmarshal(wire.Spec, &j.Spec); err != nil {
		return err
	}
	if value(j.EnterpriseProjectID) == "" {
		j.EnterpriseProjectID = j.Spec.EnterpriseProjectID
	}
	return nil
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
func (c *Client) UpdateBuildJob(ctx context.Context, current *BuildJob, spec BuildJobSpec) error {
	body := updateBody("", spec.Values(), current.rawSpec)
	put := func() error {
		return c.do(ctx, rest.Call{Method: http.MethodPut, Path: jobPath(current.ID), Body: body}, nil)
	}
	if spec.JobName == current.Spec.JobName {
		return put()
	}
	rename := func() error { return c.shared.writes.track(put) }
	return c.retryNameTaken(ctx, spec.JobName, current.ID, rename)
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

// updateBody returns a spec, or an object within it, with the documented members that values contains and the other
// members of raw, at every depth. prefix begins the paths of the members: "" for the spec itself.
func updateBody(prefix string, values map[string]any, raw json.RawMessage) map[string]any {
	var current map[string]json.RawMessage
	_ = json.Unmarshal(raw, &current) // It was decoded before, or it is absent.
	body := map[string]any{}
	for name, value := range current {
		body[name] = value
	}
	for _, m := range specMembers {
		name, isWithin := strings.CutPrefix(m.path, prefix)
		if !isWithin || strings.Contains(name, ".") {
			continue
		}
		value, isSet := values[m.path]
		if m.object {
			object := updateBody(m.path+".", values, current[name])
			// Undocumented members of a repository are removed with it.
			value, isSet = object, isSet || len(object) > 0 && m.path != "code_repo"
		}
		if delete(body, name); isSet {
			body[name] = value
		}
	}
	return body
}
