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
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// BuildState is the state of a build or of a phase, as returned.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
type BuildState string

const (
	// maxState limits a state in a message, in characters.
	maxState = 64
	// maxPhases is the maximum number of phases of a build.
	maxPhases = 1000
)

// maxBuilds and maxBuildPages limit the list of builds of a job. Tests lower them.
var (
	maxBuilds     = 100_000
	maxBuildPages = 10_000
)

// The documented states.
const (
	BuildNotStarted BuildState = "NotStarted"
	BuildQueuing    BuildState = "Queuing"
	BuildBuilding   BuildState = "Building"
	BuildPushing    BuildState = "Pushing"
	BuildSuccessful BuildState = "Successful"
	BuildFailed     BuildState = "Failed"
	BuildTimeout    BuildState = "Timeout"
	BuildCancel     BuildState = "Cancel"
	BuildDeleted    BuildState = "Deleted"
)

// UnmarshalJSON decodes a string or a number; anything else is "".
func (s *BuildState) UnmarshalJSON(data []byte) error { return (*looseString)(s).UnmarshalJSON(data) }

// String returns the state for a message: on one line, without characters that are not printable, and truncated.
func (s BuildState) String() string { return rest.Sanitize(string(s), maxState) }

// Ended reports whether a build in this state has ended. A build in an undocumented state has not.
func (s BuildState) Ended() bool { return s == BuildSuccessful || s.Failed() }

// Failed reports whether a build in this state has ended without success.
func (s BuildState) Failed() bool {
	return slices.Contains([]BuildState{BuildFailed, BuildTimeout, BuildCancel, BuildDeleted}, s)
}

// Build is one run of a build job. A member is empty if the service does not return it, or not yet.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0269.html (details),
// _0333 (start), _0270 (image).
type Build struct {
	ID                  string      `json:"build_id"`
	JobID               looseString `json:"job_id"`
	JobName             looseString `json:"job_name"`
	EnterpriseProjectID looseString `json:"enterprise_project_id"`
	// Index is the number of the build within its job, as returned.
	Index numberOrString `json:"index"`
	State BuildState     `json:"-"`
	// StartedAt and EndedAt are in RFC 3339 format if they could be parsed, else as returned.
	StartedAt timestamp `json:"started_at"`
	EndedAt   timestamp `json:"ended_at"`
	// Duration is nil until the build has ended.
	Duration *time.Duration `json:"-"`

	RepoType      looseString `json:"repo_type"`
	Repo          looseString `json:"repo"`
	Branch        looseString `json:"branch"`
	CommitID      looseString `json:"commit_id"`
	Committer     looseString `json:"committer"`
	CommitTime    timestamp   `json:"commit_time"`
	CommitComment looseString `json:"commit_comment"`
	// Language is the programming language, such as java.
	Language looseString `json:"language"`
	// Trigger is what started the build, such as user or auto.
	Trigger looseString `json:"type"`
	// Creator is the name of the user.
	Creator creator `json:"creator"`
	// SWRRepository is the image repository, and SWRRepoPage the address of its page in the console.
	SWRRepository looseString `json:"swr_repository"`
	SWRRepoPage   looseString `json:"swr_repo_page"`
	BaseImage     looseString `json:"base_image"`
}

// UnmarshalJSON decodes a build in any response. One without a valid build_id is an error; no other member is.
func (b *Build) UnmarshalJSON(data []byte) error {
	type plain Build
	// Start returns `state`, the others `build_state`. Only start and list return a duration.
	var wire struct {
		plain

		BuildState looseString `json:"build_state"`
		State      looseString `json:"state"`
		Duration   looseString `json:"duration"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.ID == "" {
		return errors.New("build_id is missing")
	}
	if len(wire.ID) > maxRow || !rest.PathElement.MatchString(wire.ID) {
		return fmt.Errorf("build_id %q is not a valid ID", printableID(wire.ID))
	}
	*b = Build(wire.plain)
	b.State = BuildState(cmp.Or(wire.BuildState, wire.State))
	b.Duration = b.duration(wire.Duration)
	return nil
}

// expectedBuild is a response that describes a build. If accept returns an error, the response cannot be decoded.
type expectedBuild struct {
	Build

	accept func(*Build) error
}

func (e *expectedBuild) UnmarshalJSON(data []byte) error {
	if err := e.Build.UnmarshalJSON(data); err != nil {
		return err
	}
	return e.accept(&e.Build)
}

// check returns an error unless the response describes the build with the ID, of the job. An empty jobID and a response
// without job_id match any job.
func (b *Build) check(id, jobID string) error {
	if b.ID != id {
		return fmt.Errorf("the response describes build %q instead of %q", b.ID, id)
	}
	return b.checkJob(jobID)
}

func (b *Build) checkJob(jobID string) error {
	if jobID != "" && b.JobID != "" && string(b.JobID) != jobID {
		return fmt.Errorf("the response describes build %q of job %q instead of job %q", b.ID, b.JobID, jobID)
	}
	return nil
}

// duration returns the duration that the service returned for a build that has ended, else the time from its start to
// its end.
func (b *Build) duration(returned looseString) *time.Duration {
	if !b.State.Ended() {
		return nil
	}
	if seconds, err := strconv.ParseFloat(string(returned), 64); err == nil && 0 < seconds && seconds < 1e9 {
		return new(time.Duration(seconds) * time.Second)
	}
	start, startErr := time.Parse(time.RFC3339, string(b.StartedAt))
	end, endErr := time.Parse(time.RFC3339, string(b.EndedAt))
	if startErr != nil || endErr != nil || end.Before(start) {
		return nil
	}
	return new(end.Sub(start))
}

// Phase is one of the steps that a build goes through.
type Phase struct {
	// ID is a number as returned; empty if the service does not return it.
	ID    numberOrString `json:"id"`
	Name  looseString    `json:"name"`
	State BuildState     `json:"state"`
}

// GetBuild reads a build of a job. jobID may be empty if it is not known. A response for another build or another job
// is an error. [IsNotFound] is true of the error only if the response is unambiguous: the list of builds may contain
// finished builds only, so it does not prove that a build does not exist.
func (c *Client) GetBuild(ctx context.Context, id, jobID string) (*Build, error) {
	build, err := c.readBuild(ctx, id, jobID)
	if err != nil {
		return nil, err
	}
	if job := cmp.Or(jobID, string(build.JobID)); job != "" {
		c.shared.read(object{job, id})
	}
	return build, nil
}

// readBuild is like GetBuild, but does not record the build as known, so that it can still be adopted.
func (c *Client) readBuild(ctx context.Context, id, jobID string) (*Build, error) {
	response := expectedBuild{accept: func(b *Build) error { return b.check(id, jobID) }}
	if err := c.get(ctx, buildPath(id), nil, &response); err != nil {
		return nil, err
	}
	return &response.Build, nil
}

// Phases lists the phases of a build, in their order.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0220.html.
func (c *Client) Phases(ctx context.Context, buildID string) ([]Phase, error) {
	return c.phases(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(buildID, "phases")})
}

// PhasesNow is like [Client.Phases], but sends one request, which takes at most 2 seconds. It is for progress messages:
// nothing depends on its result.
func (c *Client) PhasesNow(ctx context.Context, buildID string) ([]Phase, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.phases(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(buildID, "phases"), Once: true})
}

func (c *Client) phases(ctx context.Context, call rest.Call) ([]Phase, error) {
	var response struct {
		List phaseList `json:"list"`
	}
	err := c.do(ctx, call, &response)
	return response.List, err
}

type phaseList []Phase

func (l *phaseList) UnmarshalJSON(data []byte) error {
	return eachElement(data, maxPhases, func(phase Phase) error {
		*l = append(*l, phase)
		return nil
	})
}

// BuildSummary is one row of the list of builds.
type BuildSummary struct {
	ID    string
	State BuildState
	// Duration is nil until the build has ended.
	Duration *time.Duration
}

// BuildList contains the builds of a job.
type BuildList struct {
	// JobName is the name of the build job.
	JobName string
	// Total, Finished and Successful are the counts that the service returns.
	Total, Finished, Successful int
	// Builds are sorted from new to old. They are fewer than Total if the service does not return all.
	Builds []BuildSummary
}

type buildPage struct {
	Total      int       `json:"total"`
	PerPage    int       `json:"per_page"`
	Finished   int       `json:"finished"`
	Successful int       `json:"successful"`
	List       buildRows `json:"list"`
}

// buildRows are the rows of a page of the builds of a job.
type buildRows struct {
	jobID string
	rows  []BuildSummary
}

// UnmarshalJSON decodes the rows. A row without a valid build_id, or of another job, is an error.
func (r *buildRows) UnmarshalJSON(data []byte) error {
	return eachElement(data, maxBuilds, func(build Build) error {
		r.rows = append(r.rows, BuildSummary{ID: build.ID, State: build.State, Duration: build.Duration})
		return build.checkJob(r.jobID)
	})
}

// Builds lists the builds of a job. The API documents no parameters for further pages, but returns a page and its size;
// pages are requested by these names until one contains no new build. More than 100,000 builds or 10,000 pages are an
// error.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0219.html.
func (c *Client) Builds(ctx context.Context, jobID string) (*BuildList, error) {
	// The API requires the name of the job, although its ID is in the path.
	job, err := c.GetBuildJob(ctx, jobID, "")
	if err != nil {
		return nil, err
	}
	list, seen := &BuildList{JobName: job.Spec.Name()}, map[string]bool{}
	query := url.Values{"name": {job.Spec.Name()}}
	for page := 1; ; page++ {
		response := buildPage{List: buildRows{jobID: jobID}}
		if err := c.get(ctx, jobPath(jobID, "builds"), query, &response); err != nil {
			return nil, listError{err}
		}
		list.Total, list.Finished, list.Successful = response.Total, response.Finished, response.Successful
		before := len(list.Builds)
		for _, build := range response.List.rows {
			if !seen[build.ID] {
				seen[build.ID] = true
				list.Builds = append(list.Builds, build)
			}
		}
		if len(list.Builds) > maxBuilds {
			return nil, fmt.Errorf("the list of builds has more than %d builds", maxBuilds)
		}
		if len(list.Builds) == before || len(list.Builds) >= list.Total {
			break
		}
		if page == maxBuildPages {
			return nil, fmt.Errorf("the list of builds has more than %d pages", maxBuildPages)
		}
		query.Set("page", strconv.Itoa(page+1))
		query.Set("per_page", strconv.Itoa(max(response.PerPage, len(response.List.rows))))
	}
	// The order is not documented. The job contains the ID of its last build.
	if n := len(list.Builds); n > 1 && list.Builds[n-1].ID == job.LastBuildID {
		slices.Reverse(list.Builds)
	}
	return list, nil
}

func buildPath(id string, more ...string) []string {
	return append([]string{"assembling", "v1", "builds", id}, more...)
}
