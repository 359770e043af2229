// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func page(number int) url.Values {
	return url.Values{"page": {strconv.Itoa(number)}, "per_page": {"100"}}
}

func (p *probe) list(ctx context.Context, query url.Values) (ids []string, answered *answer, err error) {
	answered, err = p.send(ctx, request{method: http.MethodGet, query: query})
	if err != nil {
		return nil, nil, err
	}
	rows, _ := answered.object["list"].([]any)
	for _, row := range rows {
		if id, ok := member(object{"row": row}, "row", "job_id").(string); ok {
			ids = append(ids, id)
		}
	}
	return ids, answered, nil
}

// listed says whether the filter finds a job, whichever number the first page has.
func (p *probe) listed(ctx context.Context, filter, id string) (bool, error) {
	for _, number := range []int{1, 0} {
		query := page(number)
		query.Set("job_name", filter)
		ids, _, err := p.list(ctx, query)
		if err != nil || slices.Contains(ids, id) {
			return err == nil, err
		}
	}
	return false, nil
}

func (p *probe) askList(ctx context.Context) error {
	name := p.name("list-first")
	first, err := p.mustCreate(ctx, minimal(name))
	if err != nil {
		return err
	}
	second, err := p.mustCreate(ctx, minimal(p.name("list-a-second")))
	if err != nil {
		return err
	}
	if err := p.askPages(ctx, first, name); err != nil {
		return err
	}
	if err := p.askFilter(ctx, first, name); err != nil {
		return err
	}
	return p.askOrder(ctx, first, second)
}

func (p *probe) askPages(ctx context.Context, id, name string) error {
	query := page(1)
	query.Set("job_name", name)
	one, answered, err := p.list(ctx, query)
	if err != nil {
		return err
	}
	p.answer("m2", must(answered.good()), "%s", answered.said())
	query.Set("page", "0")
	zero, zeroAnswer, err := p.list(ctx, query)
	if err != nil {
		return err
	}
	seen := map[bool]string{true: "yes", false: "no"}[slices.Contains(one, id)] + "; page 0 "
	switch {
	case !zeroAnswer.good():
		seen += "is " + zeroAnswer.said()
	case slices.Contains(zero, id):
		seen += "has the job"
	default:
		seen += "has it not"
	}
	verdict := must(slices.Contains(one, id) || slices.Contains(zero, id))
	if verdict == Agrees {
		verdict = either(slices.Contains(one, id))
	}
	p.answer("m1", verdict, "%s", seen)

	far, farAnswer, err := p.list(ctx, page(1_000_000))
	if err != nil {
		return err
	}
	p.answer("m4", must(farAnswer.good() && len(far) == 0), "%s, %d jobs", farAnswer.said(), len(far))
	_, without, err := p.list(ctx, nil)
	if err != nil {
		return err
	}
	p.answer("m5", Agrees, "without them the list is %s", without.said())
	return nil
}

func (p *probe) askFilter(ctx context.Context, id, name string) error {
	var finds []string
	exact := false
	for _, try := range []struct{ what, filter string }{
		{"the exact name", name},
		{"its beginning", name[:len(name)-3]},
		{"its end", name[3:]},
		{"another case", strings.ToUpper(name)},
		{"another name", p.name("list-nobody")},
	} {
		found, err := p.listed(ctx, try.filter, id)
		if err != nil {
			return err
		}
		if found {
			finds = append(finds, try.what)
		}
		exact = exact || found && try.filter == name
	}
	p.answer("m3", must(exact), "%s", list(finds))
	return nil
}

func (p *probe) askOrder(ctx context.Context, first, second string) error {
	var ids []string
	for job, err := range p.client.BuildJobs(ctx, "") {
		if err != nil {
			return err
		}
		ids = append(ids, job.ID)
	}
	older, newer := slices.Index(ids, first), slices.Index(ids, second)
	switch {
	case older < 0 || newer < 0:
		p.answer("m6", Differs, "the whole list lacks jobs that were just made")
	case older < newer:
		p.answer("m6", Agrees, "an older job comes before a newer one")
	default:
		p.answer("m6", Agrees, "a newer job, earlier by name, comes before an older one")
	}
	return nil
}

// askGone deletes a job, and asks for it afterwards. Whether the answers mean that it is gone is the provider's client's to say.
func (p *probe) askGone(ctx context.Context) error {
	name := p.name("g")
	id, err := p.mustCreate(ctx, minimal(name))
	if err != nil {
		return err
	}
	deleted, err := p.send(ctx, request{method: http.MethodDelete, id: id})
	if err != nil {
		return err
	}
	if !deleted.good() {
		return &refusal{what: "deletion", answer: deleted}
	}
	read, err := p.get(ctx, id)
	if err != nil {
		return err
	}
	_, readErr := p.client.GetBuildJob(ctx, id, name)
	p.answer("k1", must(servicestage.IsNotFound(readErr)), "%s", read)
	p.answerError(read, readErr)

	never := strings.Repeat("0", len(id))
	read, err = p.get(ctx, never)
	if err != nil {
		return err
	}
	_, readErr = p.client.GetBuildJob(ctx, never, "")
	p.answer("k2", must(servicestage.IsNotFound(readErr)), "%s", read)

	written, err := p.put(ctx, id, minimal(name))
	if err != nil {
		return err
	}
	p.answer("k3", must(!written.good()), "%s", written)
	again, err := p.send(ctx, request{method: http.MethodDelete, id: id})
	if err != nil {
		return err
	}
	p.answer("k4", must(p.client.DeleteBuildJob(ctx, id, name) == nil), "%s", again)
	return nil
}

func (p *probe) answerError(answered *answer, clientError error) {
	failure, ok := errors.AsType[*servicestage.Error](clientError)
	understood := ok && failure.Code != "" && failure.Message != ""
	members := "no JSON object"
	if answered.object != nil {
		members = list(slices.Sorted(maps.Keys(answered.object)))
	}
	p.answer("p1", must(understood), "%s", members)
}
