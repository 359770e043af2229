// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func TestError_envelopes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, body, code, message, requestID string }{
		{"error_msg", `{"error_code":"APIGW.0301","error_msg":"wrong keys","request_id":"r1"}`, "APIGW.0301", "wrong keys", "r1"},
		{"error_message", `{"error_code":"C","error_message":"m"}`, "C", "m", ""},
		{"camel case", `{"errorCode":"C","errorMessage":"m"}`, "C", "m", ""},
		{"code and message", `{"code":"C","message":"m"}`, "C", "m", ""},
		{"detail", `{"code":"C","detail":"m"}`, "C", "m", ""},
		{"first of several", `{"code":"c","errorCode":"b","error_code":"a","message":"z","error_msg":"y"}`, "a", "y", ""},
		{"empty before full", `{"error_code":"","code":"C","error_msg":"","message":"m"}`, "C", "m", ""},
		{"nested", `{"error":{"code":"C","message":"m"},"request_id":"r2"}`, "C", "m", "r2"},
		{"nested request id", `{"error":{"error_code":"C","error_msg":"m","request_id":"r3"}}`, "C", "m", "r3"},
		{"array", `[{"error_code":"C","error_msg":"m"},{"error_code":"D","error_msg":"n"}]`, "C", "m", ""},
		{"nested in array", `[{"error":{"code":"C","message":"m"}}]`, "C", "m", ""},
		{"numeric code", `{"code":4031,"message":"m"}`, "4031", "m", ""},
		{"code that repeats the status", `{"error":{"code":403,"message":"m"}}`, "", "m", ""},
		{"big numeric code", `{"code":12345678901234567890}`, "12345678901234567890", "", ""},
		{"code alone", `{"error_code":"C"}`, "C", "", ""},
		{"message alone", `{"message":"m"}`, "", "m", ""},
		{"members of other types", `{"error_code":{},"error_msg":["a"],"message":"m"}`, "", "m", ""},
		{"other JSON object", `{"fault":true}`, "", `"{\"fault\":true}"`, ""},
		{"error is text", `{"error":"denied"}`, "", `"{\"error\":\"denied\"}"`, ""},
		{"empty array", `[]`, "", `"[]"`, ""},
		{"array of texts", `["a"]`, "", `"[\"a\"]"`, ""},
		{"number", `17`, "", `"17"`, ""},
		{"HTML", "<html><head><title>Bad</title></head>\n<body class='x'><h1>Gate\tway</h1></body></html>", "", `"Bad Gate way"`, ""},
		{"tags alone", `<br><br>`, "", "", ""},
		{"plain text", "upstream\r\nis  down \x1b[31m", "", `"upstream is down "`, ""},
		{"not UTF-8", "caf\xe9", "", `"caf"`, ""},
		{"512 characters", strings.Repeat("é", 512), "", `"` + strings.Repeat("é", 512) + `"`, ""},
		{"513 characters", strings.Repeat("é", 513), "", `"` + strings.Repeat("é", 512) + `…"`, ""},
		{"cut after the tags", "<p>" + strings.Repeat("<b>x</b>", 600), "", `"` + strings.Repeat("x ", 256) + `…"`, ""},
		{"empty body", "", "", "", ""},
		{"cut off JSON", `{"error_code":`, "", `"{\"error_code\":"`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{status: http.StatusForbidden, body: test.body})
			_, err := service.client(t).GetBuildJob(t.Context(), "id", "app")
			failure := failureOf(t, err)
			equal(t, "status", failure.StatusCode, 403)
			equal(t, "code", failure.Code, test.code)
			equal(t, "message", failure.Message, test.message)
			equal(t, "request id", failure.RequestID, test.requestID)
			equal(t, "method", failure.Method, http.MethodGet)
			equal(t, "host", failure.Host, service.host())
			equal(t, "cause", failure.Err, nil)

			text := "GET " + service.host() + ": HTTP 403"
			if test.code != "" {
				text += " " + test.code
			}
			if test.message != "" {
				text += ": " + test.message
			}
			equal(t, "text", failure.Error(), text)
		})
	}
}

func TestError_goodStatus(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, body string
		code       string
		failed     bool
		notJSON    bool
	}{
		{"error_code", `{"error_code":"C","error_msg":"m","job_id":"id","spec":{}}`, "C", true, false},
		{"errorCode", `{"errorCode":"C","job_id":"id","spec":{}}`, "C", true, false},
		{"empty error_code", `{"error_code":"","job_id":"id","spec":{}}`, "", false, false},
		{"null error_code", `{"error_code":null,"job_id":"id","spec":{}}`, "", false, false},
		{"code is no error", `{"code":"C","message":"m","job_id":"id","spec":{}}`, "", false, false},
		{"error_code deeper", `{"job_id":"id","spec":{"error_code":"C"}}`, "", false, false},
		{"text that names it", `{"job_id":"id","spec":{"job_description":"\"error_code\""}}`, "", false, false},
		{"HTML", `<html>Sign in</html>`, "", true, true},
		{"cut off", `{"job_id":"id"`, "", true, true},
		{"two documents", goodJob + goodJob, "", true, true},
		{"empty", ``, "", true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{body: test.body, header: map[string]string{"X-Request-Id": "r"}})
			job, err := service.client(t).GetBuildJob(t.Context(), "id", "app")
			service.only(t)
			if !test.failed {
				if err != nil || job.ID != "id" {
					t.Errorf("got %v, %v, want the job", job, err)
				}
				return
			}
			failure := failureOf(t, err)
			equal(t, "status", failure.StatusCode, 200)
			equal(t, "code", failure.Code, test.code)
			equal(t, "request id", failure.RequestID, "r")
			equal(t, "attempts", failure.Attempts, 1)
			equal(t, "sent", failure.Sent, true)
			if test.notJSON != (failure.Err != nil) || test.notJSON && !strings.Contains(err.Error(), "not the documented JSON") {
				t.Errorf("got %v, want the cause to be the JSON: %t", err, test.notJSON)
			}
		})
	}
}

func TestError_requestIDAndTimes(t *testing.T) {
	t.Parallel()
	here := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	service := script(t, reply{
		status: http.StatusForbidden,
		header: map[string]string{"X-Request-Id": "of the header", "Date": "Fri, 02 Jan 2026 02:00:00 GMT"},
		body:   `{"error_code":"APIGW.0301","request_id":"of the body"}`,
	}, reply{
		status: http.StatusForbidden,
		header: map[string]string{"Date": "yesterday"},
	})
	client := service.client(t, func(config *servicestage.Config) { config.Now = func() time.Time { return here } })
	_, err := client.GetBuildJob(t.Context(), "id", "")
	failure := failureOf(t, err)
	equal(t, "request id", failure.RequestID, "of the header")
	equal(t, "time of the server", failure.ServerTime, time.Date(2026, 1, 2, 2, 0, 0, 0, time.UTC))
	equal(t, "local time", failure.LocalTime, here)

	_, err = client.GetBuildJob(t.Context(), "id", "")
	equal(t, "time of the server without a good date", failureOf(t, err).ServerTime, time.Time{})
}

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

// A message is shown to people: it is bounded and cannot steer their terminal.
func TestError_messageIsClean(t *testing.T) {
	t.Parallel()
	service := script(t, reply{status: http.StatusForbidden, body: `{"error_code":"X","error_msg":"a\u001b[31m\nb` + strings.Repeat("x", 5000) + `"}`})
	_, err := service.client(t).GetBuildJob(t.Context(), "id", "")
	message := failureOf(t, err).Message
	equal(t, "beginning", message[:5], "a bxx")
	equal(t, "length", utf8.RuneCountInString(message), 2049)
}

// A proxy's page with a good status is quoted.
func TestError_goodStatusNoJSON(t *testing.T) {
	t.Parallel()
	service := script(t, reply{body: "<html><h1>Sign in</h1></html>"})
	_, err := service.client(t).GetBuildJob(t.Context(), "id", "")
	equal(t, "message", failureOf(t, err).Message, `"Sign in"`)
}

func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"error_code":"SVCSTG.CPE.4040001","error_msg":"m"}`, `{"error":{"code":404,"message":"m"}}`,
		`[{"errorCode":"C"}]`, `<html><body>Bad Gateway</body></html>`, "\xff\xfe<", `{"error_msg":"\ud800"}`, `{"total":1e999}`,
		strings.Repeat("[", 20000), strings.Repeat("\U0001F600", 600),
	} {
		for _, status := range []uint16{200, 204, 302, 404, 429, 502, 799} {
			f.Add(status, []byte(body))
		}
	}
	var answer reply
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer.write(w) }))
	f.Cleanup(server.Close)
	client, err := servicestage.New(servicestage.Config{Endpoint: server.URL, Authenticator: auth.Token(token)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		answer = reply{status: 200 + int(status)%800, body: string(body)}
		_, err := client.GetBuildJob(t.Context(), "id", "app")
		if err == nil {
			return
		}
		failure := failureOf(t, err)
		if failure.StatusCode != answer.status || failure.Attempts != 1 {
			t.Errorf("got status %d after %d attempts, want %d after 1", failure.StatusCode, failure.Attempts, answer.status)
		}
		for _, text := range []string{err.Error(), failure.Code, failure.Message, failure.RequestID} {
			if !utf8.ValidString(text) {
				t.Errorf("not UTF-8: %q", text)
			}
			// A byte of the answer takes three at most, as a replacement character; quoting an excerpt takes ten for each character.
			if limit := 8192 + 3*len(body); len(text) > limit {
				t.Errorf("%d bytes of text for an answer of %d, want %d at most", len(text), len(body), limit)
			}
		}
	})
}
