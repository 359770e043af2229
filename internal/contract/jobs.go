// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// name is a name that nobody else gives, and notes it: whatever bears it is ours.
func (p *probe) name(suffix string) string {
	return p.noted(namePrefix + p.token + "-" + suffix)
}

func (p *probe) noted(name string) string {
	if !slices.Contains(p.names, name) {
		p.names = append(p.names, name)
	}
	return name
}

// minimal is the smallest body of create and update.
func minimal(name string) object {
	return object{"job_name": name, "environment_setting": object{}}
}

// create makes a job, and remembers its id before anything else. id is empty where the service refused.
func (p *probe) create(ctx context.Context, body object) (id string, answered *answer, err error) {
	answered, err = p.send(ctx, request{method: http.MethodPost, body: body})
	if err != nil {
		p.unsure = true
		return "", nil, err
	}
	id, _ = answered.object["job_id"].(string)
	if id != "" {
		if !slices.Contains(p.made, id) {
			p.made = append(p.made, id)
		}
		return id, answered, nil
	}
	// What says yes without an id, or fails inside, may have made a job all the same.
	p.unsure = p.unsure || answered.status < http.StatusBadRequest || answered.status >= http.StatusInternalServerError
	if answered.good() {
		return "", answered, errors.New("the answer of create has no job_id")
	}
	return "", answered, nil
}

// mustCreate makes a job that the questions after it need.
func (p *probe) mustCreate(ctx context.Context, body object) (string, error) {
	id, answered, err := p.create(ctx, body)
	if err == nil && id == "" {
		err = &refusal{what: "a build job", answer: answered}
	}
	return id, err
}

func (p *probe) get(ctx context.Context, id string) (*answer, error) {
	return p.send(ctx, request{method: http.MethodGet, id: id})
}

func (p *probe) put(ctx context.Context, id string, body object) (*answer, error) {
	return p.send(ctx, request{method: http.MethodPut, id: id, body: body})
}

// spec reads a job's spec.
func (p *probe) spec(ctx context.Context, id string) (object, error) {
	answered, err := p.get(ctx, id)
	if err != nil {
		return nil, err
	}
	spec, ok := answered.object["spec"].(object)
	if !answered.good() || !ok {
		return nil, &refusal{what: "reading a job", answer: answered}
	}
	return spec, nil
}

// update changes a job and reads it again. spec is nil where the service refused.
func (p *probe) update(ctx context.Context, id string, body object) (spec object, answered *answer, err error) {
	answered, err = p.put(ctx, id, body)
	if err != nil || !answered.good() {
		return nil, answered, err
	}
	spec, err = p.spec(ctx, id)
	return spec, answered, err
}

// member returns what lies under a path of members; nil where nothing does.
func member(document object, path ...string) any {
	var value any = document
	for _, name := range path {
		nested, ok := value.(object)
		if !ok {
			return nil
		}
		value = nested[name]
	}
	return value
}

// nothing is true of what the service may answer for a member that is not set.
func nothing(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case object:
		for _, inner := range value {
			if !nothing(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// cleanUpTimeout bounds the deletion of what was made.
const cleanUpTimeout = 3 * time.Minute

// cleanUp deletes what this run has made, and what bears a name that only this run gives. It does so also where the
// context has ended, and says what it could not delete.
func (p *probe) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	failures := []error{p.findLost(ctx)}
	for _, id := range p.made {
		if slices.Contains(p.deleted, id) {
			continue
		}
		answered, err := p.send(ctx, request{method: http.MethodDelete, id: id})
		if err == nil && answered.good() {
			continue
		}
		// Whether it is gone is the client's to say: it knows the answers that mean it.
		if _, getErr := p.client.GetBuildJob(ctx, id, ""); servicestage.IsNotFound(getErr) {
			continue
		}
		p.report.Left++
		if err == nil {
			err = &refusal{what: "deletion", answer: answered}
		}
		failures = append(failures, fmt.Errorf("build job %s, whose name begins with %s%s, is left; delete it by hand: %w", id, namePrefix, p.token, err))
	}
	p.report.Made = len(p.made)
	return errors.Join(failures...)
}

// findLost finds the jobs of creates whose answer was lost. Only names that this run has given count, each of which holds the
// random token.
func (p *probe) findLost(ctx context.Context) error {
	if !p.unsure {
		return nil
	}
	// The service may show a job late.
	for attempt := range 4 {
		if attempt > 0 {
			if err := p.config.Wait(ctx, 2*time.Second<<attempt); err != nil {
				return err
			}
		}
		for job, err := range p.client.BuildJobs(ctx, "") {
			if err != nil {
				return fmt.Errorf("a create had no answer, and jobs whose name begins with %s%s cannot be looked up: %w", namePrefix, p.token, err)
			}
			if slices.Contains(p.names, job.Name) && !slices.Contains(p.made, job.ID) {
				p.made = append(p.made, job.ID)
			}
		}
	}
	return nil
}
