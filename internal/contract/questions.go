// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// member is a documented member of a build job that corresponds to an argument.
type member struct {
	path string
	// first and second are the values of a create and an update. They differ from likely service defaults.
	first, second any
	// writes are what the provider sends in the lifecycle of a build job: "create" with the first value, "clear" with
	// "", "change" with the second value, and "omit" without the member.
	writes string
}

const (
	noID  = "00000000-0000-0000-0000-00000000000"
	hello = "https://github.com/octocat/Hello-World.git"
)

// members returns each member that the provider sends, in groups that are sent together.
func (p *probe) members() [][]member {
	return [][]member{
		{{"job_name", p.prefix + "name", p.prefix + "renamed", "create change"}},
		{{"enterprise_project_id", p.enterpriseProject, "0", "create change"}},
		// 64 characters, 128 bytes.
		{{"job_description", strings.Repeat("é", 64), "second", "create clear change omit"}},
		{{"environment_setting.docker_version", "18.03.1", "19.03.9", "create clear change omit"}},
		{{"environment_setting.cluster_id", noID + "0", noID + "1", "create clear change omit"}},
		{{"environment_setting.cluster_name", "no-cluster", "no-other-cluster", "create clear change omit"}},
		{{"environment_setting.use_public_cluster", false, true, "create change omit"}},
		{{"environment_setting.build_os.arch", "x86_64", "aarch64", "create change omit"}},
		{
			{"code_repo.type", "Github", "Gitlab", "create change omit"},
			{"code_repo.url", hello, "https://gitlab.com/gitlab-org/gitlab-test.git", "create change omit"},
			{"code_repo.branch", "master", "feature", "create change omit"},
			{"code_repo.namespace", "octocat", "gitlab-org", "create change omit"},
		},
	}
}

func (m member) value(write string) any {
	return map[string]any{"create": m.first, "clear": "", "change": m.second}[write]
}

// job is a build job with what it is after each write.
type job struct {
	id, name string
	response object
	after    map[string]snapshot
}

// lifecycle creates a build job with these members only and sends the other writes, unless the create is rejected.
func (p *probe) lifecycle(ctx context.Context, writes string, members ...member) job {
	j := job{name: p.name(), after: map[string]snapshot{}}
	if len(members) > 0 && members[0].first == "" {
		p.err = errNoEnterpriseProject
	}
	for write := range strings.FieldsSeq(writes) {
		body := minimal(j.name)
		for _, m := range members {
			if write != "omit" {
				set(body, m.path, m.value(write))
			}
		}
		var s snapshot
		if write == "create" {
			j.id, j.response, s.err = p.create(ctx, body)
		} else if j.id != "" {
			s.err = p.call(ctx, http.MethodPut, nil, body, nil, j.id)
		}
		if s.err == nil && j.id != "" {
			s = p.read(ctx, j.id, func(found object) bool {
				differs := func(m member) bool { return !isSame(m.value(write), found[m.path]) }
				return !slices.ContainsFunc(members, differs)
			})
		}
		j.after[write] = s
	}
	return j
}

// minimal returns the smallest body of a create or an update.
func minimal(name string) object { return object{"job_name": name, "environment_setting": object{}} }

// set sets the member at a path.
func set(document object, path string, value any) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		if document[name] == nil {
			document[name] = object{}
		}
		document, _ = document[name].(object)
	}
	document[names[len(names)-1]] = value
}

func isUnset(value any) bool { return value == nil || value == "" || value == false }
func isSame(a, b any) bool   { return isUnset(a) && isUnset(b) || reflect.DeepEqual(a, b) }

// questions returns a question for each write of a member.
func (m member) questions() (questions []question) {
	texts := map[string][2]string{
		"create": {"Does a create store %s?", "yes"},
		"clear":  {`Does "" remove %s?`, "yes"},
		"change": {"Does an update change %s at once?", "yes"},
		"omit": {
			"Does an update without %s remove it?",
			"yes; a value that stays becomes a service default, except code_repo",
		},
	}
	for write := range strings.FieldsSeq(m.writes) {
		questions = append(questions, question{
			write + " " + m.path, fmt.Sprintf(texts[write][0], m.path), texts[write][1],
			func(_ context.Context, _ *probe, j job) (Verdict, string) { return m.judge(write, j) },
		})
	}
	return questions
}

// judge compares what a write did with what the provider assumes.
func (m member) judge(write string, j job) (Verdict, string) {
	s, sent, returned := j.after[write], m.value(write), j.after[write].members[m.path]
	before := j.after[map[string]string{"clear": "create", "omit": "change"}[write]].members[m.path]
	switch text, _ := returned.(string); {
	case s.err != nil: // No sample names a cluster that exists.
		return verdict(false, strings.Contains(m.path, ".cluster_")), outcome(s.err)
	case s.reads == 0:
		return NotTested, "the create was rejected"
	case write == "create", write == "change":
		isLate := write == "change" && s.isVisible && s.reads > 1
		isHandled := isSame(returned, sent) || m.path == "code_repo.type" && strings.EqualFold(text, fmt.Sprint(sent))
		observed := yesNo[returned == sent] + "; a read returns " + describe(returned)
		if isLate {
			observed += ", but not the first one"
		}
		return verdict(returned == sent && !isLate, isHandled), observed
	case isUnset(before):
		return NotTested, "there was no value to remove"
	}
	isRemoved, isDefault := !isSame(returned, before), write == "omit" && !strings.HasPrefix(m.path, "code_repo.")
	return verdict(isRemoved, isDefault), yesNo[isRemoved]
}

// question is something that the API documentation leaves open.
type question struct {
	id, text, assumption string
	ask                  test
}

// test returns what the service did. The result does not count if it sets p.err.
type test func(ctx context.Context, p *probe, j job) (Verdict, string)

// verdict returns the verdict for a result that the provider assumes, or else may handle.
func verdict(isAssumed, isHandled bool) Verdict {
	switch {
	case isAssumed:
		return Confirmed
	case isHandled:
		return Handled
	}
	return Wrong
}

var errNoEnterpriseProject = errors.New("HW_ENTERPRISE_PROJECT_ID is not set")

// askAll asks each question.
func (p *probe) askAll(ctx context.Context) {
	first := p.lifecycle(ctx, "create")
	if s := first.after["create"]; p.err == nil && !s.isVisible {
		err := errors.New("a build job without optional members could not be created and read")
		p.stop(ctx, errors.Join(err, s.err))
	}
	err := p.err
	p.ask(ctx, first, questions...)
	for _, group := range p.members() {
		j := p.lifecycle(ctx, group[0].writes, group...)
		for _, m := range group {
			p.ask(ctx, j, m.questions()...)
		}
	}
	if p.err = err; err == nil {
		p.err = p.call(ctx, http.MethodDelete, nil, nil, nil, first.id)
	}
	p.ask(ctx, first, deletedQuestions...)
}

// ask adds a row for each question about a build job. If p.err is set, it sends no request.
func (p *probe) ask(ctx context.Context, j job, questions ...question) {
	err := p.err
	for _, q := range questions {
		row := Row{ID: q.id, Question: q.text, Assumption: q.assumption}
		if p.err = err; p.err == nil {
			row.Verdict, row.Observed = q.ask(ctx, p, j)
		}
		if ctx.Err() != nil {
			row.Verdict, row.Observed = NotTested, "interrupted"
		} else if p.err != nil {
			row.Verdict, row.Observed = NotTested, outcome(p.err)
		}
		p.report.Rows = append(p.report.Rows, row)
	}
	p.err = nil
}

// agencyQuestions are about the agency that the credentials are of, by the name and by the ID of its account.
var agencyQuestions = []question{
	{
		"agency-iam", "Does IAM return keys of an agency for a request with X-Domain-Id?", "yes",
		assumes(func(a *auth.Agency) { a.DomainID = "" }),
	},
	{
		"agency-sts", "Does STS return keys of an agency for a request with X-Domain-Id?", "yes",
		assumes(func(a *auth.Agency) { a.DomainName = "" }),
	},
}

// assumes returns a test that requests keys of the agency, which are not used.
func assumes(choose func(*auth.Agency)) test {
	return func(ctx context.Context, p *probe, _ job) (Verdict, string) {
		agency, _ := p.source.(auth.Agency)
		choose(&agency)
		base, _ := agency.Base.(auth.Static)
		if _, signs := base.Credential.(auth.AccessKey); !signs || agency.DomainName+agency.DomainID == "" {
			return NotTested, "no access key with such an agency is set"
		}
		_, err := agency.Credentials(ctx, p.clients, auth.Project{})
		return verdict(err == nil, false), outcome(err)
	}
}

// questions are about a build job without optional members.
var questions = []question{
	{
		"created-at", "Which format does created_at have in the response to a create?",
		"2025-11-14 09:06:28 +0000 UTC, or RFC 3339", createdAt,
	},
	{
		"read-after-create", "Does the first read after a create return the build job?",
		"yes; else the provider repeats it until the timeout",
		func(_ context.Context, _ *probe, j job) (Verdict, string) {
			return verdict(j.after["create"].reads == 1, true), fmt.Sprintf("read %d does", j.after["create"].reads)
		},
	},
	{
		"members-not-sent", "Which members does a read return that were not sent?",
		"none; else they are service defaults, or updates send them unchanged", membersNotSent,
	},
	{
		"name-digit", "Is a name rejected that begins with a digit?", "yes; the plan fails",
		rejects(false, func(p *probe, _ job) string { return "1" + p.name() }),
	},
	{
		"name-taken", "Is a name rejected that another build job has?", "yes, with 400 or 409 and an SVCSTG code",
		rejects(true, func(_ *probe, j job) string { return j.name }),
	},
	{
		"name-case", "Is a name rejected that another build job has in another case?",
		"yes, with 400 or 409 and an SVCSTG code",
		rejects(true, func(_ *probe, j job) string { return strings.ToUpper(j.name) }),
	},
	{"name-filter", "What does the filter job_name match?", "at least the exact name", nameFilter},
	{
		"past-last-page", "Is the page after the last one an empty list?", "yes",
		func(ctx context.Context, p *probe, _ job) (Verdict, string) {
			var page struct{ List []any }
			query := url.Values{"page": {"1000000"}, "per_page": {"100"}}
			err := p.call(ctx, http.MethodGet, query, nil, &page)
			observed := fmt.Sprintf("%s; %d build jobs", outcome(err), len(page.List))
			return verdict(err == nil && len(page.List) == 0, false), observed
		},
	},
	{
		"complete-list", "Does the list without a filter contain a new build job?",
		"yes; it decides whether a build job exists",
		func(ctx context.Context, p *probe, j job) (Verdict, string) {
			isListed := p.isListed(ctx, j.id, "")
			return verdict(isListed, false), yesNo[isListed]
		},
	},
	{
		"list-enterprise-project", "Does the list contain build jobs that were created in another enterprise project?",
		"yes",
		func(ctx context.Context, p *probe, _ job) (Verdict, string) {
			j := p.lifecycle(ctx, "create", member{path: "enterprise_project_id", first: p.enterpriseProject})
			isThere, isListed := j.after["create"].isVisible, p.isListed(ctx, j.id, j.name)
			observed := "created there: " + yesNo[isThere] + "; listed: " + yesNo[isListed]
			return verdict(isThere && isListed, false), observed
		},
	},
}

func createdAt(_ context.Context, _ *probe, j job) (Verdict, string) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999 -0700 MST", time.RFC3339Nano} {
		if _, err := time.Parse(layout, fmt.Sprint(j.response["created_at"])); err == nil {
			return Confirmed, layout
		}
	}
	return Wrong, describe(j.response["created_at"])
}

func membersNotSent(_ context.Context, _ *probe, j job) (Verdict, string) {
	known := []string{
		"job_id", "enterprise_project_id", "creator", "creator.id", "creator.name", "last_build_id", "spec.job_name",
		"spec.environment_setting",
	}
	found := []string{"nothing else"}
	for path, value := range leaves(j.after["create"].response) {
		if !slices.Contains(known, path) {
			found = append(found, describe(path)+" = "+describe(value))
		}
	}
	slices.Sort(found)
	return verdict(len(found) == 1, true), strings.Join(found, ", ")
}

func nameFilter(ctx context.Context, p *probe, j job) (Verdict, string) {
	isExact := p.isListed(ctx, j.id, j.name)
	observed := []string{"exact name: " + yesNo[isExact]}
	for _, filter := range [][2]string{
		{"prefix", j.name[:len(j.name)-2]},
		{"suffix", j.name[3:]},
		{"other case", strings.ToUpper(j.name)},
		{"other name", p.prefix + "none"},
	} {
		observed = append(observed, filter[0]+": "+yesNo[p.isListed(ctx, j.id, filter[1])])
	}
	return verdict(isExact, false), strings.Join(observed, "; ")
}

// rejects returns a test that creates a build job with a name that the service is assumed to reject.
func rejects(isHandled bool, name func(*probe, job) string) test {
	return func(ctx context.Context, p *probe, j job) (Verdict, string) {
		id, _, err := p.create(ctx, minimal(name(p, j)))
		observed := outcome(err)
		if id == j.id {
			observed += ", with the ID of another build job"
		}
		return verdict(servicestage.IsRejected(err), err == nil && isHandled), observed
	}
}

// deletedQuestions are about a build job that was deleted. The provider's client decides what a response means.
var deletedQuestions = []question{
	{
		"read-deleted", "What does a read of a deleted build job return?",
		"not found, or an error that the list of build jobs resolves", missing(func(j job) string { return j.id }),
	},
	{
		"read-unknown", "What does a read of an ID return that never existed?", "the same",
		missing(func(j job) string { return strings.Repeat("0", len(j.id)) }),
	},
	{
		"delete-deleted", "What does a second delete return?",
		"not found, or an error that the list of build jobs resolves",
		func(ctx context.Context, p *probe, j job) (Verdict, string) {
			err := p.call(ctx, http.MethodDelete, nil, nil, nil, j.id)
			return verdict(p.client.DeleteBuildJob(ctx, j.id, j.name) == nil, false), outcome(err)
		},
	},
}

// missing returns a test that reads a build job that does not exist.
func missing(id func(job) string) test {
	return func(ctx context.Context, p *probe, j job) (Verdict, string) {
		_, err := p.client.GetBuildJob(ctx, id(j), "")
		return verdict(servicestage.IsNotFound(err), false), outcome(p.call(ctx, http.MethodGet, nil, nil, nil, id(j)))
	}
}
