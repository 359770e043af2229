// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// Algorithm names the signature in the Authorization header.
	Algorithm = "SDK-HMAC-SHA256"
	// DateHeader carries the time of signing; it is always signed.
	DateHeader = "X-Sdk-Date"
	// DateFormat is the layout of DateHeader, in UTC.
	DateFormat = "20060102T150405Z"
)

// AccessKey signs requests with an access key and its secret (AK/SK).
type AccessKey struct {
	ID     string
	Secret string
	// SecurityToken goes with a temporary access key; empty for a permanent one.
	SecurityToken string
	// Now is the clock for the date of the signature; nil means [time.Now].
	Now func() time.Time
}

// Authenticate signs host, date, account, project and security token of the request. Other headers stay unsigned, so
// that a proxy may change them. It never fails.
func (k AccessKey) Authenticate(_ context.Context, req *http.Request, body []byte) error {
	if k.SecurityToken != "" {
		req.Header.Set("X-Security-Token", k.SecurityToken)
	}
	signed := []string{"host", "x-sdk-date"}
	for _, name := range []string{"x-domain-id", "x-project-id", "x-security-token"} {
		if req.Header.Get(name) != "" {
			signed = append(signed, name)
		}
	}
	slices.Sort(signed)
	k.Sign(req, body, signed)
	return nil
}

// Secrets returns the secret key and the security token.
func (k AccessKey) Secrets() []string { return []string{k.Secret, k.SecurityToken} }

func (k AccessKey) matches(req *http.Request) bool {
	return strings.HasPrefix(req.Header.Get("Authorization"), Algorithm+" Access="+k.ID+",") &&
		req.Header.Get("X-Security-Token") == k.SecurityToken
}

// Sign sets DateHeader, if the request does not have it, and the Authorization header. signedHeaders are the lower-case
// names, in ascending order, of the headers that the signature covers.
//
// Source: the API Signing Guide, https://support.huaweicloud.com/intl/en-us/devg-apisign/.
func (k AccessKey) Sign(req *http.Request, body []byte, signedHeaders []string) {
	if req.Header.Get(DateHeader) == "" {
		now := k.Now
		if now == nil {
			now = time.Now
		}
		req.Header.Set(DateHeader, now().UTC().Format(DateFormat))
	}
	req.Header.Set("Authorization", Algorithm+" Access="+k.ID+
		", SignedHeaders="+strings.Join(signedHeaders, ";")+
		", Signature="+Signature(k.Secret, req, body, signedHeaders))
}

// Signature returns the signature of a request that carries DateHeader, as lower-case hexadecimal digits. The key is
// the secret itself; nothing is derived from it.
func Signature(secret string, req *http.Request, body []byte, signedHeaders []string) string {
	hash := hexSHA256([]byte(canonicalRequest(req, body, signedHeaders)))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(Algorithm + "\n" + req.Header.Get(DateHeader) + "\n" + hash))
	return hex.EncodeToString(mac.Sum(nil))
}

func canonicalRequest(req *http.Request, body []byte, signedHeaders []string) string {
	var headers strings.Builder
	for _, name := range signedHeaders {
		value := strings.Join(req.Header.Values(name), ",")
		if name == "host" {
			value = cmp.Or(req.Host, req.URL.Host)
		}
		headers.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	return strings.Join([]string{
		req.Method,
		canonicalPath(req.URL),
		canonicalQuery(req.URL.Query()),
		headers.String(),
		strings.Join(signedHeaders, ";"),
		hexSHA256(body),
	}, "\n")
}

// canonicalPath returns the escaped path with a slash at its end, even if the path that is sent has none.
func canonicalPath(u *url.URL) string {
	segments := strings.Split(strings.TrimSuffix(u.EscapedPath(), "/"), "/")
	for i, segment := range segments {
		if unescaped, err := url.PathUnescape(segment); err == nil {
			segment = unescaped
		}
		segments[i] = escape(segment)
	}
	return strings.Join(segments, "/") + "/"
}

// canonicalQuery returns the escaped query, sorted by name, then by value, before escaping.
func canonicalQuery(query url.Values) string {
	for _, values := range query {
		slices.Sort(values)
	}
	return strings.ReplaceAll(query.Encode(), "+", "%20")
}

// escape escapes all but the unreserved characters of RFC 3986. [url.QueryEscape] differs for the space only.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
