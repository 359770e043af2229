// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// BuildJobSpec is what a user says of a build job: the body of create and update, and `spec` in the answer of get. A nil
// member is left out of a body; a pointer to "" clears.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html (create), _0272 (update).
type BuildJobSpec struct {
	JobName             string             `json:"job_name"`
	JobDescription      *string            `json:"job_description,omitempty"`
	EnvironmentSetting  EnvironmentSetting `json:"environment_setting"`
	CodeRepo            *CodeRepo          `json:"code_repo,omitempty"`
	EnterpriseProjectID *string            `json:"enterprise_project_id,omitempty"`
}

// EnvironmentSetting says where and on what a job builds.
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

// CodeRepo is the repository that a job builds. The service wants all four members.
type CodeRepo struct {
	Type      *string `json:"type,omitempty"`
	URL       *string `json:"url,omitempty"`
	Branch    *string `json:"branch,omitempty"`
	Namespace *string `json:"namespace,omitempty"`
}

// BuildJob is a build job as the service holds it.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0276.html.
type BuildJob struct {
	ID string
	// EnterpriseProjectID is nil where the service does not say.
	EnterpriseProjectID *string
	// Creator is the name of the user; empty where the service does not say.
	Creator string
	// CreatedAt is empty but in the answer of create, or where a service says it unasked.
	CreatedAt string
	// LastBuildID is empty as long as the job has not been built.
	LastBuildID string
	Spec        BuildJobSpec

	// rawSpec is the spec as it came, with members that are not documented.
	rawSpec json.RawMessage
}

// UnmarshalJSON reads the answer of get. An answer without job_id or spec is an error: it describes no job.
func (j *BuildJob) UnmarshalJSON(data []byte) error {
	type jobAnswer struct {
		JobID               string          `json:"job_id"`
		EnterpriseProjectID *string         `json:"enterprise_project_id"`
		Creator             creator         `json:"creator"`
		CreatedAt           lenient         `json:"created_at"`
		LastBuildID         lenient         `json:"last_build_id"`
		Spec                json.RawMessage `json:"spec"`
	}
	var wire jobAnswer
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
		CreatedAt:           timestamp(string(wire.CreatedAt)),
		LastBuildID:         string(wire.LastBuildID),
		rawSpec:             wire.Spec,
	}
	if err := json.Unmarshal(wire.Spec, &j.Spec); err != nil {
		return err
	}
	if j.EnterpriseProjectID == nil {
		j.EnterpriseProjectID = j.Spec.EnterpriseProjectID
	}
	return nil
}

// UnmarshalJSON reads the answer of create. An answer without job_id is an error.
func (j *CreatedBuildJob) UnmarshalJSON(data []byte) error {
	type createAnswer struct {
		JobID     string  `json:"job_id"`
		CreatedAt lenient `json:"created_at"`
	}
	var wire createAnswer
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.JobID == "" {
		return errors.New("job_id is missing")
	}
	*j = CreatedBuildJob{ID: wire.JobID, CreatedAt: timestamp(string(wire.CreatedAt))}
	return nil
}

// BuildJobSummary is one row of the list of jobs.
type BuildJobSummary struct {
	ID   string `json:"job_id"`
	Name string `json:"job_name"`
}

// GetBuildJob reads a job. Where the service's answer may mean that the job is gone, or something else, the list of jobs
// decides: [IsNotFound] is true of the error only where that list could be had and does not hold the job. name is the last
// known name of the job, and shortens that search; it may be empty.
func (c *Client) GetBuildJob(ctx context.Context, id, name string) (*BuildJob, error) {
	job, err := c.getBuildJob(ctx, id)
	if err != nil {
		return nil, c.confirmGone(ctx, id, name, err)
	}
	c.met.add(id)
	return job, nil
}

// GetWrittenBuildJob reads a job that was written a moment ago, and therefore asks again for as long as ctx allows while the
// service does not know it yet.
func (c *Client) GetWrittenBuildJob(ctx context.Context, id string) (*BuildJob, error) {
	for attempt := 1; ; attempt++ {
		job, err := c.getBuildJob(ctx, id)
		failure, ok := errors.AsType[*Error](err)
		if !ok || !saysGone(failure) && !mayMeanGone(failure) {
			return job, err
		}
		if stopped := c.rest.Pause(ctx, rest.Delay(attempt)); stopped != nil {
			failure.Stopped = stopped
			return nil, failure
		}
	}
}

func (c *Client) getBuildJob(ctx context.Context, id string) (*BuildJob, error) {
	var job BuildJob
	if err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: jobPath(id)}, &job); err != nil {
		return nil, err
	}
	return &job, nil
}

// UpdateBuildJob replaces what the API documents of a job by spec. Whatever else the service answered for current goes back
// untouched, at every depth: a PUT replaces the whole job, and it may have been given more in the console.
func (c *Client) UpdateBuildJob(ctx context.Context, current *BuildJob, spec BuildJobSpec) error {
	body, err := replaceSpec(current.rawSpec, spec)
	if err != nil {
		return err
	}
	return c.do(ctx, rest.Call{Method: http.MethodPut, Path: jobPath(current.ID), Body: body}, nil)
}

// DeleteBuildJob deletes a job. A job that is gone already is no error. name is as in [Client.GetBuildJob].
func (c *Client) DeleteBuildJob(ctx context.Context, id, name string) error {
	err := c.do(ctx, rest.Call{Method: http.MethodDelete, Path: jobPath(id)}, nil)
	if err = c.confirmGone(ctx, id, name, err); IsNotFound(err) {
		return nil
	}
	return err
}

// BuildJobs lists the jobs of the project, each once, page by page as they are asked for. A name is passed on to the
// service, which may answer more than the exact name; an empty one lists all. The error, if any, is the last that comes.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0218.html.
func (c *Client) BuildJobs(ctx context.Context, name string) iter.Seq2[BuildJobSummary, error] {
	return func(yield func(BuildJobSummary, error) bool) {
		_, err := c.listBuildJobs(ctx, name, func(job BuildJobSummary) bool { return yield(job, nil) })
		if err != nil {
			yield(BuildJobSummary{}, err)
		}
	}
}

// listBuildJobs calls each for the jobs of the list until it returns false. complete is true where the list came to its end
// and held as many jobs as the service says there are.
func (c *Client) listBuildJobs(ctx context.Context, name string, each func(BuildJobSummary) bool) (complete bool, err error) {
	seen, stale := map[string]bool{}, 0
	// The first page is 1, as in the documented sample. Page 0 is asked for where jobs are missing in the end.
	for page := 1; ; page++ {
		list, err := c.listPage(ctx, page, name)
		if err != nil {
			return false, err
		}
		before := len(seen)
		for _, job := range list.jobs {
			if !seen[job.ID] {
				seen[job.ID] = true
				if !each(job) {
					return false, nil
				}
			}
		}
		stale++
		if len(seen) > before {
			stale = 0
		}
		switch {
		case len(seen) >= list.total:
			return true, nil
		case page == 0:
			return false, nil
		// A page may repeat what moved while it was asked for. Two such pages mean that the service always answers the same.
		case len(list.jobs) == 0 || stale == 2:
			page = -1
		}
	}
}

type listPage struct {
	total int
	jobs  []BuildJobSummary
}

// UnmarshalJSON reads a page of the list. What is no list is an error: it must not be taken for a list without jobs.
func (p *listPage) UnmarshalJSON(data []byte) error {
	type listAnswer struct {
		Total *int               `json:"total"`
		List  *[]BuildJobSummary `json:"list"`
	}
	var wire listAnswer
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.Total == nil || *wire.Total < 0 || wire.List == nil && *wire.Total > 0 {
		return errors.New("total or list is missing")
	}
	p.total = *wire.Total
	if wire.List != nil {
		p.jobs = *wire.List
	}
	for _, job := range p.jobs {
		if job.ID == "" {
			return errors.New("job_id is missing in the list")
		}
	}
	return nil
}

func (c *Client) listPage(ctx context.Context, page int, name string) (*listPage, error) {
	query := url.Values{"page": {strconv.Itoa(page)}, "per_page": {"100"}}
	if name != "" {
		query.Set("job_name", name)
	}
	var list listPage
	err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: jobPath(), Query: query}, &list)
	if err != nil {
		return nil, listError{err}
	}
	return &list, nil
}

// confirmGone settles an error of a call for one job that may mean that the job is gone: listed means that the error stands,
// and so it does where the list cannot be had.
func (c *Client) confirmGone(ctx context.Context, id, name string, err error) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok || saysGone(failure) || !mayMeanGone(failure) {
		return err
	}
	filters := []string{""}
	if name != "" {
		filters = []string{name, ""}
	}
	complete := false
	for _, filter := range filters {
		var listErr error
		listed := false
		complete, listErr = c.listBuildJobs(ctx, filter, func(job BuildJobSummary) bool {
			listed = job.ID == id
			return !listed
		})
		if listErr != nil || listed {
			return err
		}
	}
	// The last list is the whole one. One that lacks jobs proves nothing.
	if complete {
		return goneError{failure}
	}
	return err
}

func jobPath(id ...string) []string {
	return append([]string{"assembling", "v1", "jobs"}, id...)
}

// members is a JSON object whose members are not looked into.
type members map[string]json.RawMessage

// replaceSpec is the body of an update: the members of the raw spec that the API does not document, and spec.
func replaceSpec(raw json.RawMessage, spec BuildJobSpec) (members, error) {
	return replaceMembers(raw, reflect.ValueOf(spec))
}

// replaceMembers returns the members of raw that the struct does not have, and all that the struct says, at every depth.
func replaceMembers(raw json.RawMessage, written reflect.Value) (members, error) {
	result := members{}
	if len(raw) > 0 && string(raw) != "null" {
		if err := json.Unmarshal(raw, &result); err != nil {
			return nil, fmt.Errorf("the service's spec: %w", err)
		}
	}
	for field, value := range written.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		old := result[name]
		delete(result, name)
		silent := value.Kind() == reflect.Pointer && value.IsNil()
		if value.Kind() == reflect.Pointer {
			if silent {
				value = reflect.Zero(field.Type.Elem())
			} else {
				value = value.Elem()
			}
		}
		document := value.Interface()
		if value.Kind() == reflect.Struct {
			object, err := replaceMembers(old, value)
			if err != nil {
				return nil, err
			}
			// What is not documented goes back also where the rest is silent. But what the service says besides of a repository
			// belongs to it, and goes with it.
			silent = silent && (len(object) == 0 || value.Type() == reflect.TypeFor[CodeRepo]())
			document = object
		}
		if silent {
			continue
		}
		encoded, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		result[name] = encoded
	}
	return result, nil
}
