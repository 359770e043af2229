// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// pages starts a service that returns a list of jobs by its pages, which contain IDs separated by blanks.
func pages(t *testing.T, total int, content map[int]string) *service {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r received) {
		query := r.URL.Query()
		page, err := strconv.Atoi(query.Get("page"))
		if err != nil || query.Get("per_page") != "100" || r.URL.Path != jobs || r.Method != http.MethodGet {
			t.Errorf("unexpected request %s %s", r.Method, r.RequestURI)
		}
		var rows []string
		for id := range strings.FieldsSeq(content[page]) {
			rows = append(rows, fmt.Sprintf(`{"job_id":%q,"job_name":"name of %[1]s"}`, id))
		}
		reply{body: fmt.Sprintf(`{"total":%d,"list":[%s]}`, total, strings.Join(rows, ","))}.write(w)
	})
}

// requestedPages returns the pages that were requested, separated by blanks.
func (s *service) requestedPages() string {
	var requested []string
	for _, r := range s.requests() {
		requested = append(requested, r.URL.Query().Get("page"))
	}
	return strings.Join(requested, " ")
}

func ids(from, to int) string {
	var ids []string
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprint("job", i))
	}
	return strings.Join(ids, " ")
}

func TestBuildJobs_pages(t *testing.T) {
	t.Parallel()
	type pagesByNumber = map[int]string
	for name, c := range map[string]struct {
		total int
		pages pagesByNumber
		want  string
		// requested are the pages that were requested, in this order.
		requested string
		// incomplete lists are requested three times.
		incomplete bool
	}{
		"none":              {total: 0, requested: "1"},
		"one page":          {2, pagesByNumber{1: "a b"}, "a b", "1", false},
		"full last page":    {200, pagesByNumber{1: ids(1, 100), 2: ids(101, 200)}, ids(1, 200), "1 2", false},
		"capped pages":      {9, pagesByNumber{1: ids(1, 4), 2: ids(5, 8), 3: ids(9, 9)}, ids(1, 9), "1 2 3", false},
		"from page 0 on":    {5, pagesByNumber{0: "a b", 1: "c d", 2: "e"}, "c d e a b", "1 2 3 0", false},
		"only page 0":       {2, pagesByNumber{0: "a b"}, "a b", "1 0", false},
		"total too high":    {5, pagesByNumber{1: "a b"}, "a b", "1 2 0", true},
		"page 0 is page 1":  {5, pagesByNumber{0: "a b", 1: "a b"}, "a b", "1 2 0", true},
		"last page repeats": {5, pagesByNumber{1: "a", 2: "c", 3: "c", 4: "c"}, "a c", "1 2 3 4 0", true},
		"one page repeats":  {4, pagesByNumber{1: "a b", 2: "b a", 3: "c d"}, "a b c d", "1 2 3", false},
		"duplicates":        {3, pagesByNumber{1: "a a", 2: "a b", 3: "b c"}, "a b c", "1 2 3", false},
		"total too low":     {1, pagesByNumber{1: "a b", 2: "c"}, "a b", "1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pages(t, c.total, c.pages)
			client := service.client(t)
			var got []string
			for job, err := range client.BuildJobs(t.Context(), "") {
				if err != nil {
					_ = errorOf[*servicestage.IncompleteListError](t, err)
					equal(t, "incomplete", true, c.incomplete)
					continue
				}
				equal(t, "name", job.Name, "name of "+job.ID)
				got = append(got, job.ID)
			}
			equal(t, "IDs", strings.Join(got, " "), c.want)
			requested := c.requested
			if c.incomplete {
				requested = strings.Join([]string{requested, requested, requested}, " ")
			}
			equal(t, "requested pages", service.requestedPages(), requested)
			_, err := client.ListBuildJobs(t.Context(), "")
			equal(t, "ListBuildJobs failed", err != nil, c.incomplete)
		})
	}
}

func TestBuildJobs_lazy(t *testing.T) {
	t.Parallel()
	for stop, want := range map[string]string{"a": "1", "b": "1", "c": "1 2"} {
		service := pages(t, 4, map[int]string{1: "a b", 2: "c d"})
		list := service.client(t).BuildJobs(t.Context(), "")
		equal(t, "requested pages before the first job", service.requestedPages(), "")
		for job, err := range list {
			noError(t, err)
			if job.ID == stop {
				break
			}
		}
		equal(t, "requested pages until "+stop, service.requestedPages(), want)
	}
}

func TestBuildJobs_error(t *testing.T) {
	t.Parallel()
	good := reply{body: `{"total":3,"list":[{"job_id":"a"},{"job_id":"b"}]}`}
	empty := reply{body: `{"total":3,"list":[]}`}
	for name, c := range map[string]struct {
		replies []reply
		want    []string
	}{
		"first page":              {[]reply{noList}, nil},
		"later page":              {[]reply{good, noList}, []string{"a", "b"}},
		"page 0":                  {[]reply{good, empty, noList}, []string{"a", "b"}},
		"not found":               {[]reply{notFound}, nil},
		"not the documented JSON": {[]reply{good, {body: `{"total":"3"}`}}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := script(t, c.replies...)
			var got []string
			var failure error
			for job, err := range service.client(t).BuildJobs(t.Context(), "app") {
				noError(t, failure) // The list ends with an error.
				if failure = err; err == nil {
					got = append(got, job.ID)
				}
			}
			equal(t, "jobs", got, c.want)
			equal(t, "method of the error", errorOf[callError](t, failure).Method, http.MethodGet)
			equal(t, "not found", servicestage.IsNotFound(failure), false)
			equal(t, "number of requests", len(service.requests()), len(c.replies))
		})
	}
}

// onPage2 returns a fault that calls do when the second page of the list is requested.
func onPage2(do func()) emulator.Fault {
	isPage2 := func(r emulator.Request) bool { return strings.Contains(r.Query, "page=2") }
	return emulator.Fault{Path: jobs, Do: do, When: isPage2}
}

// A list that changes between two of its pages is read again: a row that moves to a page that was read is not missed.
func TestListBuildJobs_changingListIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(server *emulator.Server){
		"deletion": func(server *emulator.Server) { server.RemoveJob(server.Jobs()[0].ID) },
		"creation": func(server *emulator.Server) { server.AddJob(named("new")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			addJobs(server, 250)
			server.InjectFault(onPage2(func() { change(server) }))
			listed, err := client.ListBuildJobs(t.Context(), "")
			noError(t, err)
			var ids []string
			for _, job := range listed {
				ids = append(ids, job.ID)
			}
			equal(t, "IDs", ids, storedIDs(server))
		})
	}
}

// A build job that a deletion hides between two pages is not reported as not found, even if a creation keeps the total.
func TestGetBuildJob_hiddenInTheListIsNotNotFound(t *testing.T) {
	t.Parallel()
	for name, created := range map[string]bool{"deletion": false, "deletion and creation": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			addJobs(server, 151)
			server.InjectFault(emulator.Fault{Path: jobs + "/*", StatusCode: http.StatusNotFound, Body: `{}`})
			server.InjectFault(onPage2(func() {
				server.RemoveJob(server.Jobs()[0].ID)
				if created {
					server.AddJob(named("new"))
				}
			}))
			_, err := client.GetBuildJob(t.Context(), server.Jobs()[100].ID, "")
			if err == nil || servicestage.IsNotFound(err) {
				t.Errorf("got %v, want the error of the read", err)
			}
		})
	}
}
