// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// phases of a build, in order.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0220.html.
var phases = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}

// progress is what the clock makes of a build.
type progress struct {
	State  string
	Phases []string // the state of each phase
	Done   int      // phases that have ended
	Ended  time.Time
}

// progress walks a build through its phases, each of which takes the same part of the time.
func (s *Service) progress(b *build) progress {
	now, cancelled := s.options.Now(), !b.CancelledAt.IsZero()
	if cancelled {
		now = b.CancelledAt
	}
	each := max(s.options.BuildDuration/time.Duration(len(phases)), 1)
	p := progress{State: "Building", Done: int(max(0, min(now.Sub(b.StartedAt)/each, time.Duration(len(phases)))))}
	if now.Sub(b.StartedAt) >= s.options.BuildDuration {
		p.Done = len(phases)
	}
	for i := range phases {
		state := "NotStarted"
		switch {
		case i < p.Done:
			state = "Successful"
		case i == p.Done && cancelled:
			state = "Cancel"
		case i == p.Done:
			state = "Building"
		}
		p.Phases = append(p.Phases, state)
	}
	switch {
	case cancelled:
		p.State, p.Ended = "Cancel", b.CancelledAt
	case p.Done == len(phases):
		p.State, p.Ended = "Successful", b.StartedAt.Add(s.options.BuildDuration)
	case p.Done == 0:
		p.State = "Queuing"
	case phases[p.Done] == "Artifact":
		p.State = "Pushing"
	}
	return p
}

func (p progress) seconds(b *build) int {
	if p.Ended.IsZero() {
		return 0
	}
	return int(p.Ended.Sub(b.StartedAt).Seconds())
}

func (s *Service) start(job *job) *build {
	index := 1
	for _, other := range s.state.Builds {
		if other.JobID == job.ID {
			index++
		}
	}
	started := &build{ID: newID(), JobID: job.ID, JobName: job.name(), Index: index, StartedAt: s.options.Now()}
	s.state.Builds = append(s.state.Builds, started)
	job.LastBuildID = started.ID
	return started
}

// createBuild is the older way to start a build.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0274.html.
func (s *Service) createBuild(r *http.Request) (any, error) {
	job, err := s.state.job(r.PathValue("job_id"))
	if err != nil {
		return nil, err
	}
	var body struct {
		Name string `json:"name"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Name != job.name() {
		return nil, invalid("name is mandatory and the name of the build job")
	}
	build := s.start(job)
	return document{
		"build_id": build.ID, "job_id": job.ID, "job_name": job.name(), "index": build.Index,
		"started_at": timestamp(build.StartedAt), "ended_at": "",
	}, nil
}

// startBuild is the newer way.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
func (s *Service) startBuild(r *http.Request) (any, error) {
	job, err := s.state.job(r.PathValue("job_id"))
	if err != nil {
		return nil, err
	}
	build := s.start(job)
	return document{
		"build_id": build.ID, "job_id": job.ID, "job_name": job.name(), "index": build.Index,
		"started_at": timestamp(build.StartedAt), "ended_at": "", "duration": 0,
		"state": s.progress(build).State, "progress": 0, "commit_id": "", "committer": "",
	}, nil
}

// listBuilds answers the newest build first.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0219.html.
func (s *Service) listBuilds(r *http.Request) (any, error) {
	job, err := s.state.job(r.PathValue("job_id"))
	if err != nil {
		return nil, err
	}
	if name := r.URL.Query().Get("name"); name != job.name() {
		return nil, invalid("name is mandatory and the name of the build job")
	}
	list, finished, successful := []document{}, 0, 0
	for _, build := range slices.Backward(s.state.Builds) {
		if build.JobID != job.ID {
			continue
		}
		progress := s.progress(build)
		if !progress.Ended.IsZero() {
			finished++
		}
		if progress.State == "Successful" {
			successful++
		}
		list = append(list, document{"build_id": build.ID, "build_state": progress.State, "duration": progress.seconds(build)})
	}
	return document{
		"total": len(list), "page": 1, "per_page": 20, "finished": finished, "successful": successful, "list": list,
	}, nil
}

// getBuild answers the details of a build or, with the query parameter taskname, the information of one code check.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0269.html, _0271.
func (s *Service) getBuild(r *http.Request) (any, error) {
	build, err := s.state.build(r.PathValue("build_id"))
	if err != nil {
		return nil, err
	}
	if check := r.URL.Query().Get("taskname"); check != "" {
		if !slices.Contains([]string{"checkstyle", "pmd", "findbugs"}, check) {
			return nil, invalid("taskname %q is invalid", check)
		}
		return document{check: document{}}, nil
	}
	return s.describe(build)
}

// describe is what details of a build hold.
func (s *Service) describe(build *build) (document, error) {
	job, err := s.state.job(build.JobID)
	if err != nil {
		return nil, err
	}
	progress := s.progress(build)
	repo := member(job.Spec, "code_repo")
	return document{
		"build_id": build.ID, "job_id": job.ID, "job_name": build.JobName, "index": build.Index,
		"enterprise_project_id": job.enterpriseProject(),
		"started_at":            timestamp(build.StartedAt),
		"ended_at":              timestamp(progress.Ended),
		"build_state":           progress.State,
		"repo_type":             text(repo, "type"),
		"repo":                  text(repo, "url"),
		"branch":                text(repo, "branch"),
		"commit_id":             "", "committer": "", "commit_time": "", "commit_comment": "", "language": "",
		"type": "user", "creator": userName,
	}, nil
}

// cancelBuild ends a running build, and leaves one alone that has ended.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0270.html.
func (s *Service) cancelBuild(r *http.Request) (any, error) {
	build, err := s.state.build(r.PathValue("build_id"))
	if err != nil {
		return nil, err
	}
	if s.progress(build).Ended.IsZero() {
		build.CancelledAt = s.options.Now()
	}
	answer, err := s.describe(build)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"repo_endpoint", "repo_web_url", "swr_repository", "swr_repo_page", "base_image", "seccomp_path"} {
		answer[name] = ""
	}
	answer["archive_result"] = document{}
	answer["code_repo_anatomy"] = document{"name": "", "archiveURL": ""}
	answer["os"] = document{"arch": ""}
	return answer, nil
}

func (s *Service) listPhases(r *http.Request) (any, error) {
	build, err := s.state.build(r.PathValue("build_id"))
	if err != nil {
		return nil, err
	}
	list := []document{}
	for i, state := range s.progress(build).Phases {
		list = append(list, document{"id": build.Index*len(phases) + i, "name": phases[i], "state": state})
	}
	return document{"total": len(list), "list": list}, nil
}

// getLog answers the log from an offset on; it grows with the build.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0221.html.
func (s *Service) getLog(r *http.Request) (any, error) {
	build, err := s.state.build(r.PathValue("build_id"))
	if err != nil {
		return nil, err
	}
	from, err := queryNumber(r, "from", 0)
	if err != nil {
		return nil, err
	}
	progress := s.progress(build)
	var log strings.Builder
	for i, state := range progress.Phases {
		if state == "NotStarted" {
			break
		}
		fmt.Fprintf(&log, "[%s] started for %s #%d\n", phases[i], build.JobName, build.Index)
		if state != "Building" {
			fmt.Fprintf(&log, "[%s] ended: %s\n", phases[i], state)
		}
	}
	return document{
		"buildlog": log.String()[min(from, log.Len()):], "next": log.Len(),
		"phases": strings.Join(phases, ","), "phase_states": strings.Join(progress.Phases, ","),
	}, nil
}

// getResults answers what the code checks counted.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0332.html.
func (s *Service) getResults(r *http.Request) (any, error) {
	build, err := s.state.build(r.PathValue("build_id"))
	if err != nil {
		return nil, err
	}
	return document{"checkstyle": document{"static": document{"count_info": []document{
		{"build_id": build.ID, "build_order": build.Index, "total_count": 0},
	}}}}, nil
}

// listBaseImages answers the sample of the page, under both of its paths.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0331.html, _0268.
func (s *Service) listBaseImages(*http.Request) (any, error) {
	return map[string][]string{
		"Go": {"1.11"}, "Java": {"8u181-jdk-alpine", "11", "17"}, "Nodejs": {"8", "16"},
		"Php": {"7-apache"}, "Python": {"3.7"}, "Tomcat": {"8-alpine"},
	}, nil
}

var _ http.Handler = (*Service)(nil)
