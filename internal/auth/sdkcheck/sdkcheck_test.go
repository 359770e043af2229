// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package sdkcheck_test compares the provider's request signature with that of Huawei Cloud's official SDK. It is a
// separate module, so that the provider does not depend on the SDK.
package sdkcheck_test

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/auth/signer"
	"github.com/huaweicloud/huaweicloud-sdk-go-v3/core/request"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

// The same random request must get the same Authorization header from both.
func TestSignature_equalsOfficialSDK(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := random{rand.New(rand.NewPCG(seed, 0))}
	for i := range 10_000 {
		req, body := random.request(t)
		key := auth.AccessKey{ID: "AK" + random.word(), Secret: "SK" + random.word()}
		signed, want := sign(t, key, req, body)
		key.Sign(req, []byte(body), signed)
		if got := req.Header.Get("Authorization"); got != want {
			t.Fatalf("request %d of seed %d: %s %s headers %q body %q\nofficial %s\n    ours %s",
				i, seed, req.Method, req.URL, req.Header, body, want, got)
		}
	}
}

// sign signs a request with the SDK. It sets the date of the request, and returns the signed headers and the
// Authorization header.
func sign(t *testing.T, key auth.AccessKey, req *http.Request, body string) (signed []string, authorization string) {
	t.Helper()
	sdk := request.NewHttpRequestBuilder().WithEndpoint("https://"+req.Host).WithPath(req.URL.Path).
		WithMethod(req.Method).AddHeaderParam("Host", req.Host)
	for name, values := range req.URL.Query() {
		sdk = sdk.AddQueryParam(name, reflect.ValueOf(values))
	}
	for name := range req.Header {
		sdk = sdk.AddHeaderParam(name, req.Header.Get(name))
	}
	if body != "" {
		sdk = sdk.WithBody("", body)
	}
	headers, err := signer.Sign(sdk.Build(), key.ID, key.Secret)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(auth.DateHeader, headers[auth.DateHeader])
	_, list, _ := strings.Cut(headers["Authorization"], "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	return strings.Split(list, ";"), headers["Authorization"]
}

type random struct{ *rand.Rand }

// request returns a request and its body.
func (r random) request(t *testing.T) (*http.Request, string) {
	t.Helper()
	host := r.pick("servicestage.cn-north-4.myhuaweicloud.com", "127.0.0.1:8080", "a.example")
	method := r.pick("GET", "POST", "PUT", "PATCH", "DELETE")
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+host, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Path = "/" + r.pick("assembling/v1/jobs", "v3/projects") + "/" + r.text(1) + "/" + r.text(0)
	query := url.Values{}
	for range r.IntN(4) {
		name := r.text(1)
		for range 1 + r.IntN(3) {
			query.Add(name, r.text(0))
		}
	}
	req.URL.RawQuery = query.Encode()
	req.Header.Set("Content-Type", "application/json;charset=utf8")
	for _, name := range []string{"X-Project-Id", "X-Security-Token", "X-Language", "User-Agent"} {
		if r.IntN(2) == 0 {
			req.Header.Set(name, r.word())
		}
	}
	if method == http.MethodGet || r.IntN(4) == 0 {
		return req, ""
	}
	return req, `{"job_description":"` + r.text(0) + `"}`
}

func (r random) pick(words ...string) string { return words[r.IntN(len(words))] }

func (r random) word() string { return r.from([]rune("abcXYZ0189-_."), 1) }

// text is what names and values may hold, with everything that escaping gets wrong most easily.
func (r random) text(least int) string {
	return r.from([]rune("az09-_.~ +%&=?#:@!$'()*,;äß名😀\""), least)
}

func (r random) from(alphabet []rune, least int) string {
	text := make([]rune, least+r.IntN(12))
	for i := range text {
		text[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(text)
}
