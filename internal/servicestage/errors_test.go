// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func TestIsNotFound(t *testing.T) {
	t.Parallel()
	if servicestage.IsNotFound(nil) || servicestage.IsNotFound(errors.New("other")) {
		t.Error("an error of others is taken for a job that is gone")
	}
	const none, mine, broken, gone = `{"total":0,"list":[]}`, `{"total":1,"list":[{"job_id":"id","job_name":"app"}]}`,
		`<html>`, `{"error_code":"SVCSTG.CPE.4040001"}`
	for _, test := range []struct {
		name    string
		status  int
		code    string
		jobName string
		// What the list answers with the filter by name and without; empty means that it must not be asked.
		filtered, all string
		want          bool
	}{
		{"404 of the service", 404, "SVCSTG.CPE.4040001", "app", "", "", true},
		{"404 of a sister service", 404, "SVCSTG.00100000", "app", "", "", true},
		{"Error_ID 404 under 400", 400, "SVCSTG.CPE.4040002", "app", "", "", true},
		{"Error_ID 404 under 500", 500, "SVCSTG.CPE.4040002", "app", "", "", true},
		{"Error_ID 404 under 200", 200, "SVCSTG.CPE.4040002", "app", "", "", true},
		{"401 that means 404", 401, "SVCSTG.00100401", "app", "", "", true},
		{"that code under 403", 403, "SVCSTG.00100401", "app", "", "", false},
		{"API not published", 404, "APIGW.0101", "app", "", "", false},
		{"wrong keys", 401, "APIGW.0301", "app", "", "", false},
		{"gateway's 400", 400, "APIGW.0106", "app", "", "", false},
		{"bare 403", 403, "", "app", "", "", false},
		{"403 of the service", 403, "SVCSTG.CPE.4030001", "app", "", "", false},
		{"bare 500", 500, "", "app", "", "", false},
		{"404 code elsewhere in the Error_ID", 403, "SVCSTG.CPE.5004041", "app", "", "", false},
		{"bare 404, listed by name", 404, "", "app", mine, "", false},
		{"bare 404, listed under another name", 404, "", "app", none, mine, false},
		{"bare 404, not listed", 404, "", "app", none, none, true},
		{"bare 404, name unknown, listed", 404, "", "", "", mine, false},
		{"bare 404, name unknown, not listed", 404, "", "", "", none, true},
		{"bare 401, listed", 401, "", "app", mine, "", false},
		{"bare 401, not listed", 401, "", "app", none, none, true},
		{"bare 400, listed", 400, "", "app", mine, "", false},
		{"bare 400, not listed", 400, "", "app", none, none, true},
		{"400 of the service, listed", 400, "SVCSTG.CPE.4000001", "app", mine, "", false},
		{"400 of the service, not listed", 400, "SVCSTG.CPE.4000001", "app", none, none, true},
		{"401 of the service, not listed", 401, "SVCSTG.CPE.4010001", "app", none, none, true},
		{"list fails by name", 404, "", "app", broken, "", false},
		{"list fails without name", 404, "", "app", none, broken, false},
		{"list is no list by name", 404, "", "app", `{}`, "", false},
		{"list is no list without name", 404, "", "app", none, `{}`, false},
		{"list is null", 404, "", "", "", `null`, false},
		{"list is another document", 404, "", "", "", `{"total":1,"jobs":[{"job_id":"id"}]}`, false},
		{"list without ids", 404, "", "", "", `{"total":1,"list":[{"id":"id"}]}`, false},
		{"list of nothing is null", 404, "", "", "", `{"total":0,"list":null}`, true},
		{"list of less than nothing is null", 404, "", "", "", `{"total":-1,"list":null}`, false},
		{"list of less than nothing", 404, "", "app", `{"total":-1,"list":[]}`, "", false},
		{"list of less than nothing without name", 404, "", "app", none, `{"total":-1,"list":null}`, false},
		{"list says gone by name", 404, "", "app", gone, "", false},
		{"list says gone without name", 404, "", "app", none, gone, false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			t.Run(method+" "+test.name, func(t *testing.T) {
				t.Parallel()
				service := serve(t, func(w http.ResponseWriter, r received) {
					answer := reply{status: test.status, body: fmt.Sprintf(`{"error_code":%q,"error_msg":"m"}`, test.code)}
					if r.URL.Path == jobs {
						answer = reply{body: test.all}
						if r.URL.Query().Has("job_name") {
							answer = reply{body: test.filtered}
						}
					}
					answer.write(w)
				})
				client, wantRequests := service.client(t, maxRetries(0)), []string{method + " " + jobs + "/id"}
				if test.filtered != "" {
					wantRequests = append(wantRequests, "GET "+jobs+"?job_name=app&page=1&per_page=100")
				}
				if test.all != "" {
					wantRequests = append(wantRequests, "GET "+jobs+"?page=1&per_page=100")
				}
				if method == http.MethodDelete {
					err := client.DeleteBuildJob(t.Context(), "id", test.jobName)
					equal(t, "deleted", err == nil, test.want)
					if err != nil {
						equal(t, "status", failureOf(t, err).StatusCode, test.status)
					}
				} else {
					job, err := client.GetBuildJob(t.Context(), "id", test.jobName)
					equal(t, "job", job, nil)
					equal(t, "not found", servicestage.IsNotFound(err), test.want)
					failure := failureOf(t, err)
					equal(t, "status", failure.StatusCode, test.status)
					equal(t, "code", failure.Code, test.code)
					equal(t, "message", failure.Message, "m")
				}
				equal(t, "requests", service.lines(), wantRequests)
			})
		}
	}
}

// A list that lacks jobs which the service says there are is no proof that a job is gone.
func TestIsNotFound_incompleteList(t *testing.T) {
	t.Parallel()
	service := serve(t, func(w http.ResponseWriter, r received) {
		answer := reply{status: http.StatusNotFound}
		if r.URL.Path == jobs {
			answer = reply{body: `{"total":5,"list":[]}`}
		}
		answer.write(w)
	})
	_, err := service.client(t).GetBuildJob(t.Context(), "id", "")
	equal(t, "not found", servicestage.IsNotFound(err), false)
	equal(t, "pages", service.asked(), []string{"", "1", "0", "1", "0", "1", "0"})
}

// What the list itself answers never means that a job is gone.
func TestIsNotFound_ofTheList(t *testing.T) {
	t.Parallel()
	service := script(t, reply{status: http.StatusNotFound, body: `{"error_code":"SVCSTG.CPE.4040001"}`})
	for _, err := range service.client(t).BuildJobs(t.Context(), "") {
		equal(t, "code", failureOf(t, err).Code, "SVCSTG.CPE.4040001")
		equal(t, "not found", servicestage.IsNotFound(err), false)
	}
}
