// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package sdkcheck_test compares the provider's request signature with the one of Huawei Cloud's official SDK. It is a
// module of its own, so that the provider does not depend on the SDK.
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

const requests = 10_000

// The SDK is the oracle: the same random request must get the same Authorization header from both.
func TestSignature_equalsOfficialSDK(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	random := random{rand.New(rand.NewPCG(seed, 0))}
	for i := range requests {
		compare(t, random.request(), func() { t.Fatalf("request %d of seed %d", i, seed) })
	}
}

// signed is one request in the few words that both signers understand.
type signed struct {
	method, host, path string
	query              url.Values
	headers            map[string]string
	body               string
	id, secret         string
}

func compare(t *testing.T, s signed, fail func()) {
	t.Helper()
	theirs := request.NewHttpRequestBuilder().WithEndpoint("https://" + s.host).WithPath(s.path).WithMethod(s.method)
	for name, values := range s.query {
		theirs = theirs.AddQueryParam(name, reflect.ValueOf(values))
	}
	for name, value := range s.headers {
		theirs = theirs.AddHeaderParam(name, value)
	}
	if s.body != "" {
		theirs = theirs.WithBody("", s.body)
	}
	got, err := signer.Sign(theirs.AddHeaderParam("Host", s.host).Build(), s.id, s.secret)
	if err != nil {
		t.Fatal(err)
	}
	want := got["Authorization"]

	ours, err := http.NewRequestWithContext(t.Context(), s.method, "https://"+s.host, nil)
	if err != nil {
		t.Fatal(err)
	}
	ours.URL.Path = s.path
	ours.URL.RawQuery = s.query.Encode()
	for name, value := range s.headers {
		ours.Header.Set(name, value)
	}
	ours.Header.Set(auth.DateHeader, got[auth.DateHeader])
	_, list, _ := strings.Cut(want, "SignedHeaders=")
	list, _, _ = strings.Cut(list, ",")
	auth.AccessKey{ID: s.id, Secret: s.secret}.Sign(ours, []byte(s.body), strings.Split(list, ";"))
	if have := ours.Header.Get("Authorization"); have != want {
		t.Errorf("%s %s query %q headers %q body %q\nofficial %s\n    ours %s",
			s.method, s.path, s.query, s.headers, s.body, want, have)
		fail()
	}
}

type random struct{ *rand.Rand }

func (r random) request() signed {
	s := signed{
		method:  r.pick("GET", "POST", "PUT", "PATCH", "DELETE"),
		host:    r.pick("servicestage.cn-north-4.myhuaweicloud.com", "127.0.0.1:8080", "a.example"),
		path:    "/" + r.pick("assembling/v1/jobs", "v3/projects") + "/" + r.text(1) + "/" + r.text(0),
		query:   url.Values{},
		headers: map[string]string{"Content-Type": "application/json;charset=utf8"},
		id:      "AK" + r.word(),
		secret:  "SK" + r.word(),
	}
	for range r.IntN(4) {
		name := r.text(1)
		for range 1 + r.IntN(3) {
			s.query.Add(name, r.text(0))
		}
	}
	for _, name := range []string{"X-Project-Id", "X-Security-Token", "X-Language", "User-Agent"} {
		if r.IntN(2) == 0 {
			s.headers[name] = r.word()
		}
	}
	if s.method != http.MethodGet && r.IntN(4) > 0 {
		s.body = `{"job_description":"` + r.text(0) + `"}`
	}
	return s
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
