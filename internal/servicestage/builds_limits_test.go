// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// elements is a JSON array of empty objects.
func elements(count int) string {
	return "[" + strings.TrimSuffix(strings.Repeat("{},", count), ",") + "]"
}

// More elements than the limit are an error.
func TestBuilds_tooManyElementsAreNotAccepted(t *testing.T) {
	t.Parallel()
	phases := func(client *servicestage.Client) (int, error) {
		list, err := client.Phases(t.Context(), "b")
		return len(list), err
	}
	counts := func(client *servicestage.Client) (int, error) {
		checks, err := client.Checks(t.Context(), "b")
		if err != nil {
			return 0, err
		}
		return len(checks[0].Counts), nil
	}
	check := func(name string, count int) string {
		return fmt.Sprintf(`%q:{"static":{"count_info":%s}}`, name, elements(count))
	}
	for name, c := range map[string]struct {
		read func(*servicestage.Client) (int, error)
		body string
		want int // -1 is an error.
	}{
		"1,000 phases":                 {phases, `{"list":` + elements(1000) + `}`, 1000},
		"1,001 phases":                 {phases, `{"list":` + elements(1001) + `}`, -1},
		"1,000 counts":                 {counts, "{" + check("a", 1000) + "}", 1000},
		"1,001 counts of two checks":   {counts, "{" + check("a", 500) + "," + check("b", 501) + "}", -1},
		"phases that are not an array": {phases, `{"list":{}}`, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ received) { reply{body: c.body}.write(w) })
			count, err := c.read(s.client(t))
			if err != nil && c.want >= 0 || err == nil && count != c.want {
				t.Errorf("got %d and %v, want %d", count, err, c.want)
			}
		})
	}
}

// A row of a list that is longer than any ID and name is an error: 10,000 pages of them would fill the memory.
func TestLists_longRowsAreNotAccepted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2000)
	for _, row := range []string{
		`{"job_id":"` + long + `"}`, `{"job_id":"a","job_name":"` + long + `"}`, `{"build_id":"` + long + `"}`,
	} {
		client := serve(t, func(w http.ResponseWriter, r received) {
			if r.URL.Path == jobs+"/id" {
				reply{body: goodJob}.write(w)
				return
			}
			reply{body: `{"total":1,"list":[` + row + `]}`}.write(w)
		}).client(t)
		_, listErr := client.ListBuildJobs(t.Context(), "")
		if _, err := client.Builds(t.Context(), "id"); err == nil || listErr == nil {
			t.Errorf("%.30s: got %v and %v", row, listErr, err)
		}
	}
}

// allocated returns how many bytes f allocates. No other test may run meanwhile.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// An error about 1.3 million elements takes no memory for them.
func TestPhases_millionsTakeNoMemory(t *testing.T) { //nolint:paralleltest // It measures the memory of the process.
	body := `{"list":` + elements(1_300_000) + `}`
	s := serve(t, func(w http.ResponseWriter, _ received) { reply{body: body}.write(w) })
	client := s.client(t)
	if used := allocated(func() { _, _ = client.Phases(t.Context(), "b") }); used > 64<<20 {
		t.Errorf("%d MiB were allocated for a response of 4 MiB", used>>20)
	}
}

// Members of a build job that are not documented take no memory when it is read.
func TestGetBuildJob_unknownMembersTakeNoMemory(t *testing.T) { //nolint:paralleltest // It measures the memory.
	var members strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&members, `"m%d":0,`, i)
	}
	body := `{"job_id":"j","spec":{` + members.String() + `"job_name":"app","environment_setting":{}}}`
	s := serve(t, func(w http.ResponseWriter, _ received) { reply{body: body}.write(w) })
	client := s.client(t)
	used := allocated(func() {
		job, err := client.GetBuildJob(t.Context(), "j", "")
		if err != nil || job.Spec.Name() != "app" {
			t.Errorf("got %v, %v", job, err)
		}
	})
	if used > 32<<20 {
		t.Errorf("%d MiB were allocated for a response of %d MiB", used>>20, len(body)>>20)
	}
}

// Each part of a log is copied a few times, and the tail is not copied for each part.
func TestBuildLog_tailIsNotCopiedForEachPart(t *testing.T) { //nolint:paralleltest // It measures the memory.
	const limit, parts = 1 << 20, 190
	first, part := strings.Repeat("x", limit), strings.Repeat("y", 1000)
	s := serve(t, func(w http.ResponseWriter, r received) {
		from, _ := strconv.Atoi(r.URL.Query().Get("from"))
		text := part
		if from == 0 {
			text = first
		}
		if from > limit+parts*len(part) {
			text = ""
		}
		reply{body: fmt.Sprintf(`{"buildlog":%q,"next":%d}`, text, from+len(text))}.write(w)
	})
	client := s.client(t)
	used := allocated(func() {
		log, err := client.BuildLog(t.Context(), "b", limit)
		if err != nil || len(log.Text) != limit || !log.Cut {
			t.Errorf("got %d bytes, %t, %v", len(log.Text), log.Cut, err)
		}
	})
	if used > 100<<20 {
		t.Errorf("%d MiB were allocated for a log of 1.2 MiB", used>>20)
	}
}

func TestBuildLog_endlessLogIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		part     string
		requests int
		want     string
	}{
		"a byte for each request": {"x", 200, "more than 200 requests"},
		"large parts":             {strings.Repeat("x", 1_000_000), 5, "longer than 4 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r received) {
				from, _ := strconv.Atoi(r.URL.Query().Get("from"))
				reply{body: `{"buildlog":"` + c.part + `","next":` + strconv.Itoa(from+len(c.part)) + `}`}.write(w)
			})
			_, err := s.client(t).BuildLog(t.Context(), "b", 10)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			equal(t, "requests", len(s.requests()), c.requests)
		})
	}
}

func TestClient_endlessListIsAnError(t *testing.T) {
	t.Parallel()
	builds := func(client *servicestage.Client) error { _, err := client.Builds(t.Context(), "id"); return err }
	list := func(client *servicestage.Client) error { _, err := client.ListBuildJobs(t.Context(), ""); return err }
	for name, c := range map[string]struct {
		read     func(*servicestage.Client) error
		member   string
		perPage  int
		requests int
		want     string
	}{
		"many pages of builds": {builds, "build_id", 1, 101, "more than 100 pages"},
		"many builds":          {builds, "build_id", 500, 6, "more than 2000 builds"},
		"many build jobs":      {list, "job_id", 100, 20, "does not end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := 0
			s := serve(t, func(w http.ResponseWriter, r received) {
				if r.URL.Path == jobs+"/id" {
					reply{body: goodJob}.write(w)
					return
				}
				rows := make([]string, c.perPage)
				for i := range rows {
					next++
					rows[i] = fmt.Sprintf(`{%q:"%d"}`, c.member, next)
				}
				reply{body: fmt.Sprintf(`{"total":%d,"list":[%s]}`, 1<<40, strings.Join(rows, ","))}.write(w)
			})
			if err := c.read(s.client(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			equal(t, "requests", len(s.requests()), c.requests)
		})
	}
}

// A state is printed without commands to a terminal.
func TestBuildState_isSanitized(t *testing.T) {
	t.Parallel()
	equal(t, "state", fmt.Sprint(servicestage.BuildState("\x1b]0;owned\x07Fail\u202eed\u200b")), "Failed")
	equal(t, "length", len(servicestage.BuildState(strings.Repeat("x", 1000)).String()), 64+len("…"))
}
