// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// start starts a build with the next injected outcome.
func (s *Service) start(job *job) *build {
	index := len(s.state.buildsOf(job)) + 1
	started := &build{ID: newID(), JobID: job.ID, JobName: job.name(), Index: index, StartedAt: s.options.Now()}
	if s.options.FailIn != "" {
		started.Outcome = &Outcome{Phase: s.options.FailIn}
	}
	if len(s.outcomes) > 0 {
		started.Outcome, s.outcomes = &s.outcomes[0], s.outcomes[1:]
	}
	s.state.Builds = append(s.state.Builds, started)
	job.LastBuildID = started.ID
	return started
}

// createBuild starts a build in the older way.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0274.html.
func (s *Service) createBuild(r *http.Request, job *job) (any, error) {
	var body struct {
		Name string `json:"name"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Name != job.name() {
		return nil, invalid("name is mandatory and must be that of the build job")
	}
	return s.started(s.start(job)), nil
}

// startBuild starts a build in the newer way.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
func (s *Service) startBuild(_ *http.Request, job *job) (any, error) {
	build := s.start(job)
	body := s.started(build)
	maps.Copy(body, document{
		"duration": 0, "state": s.progress(build).State, "progress": 0, "commit_id": "", "committer": "",
	})
	return body, nil
}

// started returns what both ways to start a build return.
func (s *Service) started(build *build) document {
	return document{
		"build_id": build.ID, "job_id": build.JobID, "job_name": build.JobName, "index": s.number(build.Index),
		"started_at": timestamp(build.StartedAt), "ended_at": "",
	}
}

// listBuilds returns the builds of a job, the newest first.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0219.html.
func (s *Service) listBuilds(r *http.Request, job *job) (any, error) {
	if name := r.URL.Query().Get("name"); name != job.name() {
		return nil, invalid("name is mandatory and must be that of the build job")
	}
	// Both are not documented, but are members of the response.
	page, pageErr := queryNumber(r, "page", 1, 1)
	perPage, perPageErr := queryNumber(r, "per_page", 1, 20)
	if err := errors.Join(pageErr, perPageErr); err != nil {
		return nil, err
	}
	list, finished, successful := []document{}, 0, 0
	for _, build := range s.state.buildsOf(job) {
		progress := s.progress(build)
		if !progress.Ended.IsZero() {
			finished++
		}
		if progress.State == "Successful" {
			successful++
		}
		list = append(list, document{
			"build_id": build.ID, "build_state": progress.State, "duration": progress.seconds(build),
		})
	}
	return document{
		"total": len(list), "page": page, "per_page": perPage, "finished": finished, "successful": successful,
		"list": pageOf(list, page-1, perPage, perPage),
	}, nil
}

// number returns a number that is a string in the tables of the documentation and a number in its samples.
func (s *Service) number(n int) any {
	if s.options.Quirks.StringNumbers {
		return strconv.Itoa(n)
	}
	return n
}

// getBuild returns the details of a build or, with the query parameter taskname, the information of one code check.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0269.html, _0271.
func (s *Service) getBuild(r *http.Request, build *build) (any, error) {
	if check := r.URL.Query().Get("taskname"); check != "" {
		if !slices.Contains([]string{"checkstyle", "pmd", "findbugs"}, check) {
			return nil, invalid("taskname %q is invalid", check)
		}
		return document{check: document{}}, nil
	}
	return s.details(build), nil
}

// details returns the documented members of a build.
func (s *Service) details(build *build) document {
	progress := s.progress(build)
	job, _ := s.state.job(build.JobID) // Builds are deleted with their job.
	repo := objectMember(job.Spec, "code_repo")
	commit := commitOf(build, repo, progress)
	details := document{
		"build_id": build.ID, "job_id": job.ID, "job_name": build.JobName, "index": s.number(build.Index),
		"enterprise_project_id": job.enterpriseProject(),
		"started_at":            timestamp(build.StartedAt),
		"ended_at":              timestamp(progress.Ended),
		"build_state":           progress.State,
		"repo_type":             stringMember(repo, "type"),
		"repo":                  stringMember(repo, "url"),
		"branch":                stringMember(repo, "branch"),
		"commit_id":             commit["id"], "committer": commit["committer"], "commit_time": commit["time"],
		"commit_comment": commit["comment"], "language": "",
		"type": "user", "creator": userName,
	}
	if progress.State == "Successful" { // The pages name these members, and show no values.
		details["swr_repository"] = "swr.cn-north-4.myhuaweicloud.com/emulator/" + build.JobName
		details["swr_repo_page"] = "https://console.huaweicloud.com/swr/emulator/" + build.JobName
		details["base_image"] = "emulator/base"
	}
	return details
}

// commitOf returns the commit of a build; nil before the repository is downloaded.
func commitOf(b *build, repo document, p progress) map[string]string {
	if len(repo) == 0 || p.Done <= slices.Index(phases, "Download") {
		return nil
	}
	sum := sha256.Sum256([]byte(b.ID))
	return map[string]string{
		"id": hex.EncodeToString(sum[:20]), "committer": "emulator-committer",
		"time": timestamp(b.StartedAt.Add(-time.Hour)), "comment": fmt.Sprintf("Change %d", b.Index),
	}
}

// cancelBuild ends a running build. One that has ended does not change.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0270.html.
func (s *Service) cancelBuild(_ *http.Request, build *build) (any, error) {
	switch {
	case s.progress(build).Ended.IsZero():
		build.CancelledAt = s.options.Now()
	case s.options.Quirks.RefuseLateCancel:
		return nil, invalid("the build has ended")
	}
	details := s.details(build)
	merge(details, isUnset, document{
		"repo_endpoint": "", "repo_web_url": "", "swr_repository": "", "swr_repo_page": "", "base_image": "",
		"seccomp_path": "", "archive_result": document{}, "code_repo_anatomy": document{"name": "", "archiveURL": ""},
		"os": document{"arch": ""},
	})
	return details, nil
}

func (s *Service) listPhases(_ *http.Request, build *build) (any, error) {
	list := []document{}
	for i, state := range s.progress(build).Phases {
		list = append(list, document{"id": s.number(build.Index*len(phases) + i), "name": phases[i], "state": state})
	}
	return document{"total": len(list), "list": list}, nil
}

// getLog returns the log from an offset in bytes.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0221.html.
func (s *Service) getLog(r *http.Request, build *build) (any, error) {
	from, err := queryNumber(r, "from", 0)
	if err != nil {
		return nil, err
	}
	progress := s.progress(build)
	log := progress.log(build)
	return document{
		"buildlog": log[min(from, len(log)):], "next": len(log),
		"phases": strings.Join(phases, ","), "phase_states": strings.Join(progress.Phases, ","),
	}, nil
}

// getResults returns the counts of the code checks.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0332.html.
func (s *Service) getResults(_ *http.Request, build *build) (any, error) {
	return document{"checkstyle": document{"static": document{"count_info": []document{
		{"build_id": build.ID, "build_order": build.Index, "total_count": 0},
	}}}}, nil
}

// listBaseImages returns the sample of the documentation, for both paths.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0331.html, _0268.
func (s *Service) listBaseImages(*http.Request) (any, error) {
	return map[string][]string{
		"Go": {"1.11"}, "Java": {"8u181-jdk-alpine", "11", "17"}, "Nodejs": {"8", "16"},
		"Php": {"7-apache"}, "Python": {"3.7"}, "Tomcat": {"8-alpine"},
	}, nil
}
