// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package contract compares what a ServiceStage endpoint does with what the provider assumes where the API
// documentation is incomplete. It creates, changes and deletes only build jobs of its own. It must not import the
// packages of resources.
package contract

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Verdict compares what the service did with what the provider assumes, as the report shows it.
type Verdict string

// The verdicts.
const (
	NotTested Verdict = "not tested"  // The service could not be tested.
	Confirmed Verdict = "yes"         // The service did what the provider assumes.
	Handled   Verdict = "no, handled" // The service did something else that the provider supports as well.
	Wrong     Verdict = "**no**"      // The provider has to change.
)

// Row is one question and its result. No field contains a secret or an ID of the account.
type Row struct {
	ID, Question, Assumption string
	Observed                 string // What the service did, or why the question was not tested.
	Verdict                  Verdict
}

// Report is the result of a probe.
type Report struct {
	Host string // The host:port of the endpoint.
	Time time.Time
	Rows []Row // Each question, in the order in which they are asked.
	// Created, Left and Earlier are numbers of build jobs: created by the probe, not deleted by it, and left by earlier
	// runs.
	Created, Left, Earlier int
}

//go:embed report.md
var reportText string

var reportPage = template.Must(template.New("report").Parse(reportText))

// Markdown returns the report as a page without any key, token, project or ID of the account. revision is that of the
// provider.
func (r *Report) Markdown(revision string) string {
	counts := map[string]int{}
	for _, row := range r.Rows {
		counts[string(row.Verdict)]++
	}
	var page strings.Builder
	values := map[string]any{"Report": r, "Counts": counts, "Prefix": namePrefix, "Revision": revision}
	_ = reportPage.Execute(&page, values) // It fails only if the template is wrong.
	return page.String()
}

// harmless matches text that is too short for a key, a token or an ID of the account, names of members, documented
// error codes, and parts of the URLs that the probe sends.
var harmless = regexp.MustCompile(
	`^([ -~]{0,16}|[a-z_.]+|(SVCSTG|APIGW)[.A-Z0-9]{1,15}|https://git(hub|lab)\.com/[A-Za-z/.-]{1,32})$`)

// describe returns a value that the service returned, or only its type if it could identify the account.
func describe(value any) string {
	text, isString := value.(string)
	switch _, isBool := value.(bool); {
	case value == nil:
		return "nothing"
	case isBool, isString && harmless.MatchString(text):
		return fmt.Sprintf("%#v", value)
	case isString:
		return fmt.Sprintf("a string of %d bytes", len(text))
	}
	return "an object, a list or a number"
}

var yesNo = map[bool]string{true: "yes", false: "no"}

// outcome describes the result of a request. The error of a request without a response is part of the output of the
// command only.
func outcome(err error) string {
	failure, ok := errors.AsType[*rest.Error](err)
	switch {
	case err == nil:
		return "accepted"
	case ok && failure.StatusCode != 0:
		return fmt.Sprintf("HTTP %d, error code %s, message of %d bytes",
			failure.StatusCode, describe(failure.Code), len(failure.Message))
	case errors.Is(err, errNoEnterpriseProject):
		return err.Error()
	}
	return "failed"
}

// namePrefix begins the name of each build job that a probe creates.
const namePrefix = "tf-contract-"

// probe is one run.
type probe struct {
	client            *servicestage.Client
	rest              *rest.Client
	enterpriseProject string
	report            *Report
	prefix            string          // Begins each name of this run; random.
	existing          map[string]bool // IDs of the build jobs that existed before.
	names, created    []string        // Names that were sent, IDs that were returned.
	outcomeUnknown    bool            // A create request may have created a build job without returning its ID.
	err               error           // Why the current question cannot be asked. While it is set, no request is sent.
	failures          []error
}

// Probe asks each question and deletes the build jobs that it created, also after ctx has ended. enterpriseProject is
// the ID of an enterprise project other than the default one, or empty. The report is nil if the configuration is
// invalid. A wrong assumption is no error.
func Probe(ctx context.Context, config servicestage.Config, enterpriseProject string) (*Report, error) {
	config.MaxRetries = max(config.MaxRetries, 4) // Cleaning up must not fail because of one lost response.
	client, err := servicestage.New(config)
	restClient, restErr := rest.New(config)
	if err := errors.Join(err, restErr); err != nil {
		return nil, err
	}
	p := &probe{
		client: client, rest: restClient, enterpriseProject: enterpriseProject,
		prefix: namePrefix + strings.ToLower(rand.Text()) + "-", existing: map[string]bool{},
		report: &Report{Host: restClient.Host(), Time: restClient.Now()},
	}
	session, _ := config.Authenticator.(*auth.Session) // The provider has no other.
	p.askAboutAgency(ctx, session)
	for job, err := range client.BuildJobs(ctx, "") {
		if err != nil {
			return p.report, fmt.Errorf("the probe creates no build jobs, because it cannot find them again: %w", err)
		}
		p.existing[job.ID] = true
		if strings.HasPrefix(job.Name, namePrefix) {
			p.report.Earlier++
		}
	}
	p.askAll(ctx)
	if err := ctx.Err(); err != nil {
		p.failures = append(p.failures, fmt.Errorf("the probe was interrupted: %w", err))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	p.cleanUp(ctx)
	return p.report, errors.Join(p.failures...)
}

// cleanUp deletes the build jobs whose IDs create requests returned, and new ones with a name of this run, because
// that is random.
func (p *probe) cleanUp(ctx context.Context) {
	for list := 0; list == 0 || p.outcomeUnknown && list < 4; list++ {
		err := p.rest.Pause(ctx, time.Duration(list)*2*time.Second)
		for job, listErr := range p.client.BuildJobs(ctx, "") {
			err = errors.Join(err, listErr)
			if slices.Contains(p.names, job.Name) && !p.existing[job.ID] && !slices.Contains(p.created, job.ID) {
				p.created = append(p.created, job.ID)
			}
		}
		if err != nil {
			p.failures = append(p.failures,
				fmt.Errorf("build jobs whose names contain %s may be left; delete them manually: %w", p.prefix, err))
		}
	}
	p.report.Created = len(p.created)
	for _, id := range p.created {
		if err := p.client.DeleteBuildJob(ctx, id, ""); err != nil {
			p.report.Left++
			p.failures = append(p.failures,
				fmt.Errorf("build job %s, whose name contains %s, is left; delete it manually: %w", id, p.prefix, err))
		}
	}
}

// stop ends the current question.
func (p *probe) stop(ctx context.Context, err error) {
	p.err = err
	if ctx.Err() == nil {
		p.failures = append(p.failures, err)
	}
}

// object is a JSON object.
type object = map[string]any

// call sends a request for all build jobs, or for one. It changes only build jobs that this run created. It returns
// the error of a response; any other error ends the question as well. The provider's client does not send most of
// these requests.
func (p *probe) call(ctx context.Context, method string, query url.Values, body, out any, id ...string) error {
	if method != http.MethodGet && len(id) > 0 && !slices.Contains(p.created, id[0]) {
		p.stop(ctx, fmt.Errorf("%s of a build job that the probe did not create", method))
	}
	if p.err != nil {
		return p.err
	}
	path := append([]string{"assembling", "v1", "jobs"}, id...)
	_, err := p.rest.Do(ctx, rest.Call{Method: method, Path: path, Query: query, Body: body}, out)
	if failure, ok := errors.AsType[*rest.Error](err); err != nil && (!ok || failure.StatusCode == 0) {
		p.stop(ctx, err)
	}
	return err
}

// name returns a name that no other build job has.
func (p *probe) name() string { return p.prefix + strconv.Itoa(len(p.names)) }

// create creates a build job and records its ID.
func (p *probe) create(ctx context.Context, body servicestage.Spec) (id string, response object, err error) {
	p.names = append(p.names, body.Name())
	err = p.call(ctx, http.MethodPost, nil, body, &response)
	id, _ = response["job_id"].(string)
	switch failure, ok := errors.AsType[*rest.Error](err); {
	case ok:
		p.outcomeUnknown = p.outcomeUnknown || failure.Sent && !servicestage.IsRejected(err)
	case err == nil && (id == "" || p.existing[id]):
		p.outcomeUnknown = true
		p.stop(ctx, errors.New("the response to a create does not contain the ID of a new build job"))
	case err == nil && !slices.Contains(p.created, id):
		p.created = append(p.created, id)
	}
	return id, response, err
}

// snapshot is a build job after a write.
type snapshot struct {
	response  object
	members   object // Leaves of spec, with the enterprise project of the response.
	reads     int
	isVisible bool  // The last read returned what was written.
	err       error // Rejection of the write or of the last read.
}

// read reads a build job until the write of the members is visible, at most five times.
func (p *probe) read(ctx context.Context, id, write string, members []member) (s snapshot) {
	differs := func(m member) bool { return !isSame(m.value(write), s.members[m.path]) }
	for s.reads < 5 && !s.isVisible && p.err == nil && p.rest.Pause(ctx, time.Duration(s.reads)*time.Second) == nil {
		s = snapshot{reads: s.reads + 1}
		s.err = p.call(ctx, http.MethodGet, nil, nil, &s.response, id)
		spec, isSpec := s.response["spec"].(object)
		s.members = leaves(spec)
		if project, _ := s.response["enterprise_project_id"].(string); project != "" {
			s.members["enterprise_project_id"] = project
		}
		s.isVisible = s.err == nil && isSpec && !slices.ContainsFunc(members, differs)
	}
	return s
}

// isListed reports whether the list of build jobs, filtered by a name unless it is empty, contains a build job.
func (p *probe) isListed(ctx context.Context, id, name string) bool {
	for job, err := range p.client.BuildJobs(ctx, name) {
		if err != nil {
			p.stop(ctx, err)
		}
		if job.ID == id {
			return true
		}
	}
	return false
}

// leaves returns the members that are no objects, or empty ones, by their path.
func leaves(document object) object {
	found := object{}
	for name, value := range document {
		nested, _ := value.(object)
		if len(nested) == 0 {
			found[name] = value
		}
		for path, leaf := range leaves(nested) {
			found[name+"."+path] = leaf
		}
	}
	return found
}

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
	err      error // Why questions about it cannot be asked.
}

// lifecycle creates a build job with these members only and sends the other writes, unless the create is rejected.
func (p *probe) lifecycle(ctx context.Context, writes string, members ...member) job {
	j := job{name: p.name(), after: map[string]snapshot{}}
	if len(members) > 0 && members[0].first == "" {
		p.err = errNoEnterpriseProject
	}
	for write := range strings.FieldsSeq(writes) {
		values := object{"job_name": j.name}
		for _, m := range members {
			if write != "omit" {
				values[m.path] = m.value(write)
			}
		}
		var s snapshot
		body := servicestage.Spec(values)
		if write == "create" {
			j.id, j.response, s.err = p.create(ctx, body)
		} else if j.id != "" {
			s.err = p.call(ctx, http.MethodPut, nil, body, nil, j.id)
		}
		if s.err == nil && j.id != "" {
			s = p.read(ctx, j.id, write, members)
		}
		j.after[write] = s
	}
	j.err = p.err
	return j
}

func isUnset(value any) bool { return value == nil || value == "" || value == false }
func isSame(a, b any) bool   { return isUnset(a) && isUnset(b) || reflect.DeepEqual(a, b) }

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

// ask adds a row for a question about a build job, which the API documentation leaves open. test returns what the
// service did; this does not count if test sets p.err.
func (p *probe) ask(ctx context.Context, j job, id, text, assumption string, test func() (Verdict, string)) {
	row := Row{ID: id, Question: text, Assumption: assumption}
	if p.err = j.err; p.err == nil {
		row.Verdict, row.Observed = test()
	}
	if ctx.Err() != nil {
		row.Verdict, row.Observed = NotTested, "interrupted"
	} else if p.err != nil {
		row.Verdict, row.Observed = NotTested, outcome(p.err)
	}
	row.Observed = strings.ReplaceAll(row.Observed, "|", `\|`)
	p.report.Rows = append(p.report.Rows, row)
	p.err = nil
}

// askAll asks each question that needs a build job.
func (p *probe) askAll(ctx context.Context) {
	first := p.lifecycle(ctx, "create")
	if s := first.after["create"]; p.err == nil && !s.isVisible {
		err := errors.New("a build job without optional members could not be created and read")
		p.stop(ctx, errors.Join(err, s.err))
		first.err = p.err
	}
	p.askAboutMinimal(ctx, first)
	for _, group := range p.members() {
		j := p.lifecycle(ctx, group[0].writes, group...)
		for _, m := range group {
			p.askAboutMember(ctx, j, m)
		}
	}
	if first.err == nil {
		first.err = p.call(ctx, http.MethodDelete, nil, nil, nil, first.id)
	}
	p.askAboutDeleted(ctx, first)
}

// askAboutAgency requests keys of the agency that the credentials are of, by the name and by the ID of its account.
// They are not used.
func (p *probe) askAboutAgency(ctx context.Context, session *auth.Session) {
	source, clients := session.Source()
	for _, service := range []string{"IAM", "STS"} {
		p.ask(ctx, job{}, "agency-"+strings.ToLower(service),
			"Does "+service+" return keys of an agency for a request with X-Domain-Id?", "yes",
			func() (Verdict, string) {
				agency, _ := source.(auth.Agency)
				if service == "IAM" {
					agency.DomainID = ""
				} else {
					agency.DomainName = ""
				}
				base, _ := agency.Base.(auth.Static)
				if _, signs := base.Credential.(auth.AccessKey); !signs || agency.DomainName+agency.DomainID == "" {
					return NotTested, "no access key with such an agency is set"
				}
				_, err := agency.Credentials(ctx, clients, auth.Project{})
				return verdict(err == nil, false), outcome(err)
			})
	}
}

// askAboutMinimal is about a build job without optional members.
func (p *probe) askAboutMinimal(ctx context.Context, j job) {
	p.ask(ctx, j, "created-at", "Which format does created_at have in the response to a create?",
		"2025-11-14 09:06:28 +0000 UTC, or RFC 3339", j.createdAt)
	p.ask(ctx, j, "read-after-create", "Does the first read after a create return the build job?",
		"yes; else the provider repeats it until the timeout", func() (Verdict, string) {
			return verdict(j.after["create"].reads == 1, true), fmt.Sprintf("read %d does", j.after["create"].reads)
		})
	p.ask(ctx, j, "members-not-sent", "Which members does a read return that were not sent?",
		"none; else they are service defaults, or updates send them unchanged", j.membersNotSent)
	const rejected = "yes, with 400 or 409 and an SVCSTG code"
	p.ask(ctx, j, "name-digit", "Is a name rejected that begins with a digit?", "yes; the plan fails",
		func() (Verdict, string) { return p.rejects(ctx, "1"+p.name(), j.id, false) })
	p.ask(ctx, j, "name-taken", "Is a name rejected that another build job has?", rejected,
		func() (Verdict, string) { return p.rejects(ctx, j.name, j.id, true) })
	p.ask(ctx, j, "name-case", "Is a name rejected that another build job has in another case?", rejected,
		func() (Verdict, string) { return p.rejects(ctx, strings.ToUpper(j.name), j.id, true) })
	p.ask(ctx, j, "name-filter", "What does the filter job_name match?", "at least the exact name",
		func() (Verdict, string) { return p.nameFilter(ctx, j) })
	p.ask(ctx, j, "past-last-page", "Is the page after the last one an empty list?", "yes",
		func() (Verdict, string) {
			var page struct{ List []any }
			query := url.Values{"page": {"1000000"}, "per_page": {"100"}}
			err := p.call(ctx, http.MethodGet, query, nil, &page)
			observed := fmt.Sprintf("%s; %d build jobs", outcome(err), len(page.List))
			return verdict(err == nil && len(page.List) == 0, false), observed
		})
	p.ask(ctx, j, "complete-list", "Does the list without a filter contain a new build job?",
		"yes; it decides whether a build job exists", func() (Verdict, string) {
			isListed := p.isListed(ctx, j.id, "")
			return verdict(isListed, false), yesNo[isListed]
		})
	p.ask(ctx, j, "list-enterprise-project",
		"Does the list contain build jobs that were created in another enterprise project?", "yes",
		func() (Verdict, string) {
			other := p.lifecycle(ctx, "create", member{path: "enterprise_project_id", first: p.enterpriseProject})
			isThere, isListed := other.after["create"].isVisible, p.isListed(ctx, other.id, other.name)
			observed := "created there: " + yesNo[isThere] + "; listed: " + yesNo[isListed]
			return verdict(isThere && isListed, false), observed
		})
}

func (j job) createdAt() (Verdict, string) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999999 -0700 MST", time.RFC3339Nano} {
		if _, err := time.Parse(layout, fmt.Sprint(j.response["created_at"])); err == nil {
			return Confirmed, layout
		}
	}
	return Wrong, describe(j.response["created_at"])
}

func (j job) membersNotSent() (Verdict, string) {
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

func (p *probe) nameFilter(ctx context.Context, j job) (Verdict, string) {
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

// rejects creates a build job with a name that the service is assumed to reject. existing is the ID of another one.
func (p *probe) rejects(ctx context.Context, name, existing string, isHandled bool) (Verdict, string) {
	id, _, err := p.create(ctx, servicestage.Spec{"job_name": name})
	observed := outcome(err)
	if id == existing {
		observed += ", with the ID of another build job"
	}
	return verdict(servicestage.IsRejected(err), err == nil && isHandled), observed
}

// askAboutMember is about what each write of a member did.
func (p *probe) askAboutMember(ctx context.Context, j job, m member) {
	const omitted = "yes; a value that stays becomes a service default, except code_repo"
	texts := map[string][2]string{
		"create": {"Does a create store %s?", "yes"},
		"clear":  {`Does "" remove %s?`, "yes"},
		"change": {"Does an update change %s at once?", "yes"},
		"omit":   {"Does an update without %s remove it?", omitted},
	}
	for write := range strings.FieldsSeq(m.writes) {
		p.ask(ctx, j, write+" "+m.path, fmt.Sprintf(texts[write][0], m.path), texts[write][1],
			func() (Verdict, string) { return m.judge(write, j) })
	}
}

// askAboutDeleted is about a build job that was deleted. The provider's client decides what a response means.
func (p *probe) askAboutDeleted(ctx context.Context, j job) {
	missing := func(id string) func() (Verdict, string) {
		return func() (Verdict, string) {
			_, err := p.client.GetBuildJob(ctx, id, "")
			return verdict(servicestage.IsNotFound(err), false), outcome(p.call(ctx, http.MethodGet, nil, nil, nil, id))
		}
	}
	const notFound = "not found, or an error that the list of build jobs resolves"
	p.ask(ctx, j, "read-deleted", "What does a read of a deleted build job return?", notFound, missing(j.id))
	p.ask(ctx, j, "read-unknown", "What does a read of an ID return that never existed?", "the same",
		missing(strings.Repeat("0", len(j.id))))
	p.ask(ctx, j, "delete-deleted", "What does a second delete return?", notFound, func() (Verdict, string) {
		err := p.call(ctx, http.MethodDelete, nil, nil, nil, j.id)
		return verdict(p.client.DeleteBuildJob(ctx, j.id, j.name) == nil, false), outcome(err)
	})
}
