// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package contract compares what a ServiceStage endpoint does with what the provider assumes where the API
// documentation is incomplete. It creates, changes and deletes only build jobs of its own. It must not import the
// packages of resources.
package contract

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Verdict compares what the service did with what the provider assumes.
type Verdict int

// The verdicts, from unknown to bad.
const (
	NotTested Verdict = iota // The service could not be tested.
	Confirmed                // The service did what the provider assumes.
	Handled                  // The service did something else that the provider supports as well.
	Wrong                    // The provider has to change.
)

// String returns the verdict as the report shows it.
func (v Verdict) String() string { return [...]string{"not tested", "yes", "no, handled", "**no**"}[v] }

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

// notTested names what no question is about.
const notTested = `Nothing is tested unless an empty environment_setting and per_page=100 are accepted, no enterprise
project unless HW_ENTERPRISE_PROJECT_ID is set, and no agency unless HW_ASSUME_ROLE_AGENCY_NAME is set, with
HW_ASSUME_ROLE_DOMAIN_NAME for IAM and HW_ASSUME_ROLE_DOMAIN_ID for STS. Not tested, because the provider works either
way: which page is the first, the order of the list, the format of IDs, the type of creator, the default enterprise
project, other members of a create response, headers about limits, the maximum length of other members, what an update
of a deleted build job returns, and which of environment_setting, page, per_page, X-Project-Id and X-Language are
required. Not tested, because it needs a build: deleting a build job during a build, credentials of a private
repository, builds without a repository or of another branch or commit. Not tested, because it needs other build jobs,
credentials or high load: deleting a build job that ServiceStage created, tokens for a domain, rate limits and quotas.
`

// Markdown returns the report as a page without any key, token, project or ID of the account. revision is that of the
// provider.
func (r *Report) Markdown(revision string) string {
	var page strings.Builder
	counts := map[Verdict]int{}
	for _, row := range r.Rows {
		counts[row.Verdict]++
	}
	fmt.Fprintf(&page, "# Contract report\n\n%s, %s, provider %s. %d questions: the provider's assumption is "+
		"confirmed for %d and **wrong** for %d; for %d the provider handles another behavior; %d were not tested.\n\n",
		r.Host, r.Time.UTC().Format(time.DateOnly), revision, len(r.Rows), counts[Confirmed], counts[Wrong],
		counts[Handled], counts[NotTested])
	fmt.Fprintf(&page, "The probe created %d build jobs and could not delete %d of them. Earlier runs left %d with "+
		"names that begin with %s.\n\n", r.Created, r.Left, r.Earlier, namePrefix)
	page.WriteString("| | question | what the service did | what the provider assumes | agree |\n" +
		"| --- | --- | --- | --- | --- |\n")
	for _, row := range r.Rows {
		observed := strings.ReplaceAll(row.Observed, "|", `\|`)
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %s |\n", row.ID, row.Question, observed, row.Assumption, row.Verdict)
	}
	return page.String() + "\n" + notTested
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
	source            auth.Source // Of the credentials; nil if it is unknown.
	clients           auth.Clients
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
	if session, ok := config.Authenticator.(*auth.Session); ok {
		p.source, p.clients = session.Source()
	}
	p.ask(ctx, job{}, agencyQuestions...)
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
		// A build job that does not exist is no error.
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
func (p *probe) call(ctx context.Context, method string, query url.Values, body object, out any, id ...string) error {
	call := rest.Call{Method: method, Path: append([]string{"assembling", "v1", "jobs"}, id...), Query: query}
	if body != nil {
		call.Body, p.names = body, append(p.names, fmt.Sprint(body["job_name"]))
	}
	if method != http.MethodGet && len(id) > 0 && !slices.Contains(p.created, id[0]) {
		p.stop(ctx, fmt.Errorf("%s of a build job that the probe did not create", method))
	}
	if p.err != nil {
		return p.err
	}
	_, err := p.rest.Do(ctx, call, out)
	if failure, ok := errors.AsType[*rest.Error](err); err != nil && (!ok || failure.StatusCode == 0) {
		p.stop(ctx, err)
	}
	return err
}

// name returns a name that no other build job has.
func (p *probe) name() string { return p.prefix + strconv.Itoa(len(p.names)) }

// create creates a build job and records its ID.
func (p *probe) create(ctx context.Context, body object) (id string, response object, err error) {
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

// read reads a build job until the write is visible, at most five times.
func (p *probe) read(ctx context.Context, id string, isVisible func(members object) bool) (s snapshot) {
	for s.reads < 5 && !s.isVisible && p.err == nil && p.rest.Pause(ctx, time.Duration(s.reads)*time.Second) == nil {
		s = snapshot{reads: s.reads + 1}
		s.err = p.call(ctx, http.MethodGet, nil, nil, &s.response, id)
		spec, isSpec := s.response["spec"].(object)
		s.members = leaves(spec)
		if project, _ := s.response["enterprise_project_id"].(string); project != "" {
			s.members["enterprise_project_id"] = project
		}
		s.isVisible = s.err == nil && isSpec && isVisible(s.members)
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
