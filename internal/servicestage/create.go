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
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// maxSearches is how many times the service is searched for an object whose response was lost, because reads may lag.
const maxSearches = 4

// lookupTimeout limits requests that are sent after the timeout of the operation, because an ID has to be saved.
const lookupTimeout = 30 * time.Second

// CreatedBuildJob is a build job that CreateBuildJob created or adopted.
type CreatedBuildJob struct {
	ID string
	// CreatedAt is in RFC 3339 format if it could be parsed, else as returned; empty if the service did not return it.
	CreatedAt string
	// Adopted is true if the response was lost and the build job was found by its name and content.
	Adopted bool
	// Resent is true if a request had no response and the request was sent again. Another one may have created a second
	// build job.
	Resent bool
	// Duplicates are other build jobs of the same name that did not exist before. Empty if the list does not contain
	// any, or not yet.
	Duplicates []BuildJobSummary
	// DuplicatesErr is why Duplicates could not be determined; nil if they could.
	DuplicatesErr error
}

// UnmarshalJSON decodes the response to a create request. A response without a valid job_id is an error.
func (j *CreatedBuildJob) UnmarshalJSON(data []byte) error {
	var wire struct {
		JobID     string    `json:"job_id"`
		CreatedAt timestamp `json:"created_at"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if !rest.PathElement.MatchString(wire.JobID) {
		return errors.New("job_id is missing or invalid")
	}
	*j = CreatedBuildJob{ID: wire.JobID, CreatedAt: string(wire.CreatedAt)}
	return nil
}

// UnknownOutcomeError reports that a create request was sent, that its response was lost, and that no build job could
// be identified as the created one.
type UnknownOutcomeError struct {
	// Name is the name of the build job.
	Name string
	// Jobs are the build jobs of this name that may be the created one, or somebody else's.
	Jobs []BuildJobSummary
	// Err is the last failure of the request.
	Err error
	// LookupErr is why the list or one of Jobs could not be read; nil if they could.
	LookupErr error
}

// Error returns the text of Err.
func (e *UnknownOutcomeError) Error() string { return e.Err.Error() }

// Unwrap returns Err and LookupErr.
func (e *UnknownOutcomeError) Unwrap() []error { return []error{e.Err, e.LookupErr} }

// ExistingIDError reports that the response to a create request contained the ID of a build job that existed before.
type ExistingIDError struct{ ID string }

// Error returns a text without the ID, which may be unsafe to print.
func (e *ExistingIDError) Error() string {
	return "the response to the create request contains the ID of a build job that existed before"
}

// CreateBuildJob creates one build job, even if responses are lost. A request in flight is not canceled with ctx, but
// ends within 30 seconds. If its response is lost, the build job is adopted if it is the only new one of its name and
// equals the request. If there is no new one, the request is sent again within ctx and the configured retries.
// Otherwise the error is an [*UnknownOutcomeError]. A request that is rejected because of the name is sent again while
// this process renames or deletes other build jobs.
func (c *Client) CreateBuildJob(ctx context.Context, spec Spec) (*CreatedBuildJob, error) {
	// Two concurrent creates of one name could adopt each other's build job.
	unlock, err := c.lock(ctx, strings.ToLower(spec.Name()))
	if err != nil {
		return nil, err
	}
	defer unlock()
	existing := c.listExisting(ctx, spec.Name())
	existing.reads = c.shared.reads.Load()

	var created *CreatedBuildJob
	var last *Error
	err = c.retryNameTaken(ctx, spec.Name(), "", func() (err error) {
		created, err = c.createBuildJob(ctx, spec, existing, last)
		if outcome, ok := errors.AsType[*UnknownOutcomeError](err); ok {
			last, _ = errors.AsType[*Error](outcome.Err)
		}
		return err
	})
	// A server error may report a taken name. Nothing is sent again then: a build job that the list does not contain
	// yet may exist.
	outcome, ok := errors.AsType[*UnknownOutcomeError](err)
	if ok && isServerError(err) && outcome.LookupErr == nil && len(outcome.Jobs) == 0 {
		taken := c.nameTaken(ctx, spec.Name(), "", err)
		if taken != nil && (taken.Own || existing.ids[taken.Job.ID]) {
			return nil, taken
		}
	}
	return created, err
}

// createBuildJob sends the request until its outcome is known. last is the last failure of an earlier request whose
// outcome is unknown; nil if there was none.
func (c *Client) createBuildJob(
	ctx context.Context, spec Spec, existing existingJobs, last *Error,
) (*CreatedBuildJob, error) {
	resends, resent := c.rest.MaxRetries(), false
	for send := 1; ; send++ {
		var created CreatedBuildJob
		err := c.do(ctx, rest.Call{Method: http.MethodPost, Path: jobPath(), Body: spec}, &created)
		if err == nil {
			// The ID of another create, or of a build job that existed before, would let two resources manage one build
			// job.
			if existing.ids[created.ID] || !c.shared.created(object{jobID: created.ID}) {
				return nil, &ExistingIDError{ID: created.ID}
			}
			if created.Resent = last != nil; created.Resent {
				created.Duplicates, created.DuplicatesErr = c.duplicates(ctx, spec.Name(), existing)
			}
			return &created, nil
		}
		failure, ok := errors.AsType[*Error](err)
		if !ok || last == nil && !outcomeUnknown(failure) {
			return nil, err
		}
		resent = resent || last != nil && outcomeUnknown(failure)
		if last == nil || failure.Sent {
			last = failure
		}
		if hasServiceCode(failure) {
			resends = min(resends, 1) // It is likely to fail again.
		}
		adopted, jobs, lookupErr := c.findCreated(ctx, spec, existing)
		if adopted != "" {
			return &CreatedBuildJob{ID: adopted, Adopted: true, Resent: resent}, nil
		}
		isFinal := lookupErr != nil || len(jobs) > 0 || !outcomeUnknown(failure) || send > resends
		if last.Stopped = ctx.Err(); !isFinal && last.Stopped == nil {
			last.Stopped = c.rest.PauseAfter(ctx, send, failure)
		}
		if isFinal || last.Stopped != nil {
			return nil, &UnknownOutcomeError{Name: spec.Name(), Jobs: jobs, Err: last, LookupErr: lookupErr}
		}
	}
}

// outcomeUnknown reports whether the service may have carried out a request that failed. The status 303 says that it
// has.
func outcomeUnknown(failure *Error) bool {
	return failure.Sent && (failure.StatusCode < http.StatusMultipleChoices && failure.Code == "" ||
		failure.StatusCode == http.StatusSeeOther || failure.StatusCode == http.StatusRequestTimeout ||
		failure.StatusCode >= http.StatusInternalServerError)
}

// findCreated searches for the build job of a create request whose response was lost. It returns the ID of the one to
// adopt, or the build jobs that may be it. After the end of ctx it searches once more, with another timeout, because
// the ID has to be saved.
func (c *Client) findCreated(
	ctx context.Context, spec Spec, existing existingJobs,
) (adopted string, others []BuildJobSummary, err error) {
	for attempt := 1; ; attempt++ {
		var settled bool
		adopted, others, settled, err = c.searchCreated(ctx, spec, existing, attempt == maxSearches)
		if settled || attempt == maxSearches || c.rest.Pause(ctx, rest.Delay(attempt)) != nil {
			break
		}
	}
	// A wait that exceeds the deadline fails before the deadline.
	if adopted != "" || ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return adopted, others, err
	}
	late, cancel := uncanceled(ctx, lookupTimeout)
	defer cancel()
	adopted, others, _, err = c.searchCreated(late, spec, existing, false)
	return adopted, others, err
}

// searchCreated searches once. settled means that another search would return the same. A listed build job that GET
// does not find is a deleted one, or the created one if reads lag. The last search ignores it.
func (c *Client) searchCreated(
	ctx context.Context, spec Spec, existing existingJobs, last bool,
) (adopted string, others []BuildJobSummary, settled bool, err error) {
	listed, err := c.unknownJobsNamed(ctx, spec.Name(), existing)
	if err != nil {
		return "", nil, true, err
	}
	var found []*BuildJob
	missing := 0
	for _, summary := range listed {
		job, err := c.getBuildJob(ctx, summary.ID)
		switch {
		case err == nil:
			found, others = append(found, job), append(others, summary)
		case mayBeNotFound(err):
			missing++
			if !last {
				others = append(others, summary)
			}
		default:
			return "", listed, true, err
		}
		if len(found) > 1 {
			return "", listed, true, nil
		}
	}
	if len(found) == 1 && (missing == 0 || last) && existing.complete && found[0].matches(spec) {
		if c.shared.adopt(object{jobID: found[0].ID}) {
			return found[0].ID, nil, true, nil
		}
	}
	return "", others, len(found) > 0 && missing == 0, nil
}

// duplicates returns the other build jobs that a request without response may have created. It does not end with ctx.
func (c *Client) duplicates(ctx context.Context, name string, existing existingJobs) ([]BuildJobSummary, error) {
	late, cancel := uncanceled(ctx, lookupTimeout)
	defer cancel()
	return c.unknownJobsNamed(late, name, existing)
}

// unknownJobsNamed lists the build jobs with this name whose IDs were not known before the create. Names are compared
// case-insensitively: the service may store a name in another case, and such a build job may be the created one.
func (c *Client) unknownJobsNamed(ctx context.Context, name string, existing existingJobs) ([]BuildJobSummary, error) {
	all, err := c.ListBuildJobs(ctx, name)
	var jobs []BuildJobSummary
	for _, job := range all {
		known := existing.ids[job.ID] || c.shared.knewBefore(object{jobID: job.ID}, existing.reads)
		if strings.EqualFold(job.Name, name) && !known {
			jobs = append(jobs, job)
		}
	}
	return jobs, err
}

// matches reports whether the build job can be the result of the request: it has everything that was sent, it was never
// built, and it has no description, repository or cluster that was not sent. Other values may be service defaults. An
// empty string equals an absent one, and the type of a repository is compared case-insensitively, as in Read.
func (j *BuildJob) matches(sent Spec) bool {
	for _, m := range specMembers {
		got, want := cmp.Or(j.Spec[m.path], m.zero), sent[m.path] // "" and false equal an absent value.
		if m.path == enterpriseProjectID {
			got = cmp.Or(j.EnterpriseProjectID, defaultEnterpriseProjectID)
			want = cmp.Or(sent.text(m.path), defaultEnterpriseProjectID)
		}
		switch {
		case want == nil && got != m.zero && !mayBeDefault(m.path):
			return false
		case want == nil || got == want:
		case m.path != "code_repo.type" || !strings.EqualFold(fmt.Sprint(got), fmt.Sprint(want)):
			return false
		}
	}
	return j.LastBuildID == ""
}

// mayBeDefault is true of a member that the service may set if it was not sent.
func mayBeDefault(path string) bool {
	name, ok := strings.CutPrefix(path, "environment_setting.")
	return ok && name != "cluster_id" && name != "cluster_name"
}

// IsForeign reports whether the build job cannot be the result of a create with this request, although it has the
// returned ID: its name differs, or it has a description or a repository that was not sent. A cluster may be a service
// default.
func (j *BuildJob) IsForeign(sent Spec) bool {
	for path, value := range j.Spec {
		top, _, _ := strings.Cut(path, ".")
		isUnsent := sent[top] == nil || sent[top] == ""
		if (top == "job_description" || top == "code_repo") && isUnsent && value != "" && value != (Empty{}) {
			return true
		}
	}
	return !strings.EqualFold(j.Spec.Name(), sent.Name())
}

// defaultEnterpriseProjectID is the ID of the enterprise project "default".
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0269.html (example).
const defaultEnterpriseProjectID = "0"
