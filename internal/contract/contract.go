// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package contract asks a service the questions that ServiceStage's documents leave open, and says whether the provider
// assumes the right answers. It works with build jobs of its own alone, and deletes them again whatever happens.
package contract

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Verdict says whether the service did what the provider assumes.
type Verdict int

const (
	// Open means that the question was not answered.
	Open Verdict = iota
	// Agrees means that the service did what the provider assumes.
	Agrees
	// Copes means that the service did something else, which the provider is written for as well.
	Copes
	// Differs means that the provider assumes otherwise, and has to be mended.
	Differs
)

// String is the verdict as the report writes it.
func (v Verdict) String() string {
	return [...]string{"not answered", "yes", "no, but it copes", "**no**"}[v]
}

// Row is one question with its answer.
type Row struct {
	// ID orders the rows and names one of them, such as e3.
	ID string
	// Question is asked; Assumed is what the provider takes for its answer.
	Question, Assumed string
	// Seen is what the service did, or why that is not known. It holds no secret and no id.
	Seen    string
	Verdict Verdict
}

// Report is what was found out.
type Report struct {
	// Host is the endpoint's, Time when the probe began.
	Host string
	Time time.Time
	// Rows are in the order of their ids; every question has one, whether or not it was answered.
	Rows []Row
	// Made counts the jobs that the probe made, Left those of them that it could not delete again.
	Made, Left int
	// Earlier names jobs that look like those of an earlier run that was killed; they are left alone.
	Earlier []string
}

// namePrefix begins the name of each job that a probe makes.
const namePrefix = "tf-contract-"

// probe is one run.
type probe struct {
	config            servicestage.Config
	client            *servicestage.Client
	transport         http.RoundTripper
	enterpriseProject string

	// token is random and part of each name that this run gives.
	token string
	// names are all names that were ever sent in a create or an update, made the ids that the service answered for creates,
	// deleted those of them whose deletion it has confirmed.
	names, made, deleted []string
	// unsure is set when a create had no answer that names its job.
	unsure bool
	// headers are the names of headers of all answers that say something of limits or of an end of the API.
	headers []string

	rows   map[string]Row
	report *Report
}

// Probe asks all questions. enterpriseProject is the id of an enterprise project other than the default one, or "" where
// those questions are to stay open. When the context ends, the jobs are still deleted. The report holds what was found until
// then, also where there is an error; it is nil only where nothing could begin.
func Probe(ctx context.Context, config servicestage.Config, enterpriseProject string) (*Report, error) {
	p, err := newProbe(config)
	if err != nil {
		return nil, err
	}
	p.enterpriseProject = enterpriseProject
	if err := p.reach(ctx); err != nil {
		return nil, err
	}
	failures := p.askAll(ctx)
	failures = append(failures, p.cleanUp(ctx))
	p.report.Rows = p.sortedRows()
	return p.report, errors.Join(failures...)
}

func newProbe(config servicestage.Config) (*probe, error) {
	client, err := servicestage.New(config)
	if err != nil {
		return nil, err
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Wait == nil {
		config.Wait = wait
	}
	var token [8]byte
	_, _ = rand.Read(token[:]) // Never fails.
	_, host, _ := strings.Cut(config.Endpoint, "://")
	return &probe{
		config: config, client: client, transport: newTransport(config.InsecureSkipVerify),
		token: hex.EncodeToString(token[:]), rows: map[string]Row{}, report: &Report{Host: host, Time: config.Now()},
	}, nil
}

// reach asks for the list of jobs: without it nothing can be asked, and nothing made could be found again.
func (p *probe) reach(ctx context.Context) error {
	for job, err := range p.client.BuildJobs(ctx, "") {
		if err != nil {
			return fmt.Errorf("the jobs of the project cannot be listed, so that nothing else is asked: %w", err)
		}
		if strings.HasPrefix(job.Name, namePrefix) {
			p.report.Earlier = append(p.report.Earlier, job.Name)
		}
	}
	return nil
}

// askAll asks section by section. One that cannot be finished leaves its remaining questions open.
func (p *probe) askAll(ctx context.Context) []error {
	var failures []error
	for _, section := range sections() {
		why := "not asked"
		if err := ctx.Err(); err != nil {
			why = "not asked: the probe was interrupted"
		} else if section.ask != nil {
			if err := section.ask(p, ctx); err != nil {
				why = "not asked: " + err.Error()
				if _, refused := errors.AsType[*refusal](err); !refused {
					failures = append(failures, err)
				}
			}
		}
		for _, question := range section.questions {
			row, answered := p.rows[question.id]
			if !answered {
				row.Seen = p.clean(why)
				if question.open != "" {
					row.Seen = question.open
				}
			}
			row.ID, row.Question, row.Assumed = question.id, question.text, question.assumed
			p.rows[question.id] = row
		}
	}
	if err := ctx.Err(); err != nil {
		failures = append(failures, fmt.Errorf("the probe was interrupted: %w", err))
	}
	return failures
}

// answer notes what was seen for a question.
func (p *probe) answer(id string, verdict Verdict, format string, arguments ...any) {
	p.rows[id] = Row{Seen: p.clean(fmt.Sprintf(format, arguments...)), Verdict: verdict}
}

// either is the verdict where the provider is written for both answers and expects one.
func either(expected bool) Verdict {
	if expected {
		return Agrees
	}
	return Copes
}

// must is the verdict where the provider relies on the answer.
func must(expected bool) Verdict {
	if expected {
		return Agrees
	}
	return Differs
}

func (p *probe) sortedRows() []Row {
	rows := make([]Row, 0, len(p.rows))
	for _, row := range p.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

// clean takes out of a text what is nobody's business: the report is sent to a public place.
func (p *probe) clean(text string) string {
	pairs := []string{p.token, "RANDOM"}
	for _, id := range p.made {
		pairs = append(pairs, id, "JOB_ID")
	}
	for _, secret := range []string{p.config.ProjectID, p.enterpriseProject} {
		if secret != "" {
			pairs = append(pairs, secret, "ID")
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
