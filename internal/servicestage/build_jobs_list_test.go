// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"testing"

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

// asked returns which pages the service was asked for.
func (s *service) asked() []string {
	var asked []string
	for _, r := range s.requests() {
		asked = append(asked, r.URL.Query().Get("page"))
	}
	return asked
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
		name  string
		total int
		pages map[int][]string
		want  []string
		asked []string
	}{
		{"none", 0, nil, nil, []string{"1"}},
		{"one page", 2, map[int][]string{1: {"a", "b"}}, []string{"a", "b"}, []string{"1"}},
		{
			"full pages", 250,
			map[int][]string{1: ids(1, 100), 2: ids(101, 200), 3: ids(201, 250)},
			ids(1, 250),
			[]string{"1", "2", "3"},
		},
		{"a full last page", 200, map[int][]string{1: ids(1, 100), 2: ids(101, 200)}, ids(1, 200), []string{"1", "2"}},
		{
			"capped pages", 25,
			map[int][]string{1: ids(1, 10), 2: ids(11, 20), 3: ids(21, 25)},
			ids(1, 25),
			[]string{"1", "2", "3"},
		},
		{
			"from page 0 on", 5,
			map[int][]string{0: {"a", "b"}, 1: {"c", "d"}, 2: {"e"}},
			[]string{"c", "d", "e", "a", "b"},
			[]string{"1", "2", "3", "0"},
		},
		{"everything on page 0", 2, map[int][]string{0: {"a", "b"}}, []string{"a", "b"}, []string{"1", "0"}},
		{"total too high", 5, map[int][]string{1: {"a", "b"}}, []string{"a", "b"}, []string{"1", "2", "0"}},
		{
			"page 0 is page 1", 5,
			map[int][]string{0: {"a", "b"}, 1: {"a", "b"}},
			[]string{"a", "b"},
			[]string{"1", "2", "0"},
		},
		{
			"last page again and again", 5,
			map[int][]string{1: {"a", "b"}, 2: {"c"}, 3: {"c"}, 4: {"c"}},
			[]string{"a", "b", "c"},
			[]string{"1", "2", "3", "4", "0"},
		},
		{
			"a page of nothing new before others", 4,
			map[int][]string{1: {"a", "b"}, 2: {"b", "a"}, 3: {"c", "d"}},
			[]string{"a", "b", "c", "d"},
			[]string{"1", "2", "3"},
		},
		{
			"duplicates on and across pages", 4,
			map[int][]string{1: {"a", "b", "a"}, 2: {"b", "c"}, 3: {"c", "d"}},
			[]string{"a", "b", "c", "d"},
			[]string{"1", "2", "3"},
		},
		{"more than the total", 1, map[int][]string{1: {"a", "b"}, 2: {"c"}}, []string{"a", "b"}, []string{"1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := pages(t, test.total, test.pages)
			client := service.client(t)
			for job, err := range client.BuildJobs(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				if len(test.want) == 0 || job != (servicestage.BuildJobSummary{ID: test.want[0], Name: "name of " + test.want[0]}) {
					t.Fatalf("got %v, want one of %v next", job, test.want)
				}
				test.want = test.want[1:]
			}
			equal(t, "number of missing jobs", len(test.want), 0)
			equal(t, "pages asked for", service.asked(), test.asked)
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

func TestBuildJobs_askLazily(t *testing.T) {
	t.Parallel()
	service := pages(t, 4, map[int][]string{1: {"a", "b"}, 2: {"c", "d"}})
	list := service.client(t).BuildJobs(t.Context(), "")
	equal(t, "pages asked for before the first job", service.asked(), nil)
	for stop, asked := range map[string][]string{"a": {"1"}, "b": {"1"}, "c": {"1", "2"}} {
		before := len(service.asked())
		for job, err := range list {
			if err != nil {
				t.Fatal(err)
			}
			if job.ID == stop {
				break
			}
		}
		equal(t, "pages asked for until "+stop, service.asked()[before:], asked)
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
