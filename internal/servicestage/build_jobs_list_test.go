// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// pages starts a service with a list of jobs, page by page. A page that is not there is empty.
func pages(t *testing.T, total int, content map[int][]string) *service {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r received) {
		query := r.URL.Query()
		page, err := strconv.Atoi(query.Get("page"))
		if err != nil || query.Get("per_page") != "100" || r.URL.Path != jobs || r.Method != http.MethodGet {
			t.Errorf("unexpected request %s %s", r.Method, r.RequestURI)
		}
		rows := []map[string]string{}
		for _, id := range content[page] {
			rows = append(rows, map[string]string{"job_id": id, "job_name": "name of " + id})
		}
		body, err := json.Marshal(map[string]any{"total": total, "page": page, "per_page": len(rows), "list": rows})
		if err != nil {
			t.Error(err)
		}
		reply{body: string(body)}.write(w)
	})
}

// requestedPages returns the pages that were requested.
func (s *service) requestedPages() []string {
	var requested []string
	for _, r := range s.requests() {
		requested = append(requested, r.URL.Query().Get("page"))
	}
	return requested
}

func ids(from, to int) []string {
	var ids []string
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprint("job", i))
	}
	return ids
}

func TestBuildJobs_pages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		total     int
		pages     map[int][]string
		want      []string
		requested []string
		// incomplete lists are requested three times.
		incomplete bool
	}{
		{"none", 0, nil, nil, []string{"1"}, false},
		{"one page", 2, map[int][]string{1: {"a", "b"}}, []string{"a", "b"}, []string{"1"}, false},
		{
			"full pages", 250,
			map[int][]string{1: ids(1, 100), 2: ids(101, 200), 3: ids(201, 250)},
			ids(1, 250),
			[]string{"1", "2", "3"},
			false,
		},
		{"a full last page", 200, map[int][]string{1: ids(1, 100), 2: ids(101, 200)}, ids(1, 200), []string{"1", "2"}, false},
		{
			"capped pages", 25,
			map[int][]string{1: ids(1, 10), 2: ids(11, 20), 3: ids(21, 25)},
			ids(1, 25),
			[]string{"1", "2", "3"},
			false,
		},
		{
			"from page 0 on", 5,
			map[int][]string{0: {"a", "b"}, 1: {"c", "d"}, 2: {"e"}},
			[]string{"c", "d", "e", "a", "b"},
			[]string{"1", "2", "3", "0"},
			false,
		},
		{"everything on page 0", 2, map[int][]string{0: {"a", "b"}}, []string{"a", "b"}, []string{"1", "0"}, false},
		{"total too high", 5, map[int][]string{1: {"a", "b"}}, []string{"a", "b"}, []string{"1", "2", "0"}, true},
		{
			"page 0 is page 1", 5,
			map[int][]string{0: {"a", "b"}, 1: {"a", "b"}},
			[]string{"a", "b"},
			[]string{"1", "2", "0"},
			true,
		},
		{
			"last page again and again", 5,
			map[int][]string{1: {"a", "b"}, 2: {"c"}, 3: {"c"}, 4: {"c"}},
			[]string{"a", "b", "c"},
			[]string{"1", "2", "3", "4", "0"},
			true,
		},
		{
			"a page of nothing new before others", 4,
			map[int][]string{1: {"a", "b"}, 2: {"b", "a"}, 3: {"c", "d"}},
			[]string{"a", "b", "c", "d"},
			[]string{"1", "2", "3"},
			false,
		},
		{
			"duplicates on and across pages", 4,
			map[int][]string{1: {"a", "b", "a"}, 2: {"b", "c"}, 3: {"c", "d"}},
			[]string{"a", "b", "c", "d"},
			[]string{"1", "2", "3"},
			false,
		},
		{"more than the total", 1, map[int][]string{1: {"a", "b"}, 2: {"c"}}, []string{"a", "b"}, []string{"1"}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := pages(t, test.total, test.pages)
			client := service.client(t)
			for job, err := range client.BuildJobs(t.Context(), "") {
				if err != nil {
					_, incomplete := errors.AsType[*servicestage.IncompleteListError](err)
					equal(t, "incomplete", incomplete, test.incomplete)
					continue
				}
				if len(test.want) == 0 || job != (servicestage.BuildJobSummary{ID: test.want[0], Name: "name of " + test.want[0]}) {
					t.Fatalf("got %v, want one of %v next", job, test.want)
				}
				test.want = test.want[1:]
			}
			equal(t, "number of missing jobs", len(test.want), 0)
			if test.incomplete {
				test.requested = slices.Concat(test.requested, test.requested, test.requested)
			}
			equal(t, "requested pages", service.requestedPages(), test.requested)
			_, err := client.ListBuildJobs(t.Context(), "")
			equal(t, "the whole list is incomplete", err != nil, test.incomplete)
		})
	}
}

func TestBuildJobs_name(t *testing.T) {
	t.Parallel()
	service := pages(t, 3, map[int][]string{1: {"a"}, 2: {"b"}, 3: {"c"}})
	client := service.client(t)
	for _, name := range []string{"", "a b&c"} {
		for _, err := range client.BuildJobs(t.Context(), name) {
			if err != nil {
				t.Error(err)
			}
		}
	}
	var want []string
	for _, filter := range []string{"", "job_name=a+b%26c&"} {
		for page := 1; page <= 3; page++ {
			want = append(want, fmt.Sprintf("GET %s?%spage=%d&per_page=100", jobs, filter, page))
		}
	}
	equal(t, "requests", service.lines(), want)
}

func TestBuildJobs_lazy(t *testing.T) {
	t.Parallel()
	service := pages(t, 4, map[int][]string{1: {"a", "b"}, 2: {"c", "d"}})
	list := service.client(t).BuildJobs(t.Context(), "")
	equal(t, "requested pages before the first job", service.requestedPages(), nil)
	for stop, want := range map[string][]string{"a": {"1"}, "b": {"1"}, "c": {"1", "2"}} {
		before := len(service.requestedPages())
		for job, err := range list {
			if err != nil {
				t.Fatal(err)
			}
			if job.ID == stop {
				break
			}
		}
		equal(t, "requested pages until "+stop, service.requestedPages()[before:], want)
	}
}

func TestBuildJobs_error(t *testing.T) {
	t.Parallel()
	good := reply{body: `{"total":3,"list":[{"job_id":"a"},{"job_id":"b"}]}`}
	empty := reply{body: `{"total":3,"list":[]}`}
	bad := reply{status: http.StatusForbidden, body: `{"error_code":"APIGW.0302"}`}
	for _, test := range []struct {
		name    string
		replies []reply
		want    []string
	}{
		{"first page", []reply{bad}, nil},
		{"later page", []reply{good, bad}, []string{"a", "b"}},
		{"page 0", []reply{good, empty, bad}, []string{"a", "b"}},
		{"after a retry", []reply{good, {status: 503}, bad}, []string{"a", "b"}},
		{"not the documented JSON", []reply{good, {body: `{"total":"3"}`}}, []string{"a", "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := script(t, test.replies...)
			var got []string
			var errs []error
			for job, err := range service.client(t).BuildJobs(t.Context(), "app") {
				if err != nil {
					equal(t, "job beside the error", job, servicestage.BuildJobSummary{})
					errs = append(errs, err)
					continue // An iterator that goes on after an error would be noticed.
				}
				got = append(got, job.ID)
			}
			equal(t, "jobs", got, test.want)
			if len(errs) != 1 {
				t.Fatalf("got the errors %v, want one", errs)
			}
			equal(t, "method of the error", failureOf(t, errs[0]).Method, http.MethodGet)
			equal(t, "number of requests", len(service.requests()), len(test.replies))
		})
	}
}

// A list that changes between two of its pages is read again: a row that moves to a page that was read is not missed.
func TestListBuildJobs_changingListIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(server *emulator.Server){
		"deletion": func(server *emulator.Server) { server.RemoveJob(server.Jobs()[0].ID) },
		"creation": func(server *emulator.Server) {
			server.AddJob(map[string]any{"job_name": "new", "environment_setting": map[string]any{}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			for i := range 250 {
				server.AddJob(map[string]any{"job_name": fmt.Sprintf("app-%d", i), "environment_setting": map[string]any{}})
			}
			server.InjectFault(emulator.Fault{Path: jobs, When: func(r emulator.Request) bool { return strings.Contains(r.Query, "page=2") }, Do: func() { change(server) }})
			listed, err := client.ListBuildJobs(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, job := range listed {
				ids = append(ids, job.ID)
			}
			equal(t, "IDs", ids, storedIDs(server))
		})
	}
}

// A live build job is never reported as not found because a deletion moved it between two pages.
func TestGetBuildJob_movedInTheListIsNotNotFound(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	for i := range 150 {
		server.AddJob(map[string]any{"job_name": fmt.Sprintf("app-%d", i), "environment_setting": map[string]any{}})
	}
	live, gone := server.Jobs()[100].ID, server.Jobs()[3].ID
	server.InjectFault(emulator.Fault{Path: jobs + "/*", StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.1"}`})
	server.InjectFault(emulator.Fault{Path: jobs, When: func(r emulator.Request) bool { return strings.Contains(r.Query, "page=2") }, Do: func() { server.RemoveJob(gone) }})
	_, err := client.GetBuildJob(t.Context(), live, "")
	if err == nil || servicestage.IsNotFound(err) {
		t.Errorf("got %v, want the error of the read", err)
	}
}

// A deletion and a creation between two pages leave the total as it is, and hide a build job: that proves nothing.
func TestGetBuildJob_compensatedDeletionIsNotNotFound(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	for i := range 151 {
		server.AddJob(map[string]any{"job_name": fmt.Sprintf("app-%d", i), "environment_setting": map[string]any{}})
	}
	live, gone := server.Jobs()[100].ID, server.Jobs()[0].ID
	server.InjectFault(emulator.Fault{Path: jobs + "/*", StatusCode: http.StatusNotFound, Body: `{}`})
	server.InjectFault(emulator.Fault{Path: jobs, When: func(r emulator.Request) bool { return strings.Contains(r.Query, "page=2") }, Do: func() {
		server.RemoveJob(gone)
		server.AddJob(map[string]any{"job_name": "new", "environment_setting": map[string]any{}})
	}})
	if _, err := client.GetBuildJob(t.Context(), live, ""); err == nil || servicestage.IsNotFound(err) {
		t.Errorf("got %v, want the error of the read", err)
	}
}

// A list without end is an error, and keeps no more than its limit.
func TestListBuildJobs_endlessListEnds(t *testing.T) {
	t.Parallel()
	next := 0
	service := serve(t, func(w http.ResponseWriter, _ received) {
		rows := make([]string, 5000)
		for i := range rows {
			next++
			rows[i] = fmt.Sprintf(`{"job_id":"%d"}`, next)
		}
		reply{body: fmt.Sprintf(`{"total":1000000000,"list":[%s]}`, strings.Join(rows, ","))}.write(w)
	})
	_, err := service.client(t).ListBuildJobs(t.Context(), "")
	if err == nil || !strings.Contains(err.Error(), "does not end") {
		t.Errorf("got %v", err)
	}
	equal(t, "requests", len(service.requests()), 20)
}
