// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// Every request gets a response in JSON, and an error response contains a message: no request makes the service panic,
// hang or redirect. quirks is a bit set of [emulator.QuirkNames].
func FuzzService_request(f *testing.F) {
	const numbers = "page=4611686018427387904&per_page=9223372036854775807"
	for _, seed := range []string{
		"POST /assembling/v1/jobs  " + fullJob,
		`POST /assembling/v1/jobs  {"job_name":"b1","environment_setting":{"build_os":null},"code_repo":{"type":1}}`,
		`POST /assembling/v1/jobs  {"JOB_NAME":"b1","environment_setting":[]}{}`,
		"POST /assembling/v1/jobs  null",
		"POST /assembling/v1/jobs  " + strings.Repeat("[", 20_000),
		"PUT /assembling/v1/jobs/JOB  " + undocumentedJob,
		"GET /assembling/v1/jobs page=1&per_page=100&job_name=app",
		"GET /assembling/v1/jobs " + numbers,
		"GET /assembling/v1/jobs/JOB/builds name=app&" + numbers,
		"GET /assembling/v1/jobs/JOB/builds name=app&page=%zz;&per_page=",
		"DELETE /assembling/v1/jobs/JOB",
		`POST /assembling/v1/jobs/JOB  {"name":"app"}`,
		"POST /assembling/v1/jobs/JOB/builds",
		"GET /assembling/v1/builds/BUILD taskname=pmd",
		"PATCH /assembling/v1/builds/BUILD",
		"GET /assembling/v1/builds/BUILD/phases",
		"GET /assembling/v1/builds/BUILD/logs from=9223372036854775807",
		"GET /assembling/v1/builds/BUILD/results",
		"GET /v3/p/assembling/base-images",
		"GET /assembling//v1/../v1/jobs",
		"CONNECT  ", "OPTIONS *",
		"GET /v3/projects name=cn-north-4",
		"POST /v3/auth/tokens  " + login(goodUser, `,"scope":{"project":{}}`),
		`POST /v3.0/OS-CREDENTIAL/securitytokens  {"auth":{"identity":{"methods":["token"],
			"token":{"duration_seconds":18446744074}}}}`,
		`POST /v3.0/OS-AUTH/id-token/tokens  {"auth":{"id_token":{"id":"` + emulator.DefaultIDToken + `"}}}`,
		"GET /openstack/latest/securitykey",
		`POST /_emulator/seed  [null,{"job_name":"a"}]`,
		`PATCH /_emulator/jobs/JOB  {"branch":null,"arch":"x86_64"}`,
		"PUT /_emulator/faults  [null]",
		"GET /_emulator/requests path=%5B&limit=-1",
		"GET /_emulator/jobs/JOB",
	} {
		parts := append(strings.SplitN(seed, " ", 4), "", "", "") // Method, path, query and body.
		for _, authorization := range []string{
			"", auth.Algorithm + " Access=" + emulator.DefaultAccessKey +
				", SignedHeaders=host;x-sdk-date;a;;, Signature=00",
			auth.Algorithm + " Access=, ,=,SignedHeaders", "Basic AAAA",
		} {
			f.Add(parts[0], parts[1], parts[2], parts[3], authorization, uint32(len(seed)))
		}
	}
	f.Fuzz(func(t *testing.T, method, path, query, body, authorization string, quirks uint32) {
		var names []string
		for i, name := range emulator.QuirkNames() {
			if quirks>>i&1 == 1 {
				names = append(names, name)
			}
		}
		parsed, err := emulator.ParseQuirks(strings.Join(names, ","))
		if err != nil {
			t.Fatal(err)
		}
		now := new(clock).Now()
		service := newService(t, emulator.Options{Quirks: parsed, Now: func() time.Time { return now }})
		job := service.AddJob(object{"job_name": "app", "environment_setting": object{}})
		build := service.AddBuild(job)
		path = strings.NewReplacer("JOB", job, "BUILD", build).Replace(path)
		request := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost", RemoteAddr: "127.0.0.1:1",
			ContentLength: -1, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"X-Idp-Id": {emulator.DefaultIDP}, auth.DateHeader: {now.Format(auth.DateFormat)}},
		}
		if authorization == "" {
			request.Header.Set("X-Auth-Token", emulator.DefaultToken)
		} else {
			request.Header.Set("Authorization", authorization)
		}
		response := httptest.NewRecorder()
		service.ServeHTTP(response, request.WithContext(t.Context()))
		isJSON := strings.HasPrefix(response.Header().Get("Content-Type"), "application/json")
		if response.Code == http.StatusNoContent || strings.HasPrefix(path, "/_emulator") && !isJSON {
			return // The page, or a redirect to it.
		}
		var decoded object
		err = json.Unmarshal(response.Body.Bytes(), &decoded)
		isError := decoded["error"] != nil || decoded["error_code"] != nil && decoded["error_msg"] != nil
		if class := response.Code / 100; err != nil || class != 2 && class != 4 || isError != (class == 4) {
			t.Fatalf("got %d %q", response.Code, response.Body)
		}
	})
}
