// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"slices"
	"strconv"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// listPasses is how many times a list is read from its first page before it counts as incomplete.
const listPasses = 3

// maxRow is the maximum length of the ID and the name in a row of a list, in bytes. A list is kept in memory.
const maxRow = 1024

// maxPages and maxItems end a list that does not end by itself. Tests lower them.
var (
	maxPages = 10_000
	maxItems = 100_000
)

// BuildJobSummary is one row of the list of build jobs.
type BuildJobSummary struct {
	ID   string `json:"job_id"`
	Name string `json:"job_name"`
}

// IncompleteListError reports that ServiceStage did not return every build job of a list, or that the list kept
// changing while it was read. A build job that the list does not contain may exist.
type IncompleteListError struct {
	// Listed is the number of distinct build jobs that the last pass returned, Total the number that ServiceStage
	// reported.
	Listed, Total int
}

// Error contains both numbers.
func (e *IncompleteListError) Error() string {
	return fmt.Sprintf("the list of build jobs is incomplete: ServiceStage reported %d build jobs and returned %d",
		e.Total, e.Listed)
}

// BuildJobs lists the build jobs of the project, each once, and requests further pages only as they are needed. name is
// passed to the service, which may return more than the exact name; an empty name lists all. The last pair may contain
// an error; an [*IncompleteListError] follows the build jobs that were returned. If there is no error the list was
// complete, but a build job that was deleted while the list was read may be in it.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0218.html.
func (c *Client) BuildJobs(ctx context.Context, name string) iter.Seq2[BuildJobSummary, error] {
	return func(yield func(BuildJobSummary, error) bool) {
		yielded, stopped := map[string]bool{}, false
		err := c.readList(ctx, name, func() {}, func(_ int, job BuildJobSummary) bool {
			if !yielded[job.ID] {
				yielded[job.ID] = true
				stopped = !yield(job, nil)
			}
			return !stopped
		})
		if err != nil && !stopped {
			yield(BuildJobSummary{}, err)
		}
	}
}

// ListBuildJobs returns the build jobs of the project in the order of the service. name is that of [Client.BuildJobs].
// The list is complete unless there is an error: one pass over its pages reported a constant total and returned as many
// distinct IDs.
func (c *Client) ListBuildJobs(ctx context.Context, name string) ([]BuildJobSummary, error) {
	var jobs []BuildJobSummary
	err := c.readList(ctx, name, func() { jobs = nil }, func(_ int, job BuildJobSummary) bool {
		jobs = append(jobs, job)
		return true
	})
	return jobs, err
}

// readList reads a list until one pass is complete, or until each returns false. It calls begin before each pass.
func (c *Client) readList(
	ctx context.Context, name string, begin func(), each func(total int, job BuildJobSummary) bool,
) error {
	for attempt := 1; ; attempt++ {
		begin()
		err := c.listPass(ctx, name, each)
		if err == nil {
			return nil
		}
		if _, ok := errors.AsType[*IncompleteListError](err); !ok || attempt == listPasses {
			return listError{err}
		}
		if stopped := c.rest.Pause(ctx, rest.Delay(attempt)); stopped != nil {
			return listError{errors.Join(err, stopped)}
		}
	}
}

// listPass reads the pages of a list once and calls each for the distinct build jobs in them, with the total that the
// service reports, until each returns false. Its error is an [*IncompleteListError] if the pages do not make a list.
func (c *Client) listPass(ctx context.Context, name string, each func(total int, job BuildJobSummary) bool) error {
	seen, total, repeated := map[string]bool{}, -1, 0
	// Page 1 is the first one in the documented sample. Page 0 is requested if items are missing at the end.
	for page, requests := 1, 1; ; page, requests = page+1, requests+1 {
		list, err := c.listPage(ctx, page, name)
		if err != nil {
			return err
		}
		if total < 0 {
			total = list.total
		}
		repeated++
		for _, job := range list.jobs {
			if seen[job.ID] {
				continue
			}
			seen[job.ID], repeated = true, 0
			if !each(list.total, job) {
				return nil
			}
		}
		switch {
		case list.total != total, len(seen) > total, page == 0 && len(seen) < total:
			return &IncompleteListError{Listed: len(seen), Total: list.total}
		case len(seen) == total:
			return nil
		case requests >= maxPages || len(seen) >= maxItems:
			const format = "the list of build jobs does not end: %d build jobs on %d pages"
			return fmt.Errorf(format, len(seen), requests)
		// A page may repeat rows that moved while the list was read. Two such pages in a row: the service ignores the
		// page number.
		case len(list.jobs) == 0 || repeated == 2:
			page = -1
		}
	}
}

type listPage struct {
	total int
	jobs  []BuildJobSummary
}

// UnmarshalJSON reads a page of the list. Any other document is an error, not an empty list.
func (p *listPage) UnmarshalJSON(data []byte) error {
	var wire struct {
		Total *int              `json:"total"`
		List  []BuildJobSummary `json:"list"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.Total == nil || *wire.Total < 0 || wire.List == nil && *wire.Total > 0 {
		return errors.New("total or list is missing")
	}
	p.total, p.jobs = *wire.Total, wire.List
	for _, job := range p.jobs {
		if job.ID == "" || len(job.ID)+len(job.Name) > maxRow {
			return errors.New("a job_id in the list is missing, or a row is too long")
		}
	}
	return nil
}

func (c *Client) listPage(ctx context.Context, page int, name string) (*listPage, error) {
	query := url.Values{"page": {strconv.Itoa(page)}, "per_page": {"100"}}
	if name != "" {
		query.Set("job_name", name)
	}
	var list listPage
	err := c.get(ctx, jobPath(), query, &list)
	return &list, err
}

// resolveNotFound resolves an error of a request for one build job that may mean "not found". Only a complete list of
// all build jobs without the job proves that it does not exist. Otherwise the error is returned unchanged.
func (c *Client) resolveNotFound(ctx context.Context, id, name string, err error) error {
	if isNotFound(err) || !mayBeNotFound(err) {
		return err
	}
	if name != "" {
		for job, listErr := range c.BuildJobs(ctx, name) { // It is short and usually contains the job.
			if listErr != nil || job.ID == id {
				return err
			}
		}
	}
	all, listErr := c.ListBuildJobs(ctx, "")
	if listErr != nil || slices.ContainsFunc(all, func(job BuildJobSummary) bool { return job.ID == id }) {
		return err
	}
	if len(all) > 1 {
		// A deletion and a creation between two pages hide a row although the total is constant. Only the same list
		// again proves more.
		again, listErr := c.ListBuildJobs(ctx, "")
		if listErr != nil || !slices.Equal(all, again) {
			return err
		}
	}
	return notListedError{err}
}
