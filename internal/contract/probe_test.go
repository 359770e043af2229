// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract_test

import (
	"context"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/contract"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const otherProject = "7a1b2c3d-0000-4000-8000-000000000007"

// unanswerable are the rows that no probe can answer without harm.
var unanswerable = []string{"i5", "l1", "l2", "o3", "q2", "s1", "s2", "s3"}

// client leads to a server; its waits take no time.
func client(server *emulator.Server) servicestage.Config {
	return servicestage.Config{
		Endpoint:      server.URL,
		Authenticator: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey},
		ProjectID:     "test-project", UserAgent: "contract-test", MaxRetries: 5,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
}

// rows probes a service with these quirks.
func rows(t *testing.T, quirks emulator.Quirks) map[string]contract.Row {
	t.Helper()
	server := emulator.New(t, emulator.Options{Quirks: quirks})
	report, err := contract.Probe(t.Context(), client(server), otherProject)
	if err != nil {
		t.Fatal(err)
	}
	if jobs := server.Jobs(); len(jobs) != 0 {
		t.Errorf("%d jobs are left", len(jobs))
	}
	found := map[string]contract.Row{}
	for _, row := range report.Rows {
		found[row.ID] = row
	}
	return found
}

// A service that does what the documents suggest agrees in each row that can be answered.
func TestProbe_agrees(t *testing.T) {
	t.Parallel()
	found := rows(t, emulator.Quirks{})
	if len(found) < 50 {
		t.Errorf("there are only %d rows", len(found))
	}
	for id, row := range found {
		want := contract.Agrees
		if slices.Contains(unanswerable, id) {
			want = contract.Open
		}
		if row.Verdict != want {
			t.Errorf("%s: %s\nverdict %s, want %s: %s", id, row.Question, row.Verdict, want, row.Seen)
		}
		if row.Seen == "" || row.Assumed == "" || row.Question == "" {
			t.Errorf("%s lacks a part: %+v", id, row)
		}
	}
}

// Each quirk changes the rows that are about it, and no others.
func TestProbe_quirks(t *testing.T) {
	t.Parallel()
	wanted := map[string]map[string]contract.Verdict{
		"fill-defaults":             {"c1": contract.Copes, "g3": contract.Agrees},
		"empty-strings":             {"c1": contract.Copes},
		"normalise-repo-type":       {"d1": contract.Copes},
		"omit-false":                {"c3": contract.Copes},
		"creator-string":            {"h1": contract.Copes},
		"allow-taken-names":         {"j1": contract.Copes, "j2": contract.Copes},
		"keep-omitted":              {"e2": contract.Copes, "e3": contract.Differs, "e4": contract.Copes, "e5": contract.Copes, "e6": contract.Copes},
		"ignore-rename":             {"f1": contract.Differs},
		"ignore-enterprise-project": {"f2": contract.Differs, "f6": contract.Differs},
		"pages-from-zero":           {"m1": contract.Copes},
		"exact-name-filter":         {"m3": contract.Agrees},
		"ignore-name-filter":        {"m3": contract.Agrees},
		// The probe makes too few jobs for a second page, and no builds.
		"capped-pages": {}, "repeated-rows": {}, "string-numbers": {}, "refuse-late-cancel": {},
	}
	usual := rows(t, emulator.Quirks{})
	for _, name := range emulator.QuirkNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quirks, err := emulator.ParseQuirks(name)
			if err != nil {
				t.Fatal(err)
			}
			want, known := wanted[name]
			if !known {
				t.Fatal("it is not said which rows this quirk changes")
			}
			got := map[string]contract.Verdict{}
			for id, row := range rows(t, quirks) {
				if row != usual[id] {
					got[id] = row.Verdict
				}
			}
			if !maps.Equal(got, want) {
				t.Errorf("changed rows and their verdicts: %v, want %v", got, want)
			}
		})
	}
}

// What the documents leave open of the transport, and faults that look like answers, change their rows too.
func TestProbe_faults(t *testing.T) {
	t.Parallel()
	const jobPath = "/assembling/v1/jobs/*"
	tooEarly := func(times int) emulator.Fault {
		return emulator.Fault{Method: http.MethodGet, Path: jobPath, Times: times, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401","error_msg":"not yet"}`}
	}
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  map[string]contract.Verdict
	}{
		"a job shows late": {tooEarly(2), map[string]contract.Verdict{"a2": contract.Copes}},
		"create answers other members": {
			emulator.Fault{Method: http.MethodPost, Path: "/assembling/v1/jobs", After: true, StatusCode: http.StatusOK, Body: `{}`},
			map[string]contract.Verdict{"a1": contract.Open},
		},
		"the list refuses what is past its end": {
			emulator.Fault{
				Method: http.MethodGet, Path: "/assembling/v1/jobs", StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4004401","error_msg":"no such page"}`,
				When: func(r emulator.Request) bool { return strings.Contains(r.Query, "page=1000000") },
			},
			map[string]contract.Verdict{"m4": contract.Differs},
		},
		"a deleted job is refused by the gateway": {
			emulator.Fault{
				Method: http.MethodGet, Path: jobPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"APIGW.0101","error_msg":"not published"}`,
				When: func(r emulator.Request) bool { return strings.HasSuffix(r.Path, strings.Repeat("0", 40)) },
			},
			map[string]contract.Verdict{"k2": contract.Differs},
		},
		"headers tell limits": {
			emulator.Fault{
				Method: http.MethodGet, Path: "/assembling/v1/jobs", StatusCode: http.StatusOK, Body: `{"total":0,"list":[]}`,
				Header: http.Header{"X-Ratelimit-Limit": {"100"}}, When: func(r emulator.Request) bool { return strings.Contains(r.Query, "page=1000000") },
			},
			map[string]contract.Verdict{"q1": contract.Copes},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			server.Order(c.fault)
			report, err := contract.Probe(t.Context(), client(server), "")
			if report == nil {
				t.Fatal(err)
			}
			for _, row := range report.Rows {
				if want, about := c.want[row.ID]; about && row.Verdict != want {
					t.Errorf("%s: verdict %s, want %s: %s", row.ID, row.Verdict, want, row.Seen)
				}
			}
			if jobs := server.Jobs(); len(jobs) != 0 {
				t.Errorf("%d jobs are left", len(jobs))
			}
		})
	}
}

// foreign is a service with jobs that the probe has not made, some of which look as if it had.
func foreign(t *testing.T) (*emulator.Server, func(t *testing.T)) {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	for _, name := range []string{"checkout", "tf-contract-0123456789abcdef-a", "tf-contract-", "1tf-contract-0123456789abcdef"} {
		server.AddJob(map[string]any{"job_name": name, "environment_setting": map[string]any{}, "job_description": name})
	}
	before := server.Jobs()
	return server, func(t *testing.T) {
		t.Helper()
		after := server.Jobs()
		same := slices.EqualFunc(before, after, func(a, b emulator.Job) bool {
			return a.ID == b.ID && a.Name() == b.Name() && a.Spec["job_description"] == b.Spec["job_description"]
		})
		if !same {
			t.Errorf("the service held %v, and now %v", before, after)
		}
		for _, request := range server.Requests() {
			for _, job := range before {
				if request.Method != http.MethodGet && path.Base(request.Path) == job.ID {
					t.Errorf("%s of a job that the probe has not made", request.Method)
				}
			}
		}
	}
}

// Wherever it is interrupted, nothing is left of what it made, and everything else is as it was. The same holds where the
// connection breaks after the service has done what it was asked, and where the service fails.
func TestProbe_leavesNothing(t *testing.T) {
	t.Parallel()
	server, check := foreign(t)
	if _, err := contract.Probe(t.Context(), client(server), otherProject); err != nil {
		t.Fatal(err)
	}
	check(t)
	total := len(server.Requests())
	if total < 60 {
		t.Fatalf("the probe sent only %d requests", total)
	}
	creates, deletions := server.CountRequests(http.MethodPost, "/*/*/*"), server.CountRequests(http.MethodDelete, "/*/*/*/*")
	for name, c := range map[string]struct {
		fault emulator.Fault
		count int
	}{
		"interrupted":            {emulator.Fault{}, total},
		"create: answer lost":    {emulator.Fault{Method: http.MethodPost, Drop: true, After: true}, creates},
		"create: request lost":   {emulator.Fault{Method: http.MethodPost, Drop: true}, creates},
		"create: inner error":    {emulator.Fault{Method: http.MethodPost, StatusCode: http.StatusInternalServerError, Body: "{}", After: true}, creates},
		"create: unreadable yes": {emulator.Fault{Method: http.MethodPost, StatusCode: http.StatusOK, Body: "<html>", After: true}, creates},
		"deletion: answer lost":  {emulator.Fault{Method: http.MethodDelete, Drop: true, After: true}, deletions},
		"deletion: inner error":  {emulator.Fault{Method: http.MethodDelete, StatusCode: http.StatusInternalServerError, Body: "{}"}, deletions},
		"deletion: too many":     {emulator.Fault{Method: http.MethodDelete, StatusCode: http.StatusTooManyRequests, Body: "{}"}, deletions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.count < 10 {
				t.Fatalf("there are only %d such requests", c.count)
			}
			for number := 1; number <= c.count; number++ {
				leavesNothing(t, c.fault, number)
			}
		})
	}
}

// leavesNothing lets one request go wrong.
func leavesNothing(t *testing.T, fault emulator.Fault, number int) {
	t.Helper()
	server, check := foreign(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	seen := 0
	fault.When = func(emulator.Request) bool { seen++; return seen == number }
	interrupted := fault.StatusCode == 0 && !fault.Drop
	if interrupted {
		fault.Do = interrupt
	}
	server.Order(fault)
	report, err := contract.Probe(ctx, client(server), otherProject)
	check(t)
	if seen < number {
		t.Errorf("request %d was never sent", number)
	}
	// Once all is asked, there is nothing left to interrupt.
	if interrupted && err == nil && report.Count(contract.Open) != len(unanswerable) {
		t.Errorf("request %d: an interrupt is no success", number)
	}
	if report != nil && report.Left != 0 {
		t.Errorf("request %d: %d jobs are said to be left", number, report.Left)
	}
}

// A service that refuses every deletion is told of, and so is a run that was killed.
func TestProbe_saysWhatIsLeft(t *testing.T) {
	t.Parallel()
	server, _ := foreign(t)
	server.Order(emulator.Fault{Method: http.MethodDelete, Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"no"}`})
	report, err := contract.Probe(t.Context(), client(server), "")
	if err == nil || !strings.Contains(err.Error(), "delete it by hand") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if report.Left == 0 || report.Left != len(server.Jobs())-4 {
		t.Errorf("%d jobs are said to be left, %d are", report.Left, len(server.Jobs())-4)
	}
	if len(report.Earlier) != 2 {
		t.Errorf("jobs of earlier runs: %v", report.Earlier)
	}
}

// Without the list nothing could be found again: nothing is made.
func TestProbe_unreachable(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{AccessKey: "ANOTHER"})
	if report, err := contract.Probe(t.Context(), client(server), ""); err == nil || report != nil {
		t.Errorf("report %v, error %v", report, err)
	}
	if count := server.CountRequests(http.MethodPost, "/assembling/v1/jobs"); count != 0 {
		t.Errorf("%d creates were sent", count)
	}
}

// The report goes to a public place: it names nothing of the account.
func TestReport_namesNobody(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := client(server)
	report, err := contract.Probe(t.Context(), config, otherProject)
	if err != nil {
		t.Fatal(err)
	}
	page := report.Markdown("1.2.3")
	ids := []string{emulator.DefaultAccessKey, emulator.DefaultSecretKey, config.ProjectID, otherProject}
	for _, request := range server.Requests() {
		if id := path.Base(request.Path); id != "jobs" {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		if strings.Contains(page, id) {
			t.Errorf("the report names %s", id)
		}
	}
	for _, part := range []string{"provider 1.2.3", "| f1 | Can an update change job_name? | yes | yes | yes |", "are deleted again", "it is **wrong**"} {
		if !strings.Contains(page, part) {
			t.Errorf("the report lacks %q:\n%s", part, page)
		}
	}
}
