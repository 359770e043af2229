// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// BuildState is the state of a build or of one of its phases, in the service's own word.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
type BuildState string

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

// Ended reports whether a build in this state has come to its end. A word that is not documented is no end.
func (s BuildState) Ended() bool { return s == BuildSuccessful || s.Bad() }

// Bad reports whether a build in this state has ended without success.
func (s BuildState) Bad() bool {
	return slices.Contains([]BuildState{BuildFailed, BuildTimeout, BuildCancel, BuildDeleted}, s)
}

// Build is one run of a build job. A member is empty where the service does not say, or does not say it yet.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0269.html (details), _0333 (start).
type Build struct {
	ID, JobID, JobName  string
	EnterpriseProjectID string
	// Index is the number of the build within its job, in digits.
	Index string
	State BuildState
	// StartedAt and EndedAt are in RFC 3339 where they could be understood, else as they came.
	StartedAt, EndedAt string
	// Duration is nil as long as the build has not ended.
	Duration *time.Duration

	RepoType, Repo, Branch                         string
	CommitID, Committer, CommitTime, CommitComment string
	// Language is what is built, such as java.
	Language string
	// Trigger is the member `type`: who started the build, such as user or auto.
	Trigger string
	// Creator is the name of the user.
	Creator string
}

// buildAnswer is a build in each of its answers: start says `state`, the others `build_state`; only start and list have a
// duration. What is not needed to go on is read leniently.
type buildAnswer struct {
	BuildID             string  `json:"build_id"`
	JobID               lenient `json:"job_id"`
	JobName             lenient `json:"job_name"`
	EnterpriseProjectID lenient `json:"enterprise_project_id"`
	Index               digits  `json:"index"`
	BuildState          lenient `json:"build_state"`
	State               lenient `json:"state"`
	StartedAt           lenient `json:"started_at"`
	EndedAt             lenient `json:"ended_at"`
	Duration            lenient `json:"duration"`
	RepoType            lenient `json:"repo_type"`
	Repo                lenient `json:"repo"`
	Branch              lenient `json:"branch"`
	CommitID            lenient `json:"commit_id"`
	Committer           lenient `json:"committer"`
	CommitTime          lenient `json:"commit_time"`
	CommitComment       lenient `json:"commit_comment"`
	Language            lenient `json:"language"`
	Type                lenient `json:"type"`
	Creator             creator `json:"creator"`
}

// UnmarshalJSON reads a build. An answer without build_id is an error: it describes no build.
func (b *Build) UnmarshalJSON(data []byte) error {
	var wire buildAnswer
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.BuildID == "" {
		return errors.New("build_id is missing")
	}
	*b = Build{
		ID: wire.BuildID, JobID: string(wire.JobID), JobName: string(wire.JobName),
		EnterpriseProjectID: string(wire.EnterpriseProjectID),
		Index:               string(wire.Index),
		State:               BuildState(cmp.Or(wire.BuildState, wire.State)),
		StartedAt:           timestamp(string(wire.StartedAt)),
		EndedAt:             timestamp(string(wire.EndedAt)),
		RepoType:            string(wire.RepoType), Repo: string(wire.Repo), Branch: string(wire.Branch),
		CommitID: string(wire.CommitID), Committer: string(wire.Committer),
		CommitTime: timestamp(string(wire.CommitTime)), CommitComment: string(wire.CommitComment),
		Language: string(wire.Language), Trigger: string(wire.Type), Creator: string(wire.Creator),
	}
	b.Duration = b.duration(wire.Duration)
	return nil
}

// duration is what the service says of a build that has ended, else the time between its start and its end.
func (b *Build) duration(said lenient) *time.Duration {
	if !b.State.Ended() {
		return nil
	}
	if seconds, err := strconv.ParseFloat(string(said), 64); err == nil && 0 < seconds && seconds < 1e9 {
		return new(time.Duration(seconds) * time.Second)
	}
	start, startErr := time.Parse(time.RFC3339, b.StartedAt)
	end, endErr := time.Parse(time.RFC3339, b.EndedAt)
	if startErr != nil || endErr != nil || end.Before(start) {
		return nil
	}
	return new(end.Sub(start))
}

// Phase is one of the steps that a build goes through.
type Phase struct {
	// ID is in digits; empty where the service does not say.
	ID    string
	Name  string
	State BuildState
}

// UnmarshalJSON reads a phase, whose id is documented as a string and shown as a number.
func (p *Phase) UnmarshalJSON(data []byte) error {
	type phaseAnswer struct {
		ID    digits  `json:"id"`
		Name  lenient `json:"name"`
		State lenient `json:"state"`
	}
	var wire phaseAnswer
	err := json.Unmarshal(data, &wire)
	*p = Phase{ID: string(wire.ID), Name: string(wire.Name), State: BuildState(wire.State)}
	return err
}

// GetBuild reads a build. jobID, where it is not empty, is the job that it belongs to: where the service's answer may mean that
// the build is gone, or something else, the list of the job's builds decides, and [IsNotFound] is true of the error only where
// that list is whole and does not hold the build, or where the job is gone too.
func (c *Client) GetBuild(ctx context.Context, id, jobID string) (*Build, error) {
	build, err := c.getBuild(ctx, id)
	if err != nil {
		return nil, c.confirmBuildGone(ctx, id, jobID, err)
	}
	return build, nil
}

func (c *Client) getBuild(ctx context.Context, id string) (*Build, error) {
	var build Build
	if err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(id)}, &build); err != nil {
		return nil, err
	}
	return &build, nil
}

func (c *Client) confirmBuildGone(ctx context.Context, id, jobID string, err error) error {
	failure, ok := errors.AsType[*Error](err)
	if !ok || jobID == "" || saysGone(failure) || !mayMeanGone(failure) {
		return err
	}
	list, listErr := c.Builds(ctx, jobID)
	gone := IsNotFound(listErr)
	if listErr == nil {
		listed := slices.ContainsFunc(list.Builds, func(b BuildSummary) bool { return b.ID == id })
		gone = !listed && len(list.Builds) >= list.Total
	}
	if gone {
		return goneError{failure}
	}
	return err
}

// Phases lists the phases of a build, in their order.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0220.html.
func (c *Client) Phases(ctx context.Context, buildID string) ([]Phase, error) {
	var answer struct {
		List []Phase `json:"list"`
	}
	err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: buildPath(buildID, "phases")}, &answer)
	return answer.List, err
}

// BuildSummary is one row of the list of builds.
type BuildSummary struct {
	ID    string
	State BuildState
	// Duration is nil as long as the build has not ended.
	Duration *time.Duration
}

// UnmarshalJSON reads a row. One without build_id is an error.
func (s *BuildSummary) UnmarshalJSON(data []byte) error {
	var build Build
	err := json.Unmarshal(data, &build)
	*s = BuildSummary{ID: build.ID, State: build.State, Duration: build.Duration}
	return err
}

// BuildList is the builds of a job.
type BuildList struct {
	// JobName is the name of the job.
	JobName string
	// Total, Finished and Successful are what the service counts.
	Total, Finished, Successful int
	// Builds are the newest first. They are fewer than Total where the service does not hand out all.
	Builds []BuildSummary
}

type buildPage struct {
	Total      int            `json:"total"`
	PerPage    int            `json:"per_page"`
	Finished   int            `json:"finished"`
	Successful int            `json:"successful"`
	List       []BuildSummary `json:"list"`
}

// Builds lists the builds of a job. The API documents no parameters for further pages, and answers a page and its size; they are
// asked for by these names for as long as they bring new builds.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0219.html.
func (c *Client) Builds(ctx context.Context, jobID string) (*BuildList, error) {
	// The name of the job is mandatory, although its id is in the path.
	job, err := c.GetBuildJob(ctx, jobID, "")
	if err != nil {
		return nil, err
	}
	list, seen := &BuildList{JobName: job.Spec.JobName}, map[string]bool{}
	query := url.Values{"name": {job.Spec.JobName}}
	for page := 1; ; page++ {
		var answer buildPage
		if err := c.do(ctx, rest.Call{Method: http.MethodGet, Path: jobPath(jobID, "builds"), Query: query}, &answer); err != nil {
			return nil, listError{err}
		}
		list.Total, list.Finished, list.Successful = answer.Total, answer.Finished, answer.Successful
		before := len(list.Builds)
		for _, build := range answer.List {
			if !seen[build.ID] {
				seen[build.ID] = true
				list.Builds = append(list.Builds, build)
			}
		}
		if len(list.Builds) == before || len(list.Builds) >= list.Total {
			break
		}
		query.Set("page", strconv.Itoa(page+1))
		query.Set("per_page", strconv.Itoa(max(answer.PerPage, len(answer.List))))
	}
	// The order is not documented. The job says which build is the last.
	if n := len(list.Builds); n > 1 && list.Builds[n-1].ID == job.LastBuildID {
		slices.Reverse(list.Builds)
	}
	return list, nil
}

func buildPath(id string, more ...string) []string {
	return append([]string{"assembling", "v1", "builds", id}, more...)
}
