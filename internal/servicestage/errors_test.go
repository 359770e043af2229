// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func TestIsNotFound(t *testing.T) {
	t.Parallel()
	if servicestage.IsNotFound(nil) || servicestage.IsNotFound(errors.New("other")) {
		t.Error("another error counts as not found")
	}
	const empty, broken, notFound = noJobs, `<html>`, `{"error_code":"SVCSTG.CPE.4040001"}`
	const listed = `{"total":1,"list":[{"job_id":"id","job_name":"app"}]}`
	for _, test := range []struct {
		name    string
		status  int
		code    string
		jobName string
		// The list with the filter by name and without; empty means that it must not be requested.
		filtered, all string
		want          bool
	}{
		{"404 of the service", 404, "SVCSTG.CPE.4040001", "app", "", "", true},
		{"Error_ID 404 under 400", 400, "SVCSTG.CPE.4040002", "app", "", "", true},
		{"Error_ID 404 under 500", 500, "SVCSTG.CPE.4040002", "app", "", "", true},
		{"Error_ID 404 under 200", 200, "SVCSTG.CPE.4040002", "app", "", "", true},
		{"401 with the code of 404", 401, "SVCSTG.00100401", "app", "", "", true},
		{"API not published", 404, "APIGW.0101", "app", "", "", false},
		{"wrong keys", 401, "APIGW.0301", "app", "", "", false},
		{"bare 403", 403, "", "app", "", "", false},
		{"403 of the service", 403, "SVCSTG.CPE.4030001", "app", "", "", false},
		{"404 code elsewhere in the Error_ID", 403, "SVCSTG.CPE.5004041", "app", "", "", false},
		{"bare 404, listed by name", 404, "", "app", listed, "", false},
		{"bare 404, listed under another name", 404, "", "app", empty, listed, false},
		{"bare 404, not listed", 404, "", "app", empty, empty, true},
		{"bare 404, name unknown, listed", 404, "", "", "", listed, false},
		{"bare 404, name unknown, not listed", 404, "", "", "", empty, true},
		{"bare 401, not listed", 401, "", "app", empty, empty, true},
		{"bare 400, not listed", 400, "", "app", empty, empty, true},
		{"400 of the service, listed", 400, "SVCSTG.CPE.4000001", "app", listed, "", false},
		{"400 of the service, not listed", 400, "SVCSTG.CPE.4000001", "app", empty, empty, true},
		{"list fails by name", 404, "", "app", broken, "", false},
		{"list fails without name", 404, "", "app", empty, broken, false},
		{"not a list by name", 404, "", "app", `{}`, "", false},
		{"list is null", 404, "", "", "", `null`, false},
		{"list without ids", 404, "", "", "", `{"total":1,"list":[{"id":"id"}]}`, false},
		{"empty list is null", 404, "", "", "", `{"total":0,"list":null}`, true},
		{"list with a negative total", 404, "", "app", `{"total":-1,"list":[]}`, "", false},
		{"list not found by name", 404, "", "app", notFound, "", false},
		{"list not found without name", 404, "", "app", empty, notFound, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"error_code":%q,"error_msg":"m"}`, test.code)
			service := serve(t, func(w http.ResponseWriter, r received) {
				switch {
				case r.URL.Path != jobs:
					reply{status: test.status, body: body}.write(w)
				case r.URL.Query().Has("job_name"):
					reply{body: test.filtered}.write(w)
				default:
					reply{body: test.all}.write(w)
				}
			})
			client := service.client(t, maxRetries(0))
			var lists []string
			if test.filtered != "" {
				lists = append(lists, "GET "+jobs+"?job_name=app&page=1&per_page=100")
			}
			if test.all != "" {
				lists = append(lists, "GET "+jobs+"?page=1&per_page=100")
			}
			job, err := client.GetBuildJob(t.Context(), "id", test.jobName)
			equal(t, "job", job, nil)
			equal(t, "not found", servicestage.IsNotFound(err), test.want)
			failure := errorOf[callError](t, err)
			if failure.StatusCode != test.status || failure.Code != test.code || failure.Message != "m" {
				t.Errorf("got %+v", failure)
			}
			equal(t, "deleted", client.DeleteBuildJob(t.Context(), "id", test.jobName) == nil, test.want)
			want := slices.Concat([]string{"GET " + jobs + "/id"}, lists, []string{"DELETE " + jobs + "/id"}, lists)
			equal(t, "requests", service.lines(), want)
		})
	}
}
