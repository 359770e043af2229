// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestState_survivesRestart(t *testing.T) {
	t.Parallel()
	clock := new(clock)
	file := filepath.Join(t.TempDir(), "state.json")
	options := emulator.Options{StateFile: file, Now: clock.Now, BuildDuration: time.Minute}
	before := emulator.New(t, options)
	id, gone := createJob(t, before, plainJob("app")), createJob(t, before, plainJob("gone"))
	if got := call(t, before, http.MethodDelete, jobsPath+"/"+gone, "").status; got != http.StatusNoContent {
		t.Fatalf("delete: got %d", got)
	}
	mustCall(t, before, http.MethodPut, jobsPath+"/"+id, undocumentedJob)
	cancelled := mustCall(t, before, http.MethodPost, jobsPath+"/"+id+"/builds", "")["build_id"].(string)
	clock.Advance(20 * time.Second)
	mustCall(t, before, http.MethodPatch, "/assembling/v1/builds/"+cancelled, "")
	started := mustCall(t, before, http.MethodPost, jobsPath+"/"+id+"/builds", "")["build_id"].(string)
	jobBefore := call(t, before, http.MethodGet, jobsPath+"/"+id, "").raw

	after := emulator.New(t, options)
	wantJSON(t, mustCall(t, after, http.MethodGet, jobsPath+"/"+id, ""), jobBefore)
	wantJSON(t, getSpec(t, after, id), undocumentedJob)
	clock.Advance(time.Minute)
	wantJSON(t, mustCall(t, after, http.MethodGet, jobsPath+"/"+id+"/builds?name=app", ""), fmt.Sprintf(
		`{"total":2,"per_page":20,"page":1,"finished":2,"successful":1,"list":[
			{"build_id":%q,"build_state":"Successful","duration":60},
			{"build_id":%q,"build_state":"Cancel","duration":20}]}`,
		started, cancelled))
	if got := mustCall(t, after, http.MethodPost, jobsPath+"/"+id+"/builds", "")["index"]; fmt.Sprint(got) != "3" {
		t.Errorf("index after the restart: got %v, want 3", got)
	}
	wantError(t, call(t, after, http.MethodGet, jobsPath+"/"+gone, ""), "404 SVCSTG.CPE.404*")
	if files, err := os.ReadDir(filepath.Dir(file)); err != nil || len(files) != 1 {
		t.Errorf("got %v and error %v, want state.json alone", files, err)
	}
}

// A file that the service cannot have written is not used: its first request would panic, or its first change overwrite
// it. The error contains the path and the member.
func TestState_wrongMembersAreNotLoaded(t *testing.T) {
	t.Parallel()
	const job = `{"id":"a","spec":{"job_name":"app"}}`
	const start = `{"jobs":[` + job + `],"builds":`
	for content, want := range map[string]string{
		``: `EOF`, `{"jobs":[{"id":"a"`: `unexpected EOF`, `jobs:`: `invalid character`,
		`{"jobs":[]}{}`:                                  `more than one JSON document`,
		`{"jobs":[null]}`:                                `jobs[0] is null`,
		`{"jobs":[` + job + `,` + job + `]}`:             `jobs[1].id "a" is empty or that of`,
		`{"jobs":[{"spec":{"job_name":"app"}}]}`:         `jobs[0].id "" is empty`,
		`{"jobs":[{"id":"a","spec":null}]}`:              `jobs[0].spec.job_name is missing`,
		`{"jobs":[{"id":"a","spec":{"job_name":1}}]}`:    `jobs[0].spec.job_name is missing`,
		`{"jobs":[{"id":"a","spec":[]}]}`:                `spec`,
		`{"jobs":[{"id":"a","created_at":"yesterday"}]}`: `yesterday`,
		start + `[null]}`:                                `builds[0] is null`,
		start + `[{"job_id":"a","index":1}]}`:            `builds[0].id "" is empty`,
		start + `[{"id":"b","job_id":"x","index":1}]}`:   `builds[0].job_id "x" is not the id of a job`,
		start + `[{"id":"b","job_id":"a"}]}`:             `builds[0].index must be at least 1`,
		`{"version":4,"serial":1,"resources":[]}`:        `version`,

		start + `[{"id":"b","job_id":"a","index":1},{"id":"b","job_id":"a","index":2}]}`: `builds[1].id "b" is`,
	} {
		file := filepath.Join(t.TempDir(), "state.json")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := emulator.NewService(emulator.Options{StateFile: file})
		if left, readErr := os.ReadFile(file); readErr != nil || string(left) != content {
			t.Errorf("the file was changed: %q, %v", left, readErr)
		}
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with the path and %q", content, err, want)
		}
	}
}

// The folder is missing, because no other folder is unwritable for root.
func TestState_cannotBeWritten(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{StateFile: filepath.Join(t.TempDir(), "missing", "state.json")})
	wantError(t, call(t, server, http.MethodPost, jobsPath, plainJob("app")), "500 SVCSTG.CPE.500*")
	mustCall(t, server, http.MethodGet, jobsPath+"?page=1&per_page=10", "")
}
