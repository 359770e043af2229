// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// failures are the ways in which one attempt can end badly after it has reached the service.
var failures = map[string]struct {
	reply   reply
	retried bool
}{
	"408":               {reply{status: 408}, true},
	"429":               {reply{status: 429}, true},
	"500":               {reply{status: 500}, true},
	"502":               {reply{status: 502}, true},
	"503":               {reply{status: 503}, true},
	"504":               {reply{status: 504}, true},
	"dropped":           {reply{drop: true}, true},
	"truncated":         {reply{body: goodJob, cut: true}, true},
	"truncated error":   {reply{status: 403, body: goodJob, cut: true}, true},
	"307":               {reply{status: 307}, false},
	"403":               {reply{status: 403}, false},
	"409":               {reply{status: 409}, false},
	"422":               {reply{status: 422}, false},
	"501":               {reply{status: 501}, false},
	"505":               {reply{status: 505}, false},
	"error code in 200": {reply{body: `{"error_code":"SVCSTG.CPE.5000001"}`}, false},
}

// knownStatus is what the client can know of the status of a reply.
func (r reply) knownStatus() int {
	if r.drop || r.cut {
		return 0
	}
	return cmp.Or(r.status, http.StatusOK)
}

func TestRetry_byMethodAndFault(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		for name, fault := range failures {
			t.Run(method+" "+name, func(t *testing.T) {
				t.Parallel()
				if fault.retried {
					service := script(t, fault.reply, reply{body: goodJob})
					if err := call(t.Context(), service.client(t, maxRetries(1))); err != nil {
						t.Fatal(err)
					}
					requests := service.requests()
					if len(requests) != 2 {
						t.Fatalf("got %d requests, want 2", len(requests))
					}
					equal(t, "second URI", requests[1].RequestURI, requests[0].RequestURI)
					equal(t, "second body", requests[1].body, requests[0].body)
					equal(t, "number of waits", len(service.waits()), 1)
					return
				}
				replies, want := []reply{fault.reply}, []string{method + " " + jobs}
				want[0] += "/id"
				service := script(t, replies...)
				err := call(t.Context(), service.client(t))
				failure := failureOf(t, err)
				equal(t, "requests", service.lines(), want)
				equal(t, "method", failure.Method, method)
				equal(t, "attempts", failure.Attempts, 1)
				equal(t, "sent", failure.Sent, true)
				equal(t, "stopped", failure.Stopped, nil)
				equal(t, "waits", service.waits(), nil)
				equal(t, "status", failure.StatusCode, fault.reply.knownStatus())
				equal(t, "error", err, error(failure))
			})
		}
	}
}

func TestRetry_connectionRefused(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			idle := script(t) // Only to record the waits.
			endpoint := refusingEndpoint(t)
			client := idle.client(t, maxRetries(3), func(config *servicestage.Config) { config.Endpoint = endpoint })
			failure := failureOf(t, call(t.Context(), client))
			equal(t, "attempts", failure.Attempts, 4)
			equal(t, "number of waits", len(idle.waits()), 3)
			equal(t, "sent", failure.Sent, false)
			equal(t, "status", failure.StatusCode, 0)
			equal(t, "host", failure.Host, strings.TrimPrefix(endpoint, "http://"))
			if failure.Err == nil || !strings.Contains(failure.Error(), ": no response: "+failure.Err.Error()) {
				t.Errorf("the text does not say why: %v", failure)
			}
		})
	}
}

func TestRetry_failedHandshake(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			service := unstarted(t, func(w http.ResponseWriter, _ received) { reply{body: goodJob}.write(w) })
			var handshakes atomic.Int32
			service.TLS = &tls.Config{
				MinVersion: tls.VersionTLS12,
				GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
					if handshakes.Add(1) == 1 {
						return nil, errors.New("not now")
					}
					return nil, nil //nolint:nilnil // It means that the configuration stays as it is.
				},
			}
			service.StartTLS()
			client := service.client(t, func(config *servicestage.Config) { config.InsecureSkipVerify = true })
			if err := call(t.Context(), client); err != nil {
				t.Fatal(err)
			}
			service.only(t)
			equal(t, "handshakes", handshakes.Load(), 2)
			equal(t, "number of waits", len(service.waits()), 1)
		})
	}
}

func TestRetry_notForAnUntrustedCertificate(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			service := unstarted(t, func(w http.ResponseWriter, _ received) { reply{body: goodJob}.write(w) })
			service.StartTLS()
			failure := failureOf(t, call(t.Context(), service.client(t)))
			if _, ok := errors.AsType[*tls.CertificateVerificationError](failure); !ok {
				t.Errorf("got %v, want an error about the certificate", failure)
			}
			equal(t, "attempts", failure.Attempts, 1)
			equal(t, "sent", failure.Sent, false)
			equal(t, "requests", service.lines(), nil)
			equal(t, "waits", service.waits(), nil)
		})
	}
}

func TestRetry_keepsTheLastAnswer(t *testing.T) {
	t.Parallel()
	for _, retries := range []int{-1, 0, 1, 3} {
		t.Run(strconv.Itoa(retries), func(t *testing.T) {
			t.Parallel()
			attempts := max(retries, 0) + 1
			var replies []reply
			for i := range attempts {
				replies = append(replies, reply{status: 503, body: fmt.Sprintf(`{"error_code":"CODE.%d","error_msg":"try %d"}`, i+1, i+1)})
			}
			service := script(t, replies...)
			failure := failureOf(t, operations[http.MethodPut](t.Context(), service.client(t, maxRetries(retries))))
			equal(t, "attempts", failure.Attempts, attempts)
			equal(t, "number of requests", len(service.requests()), attempts)
			equal(t, "number of waits", len(service.waits()), attempts-1)
			equal(t, "text", failure.Error(), fmt.Sprintf("PUT %s: HTTP 503 CODE.%d: try %[2]d", service.host(), attempts))
			equal(t, "stopped", failure.Stopped, nil)
		})
	}
}

func TestRetry_waitsGrow(t *testing.T) {
	t.Parallel()
	const retries = 12
	service := script(t, slices.Repeat([]reply{{status: 500}}, retries+1)...)
	failure := failureOf(t, operations[http.MethodDelete](t.Context(), service.client(t, maxRetries(retries))))
	equal(t, "attempts", failure.Attempts, retries+1)
	waits := service.waits()
	equal(t, "number of waits", len(waits), retries)
	most := 500 * time.Millisecond
	for i, got := range waits {
		if got < most/2 || got > most {
			t.Errorf("wait %d: got %v, want %v to %v", i+1, got, most/2, most)
		}
		most = min(2*most, 30*time.Second)
	}
}

// The clock here is a day behind that of the server.
func TestRetry_retryAfterNeverShortensTheBackoff(t *testing.T) {
	t.Parallel()
	const least, most = 250 * time.Millisecond, 500 * time.Millisecond // The backoff.
	for _, test := range []struct {
		header, date string
		least, most  time.Duration
	}{
		{"0", "", least, most},
		{"7", "", 7 * time.Second, 7 * time.Second},
		{"120", "", 2 * time.Minute, 2 * time.Minute},
		{"18446744074", "", 24 * time.Hour, 24 * time.Hour},
		{"99999999999999999999", "", 24 * time.Hour, 24 * time.Hour},
		{"Sat, 03 Jan 2026 03:34:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT", 30 * time.Minute, 30 * time.Minute},
		{"Sat, 03 Jan 2026 03:04:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT", least, most},
		{"Sat, 03 Jan 2026 02:04:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT", least, most},
		{"Fri, 02 Jan 2026 03:34:05 GMT", "not a date", 30 * time.Minute, 30 * time.Minute},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "", 24 * time.Hour, 24 * time.Hour},
		{"Fri, 31 Dec 1999 23:59:59 GMT", "", least, most},
		{"", "", least, most},
		{"soon", "", least, most},
		{"-5", "", least, most},
		{"1.5", "", least, most},
	} {
		for method, status := range map[string]int{http.MethodGet: 503, http.MethodPut: 500} {
			t.Run(test.header+" "+method, func(t *testing.T) {
				t.Parallel()
				_, setting := frozen()
				service := script(t, reply{status: status, header: map[string]string{"Retry-After": test.header, "Date": test.date}}, reply{body: goodJob})
				if err := operations[method](t.Context(), service.client(t, setting)); err != nil {
					t.Fatal(err)
				}
				waits := service.waits()
				if len(waits) != 1 || waits[0] < test.least || waits[0] > test.most {
					t.Errorf("got %v, want one wait of %v to %v", waits, test.least, test.most)
				}
			})
		}
	}
}

// A Retry-After of 0 leaves the backoff between all attempts.
func TestRetry_retryAfterZeroDoesNotUseUpTheRetries(t *testing.T) {
	t.Parallel()
	service := script(t, slices.Repeat([]reply{{status: 429, header: map[string]string{"Retry-After": "0"}}}, 6)...)
	failure := failureOf(t, operations[http.MethodGet](t.Context(), service.client(t)))
	equal(t, "attempts", failure.Attempts, 6)
	var total time.Duration
	for _, wait := range service.waits() {
		total += wait
	}
	if least := 7 * time.Second; total < least { // Half of 0.5, 1, 2, 4 and 8 seconds.
		t.Errorf("the retries took %v, want at least %v", total, least)
	}
}

// A wait that the operation has no time for is not begun, and the error contains the response that requests it, also for the calls
// after the first one, which are not sent.
func TestRetry_waitBeyondTheTimeoutIsNotBegun(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"seconds": "600", "date": "Fri, 02 Jan 2026 03:14:05 GMT"} {
		for method, call := range operations {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				_, setting := frozen()
				answer := throttled(header)
				answer.body = `{"error_code":"APIGW.0308","error_msg":"slow down","request_id":"r"}`
				service := script(t, answer)
				client := service.client(t, setting)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				for i, attempts := range []int{1, 0} {
					failure := failureOf(t, call(ctx, client))
					equal(t, "status", failure.StatusCode, 429)
					equal(t, "code", failure.Code, "APIGW.0308")
					equal(t, "message", failure.Message, "slow down")
					equal(t, "request ID", failure.RequestID, "r")
					equal(t, "method", failure.Method, method)
					equal(t, "attempts", failure.Attempts, attempts)
					equal(t, "sent", failure.Sent, i == 0)
					equal(t, "Retry-After", failure.RetryAfter, 10*time.Minute)
					wait, ok := errors.AsType[*rest.WaitError](failure.Stopped)
					if !ok || wait.Wait != 10*time.Minute || wait.Left <= 0 || wait.Left > time.Minute || !errors.Is(failure, context.DeadlineExceeded) {
						t.Errorf("stopped by %v, want a wait of ten minutes that exceeds one", failure.Stopped)
					}
				}
				equal(t, "number of requests", len(service.requests()), 1)
				equal(t, "waits", service.waits(), nil)
			})
		}
	}
}

func TestRetry_cancellationEndsTheWait(t *testing.T) {
	t.Parallel()
	for method, call := range operations {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			service := script(t, reply{status: 429}, reply{status: 429, body: `{"error_code":"APIGW.0308"}`})
			client := service.client(t, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, d time.Duration) error {
					if len(service.waits()) == 1 {
						cancel()
					}
					return service.wait(ctx, d)
				}
			})
			err := call(ctx, client)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error does not wrap the context's: %v", err)
			}
			failure := failureOf(t, err)
			equal(t, "stopped", failure.Stopped, context.Canceled)
			equal(t, "attempts", failure.Attempts, 2)
			equal(t, "status", failure.StatusCode, 429)
			equal(t, "code", failure.Code, "APIGW.0308")
			equal(t, "number of requests", len(service.requests()), 2)
			if !strings.HasSuffix(failure.Error(), ": stopped: context canceled") {
				t.Errorf("the text does not say that it was stopped: %v", failure)
			}
		})
	}
}

// aMoment is enough for a response to arrive.
const aMoment = 50 * time.Millisecond

// Without Config.Wait the client really waits; these waits end at once.
func TestRetry_ownWait(t *testing.T) {
	t.Parallel()
	ownWait := func(config *servicestage.Config) { config.Wait = nil }

	t.Run("runs out", func(t *testing.T) {
		t.Parallel()
		service := script(t, reply{status: 503, header: map[string]string{"Retry-After": "0"}}, reply{body: goodJob})
		if err := operations[http.MethodGet](t.Context(), service.client(t, ownWait)); err != nil {
			t.Fatal(err)
		}
		equal(t, "number of requests", len(service.requests()), 2)
	})
	t.Run("canceled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		service := serve(t, func(w http.ResponseWriter, _ received) {
			time.AfterFunc(aMoment, cancel)
			reply{status: 429, header: map[string]string{"Retry-After": "86400"}}.write(w)
		})
		failure := failureOf(t, operations[http.MethodGet](ctx, service.client(t, ownWait)))
		equal(t, "stopped", failure.Stopped, context.Canceled)
		equal(t, "status", failure.StatusCode, 429)
		equal(t, "attempts", failure.Attempts, 1)
		service.only(t)
	})
}

// The context ends while nothing is sent: the error shows the last answer and the number of tries all the same.
func TestRetry_endsBetweenWaitAndSend(t *testing.T) {
	t.Parallel()
	service := script(t, reply{status: http.StatusServiceUnavailable})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := service.client(t, func(config *servicestage.Config) {
		config.Wait = func(context.Context, time.Duration) error { cancel(); return nil }
	})
	_, err := client.GetBuildJob(ctx, "id", "")
	failure := failureOf(t, err)
	equal(t, "status", failure.StatusCode, http.StatusServiceUnavailable)
	equal(t, "attempts", failure.Attempts, 1)
	equal(t, "cancelled", errors.Is(failure.Stopped, context.Canceled), true)
}

// refusing is an authenticator that cannot do its work.
type refusing struct{}

func (refusing) Authenticate(context.Context, *http.Request, []byte) error {
	return errors.New("no credentials left")
}

func TestRetry_notForAFailedAuthenticator(t *testing.T) {
	t.Parallel()
	service := script(t)
	client := service.client(t, func(config *servicestage.Config) { config.Authenticator = refusing{} })
	_, err := client.GetBuildJob(t.Context(), "id", "")
	failure := failureOf(t, err)
	equal(t, "attempts", failure.Attempts, 1)
	equal(t, "sent", failure.Sent, false)
	equal(t, "requests", len(service.requests()), 0)
}
