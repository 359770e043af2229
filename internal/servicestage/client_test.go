// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func TestNew_refusesEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "servicestage.example.com", "/path", "https://", "https://%zz"} {
		if _, err := servicestage.New(servicestage.Config{Endpoint: endpoint}); err == nil || !strings.Contains(err.Error(), "endpoint") {
			t.Errorf("%q: got %v, want an error about the endpoint", endpoint, err)
		}
	}
}

func TestClient_headers(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{body: goodJob})
			if err := call(t.Context(), service.client(t)); err != nil {
				t.Fatal(err)
			}
			request := service.only(t)
			equal(t, "method", request.Method, method)
			for name, want := range map[string][]string{
				"Content-Type": {"application/json;charset=utf8"},
				"Accept":       {"application/json"},
				"X-Language":   {"en-us"},
				"User-Agent":   {"test/1.2.3"},
				"X-Auth-Token": {token},
			} {
				equal(t, name, request.Header[name], want)
			}
			if method == http.MethodPut {
				equalBody(t, request.body, `{"job_name":"app","environment_setting":{}}`)
			} else {
				equal(t, "body", request.body, "")
			}
		})
	}
}

// rejectable is a token that the client could replace.
type rejectable struct {
	auth.Token
	rejected atomic.Int32
}

func (r *rejectable) Reject(*http.Request) bool { return r.rejected.Add(1) == 1 }

// ServiceStage returns 401 with a code of its own for what does not exist. Only other codes are about credentials.
func TestClient_notFoundDoesNotRejectCredentials(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int32{"SVCSTG.00100401": 0, "SVCSTG.CPE.4010001": 0, "APIGW.0307": 1, "": 1} {
		service := serve(t, func(w http.ResponseWriter, _ received) {
			reply{status: http.StatusUnauthorized, body: fmt.Sprintf(`{"error_code":%q}`, code)}.write(w)
		})
		authenticator := &rejectable{Token: token}
		client := service.client(t, func(config *servicestage.Config) { config.Authenticator = authenticator })
		if _, err := client.GetBuild(t.Context(), "b", ""); err == nil {
			t.Errorf("%q: no error", code)
		}
		equal(t, code, authenticator.rejected.Load(), want)
		equal(t, "requests", len(service.requests()), int(want)+1)
	}
}

func TestClient_path(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ base, id, want string }{
		{"", "swpfk3wtzdjnlyely4rf40k5", jobs + "/swpfk3wtzdjnlyely4rf40k5"},
		{"", ".a..B-9_", jobs + "/.a..B-9_"},
		{"/", "id", jobs + "/id"},
		{"/base/path", "id", "/base/path" + jobs + "/id"},
		{"/base/path/", "id", "/base/path" + jobs + "/id"},
	} {
		t.Run(test.base+" "+test.id, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{body: strings.Replace(goodJob, "id\",", test.id+"\",", 1)})
			client := service.client(t, func(config *servicestage.Config) { config.Endpoint += test.base })
			if _, err := client.GetBuildJob(t.Context(), test.id, ""); err != nil {
				t.Fatal(err)
			}
			equal(t, "URI", service.only(t).RequestURI, test.want)
		})
	}
}

func TestClient_invalidIDIsNotSent(t *testing.T) {
	t.Parallel()
	service := script(t)
	client := service.client(t)
	for _, id := range []string{
		"", ".", "..", "...", "../admin", "../../v3/projects", "a/b", `a\b`, "50%", "%2e%2e", "a b", "a\n", "a?b=c#d", "a;b", "a:b", "é", "a\u202eb",
	} {
		_, getErr := client.GetBuildJob(t.Context(), id, "app")
		_, buildErr := client.GetBuild(t.Context(), id, "")
		_, startErr := client.StartBuild(t.Context(), id)
		_, writtenErr := client.GetWrittenBuildJob(t.Context(), id, isCurrent)
		for call, err := range map[string]error{
			"get":         getErr,
			"get build":   buildErr,
			"start":       startErr,
			"get written": writtenErr,
			"update":      client.UpdateBuildJob(t.Context(), &servicestage.BuildJob{ID: id}, servicestage.BuildJobSpec{}),
			"delete":      client.DeleteBuildJob(t.Context(), id, "app"),
		} {
			if err == nil || servicestage.IsNotFound(err) {
				t.Errorf("%s %q: got %v, want an error that says nothing of the job", call, id, err)
			}
		}
	}
	equal(t, "requests", service.lines(), nil)
	equal(t, "waits", service.waits(), nil)
}

func TestClient_signsEachAttemptAnew(t *testing.T) {
	t.Parallel()
	const secret = "the-secret-key"
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	service := script(t, reply{status: http.StatusTooManyRequests}, reply{status: http.StatusTooManyRequests}, reply{body: goodJob})
	client := service.client(t, func(config *servicestage.Config) {
		config.Authenticator = auth.AccessKey{ID: "key", Secret: secret, SecurityToken: "temporary", Now: func() time.Time {
			now = now.Add(time.Second)
			return now
		}}
	})
	if err := operations[http.MethodPut](t.Context(), client); err != nil {
		t.Fatal(err)
	}
	var dates, signatures []string
	for i, request := range service.requests() {
		dates = append(dates, request.Header.Get(auth.DateHeader))
		signed := []string{"host", "x-sdk-date", "x-security-token"}
		want := fmt.Sprintf("%s Access=key, SignedHeaders=%s, Signature=%s", auth.Algorithm, strings.Join(signed, ";"),
			auth.Signature(secret, request.Request, []byte(request.body), signed))
		equal(t, fmt.Sprintf("Authorization of attempt %d", i+1), request.Header.Get("Authorization"), want)
		equal(t, "X-Security-Token", request.Header.Get("X-Security-Token"), "temporary")
		equalBody(t, request.body, `{"job_name":"app","environment_setting":{}}`)
		signatures = append(signatures, request.Header.Get("Authorization"))
	}
	equal(t, "dates", dates, []string{"20260102T030406Z", "20260102T030407Z", "20260102T030408Z"})
	equal(t, "number of different signatures", len(slices.Compact(signatures)), 3)
}

func TestClient_signsPathAndQueryAsSent(t *testing.T) {
	t.Parallel()
	service := serve(t, func(w http.ResponseWriter, r received) {
		signed := []string{"host", "x-sdk-date"}
		want := "Signature=" + auth.Signature("secret", r.Request, []byte(r.body), signed)
		if !strings.HasSuffix(r.Header.Get("Authorization"), want) {
			t.Errorf("%s: got %s, want %s", r.RequestURI, r.Header.Get("Authorization"), want)
		}
		reply{status: http.StatusNotFound}.write(w)
	})
	client := service.client(t, func(config *servicestage.Config) { config.Authenticator = auth.AccessKey{ID: "key", Secret: "secret"} })
	if _, err := client.GetBuildJob(t.Context(), "a.b-c_", "na me&=é"); failureOf(t, err).StatusCode != http.StatusNotFound {
		t.Error(err)
	}
	equal(t, "requests", service.lines(),
		[]string{"GET " + jobs + "/a.b-c_", "GET " + jobs + "?job_name=na+me%26%3D%C3%A9&page=1&per_page=100"})
}

func TestClient_doesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, where := range []string{"other host", "same host"} {
				t.Run(fmt.Sprint(method, status, where), func(t *testing.T) {
					t.Parallel()
					elsewhere := script(t)
					target := elsewhere.URL + jobs
					if where == "same host" {
						target = jobs + "/other"
					}
					service := script(t, reply{status: status, header: map[string]string{"Location": target}})
					failure := failureOf(t, call(t.Context(), service.client(t)))
					equal(t, "status", failure.StatusCode, status)
					equal(t, "attempts", failure.Attempts, 1)
					if !strings.Contains(failure.Message, "redirect") {
						t.Errorf("the message does not name the redirect: %q", failure.Message)
					}
					equal(t, "method", service.only(t).Method, method)
					equal(t, "requests elsewhere", elsewhere.lines(), nil)
				})
			}
		}
	}
}

func TestClient_boundsAnswers(t *testing.T) {
	t.Parallel()
	const limit = 4 << 20
	for _, method := range []string{http.MethodGet} {
		for size, tooLong := range map[int]bool{limit: false, limit + 1: true} {
			t.Run(fmt.Sprint(method, size), func(t *testing.T) {
				t.Parallel()
				replies, want := []reply{{body: goodJob + strings.Repeat(" ", size-len(goodJob))}}, []string{method + " " + jobs}
				want[0] += "/id"
				service := script(t, replies...)
				err := operations[method](t.Context(), service.client(t))
				equal(t, "requests", service.lines(), want)
				if !tooLong {
					if err != nil {
						t.Error(err)
					}
					return
				}
				failure := failureOf(t, err)
				equal(t, "attempts", failure.Attempts, 1)
				equal(t, "sent", failure.Sent, true)
				if !strings.Contains(failure.Error(), "4 MiB") {
					t.Errorf("the error does not name the limit: %v", failure)
				}
			})
		}
	}
}

func TestClient_hangsUpOnAnswerWithoutEnd(t *testing.T) {
	t.Parallel()
	// Far more than the buffers between the two sides hold.
	const most = 64 << 20
	written := make(chan int, 1)
	service := serve(t, func(w http.ResponseWriter, _ received) {
		chunk, total := make([]byte, 1<<16), 0
		for total < most {
			n, err := w.Write(chunk)
			total += n
			if err != nil {
				break
			}
		}
		written <- total
	})
	if _, err := service.client(t).GetBuildJob(t.Context(), "id", ""); err == nil {
		t.Error("no error")
	}
	if total := <-written; total >= most {
		t.Errorf("the client has taken all %d bytes", total)
	}
	service.only(t)
}

func TestClient_waitsForAnswerOfPost(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var client *servicestage.Client
	service := serve(t, func(w http.ResponseWriter, r received) {
		if r.Method == http.MethodPost {
			cancel()
			// Time enough for a client that wrongly gives up to be noticed.
			if _, err := client.GetBuildJob(t.Context(), "id", ""); err != nil {
				t.Error(err)
			}
			if err := r.Context().Err(); err != nil {
				t.Errorf("the client has hung up: %v", err)
			}
		}
		reply{body: `{"job_id":"id","spec":{},"total":0}`}.write(w)
	})
	client = service.client(t)
	created, err := client.CreateBuildJob(ctx, servicestage.BuildJobSpec{JobName: "app"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "id", created.ID, "id")
	equal(t, "requests", service.lines(), []string{"GET " + jobs + "?page=1&per_page=100", "POST " + jobs, "GET " + jobs + "/id"})
}

func TestClient_cancellationCutsOffOtherMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			service := serve(t, func(_ http.ResponseWriter, r received) {
				cancel()
				<-r.Context().Done()
			})
			err := operations[method](ctx, service.client(t))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want that the context was canceled", err)
			}
			failure := failureOf(t, err)
			equal(t, "attempts", failure.Attempts, 1)
			equal(t, "sent", failure.Sent, true)
			service.only(t)
		})
	}
}

func TestClient_sendsNothingAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	service := script(t)
	for method, call := range operations {
		failure := failureOf(t, call(ctx, service.client(t)))
		equal(t, method+": stopped", failure.Stopped, context.Canceled)
		equal(t, method+": sent", failure.Sent, false)
		equal(t, method+": method", failure.Method, method)
		equal(t, method+": text", failure.Error(), method+" "+service.host()+": not sent: stopped: context canceled")
	}
	equal(t, "requests", service.lines(), nil)
}

func TestClient_log(t *testing.T) {
	t.Parallel()
	secrets := []string{token, "secret-key", "secret-session", "secret-body", "secret-answer", "secret-header", "Signature", "en-us"}
	for name, authenticator := range map[string]rest.Authenticator{
		"token":      auth.Token(token),
		"access key": auth.AccessKey{ID: "key", Secret: "secret-key", SecurityToken: "secret-session"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(0, 0)
			var lines []map[string]any
			var text strings.Builder
			service := script(t,
				reply{drop: true},
				reply{status: http.StatusServiceUnavailable, body: `{"error_msg":"secret-answer"}`},
				reply{header: map[string]string{"X-Request-Id": "request", "X-Other": "secret-header"}, body: goodJob})
			client := service.client(t, func(config *servicestage.Config) {
				config.Authenticator = authenticator
				config.Now = func() time.Time { now = now.Add(time.Second); return now }
				config.Log = func(_ context.Context, message string, fields ...map[string]any) {
					lines = append(lines, fields...)
					encoded, err := json.Marshal(fields)
					if err != nil {
						t.Error(err)
					}
					text.WriteString(message + string(encoded))
				}
			})
			description := "secret-body"
			if err := client.UpdateBuildJob(t.Context(), &servicestage.BuildJob{ID: "a.b"},
				servicestage.BuildJobSpec{JobName: "app", JobDescription: &description}); err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				if strings.Contains(text.String(), secret) {
					t.Errorf("the log contains %q: %s", secret, text.String())
				}
			}
			if len(lines) != 3 {
				t.Fatalf("got %d lines, want one for each of 3 attempts", len(lines))
			}
			for i, status := range []any{nil, 503, 200} {
				line := lines[i]
				equal(t, "method", line["method"], any("PUT"))
				equal(t, "host", line["host"], any(service.host()))
				equal(t, "path", line["path"], any(jobs+"/a.b"))
				equal(t, "attempt", line["attempt"], any(i+1))
				equal(t, "status", line["status"], status)
				if took, ok := line["duration_ms"].(int64); !ok || took < 1000 {
					t.Errorf("duration_ms: got %v, want at least a tick of the clock", line["duration_ms"])
				}
			}
			equal(t, "request_id", lines[2]["request_id"], any("request"))
			if _, ok := lines[0]["error"].(string); !ok {
				t.Errorf("the attempt without an answer has no error: %v", lines[0])
			}
		})
	}
}

func TestClient_concurrentUse(t *testing.T) {
	t.Parallel()
	service := serve(t, func(w http.ResponseWriter, r received) {
		reply{body: fmt.Sprintf(`{"job_id":%q,"spec":{}}`, strings.TrimPrefix(r.URL.Path, jobs+"/"))}.write(w)
	})
	client := service.client(t)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			id := fmt.Sprint("job-", i)
			if job, err := client.GetBuildJob(t.Context(), id, ""); err != nil || job.ID != id {
				t.Errorf("%s: got %v, %v", id, job, err)
			}
		})
	}
	group.Wait()
	equal(t, "number of requests", len(service.requests()), 20)
}
